"""N-gram models: counting, smoothing, pruning, and the file of tables that the runtime reads."""
