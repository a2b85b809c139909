"""Quality on held-out text: perplexity, keystroke savings, writing, calibration."""
