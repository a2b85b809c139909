"""Tokens to probabilities: the neural step graph, the n-gram model, and how they are blended."""
