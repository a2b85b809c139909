"""Turn probabilities into words: what to offer, in which order, and how to write it."""
