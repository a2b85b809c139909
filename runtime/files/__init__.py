"""Files on disk: bundles, tensor files, atomic writes, and the user's data folder."""
