"""Events: what happens in this process, told to whoever follows the server (`ulpool events`).

What they are is a row each in `messages`. While nobody follows, telling one costs the look at `followed` that comes
before it:

    if events.followed:
        events.tell(messages.INSTANCE_STORED, association=7, ...)

The acceptor publishes what it is told at once; a worker gathers, so that control has to carry only a few messages.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from pool.loop import Loop
from pool.messages import Message

Event = dict[str, Any]

GATHER: Final = 0.05  # seconds for which a worker gathers
MOST_GATHERED: Final = 500  # events in that time; those beyond are counted

followed = False
_sink: Callable[[Event], object] = dict


def follow(sink: Callable[[Event], object]) -> None:
    """Somebody follows: give every event to `sink`."""
    global followed, _sink
    followed, _sink = True, sink


def unfollow() -> None:
    """Nobody does any more."""
    global followed, _sink
    followed, _sink = False, dict


def tell(row: Message, **fields: Any) -> None:
    """Something happened. Its time is added here."""
    _sink(row(**fields, time=round(time.time(), 3)))


class Gathered:
    """Events on their way to the acceptor: `send(events, dropped)` takes those of a while, or answers False."""

    def __init__(self, loop: Loop, send: Callable[[list[Event], int], bool]) -> None:
        self._loop = loop
        self._send = send
        self._events: list[Event] = []
        self._dropped = 0
        self._scheduled = False

    def add(self, event: Event) -> None:
        """One more, or one less: what is not taken is counted."""
        if len(self._events) >= MOST_GATHERED:
            self._dropped += 1
        else:
            self._events.append(event)
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_at(self._loop.now + GATHER, self.flush)

    def flush(self) -> None:
        """Send what there is."""
        self._scheduled = False
        events, self._events = self._events, []
        if not events and not self._dropped:
            return
        if self._send(events, self._dropped):
            self._dropped = 0
        else:
            self._dropped += len(events)
