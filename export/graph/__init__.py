"""The step graph in ONNX, built node by node from a checkpoint."""
