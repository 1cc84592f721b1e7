"""A timer that is told the time: ARTIM (PS3.8 9.1.5) and any other deadline counted from an event.

No clock lives here: `now` is the caller's monotonic time in seconds.
"""

from __future__ import annotations


class Timer:
    """Counts `duration` seconds from its start; a `duration` of None never runs out.

    `deadline` is the time at which it runs out: None while stopped.
    """

    __slots__ = ("deadline", "duration")

    def __init__(self, duration: float | None) -> None:
        self.duration = duration
        self.deadline: float | None = None

    def start(self, now: float) -> None:
        """Start, or start anew if already running."""
        self.deadline = None if self.duration is None else now + self.duration

    restart = start  # AA-1 asks for "start (or restart if already started)": both verbs are the user's

    def stop(self) -> None:
        self.deadline = None

    def limit(self, seconds: float, now: float) -> None:
        """From now on, and if it runs, run for `seconds` more at the most."""
        if self.duration is None or self.duration > seconds:
            self.duration = seconds
        if self.deadline is not None:
            self.deadline = min(self.deadline, now + seconds)

    def expired(self, now: float) -> bool:
        return self.deadline is not None and now >= self.deadline

    def __repr__(self) -> str:
        return f"Timer(duration={self.duration}, deadline={self.deadline})"
