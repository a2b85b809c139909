"""The terminal: the typing pad and the `foretype` command."""
