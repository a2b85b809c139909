"""Turn tokens into probabilities: the neural step graph, the n-gram model and their blend."""
