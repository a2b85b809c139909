"""A text editor widget for Textual that stays fast in large files and long lines."""
