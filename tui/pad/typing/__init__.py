"""The text of the pad: an editor with suggestions."""
