"""SharedSession: one Session that several threads drive, over the queues of a DULServiceProvider.

Belongs here: whose turn it is, who waits for what, what leaves when. Not here: what may be said (`ul.session`), what
becomes of what happened (`ul.association`), bytes and sockets (`ul.dul`).

One rule of ownership: the session belongs to whoever holds its lock, `with shared as session:`, and nobody holds it
while waiting or while a handler runs. At the end of such a block the session goes on as far as it can: it takes what
the provider issued, and what it has to say is put into the provider's queue and leaves on this very thread. The
provider's thread does the same when something was issued, so that a response finds the thread that waits for it in one
step whatever the handlers do, and a C-CANCEL is seen while its operation runs.

Handlers of notification events are told by the threads that use or wait for the session, in order and never by the
provider's: a handler that uses the association waits for that one. Nothing polls, nothing ticks: waits end by
a change or by the session's deadline.

What leaves is put in a bounded part at a time; when all of it has left, the provider's thread fetches the next: a large
file is read no faster than the peer takes it, and costs no thread a wait.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final, Protocol

from ul.association_control import ENDED
from ul.dul import DULServiceProvider
from ul.evt import Handlers, NotificationEvent
from ul.pdu_primitives import A_P_ABORT, P_DATA, Primitive
from ul.session import Session
from ul.session_events import Event

LOGGER: Final = logging.getLogger(__name__)

_AHEAD: Final = 1 << 20  # bytes of fragments given to the provider before it asks for more
_TOGETHER: Final = 131072  # bytes of them given at a time: the peer reads the first while the next are read from disk

Work = Callable[[], object]


class User(Protocol):
    """Whose session it is. All of this is called with the session locked."""

    handlers: Handlers

    def happened(self, event: Event) -> None:
        """The session's next event."""

    def saying(self, primitive: Primitive) -> None:
        """An ACSE primitive is about to be put into the provider's queue."""

    def hearing(self, primitive: Primitive) -> None:
        """An ACSE primitive was taken from the provider's queue."""

    def timed_out(self, session: Session, now: float) -> None:
        """The session's deadline has passed."""


