"""What the pad shows over or beside the text."""
