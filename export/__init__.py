"""From a trained checkpoint to a bundle: step graph, int8, verification. Needs the `train` extra."""
