"""Neural language models and their training."""
