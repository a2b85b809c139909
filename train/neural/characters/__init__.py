"""Models of characters: the alphabet, perplexity per word, and words by beam search."""
