"""Find the words that somebody may have meant by the letters they typed."""
