"""The commands of `foretype`, one file per group."""