class SharedSession:
    """`session` over `dul`, for the threads of `user`: `with shared as session` makes it one's own."""

    def __init__(self, session: Session, dul: DULServiceProvider, user: User) -> None:
        self.session = session
        self._dul = dul
        self._user = user
        self._lock = threading.Lock()
        self._waiting: list[threading.Lock] = []  # for a change; who releases the lock ends the wait
        self._worker: threading.Lock | None = None  # waits for work
        self._woken: list[threading.Lock] = []  # once the provider rests
        self._watched = math.inf  # the deadline that it waits for
        self._work: deque[Work] = deque()
        self._untold: deque[tuple[NotificationEvent, dict[str, Any]]] = deque()
        self._telling = threading.Lock()
        dul.on_opened, dul.on_indication = self._opened, self._moved
        dul.on_rest, dul.on_end = self._wake, self._provider_ended

    # -- one's turn

    def __enter__(self) -> Session:
        self._lock.acquire()
        return self.session

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        woken: list[threading.Lock] = []
        try:
            if error is None:
                woken = self._go_on()
        finally:
            self._release(woken)
        self.tell()

    def _opened(self, now: float) -> None:
        """The provider has a connection. Nobody is woken: whoever waits, waits for something later now."""
        with self._lock:
            self.session.transport_opened(now)

    def _moved(self) -> None:
        """The provider issued something, or has room. Who waited is woken when it rests, not to get in its way."""
        with self._lock:
            self._woken += self._go_on()

    def _wake(self) -> None:
        """The provider rests."""
        woken, self._woken = self._woken, []
        for waiter in woken:
            waiter.release()

    def _provider_ended(self) -> None:
        """Nothing will come any more. The worker, which has waited for this if not for work, ends too."""
        with self._lock:
            if self.session.state != ENDED:  # without a request there was no indication of its end (AA-2, AA-5)
                lost = A_P_ABORT(transport_lost=True, description="the connection is closed")
                self.session.indication(lost, time.monotonic())
                self._woken += self._go_on()
            if self._worker is not None:
                self._woken.append(self._worker)
                self._worker = None
        self._wake()

    def _release(self, woken: list[threading.Lock]) -> None:
        """Leave the session to those who waited: woken while it is locked they would wait once more."""
        self._lock.release()
        for waiter in woken:
            waiter.release()
        if woken:
            self._dul.interrupt()

    def _drained(self) -> None:
        self._dul.on_drained = None
        self._moved()

    def _go_on(self) -> list[threading.Lock]:
        """Let what arrived and what is to be said go as far as they can; who is to be woken for that."""
        session, now = self.session, time.monotonic()
        while True:
            while (event := session.next_event(now)) is not None:
                self._user.happened(event)
            if not self._feed(now):
                continue
            if not session.want_read or (primitive := self._dul.to_user_queue.take()) is None:
                break
            if not isinstance(primitive, P_DATA):
                self._user.hearing(primitive)
            session.indication(primitive, now)
        session.flush()
        return self._to_be_woken()

    def _feed(self, now: float) -> bool:
        """Give the provider what is to be sent, up to a bound. False where that ended the association."""
        session, dul = self.session, self._dul
        was_over = session.state == ENDED
        if dul.on_drained is not None and not was_over:
            return True  # more than enough is on its way
        ahead = 0
        while ahead < _AHEAD:
            requests: list[Primitive] = []
            try:
                length = self._next_requests(requests, now)
            except Exception as error:  # an outgoing data set cannot be read
                LOGGER.error("%s: a data set cannot be read: %s", self._user, error)
                session.abort(now, f"a data set cannot be read: {error}")
                return False
            ahead += length
            dul.on_drained = self._drained if ahead >= _AHEAD else None
            if requests:
                dul.to_provider_queue.put_all(requests)
            if length < _TOGETHER:
                break
        return was_over or session.state != ENDED  # the last answer may be the one to a request for release

    def _next_requests(self, requests: list[Primitive], now: float) -> int:
        """Append what is to be said next; how many bytes of fragments that is, less than _TOGETHER where it is all."""
        next_request, length = self.session.next_request, 0
        while length < _TOGETHER and (request := next_request(now)) is not None:
            requests.append(request)
            if type(request) is P_DATA:
                length += len(request.presentation_data_value_list[0][2])
            else:
                self._user.saying(request)
        return length

    def _to_be_woken(self) -> list[threading.Lock]:
        """Whoever waits for a change; the worker only for what is its own business: a hop costs more than an echo."""
        woken, self._waiting = self._waiting, []
        deadline = self.session.deadline
        earlier = deadline is not None and deadline < self._watched
        if self._worker and (earlier or self._work or self._untold):
            woken.append(self._worker)
            self._worker = None
        return woken

    # -- waiting

    def watch_deadline(self) -> None:
        """The present thread, which has the session, is about to wait: the worker need not watch its deadline."""
        self._watched = -math.inf

    def check_may_wait(self) -> None:
        """Raises RuntimeError amid the provider's turn, which would have to bring what is waited for."""
        if self._dul.is_amid_turn:
            raise RuntimeError("a handler on the receiving thread cannot wait for the peer: have another thread do it")

    def wait_until(self, done: Callable[[], bool]) -> None:
        """Wait until `done()`, which is asked with the session locked. Handlers are told meanwhile."""
        self.check_may_wait()
        while not self._has_come(done):
            self.tell()

    def wait_for_beginning(self, begun: Callable[[], bool]) -> None:
        """The same, but what it brings is told later: handlers take their time, and somebody has to serve the peer."""
        while not self._has_come(begun, untold=True):
            self.tell()

    def _has_come(self, done: Callable[[], bool], *, for_work: bool = False, untold: bool = False) -> bool:
        """Wait for `done()`; False where there is something to tell before, unless that may stay `untold`."""
        while True:
            with self._lock:
                if untold and done():
                    return True
                if self._untold and not self._telling.locked():
                    return False
                if done():
                    return True
                deadline = self.session.deadline
                waiter = threading.Lock()
                waiter.acquire()
                if for_work:
                    self._worker, self._watched = waiter, math.inf if deadline is None else deadline
                else:
                    self._waiting.append(waiter)
            if self._dul.turn(deadline) or not waiter.acquire(
                timeout=-1 if deadline is None else max(0.0, deadline - time.monotonic())
            ):
                self._handle_timeout(waiter)

    def _handle_timeout(self, waiter: threading.Lock) -> None:
        self._lock.acquire()
        woken: list[threading.Lock] = []
        try:
            if waiter in self._waiting:
                self._waiting.remove(waiter)
            now, deadline = time.monotonic(), self.session.deadline
            if deadline is not None and now >= deadline:
                self._user.timed_out(self.session, now)
                woken = self._go_on()
        finally:
            self._release(woken)

    # -- work

    def add_work(self, work: Work) -> None:
        """Have `work` done by the thread that asks for it. The session is locked."""
        self._work.append(work)

    def next_work(self) -> Work | None:
        """What is to be done next, waited for; None at the association's end. For one thread."""
        while not self._has_come(self._work_is_due, for_work=True):
            self.tell()
        with self._lock:
            return self._work.popleft() if self._work else None

    def _work_is_due(self) -> bool:
        """Or never will be. While the peer does not take answers, no handler makes more of them."""
        if self.session.state == ENDED:
            return True
        return bool(self._work) and (self._dul.on_drained is None or not self.session.answers_due)

    # -- handlers of notification events

    def tell_later(self, event: NotificationEvent, **given: Any) -> None:
        """Tell the handlers of `event` once the session is free: they may use it."""
        if event in self._user.handlers:
            self._untold.append((event, given))

    def tell(self) -> None:
        """Tell handlers what there is to tell, unless another thread, or this one, does so already."""
        if self._untold and self._dul.is_amid_turn:
            return  # a handler in it used the session; those told here may wait for the peer
        while self._untold and self._telling.acquire(blocking=False):
            try:
                while self._untold:
                    event, given = self._untold.popleft()
                    self._user.handlers.tell(self._user, event, **given)
            finally:
                self._telling.release()
