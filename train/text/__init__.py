"""Text on its way to training: vocabulary, token streams on disk, work in several processes."""
