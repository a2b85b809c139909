"""Probabilities to words: what is offered, in which order, and how it is written."""
