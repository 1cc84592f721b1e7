"""Free space: whether there is room for what new associations would send.

Asked, not watched: statvfs(2) is called when somebody wants to know and what is known is older than `_FRESH`. Where the
space is short it has to grow by a tenth of the floor before it is enough again, so that nobody flutters at the edge.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from pool import logs
from pool.config import Space

_FRESH: Final = 2.0  # seconds; a fast network fills less than a floor in that time
_MARGIN: Final = 10  # what is to be won back: the floor divided by this


class FreeSpace:
    """The file system of a directory, which may not be there yet, and the floor that its free space is held against."""

    def __init__(self, directory: Path, floor: Space) -> None:
        self._directory = directory
        self.floor = floor
        self._looked_at: float | None = None
        self._free: int | None = None
        self._short = False
        self._failed = False

    def apply(self, directory: Path, floor: Space) -> None:
        """Hold another directory, or the same, against another floor."""
        self._directory = directory
        self.floor = floor
        self._looked_at = None

    def bytes(self, now: float) -> int | None:
        """What an unprivileged process may still write; None where the system does not tell."""
        if self._looked_at is None or now >= self._looked_at + _FRESH:
            self._looked_at = now
            self._look()
        return self._free

    def is_short(self, now: float) -> bool:
        """Whether the free space is below the floor. What is not known is not short."""
        if self.floor == Space():
            return False
        self.bytes(now)
        return self._short

    def _look(self) -> None:
        try:
            status = os.statvfs(_existing(self._directory))
        except OSError as error:
            self._free, self._short = None, False
            if not self._failed:
                self._failed = True
                logs.event(logs.WARNING, "space.unknown", directory=self._directory, reason=error.strerror)
            return
        self._failed = False
        self._free = status.f_bavail * status.f_frsize
        total = status.f_blocks * status.f_frsize
        floor = self.floor.of(total)
        margin = min(floor // _MARGIN, (total - floor) // 2) if self._short else 0
        self._judge(self._free < floor + margin, floor)

    def _judge(self, short: bool, floor: int) -> None:
        if short == self._short:
            return
        self._short = short
        level, name = (logs.WARNING, "space.short") if short else (logs.INFO, "space.enough")
        logs.event(level, name, directory=self._directory, free=self._free, floor=floor)


def _existing(directory: Path) -> Path:
    """The directory, or what of its path is there."""
    return next((path for path in (directory, *directory.parents) if path.is_dir()), directory)
