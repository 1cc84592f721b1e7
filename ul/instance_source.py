"""A DICOM file on its way out: what it is, and its data set read as it leaves, never decoded.

Belongs here: files. A data set in memory is `ul.dimse.BytesSource`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from ul.wire.part10 import FileHead, read_head

_READ_AHEAD: Final = 1 << 20  # bytes


class FileSource:
    """The data set of a file as `ul.dimse.Source`; `head` says how it can be sent.

    Raises OSError where the file cannot be read, UsageError where it is no DICOM file. A file that becomes shorter
    while it is sent raises OSError when that shows.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._fd = -1
        with Path(path).open("rb") as file:
            self.head: FileHead = read_head(file)
            self.remaining = os.fstat(file.fileno()).st_size - self.head.data_set_offset
            self._fd = os.dup(file.fileno())
        self._offset = self.head.data_set_offset
        self._block = memoryview(b"")

    def read(self, size: int, /) -> memoryview:
        """The next bytes: `size` of them except at the end of what was read ahead."""
        if not self._block:
            ahead = max(size, _READ_AHEAD // max(size, 1) * size)
            self._block = memoryview(os.pread(self._fd, min(ahead, self.remaining), self._offset))
            if not self._block and size:
                raise OSError("the file became shorter while it was sent")
            self._offset += len(self._block)
        piece, self._block = self._block[:size], self._block[size:]
        self.remaining -= len(piece)
        return piece

    def close(self) -> None:
        """Give the file back."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    __del__ = close
