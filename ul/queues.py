"""The queues of a DULServiceProvider, and what wakes its thread: it waits for its socket and for them at once.

Belongs here: queues that tell when something was put in or taken. Not here: what is done about it (`ul.dul`).
"""

from __future__ import annotations

import os
import queue
import threading
from collections import deque
from collections.abc import Callable, Sequence

from ul.pdu_primitives import Primitive
from ul.upper_layer import UpperLayer


class Wakeup:
    """What a thread waits for beside its socket. Set from any thread, one system call per sleep."""

    def __init__(self) -> None:
        self._fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._is_set = False
        self._closing = threading.Lock()

    def fileno(self) -> int:
        return self._fd

    def set(self) -> None:
        """Wake the thread, now or when it goes to sleep; nothing after `close`."""
        if self._is_set:
            return
        with self._closing:
            if self._fd >= 0:
                self._is_set = True
                os.eventfd_write(self._fd, 1)

    def clear(self) -> None:
        """Before the thread looks for what it was woken for."""
        os.eventfd_read(self._fd)
        self._is_set = False

    def close(self) -> None:
        with self._closing:
            fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    __del__ = close


class PrimitiveQueue(queue.Queue[Primitive]):
    """A queue without bound whose other end waits for something else than the queue.

    `on_put` is called behind whatever was put in; `on_get` as something is taken, with the queue locked.
    """

    def __init__(self, on_put: Callable[[], object] | None = None, on_get: Callable[[], object] | None = None) -> None:
        # As queue.Queue does, but with one Condition of an RLock: each one of a Lock costs three exceptions.
        self.maxsize = 0
        self.queue = deque()
        self.unfinished_tasks = 0
        self.is_shutdown = False
        self.mutex = threading.RLock()  # type: ignore[assignment]
        self.not_empty = self.not_full = self.all_tasks_done = threading.Condition(self.mutex)
        self._on_put = on_put
        self._on_get = on_get

    def put(self, item: Primitive, block: bool = True, timeout: float | None = None) -> None:
        self.put_all((item,))

    def put_all(self, items: Sequence[Primitive]) -> None:
        """Put several in, in one go: the fragments of a message cost one turn."""
        with self.mutex:
            self.queue.extend(items)
            self.unfinished_tasks += len(items)
            self.not_empty.notify_all()  # whatever they wait for
        if self._on_put is not None:
            self._on_put()

    def take_all(self) -> list[Primitive]:
        """All there are, in one go."""
        with self.mutex:
            items = list(self.queue)
            self.queue.clear()
            return items

    def take(self) -> Primitive | None:
        """The next one; None where there is none."""
        if not self.queue:
            return None
        with self.mutex:
            return self._get() if self.queue else None

    def peek(self) -> Primitive | None:
        """The next one, left where it is."""
        with self.mutex:
            return self.queue[0] if self.queue else None

    def _get(self) -> Primitive:
        item = super()._get()
        if self._on_get is not None:
            self._on_get()
        return item


class EventQueue(queue.Queue[str]):
    """The upper layer's pending events, seen as a queue."""

    def __init__(self, upper_layer: UpperLayer) -> None:
        self._upper_layer = upper_layer
        super().__init__()

    def _qsize(self) -> int:
        return len(self._upper_layer.events)

    @property
    def queue(self) -> deque[str]:
        """The events, the next one first."""
        return deque(self._upper_layer.events)

    @queue.setter
    def queue(self, value: object) -> None:
        """What `queue.Queue` keeps its items in is not needed here."""
