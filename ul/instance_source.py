"""A DICOM file on its way out: what it is, and its data set read as it leaves, never decoded.

Belongs here: files. A data set in memory is `ul.dimse.BytesSource`.
"""

from __future__ import annotations

import os
from typing import Final

from ul.wire.part10 import FileHead, read_head

_READ_AHEAD: Final = 131072  # bytes: what the processor's caches hold between the disk and the socket


class FileSource:
    """The data set of a file as `ul.dimse.Source`; `head` says how it can be sent.

    Raises OSError where the file cannot be read, UsageError where it is no DICOM file. A file that becomes shorter
    while it is sent raises OSError when that shows.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._file = open(path, "rb", buffering=0)  # noqa: SIM115, PTH123 - `close` closes it; Path.open takes longer
        try:
            self.head: FileHead = read_head(self._file)
            self.remaining = self._file.seek(0, os.SEEK_END) - self.head.data_set_offset
            self._file.seek(self.head.data_set_offset)
        except BaseException:
            self.close()
            raise
        self._block = memoryview(b"")
        self._taken = 0  # bytes of it

    def read(self, size: int, /) -> memoryview:
        """The next bytes: `size` of them except at the end of what was read ahead."""
        start = self._taken
        if start == len(self._block):
            ahead = max(size, _READ_AHEAD // max(size, 1) * size)
            self._block = memoryview(self._file.read(min(ahead, self.remaining)))
            if not self._block and size:
                raise OSError("the file became shorter while it was sent")
            start = 0
        piece = self._block[start : start + size]
        self._taken = start + len(piece)
        self.remaining -= len(piece)
        return piece

    def close(self) -> None:
        """Give the file back."""
        self._file.close()

    def __del__(self) -> None:
        if "_file" in vars(self):  # not where there was none to open
            self.close()
