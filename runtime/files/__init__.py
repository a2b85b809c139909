"""Disk: bundles, tensor files, atomic writes, and the user's folder."""
