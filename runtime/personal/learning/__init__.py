"""Decides what the store learns: words that the user typed, without those that must never be stored."""
