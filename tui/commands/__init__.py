"""The commands of `foretype`, one file for each group."""
