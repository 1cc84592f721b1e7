"""Free space: whether there is room for what new associations would send.

Asked, not watched: statvfs(2) is called when somebody wants to know and what is known is older than `_FRESH`. A file
system that is gone, such as an NFS server's, may never answer, so a thread asks it, nobody waits for longer than
`_PATIENCE`, and what does not answer has no room. Where the space is short it has to grow by a tenth of the floor
before it is enough again, so that nobody flutters at the edge.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from pool import logs
from pool.config import Space
from pool.loop import Loop, TimerHandle

_NO_FLOOR: Final = Space()
_FRESH: Final = 2.0  # seconds; a fast network fills less than a floor in that time
_PATIENCE: Final = 2.0  # seconds; an association waits for its acceptance meanwhile
_MARGIN: Final = 10  # what is to be won back: the floor divided by this


class Room(NamedTuple):
    """What a file system says of itself, in bytes."""

    free: int  # for an unprivileged process
    total: int


def look(directory: Path) -> Room:
    """The room where `directory` is, or would be made. May block for ever. Raises OSError."""
    present = next((path for path in (directory, *directory.parents) if path.is_dir()), directory)
    status = os.statvfs(present)
    return Room(status.f_bavail * status.f_frsize, status.f_blocks * status.f_frsize)


class FreeSpace:
    """The file system of a directory, and the floor that its free space is held against."""

    def __init__(self, loop: Loop, directory: Path, floor: Space) -> None:
        self._loop = loop
        self._directory = directory
        self._floor = floor
        self._asking: list[Callable[[], object]] = []
        self._known_until: float | None = None
        self._look: object = None  # the one that counts; what others bring is of another directory
        self._overdue: TimerHandle | None = None
        self._unknown = False
        self._posting = threading.Lock()
        self._closed = False
        self.free: int | None = None  # bytes, as last seen; None where that is not known
        self.is_short = False  # as last seen

    def apply(self, directory: Path, floor: Space) -> None:
        """Hold another directory, or the same, against another floor."""
        self._directory = directory
        self._floor = floor
        self._known_until = None
        self._look = None
        if self._asking:
            self._begin()

    def close(self) -> None:
        """Call nobody any more."""
        with self._posting:
            self._closed = True
        self._asking.clear()

    def judge(self, then: Callable[[], object]) -> None:
        """Call `then` once `is_short` is true of now: at once where it is known. Without a floor nobody looks."""
        if self._floor == _NO_FLOOR:
            self.is_short = False
            then()
        else:
            self.measure(then)

    def measure(self, then: Callable[[], object]) -> None:
        """The same of `free`, with a floor or without."""
        if self._known_until is not None and self._loop.now < self._known_until:
            then()
            return
        self._asking.append(then)
        if self._look is None:
            self._begin()
        elif self._overdue is None:  # it has not answered all the time
            self._answer()

    def _begin(self) -> None:
        self._look = mine = object()
        if self._overdue is not None:
            self._overdue.cancel()
        self._overdue = self._loop.call_at(self._loop.now + _PATIENCE, self._too_late)
        try:
            threading.Thread(target=self._ask, args=(mine, self._directory), name="space", daemon=True).start()
        except RuntimeError as error:  # no thread is to be had
            self._looked(mine, None, str(error))

    def _ask(self, mine: object, directory: Path) -> None:
        """On the thread."""
        room, fault = None, ""
        try:
            room = look(directory)
        except OSError as error:
            fault = error.strerror or str(error)
        with self._posting:
            if not self._closed:
                self._loop.call_from_thread(self._looked, mine, room, fault)

    def _looked(self, mine: object, room: Room | None, fault: str) -> None:
        if mine is not self._look:
            return
        self._look = None
        self._known_until = self._loop.now + _FRESH
        if room is None:  # it answers, though not this: what is written will tell
            self._say_unknown(fault, is_short=False)
        else:
            self._unknown = False
            self.free = room.free
            self._judge(room)
        self._answer()

    def _too_late(self) -> None:
        self._overdue = None
        self._say_unknown(f"no answer for {_PATIENCE:g} s", is_short=self._floor != _NO_FLOOR)
        self._answer()

    def _answer(self) -> None:
        if self._overdue is not None:
            self._overdue.cancel()
            self._overdue = None
        asking, self._asking = self._asking, []
        for then in asking:
            self._loop.call_soon(then)  # one by one: the fault of one is not the next one's

    def _say_unknown(self, reason: str, *, is_short: bool) -> None:
        self.free, self.is_short = None, is_short
        if not self._unknown:
            self._unknown = True
            logs.event(logs.WARNING, "space.unknown", directory=self._directory, reason=reason)

    def _judge(self, room: Room) -> None:
        floor = self._floor.of(room.total)
        margin = min(floor // _MARGIN, (room.total - floor) // 2) if self.is_short else 0
        short = room.free < floor + margin
        if short != self.is_short:
            self.is_short = short
            level, name = (logs.WARNING, "space.short") if short else (logs.INFO, "space.enough")
            logs.event(level, name, directory=self._directory, free=room.free, floor=floor)
