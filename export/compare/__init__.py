"""Every model of the field trained on the same text, and their figures in one table."""
