"""Turn characters into tokens: the text form, the vocabulary, and the context at the cursor."""
