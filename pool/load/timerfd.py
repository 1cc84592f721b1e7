"""A timer of nanoseconds, as a descriptor on the loop. epoll counts in milliseconds and rounds up, which would make
every start of an open loop late by half of one; Python has timerfd from 3.13 on.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import time
from collections.abc import Callable
from typing import Final

from pool.loop import EPOLLIN, Loop

_ABSOLUTE: Final = 1  # TFD_TIMER_ABSTIME
_SECOND: Final = 1_000_000_000  # nanoseconds


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _Itimerspec(ctypes.Structure):
    _fields_ = (("interval", _Timespec), ("value", _Timespec))


_libc: Final = ctypes.CDLL(None, use_errno=True)


class PunctualTimer:
    """Calls `callback()` when it is time, once for each `set`."""

    def __init__(self, loop: Loop, callback: Callable[[], object]) -> None:
        self._loop = loop
        self._callback = callback
        self._fd: int = _libc.timerfd_create(time.CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
        if self._fd < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        loop.register(self._fd, EPOLLIN, self._ready)

    def set(self, when: float) -> None:
        """At `when` on the monotonic clock; at once where that has passed."""
        seconds, nanoseconds = divmod(max(1, int(when * _SECOND)), _SECOND)
        value = _Itimerspec(_Timespec(0, 0), _Timespec(seconds, nanoseconds))
        if _libc.timerfd_settime(self._fd, _ABSOLUTE, ctypes.byref(value), None):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    def close(self) -> None:
        """Not any more."""
        if self._fd >= 0:
            self._loop.unregister(self._fd)
            os.close(self._fd)
            self._fd = -1

    def _ready(self, events: int) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._fd, 8)
        self._callback()
