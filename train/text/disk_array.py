"""Arrays that need not fit in memory: grown on disk piece by piece, mapped when they are complete."""

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

    folder: where its file lies; None for the system's temporary folder, which on some machines is memory.

    The file has no name: it is gone once neither this object nor an array that it mapped is in use, or when the
    process ends, in whatever way.
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
        """Add `values` [n], converted to the array's type, at the end."""
        if not self._at_end:
            self._file.seek(0, 2)
            self._at_end = True
        self._file.write(np.ascontiguousarray(values, self.dtype).data)
        self._length += len(values)

    def read(self, start: int, stop: int) -> Array:
        """A copy of the elements from `start` up to `stop` or the end; nothing else is brought into memory."""
        self._at_end = False
        self._file.seek(start * self.dtype.itemsize)
        return np.fromfile(self._file, self.dtype, max(0, min(stop, self._length) - start))

    def mapped(self) -> Array:
        """The whole array, read-only; pages come into memory as they are touched. Nothing may be added afterwards."""
        self._file.flush()
        return np.memmap(self._file, self.dtype, "r") if self._length else np.empty(0, self.dtype)


def release(array: Array) -> None:
    """Take the pages of a read-only mapped array out of this process's memory; touched again, they come back.

    A pass over a mapped file otherwise leaves all of it in the process for as long as there is room. Other arrays
    are left as they are.
    """
    base: Any = array
    while isinstance(base, np.ndarray):
        base = base.base
    # A private mapping ("c") would lose what was written to it: only read-only arrays are let go.
    if isinstance(base, mmap.mmap) and not array.flags.writeable and hasattr(mmap, "MADV_DONTNEED"):
        base.madvise(mmap.MADV_DONTNEED)
