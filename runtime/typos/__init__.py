"""Slips: which words somebody may have meant by the letters they typed."""
