"""The threads on which handlers run, and the lane that each association has on them.

Handlers may block: none of them runs on the loop. What an association calls, it calls in its lane, one after the other
and in order, so that a handler sees EVT_ACCEPTED before the first request and EVT_RELEASED after the last one. A lane
has a thread while there is something to call or while it is held: an operation's handler that is a generator is then
advanced on one and the same thread, which database connections insist on. An idle association has none.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pool import logs


class HandlerThreads:
    """At most `number` threads, started as they are needed."""

    def __init__(self, number: int) -> None:
        self._threads = ThreadPoolExecutor(number, "handler")

    def lane(self, association: int | None = None) -> Lane:
        """A new lane. What is logged in it is about the association of this number."""
        return Lane(self._threads, association)

    def submit(self, function: Callable[..., object], *args: Any) -> None:
        """Call `function(*args)` beside whatever else is called."""
        self._threads.submit(function, *args)

    def close(self) -> None:
        """Wait for the handlers that still run."""
        self._threads.shutdown()


class Lane:
    """Calls that are made one after the other on a handler thread. To be used on the loop's thread."""

    __slots__ = ("_association", "_calls", "_changed", "_held", "_thread", "_threads", "_under_way")

    def __init__(self, threads: ThreadPoolExecutor, association: int | None = None) -> None:
        self._threads = threads
        self._association = association
        self._changed = threading.Condition(threading.Lock())
        self._calls: deque[tuple[Callable[..., object], tuple[Any, ...]]] = deque()
        self._held = False
        self._under_way = False  # a thread has it
        self._thread = 0  # which one has it, or had it last

    def call(self, function: Callable[..., object], *args: Any, hold: bool = False) -> None:
        """Call `function(*args)` after what was asked for before. With `hold`, keep the thread until `let_go`."""
        with self._changed:
            self._calls.append((function, args))
            self._held = self._held or hold
            if self._under_way:
                self._changed.notify()
                return
            self._under_way = True
        self._threads.submit(self._serve)

    def let_go(self) -> None:
        """Give the thread back once everything is called."""
        with self._changed:
            if self._held:
                self._held = False
                self._changed.notify()

    @property
    def is_here(self) -> bool:
        """Whether the present thread has it."""
        return self._under_way and self._thread == threading.get_ident()

    def _serve(self) -> None:
        self._thread = threading.get_ident()
        with logs.about(association=self._association):
            while (call := self._next()) is not None:
                function, args = call
                try:
                    function(*args)
                except Exception as error:
                    logs.event(logs.ERROR, "handler.fault", error=error)

    def _next(self) -> tuple[Callable[..., object], tuple[Any, ...]] | None:
        with self._changed:
            while self._held and not self._calls:
                self._changed.wait()
            if self._calls:
                return self._calls.popleft()
            self._under_way = False
            return None
