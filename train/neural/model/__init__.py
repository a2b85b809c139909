"""The neural language model and its parts: layers, heads, and the dropout of its forward pass."""
