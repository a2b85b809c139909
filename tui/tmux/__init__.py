"""Suggestions in every program that runs in tmux: read from the screen, typed by `send-keys`."""
