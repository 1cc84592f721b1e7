"""Lanes: what lasts from one association to the next that takes its place, and the UIDs that are given out.

A lane is one of the parallel senders of a plan. It has its study and its series under way, so that `one association per
image` still makes series of many images. UIDs are derived from UUIDs in form (PS3.5 B.2) and always as long as each
other, so that they fit where others were: 2.25.1 SEED PROCESS LEVEL SERIAL.
"""

from __future__ import annotations

from itertools import count
from typing import Final

from pool.load.plan import StoreWork

UID_LENGTH: Final = 44
STUDY, SERIES, INSTANCE = 1, 2, 3  # levels


def uid(seed: int, process: int, level: int, serial: int) -> bytes:
    """An identifying UID of this run, always UID_LENGTH bytes."""
    return b"2.25.1%015d%04d%d%018d" % (seed, process, level, serial)


class Serials:
    """The next serial number of each level, in one process."""

    def __init__(self, seed: int, process: int, first: int = 1) -> None:
        self.seed = seed
        self.process = process
        self.studies = count(first)
        self.series = count(first)
        self.instances = count(first)

    def uid(self, level: int, serial: int) -> bytes:
        """The UID of a serial number."""
        return uid(self.seed, self.process, level, serial)


class Lane:
    """One of the parallel senders."""

    __slots__ = (
        "_images_left",
        "_instance_prefix",
        "_serials",
        "_series_left",
        "_work",
        "number",
        "series",
        "series_uid",
        "study",
        "study_uid",
    )

    def __init__(self, number: int, serials: Serials, work: StoreWork) -> None:
        self.number = number
        self._serials = serials
        self._work = work
        self._images_left = self._series_left = 0
        self._instance_prefix = serials.uid(INSTANCE, 0)[:-18]
        self.study = self.series = 0  # serial numbers
        self.study_uid = self.series_uid = b""

    def next_instance(self) -> tuple[int, bytes]:
        """The serial number and UID of the next instance; `study` and `series` are those that it is in."""
        if not self._images_left:
            self._next_series()
        self._images_left -= 1
        serial = next(self._serials.instances)
        return serial, b"%b%018d" % (self._instance_prefix, serial)

    def _next_series(self) -> None:
        if not self._series_left:
            self._series_left = self._work.series_per_study
            self.study = next(self._serials.studies)
            self.study_uid = self._serials.uid(STUDY, self.study)
        self._series_left -= 1
        self._images_left = self._work.images_per_series
        self.series = next(self._serials.series)
        self.series_uid = self._serials.uid(SERIES, self.series)
