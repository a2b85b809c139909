"""From text to a trained model: vocabulary, n-gram tables, neural checkpoints. Needs the `train` extra."""
