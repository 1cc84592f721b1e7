"""Pace: whether a peer that is in the middle of a message sends it fast enough.

The rate is that of a whole window: bursts, and pauses shorter than the window, are as good as a steady stream. What is
whole before its window is over was never judged. Pure: bytes and time are told.
"""

from __future__ import annotations


class Pace:
    """One connection's. `deadline` is when its window ends; None where nothing is awaited."""

    __slots__ = ("_bytes_per_second", "_counted_from", "_window", "deadline")

    def __init__(self, bytes_per_second: int, window: float) -> None:
        self._bytes_per_second = bytes_per_second
        self._window = window  # seconds
        self._counted_from = 0
        self.deadline: float | None = None

    def __str__(self) -> str:
        return f"less than {self._bytes_per_second} bytes per second for {self._window:g} s"

    def follow(self, awaited: bool, bytes_received: int, now: float) -> None:
        """Say after everything that happened whether more of a message is awaited, and what was received so far."""
        if not awaited:
            self.deadline = None
        elif self.deadline is None:
            self._begin(bytes_received, now)

    def is_over(self, now: float) -> bool:
        """Whether the window has come to its end."""
        return self.deadline is not None and now >= self.deadline

    def is_slow(self, bytes_received: int, now: float) -> bool:
        """Whether too little came in the window that is over; if not, the next one begins."""
        if not self.is_over(now):
            return False
        if bytes_received - self._counted_from < self._bytes_per_second * self._window:
            return True
        self._begin(bytes_received, now)
        return False

    def _begin(self, bytes_received: int, now: float) -> None:
        self._counted_from = bytes_received
        self.deadline = now + self._window
