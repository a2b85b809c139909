"""Compares Foretype with other predictive-typing systems: same text, same simulated user, same rules."""
