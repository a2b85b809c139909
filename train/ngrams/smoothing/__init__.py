"""How probability reaches n-grams that the text does not hold, one file for each method."""
