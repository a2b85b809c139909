"""Character models: the alphabet, words by beam search, and perplexity per word."""
