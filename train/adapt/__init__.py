"""Adapts a bundle to one writer: reads the writer's own text, filters it, and fine-tunes the models on it."""
