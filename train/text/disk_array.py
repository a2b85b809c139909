"""Arrays that may be larger than memory: they grow on disk, and are memory-mapped when complete."""

from __future__ import annotations

import mmap
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


class DiskArray:
    """An array [length] that grows on disk.

    folder: the folder of its file; None for the system's temporary folder, which is in memory on some machines.

    The file has no name. The system deletes it when neither this object nor an array mapped from it is in use, and when
    the process ends for any reason.
    """

    def __init__(self, dtype: npt.DTypeLike, folder: Path | None = None) -> None:
        self.dtype = np.dtype(dtype)
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed with the object
        self._length = 0
        self._at_end = True

    def __len__(self) -> int:
        return self._length

    def __del__(self) -> None:
        if hasattr(self, "_file"):
            self._file.close()

    def append(self, values: Array) -> None:
        """Append `values` [n], converted to the array's type."""
        if not self._at_end:
            self._file.seek(0, 2)
            self._at_end = True
        self._file.write(np.ascontiguousarray(values, self.dtype).data)
        self._length += len(values)

    def read(self, start: int, stop: int) -> Array:
        """Return a copy of the elements from `start` up to `stop` or the end; load nothing else into memory."""
        self._at_end = False
        self._file.seek(start * self.dtype.itemsize)
        return np.fromfile(self._file, self.dtype, max(0, min(stop, self._length) - start))

    def mapped(self) -> Array:
        """Map the whole array, read-only; pages are loaded when they are used. Append nothing afterwards."""
        self._file.flush()
        return np.memmap(self._file, self.dtype, "r") if self._length else np.empty(0, self.dtype)


def release(array: Array) -> None:
    """Remove the pages of a read-only mapped array from this process's memory; they are loaded again when used.

    Without this, a pass over a mapped file keeps all of it in memory while there is room. Other arrays are not changed.
    """
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base
    # A private mapping ("c") would lose what was written to it, so release read-only arrays only.
    if isinstance(base, mmap.mmap) and not array.flags.writeable and hasattr(mmap, "MADV_DONTNEED"):
        base.madvise(mmap.MADV_DONTNEED)
