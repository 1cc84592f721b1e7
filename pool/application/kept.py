"""Instances that the built-in store keeps and an application is told of, before the response leaves.

Belongs here: the store's instance with a call behind its commit, and the kept file as what a handler reads.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from pool.storage import Incoming, Stored
from ul.dimse import Buffer


class KeptDataSet:
    """The data set of an instance that the store keeps: the last `length` bytes of its file."""

    def __init__(self, path: str, length: int) -> None:
        self._path = Path(path)
        self._length = length

    def getvalue(self, before: bytes = b"") -> bytes:
        """All of it, behind `before`."""
        with self.open() as file:
            return before + file.read()

    def open(self) -> BinaryIO:
        """A file of its own for the caller, at the beginning of the data set."""
        file = self._path.open("rb")
        file.seek(self._path.stat().st_size - self._length)  # the same instance may have come with another preface
        return file

    def path(self) -> Path:
        """The kept file."""
        return self._path


class Kept(NamedTuple):
    """What became of an instance, and what the response says besides."""

    incoming: Incoming
    stored: Stored
    elements: dict[str, Any] | None


class KeptInstance:
    """The store's instance; once that is safe, `then` is called with its data set and gives the response's elements."""

    def __init__(self, incoming: Incoming, then: Callable[[KeptDataSet], dict[str, Any] | None]) -> None:
        self._incoming = incoming
        self._then = then

    def write(self, view: Buffer) -> None:
        """Take the next bytes of the data set."""
        self._incoming.write(view)

    def flush(self) -> None:
        """Write what is pending."""
        self._incoming.flush()

    def commit_at_once(self) -> None:
        """Never: the application is told first."""

    def commit(self) -> Kept:
        """Keep the instance and tell of it. Raises StatusError where it cannot be kept."""
        stored = self._incoming.commit()
        return Kept(self._incoming, stored, self._then(KeptDataSet(stored.path, self._incoming.bytes_written)))

    def discard(self) -> None:
        """Leave nothing behind; without effect after `commit`."""
        self._incoming.discard()
