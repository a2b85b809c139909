"""Training a neural model: settings, optimisation, checkpoints, several processes."""
