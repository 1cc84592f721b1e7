"""Spool: the data set of a request from its first fragment to the end of its handler, in bounded memory.

A small one stays in memory; a large one goes to a file of its own while it arrives, in the folder for temporary files
(TMPDIR). Its file is a DICOM file from the start, so that a handler that wants a path waits for no copy.
"""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Final

from ul.dimse import Buffer
from ul.errors import StatusError
from ul.status import OUT_OF_RESOURCES

IN_MEMORY: Final = 1 << 20  # bytes of a data set: above it, a file
_MOST_BUFFERS: Final = os.sysconf("SC_IOV_MAX")


class Spool:
    """A sink for a data set, and then that data set. Belongs to one thread at a time."""

    __slots__ = ("_fd", "_kept", "_length", "_path", "_pending", "_preface", "failure")

    def __init__(self, preface: bytes = b"") -> None:
        """`preface` is what stands before the data set in a DICOM file of it."""
        self._preface = preface
        self._pending: list[Buffer] = []  # borrowed
        self._kept: list[Buffer] = []  # in memory
        self._length = 0
        self._fd = -1
        self._path: Path | None = None
        self.failure: StatusError | None = None

    # -- the sink

    def write(self, view: Buffer) -> None:
        """Take the next bytes; they are borrowed until `flush`."""
        self._pending.append(view)
        self._length += len(view)

    def flush(self) -> None:
        """Keep what is borrowed. A failure is kept too: what follows is dropped."""
        pending, self._pending = self._pending, []
        if not pending or self.failure is not None:
            return
        if self._fd < 0 and self._length <= IN_MEMORY:
            self._kept += map(_lasting, pending)
            return
        try:
            if self._fd < 0:
                self._to_file()
            _write(self._fd, pending)
        except OSError as error:
            self.failure = StatusError(OUT_OF_RESOURCES, f"Out of resources: {os.strerror(error.errno or errno.EIO)}")
            self.discard()

    def _to_file(self) -> None:
        fd, path = tempfile.mkstemp(".dcm", "ulpool-")
        self._fd, self._path = fd, Path(path)
        _write(fd, [self._preface, *self._kept])
        self._kept.clear()

    def discard(self) -> None:
        """Leave no file behind, at any moment and more than once; one that was moved away stays where it is.

        What is in memory stays for whoever keeps the event of a handler that has returned.
        """
        self._pending.clear()
        fd, self._fd = self._fd, -1
        path, self._path = self._path, None
        if path is not None:
            os.close(fd)
            with contextlib.suppress(OSError):
                path.unlink()

    # -- the data set

    def getvalue(self, before: bytes = b"") -> bytes:
        """All of it, behind `before`: an image is copied once."""
        if self._fd < 0:
            return b"".join((before, *self._kept))
        with self.open() as file:
            return before + file.read()

    def open(self) -> BinaryIO:
        """A file of its own for the caller, at the beginning of the data set."""
        if self._fd < 0:
            return BytesIO(self.getvalue())
        file = open(f"/proc/self/fd/{self._fd}", "rb")  # noqa: SIM115, PTH123 - not by its path: it may be moved away
        file.seek(len(self._preface))
        return file

    def path(self) -> Path:
        """A DICOM file of the preface and the data set; it may be moved away and is gone after `discard`."""
        if self._path is None:
            self._to_file()
        assert self._path is not None
        return self._path


def _lasting(buffer: Buffer) -> Buffer:
    """A view of bytes stays as it is for as long as it is kept; any other buffer may be used again."""
    return buffer if type(buffer) is memoryview and type(buffer.obj) is bytes else bytes(buffer)


def _write(fd: int, buffers: list[Buffer]) -> None:
    """Write all of `buffers`, however little the kernel takes at once."""
    left = [buffer for buffer in buffers if len(buffer)]
    while left:
        written = os.writev(fd, left[:_MOST_BUFFERS])
        while left and written >= len(left[0]):
            written -= len(left.pop(0))
        if written:
            left[0] = memoryview(left[0])[written:]
