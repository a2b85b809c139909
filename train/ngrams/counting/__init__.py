"""Counting n-grams: in memory, on disk, or on a cluster, all with the same result."""
