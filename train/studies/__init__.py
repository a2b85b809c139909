"""Measurements of training itself: how far gradients reach, how fast it is, published benchmarks, plots."""
