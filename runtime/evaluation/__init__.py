"""Measures quality on held-out text: perplexity, keystroke savings, writing with slips and phrases, calibration."""
