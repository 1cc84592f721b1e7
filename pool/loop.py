"""The event loop: epoll, one heap of timers, and everything else that can wake a process, as file descriptors.

Here belong readiness, time, deferred calls, calls from other threads and signals. Sockets, protocols and processes do
not: they register what they own. Nothing ticks: with no timer due the loop sleeps until a descriptor wakes it.

Rules for callbacks:
- Readiness is level-triggered: a callback may do part of the work and is called again. It must tolerate EAGAIN. Whoever
  registers with EPOLLET is told of each change once, and again of what is ready at each `modify` (`pool.connection`).
- `now` is the monotonic clock, read once per turn. Within a turn it does not move.
- An exception from a callback never ends the loop. It is logged, and where the callback is a method of an object that
  has `callback_failed(error)`, that is called: so a connection that fails is closed and no other one notices. Its
  `subject`, if it has one, says what the line is about.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
from collections import deque
from collections.abc import Callable
from heapq import heapify, heappop, heappush
from select import EPOLLERR, EPOLLET, EPOLLHUP, EPOLLIN, EPOLLOUT, EPOLLPRI, EPOLLRDHUP
from time import monotonic
from typing import Any

from pool import logs

__all__ = ["EPOLLERR", "EPOLLET", "EPOLLHUP", "EPOLLIN", "EPOLLOUT", "EPOLLPRI", "EPOLLRDHUP", "Loop", "TimerHandle"]

# Few enough that timers stay punctual under load, enough to spread the cost of epoll_wait.
_EVENTS_PER_TURN = 64

# Cancelled timers stay in the heap until they are due; past this many, and half of the heap, it is swept.
_CANCELLED_BEFORE_SWEEP = 256


class TimerHandle:
    """One call in the future."""

    __slots__ = ("_loop", "callback", "when")

    def __init__(self, loop: Loop, when: float, callback: Callable[[], object]) -> None:
        self._loop = loop
        self.when = when
        self.callback: Callable[[], object] | None = callback

    def cancel(self) -> None:
        """Make sure the call does not happen. Harmless after it did."""
        if self.callback is not None:
            self.callback = None
            self._loop._timer_cancelled()


class Loop:
    """One per process; all methods but `call_from_thread` belong to the thread that runs it."""

    def __init__(self) -> None:
        self.now = monotonic()
        self._epoll = select.epoll()
        self._callbacks: dict[int, Callable[[int], object]] = {}
        self._left_this_turn: set[int] = set()
        self._timers: list[tuple[float, int, TimerHandle]] = []
        self._timers_made = 0
        self._timers_cancelled = 0
        self._soon: deque[tuple[Callable[..., object], tuple[Any, ...]]] = deque()
        self._from_threads: deque[tuple[Callable[..., object], tuple[Any, ...]]] = deque()
        self._woken = False
        self._stopped = False
        self._wakeup = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self.register(self._wakeup, EPOLLIN, self._wakeup_ready)
        self._signals = _Signals(self)

    # Descriptors

    def register(self, fd: int, events: int, callback: Callable[[int], object]) -> None:
        """Call `callback(events)` whenever `fd` is ready for one of `events` (EPOLLERR and EPOLLHUP always)."""
        self._epoll.register(fd, events)
        self._callbacks[fd] = callback

    def modify(self, fd: int, events: int) -> None:
        """Wait for other events on a registered descriptor."""
        self._epoll.modify(fd, events)

    def unregister(self, fd: int) -> None:
        """Forget a descriptor. To be called before it is closed: a copy elsewhere would keep it in the epoll set."""
        del self._callbacks[fd]
        self._epoll.unregister(fd)
        self._left_this_turn.add(fd)

    # Calls

    def call_at(self, when: float, callback: Callable[[], object]) -> TimerHandle:
        """Call `callback()` once `now` has reached `when`."""
        handle = TimerHandle(self, when, callback)
        self._timers_made += 1
        heappush(self._timers, (when, self._timers_made, handle))
        return handle

    def call_soon(self, callback: Callable[..., object], *args: Any) -> None:
        """Call after the callbacks of this turn, before the loop waits again: what is to be sent once per turn."""
        self._soon.append((callback, args))

    def call_from_thread(self, callback: Callable[..., object], *args: Any) -> None:
        """Call on the loop's thread; callable from any thread."""
        self._from_threads.append((callback, args))
        # Appended before the flag is read, and the loop lowers the flag before it reads the queue: nothing is missed.
        if not self._woken:
            self._woken = True
            os.eventfd_write(self._wakeup, 1)

    def on_signal(self, signum: int, callback: Callable[[], object]) -> None:
        """Call `callback()` on the loop, never between two bytecodes of something, when a signal comes.

        Only on the main thread.
        """
        self._signals.on_signal(signum, callback)

    # Running

    def run(self) -> None:
        """Run until `stop`."""
        self._stopped = False
        while not self._stopped:
            self.turn()

    def stop(self) -> None:
        """End `run` after the present turn."""
        self._stopped = True

    def turn(self, longest: float | None = None) -> None:
        """Wait for something to happen, at most `longest` seconds, and call what is due."""
        ready = self._epoll.poll(self._time_to_wait(longest), _EVENTS_PER_TURN)
        self.now = now = monotonic()
        callbacks = self._callbacks
        left = self._left_this_turn
        left.clear()
        for fd, events in ready:
            # A descriptor unregistered in this turn may already be another connection's: this event is not its own.
            # What the newcomer is ready for was found when it was registered, and is reported in the next turn.
            if left and fd in left:
                continue
            callback = callbacks[fd]
            try:
                callback(events)
            except Exception as error:
                self._callback_failed(callback, error)
        if self._timers and self._timers[0][0] <= now:
            self._call_timers()
        if self._soon:
            self._call_queue(self._soon)

    def close(self) -> None:
        """Give back what the loop itself holds; registered descriptors are their owners' to close."""
        self._signals.close()
        self._epoll.close()
        os.close(self._wakeup)

    def _time_to_wait(self, longest: float | None) -> float | None:
        if self._soon:
            return 0.0
        if not self._timers:
            return longest
        due_in = self._timers[0][0] - monotonic()  # a cancelled one too: it wakes us once and is gone
        if longest is not None and longest < due_in:
            return longest
        return due_in if due_in > 0.0 else 0.0

    def _call_timers(self) -> None:
        timers = self._timers
        now = self.now
        while timers and timers[0][0] <= now:
            handle = heappop(timers)[2]
            callback = handle.callback
            if callback is None:
                self._timers_cancelled -= 1
                continue
            handle.callback = None
            try:
                callback()
            except Exception as error:
                self._callback_failed(callback, error)

    def _call_queue(self, queue: deque[tuple[Callable[..., object], tuple[Any, ...]]]) -> None:
        for _ in range(len(queue)):  # what these calls add waits for the next turn: descriptors get theirs between
            callback, args = queue.popleft()
            try:
                callback(*args)
            except Exception as error:
                self._callback_failed(callback, error)

    def _timer_cancelled(self) -> None:
        self._timers_cancelled += 1
        if self._timers_cancelled > _CANCELLED_BEFORE_SWEEP and self._timers_cancelled * 2 > len(self._timers):
            # In place: _call_timers may be walking this very list.
            self._timers[:] = [entry for entry in self._timers if entry[2].callback is not None]
            heapify(self._timers)
            self._timers_cancelled = 0

    def _wakeup_ready(self, events: int) -> None:
        os.eventfd_read(self._wakeup)
        self._woken = False
        self._call_queue(self._from_threads)
        if self._from_threads and not self._woken:
            self._woken = True
            os.eventfd_write(self._wakeup, 1)

    def _callback_failed(self, callback: Callable[..., object], error: Exception) -> None:
        owner = getattr(callback, "__self__", None)
        subject = getattr(owner, "subject", {})
        logs.event(logs.ERROR, "loop.callback_failed", **subject, callback=_name_of(callback), error=error)
        handler = getattr(owner, "callback_failed", None)
        if handler is None:
            return
        try:
            handler(error)
        except Exception as second:
            logs.event(logs.ERROR, "loop.callback_failed", callback=_name_of(handler), error=second)


