"""Lanes: what lasts from one association to the next that takes its place, and the UIDs that are given out.

A lane is one of the parallel senders of a plan. It has its study and its series under way, so that `one association per
image` still makes series of many images, and serial numbers and turns of its own: the n-th that it sends follows from
the seed and the number of processes alone, whichever lane was quicker. UIDs are derived from UUIDs in form (PS3.5 B.2)
and always as long as each other, so that they fit where others were: 2.25.1 SEED PROCESS LEVEL SERIAL.
"""

from __future__ import annotations

from typing import Final

from pool.load.plan import StoreWork

UID_LENGTH: Final = 44
STUDY, SERIES, INSTANCE = 1, 2, 3  # levels
_SERIALS: Final = 10**10  # of a lane
_TURNS_APART: Final = 61  # so that lanes that begin together do not do the same together


def uid(seed: int, process: int, level: int, serial: int) -> bytes:
    """An identifying UID of this run, always UID_LENGTH bytes."""
    return b"2.25.1%015d%04d%d%018d" % (seed, process, level, serial)


class Serials:
    """The serial numbers of one process, behind `after`."""

    def __init__(self, seed: int, process: int, after: int = 0) -> None:
        self.seed = seed
        self.process = process
        self.after = after

    def uid(self, level: int, serial: int) -> bytes:
        """The UID of a serial number."""
        return uid(self.seed, self.process, level, serial)


class Lane:
    """One of the parallel senders."""

    __slots__ = (
        "_images_left",
        "_instance",
        "_instance_prefix",
        "_serials",
        "_series_left",
        "_work",
        "number",
        "series",
        "series_uid",
        "study",
        "study_uid",
        "turn",
    )

    def __init__(self, number: int, serials: Serials, work: StoreWork) -> None:
        self.number = number
        self._serials = serials
        self._work = work
        self._images_left = self._series_left = 0
        self._instance_prefix = serials.uid(INSTANCE, 0)[:-18]
        # The last serial number of each level.
        self.study = self.series = self._instance = serials.after + number * _SERIALS
        self.turn = number * _TURNS_APART
        self.study_uid = self.series_uid = b""

    def next_instance(self) -> tuple[int, bytes]:
        """The serial number and UID of the next instance; `study` and `series` are those that it is in."""
        if not self._images_left:
            self._next_series()
        self._images_left -= 1
        self._instance += 1
        return self._instance, b"%b%018d" % (self._instance_prefix, self._instance)

    def _next_series(self) -> None:
        if not self._series_left:
            self._series_left = self._work.series_per_study
            self.study += 1
            self.study_uid = self._serials.uid(STUDY, self.study)
        self._series_left -= 1
        self._images_left = self._work.images_per_series
        self.series += 1
        self.series_uid = self._serials.uid(SERIES, self.series)
