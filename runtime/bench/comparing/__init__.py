"""Compares speeds: `results` two files of results, `pairs` two builds that run in turn on this device."""