class _Signals:
    """Signals as bytes on a socketpair: an eventfd answers EINVAL to the single byte that CPython writes."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._callbacks: dict[int, Callable[[], object]] = {}
        self._before: dict[int, Any] = {}
        self._sockets: tuple[socket.socket, socket.socket] | None = None

    def on_signal(self, signum: int, callback: Callable[[], object]) -> None:
        if self._sockets is None:
            self._open()
        self._callbacks[signum] = callback
        before = signal.signal(signum, _leave_it_to_the_wakeup_fd)
        self._before.setdefault(signum, before)

    def _open(self) -> None:
        reader, writer = socket.socketpair()
        reader.setblocking(False)
        writer.setblocking(False)
        try:
            signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        except ValueError:  # not the main thread
            reader.close()
            writer.close()
            raise
        self._sockets = reader, writer
        self._loop.register(reader.fileno(), EPOLLIN, self._ready)

    def _ready(self, events: int) -> None:
        assert self._sockets is not None
        with contextlib.suppress(BlockingIOError):
            for signum in self._sockets[0].recv(256):
                if signum in self._callbacks:
                    self._callbacks[signum]()

    def close(self) -> None:
        if self._sockets is None:
            return
        for signum, before in self._before.items():
            signal.signal(signum, before)
        signal.set_wakeup_fd(-1)
        self._loop.unregister(self._sockets[0].fileno())
        for end in self._sockets:
            end.close()
        self._sockets = None


def _leave_it_to_the_wakeup_fd(signum: int, frame: object) -> None:
    """Installed so that the default action does not happen; the byte on the wakeup fd does the work."""


def _name_of(callback: Callable[..., object]) -> str:
    return getattr(callback, "__qualname__", repr(callback))
