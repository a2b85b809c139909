"""What the store learns from: the characters that the user typed, less what must stay out of it."""
