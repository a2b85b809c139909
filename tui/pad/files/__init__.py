"""The pad's files: the document, and copies of unsaved text."""
