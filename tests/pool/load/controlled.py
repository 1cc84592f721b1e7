"""An SCP that does what a test wants: a delay, a stall, a status, an end. On a loop and a thread of its own."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from functools import partial
from time import monotonic
from types import TracebackType
from typing import Any

from pool.config import Settings
from pool.handoff import Handoff
from pool.load.plan import Plan
from pool.loop import EPOLLIN, Loop
from pool.scu import Peer
from pool.stats import Counters
from pool.worker.scp import SCP, ServedAssociation
from pool.worker.sink import SinkAssociation, SinkSCP
from ul.acse import LOCAL_LIMIT_EXCEEDED
from ul.session_events import Event, Operation, RequestReceived
from ul.wire.command import Command


class ControlledSCP:
    """Serves Verification and storage on a free port and keeps nothing.

    `delay`: seconds between a request and its response. `stall(after, seconds)`: from `after` seconds on nothing is
    answered for so long. `status_of(operation)`: the status to answer with, None for that of the service.
    `on_request(association, number)` is called for each request; where it returns True, nobody answers.
    """

    def __init__(
        self,
        *,
        delay: float = 0.0,
        status_of: Callable[[Operation], int | None] = lambda operation: None,
        on_request: Callable[[ControlledAssociation, int], object] = lambda association, number: None,
        rejects: bool = False,
        **settings: Any,
    ) -> None:
        self.delay = delay
        self.status_of = status_of
        self.on_request = on_request
        self.rejects = rejects
        self.requests = 0
        self.took: list[float] = []  # seconds from requests to their responses: a busy machine adds to `delay`
        self.loop = Loop()
        self.scp: SCP = _SCP(self, Settings(**settings))
        self._stall = (0.0, 0.0)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        self.associations: set[ControlledAssociation] = set()
        self._thread = threading.Thread(target=self.loop.run)

    def plan(self, **fields: Any) -> Plan:
        """A plan against this SCP."""
        peer = Peer("ULPOOL", "127.0.0.1", self.port)
        return Plan(**{"peer": peer, "address": peer.resolve(), "acse_timeout": 5.0, "dimse_timeout": 5.0, **fields})

    def stall(self, after: float, seconds: float) -> None:
        """Counted from the first request."""
        self._stall = after, seconds

    def answer_in(self, now: float, first: float) -> float:
        """Seconds until a request of now is answered."""
        begins, lasts = first + self._stall[0], self._stall[1]
        if lasts and begins <= now < begins + lasts:
            return begins + lasts - now
        return self.delay

    def __enter__(self) -> ControlledSCP:
        self.loop.register(self._listener.fileno(), EPOLLIN, self._accept)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.loop.call_from_thread(self.loop.stop)
        self._thread.join()
        for association in list(self.associations):
            association.close()
        self._listener.close()
        self.scp.close()
        self.loop.close()

    def _accept(self, events: int) -> None:
        try:
            sock, (host, port) = self._listener.accept()
        except BlockingIOError:
            return
        association = self.scp.open_association(sock, Handoff(0, 0, port, self.loop.now, host))
        assert isinstance(association, ControlledAssociation)
        self.associations.add(association)
        association.start()

    # the gate

    def request_admission(self, association: ServedAssociation, calling_ae_title: str, called_ae_title: str) -> None:
        if self.rejects:
            self.loop.call_soon(association.refused, LOCAL_LIMIT_EXCEEDED)
        else:
            self.loop.call_soon(association.admitted)

    def association_closed(self, association: ServedAssociation) -> None:
        assert isinstance(association, ControlledAssociation)
        self.associations.discard(association)


class _SCP(SinkSCP):
    def __init__(self, control: ControlledSCP, settings: Settings) -> None:
        super().__init__(settings, control.loop, Counters(), control, stores=False)
        self.control = control

    def open_association(self, sock: socket.socket, handoff: Handoff) -> ServedAssociation:
        return ControlledAssociation(self, sock, handoff)


class ControlledAssociation(SinkAssociation):
    """One association with it."""

    first: float | None = None  # when the first request of all came

    def responding(self, operation: Operation, response: Command) -> None:
        ServedAssociation.responding(self, operation, response)  # and every request comes to `react`

    def react(self, event: Event) -> None:
        if not isinstance(event, RequestReceived):
            super().react(event)
            return
        assert isinstance(self._scp, _SCP)
        control, now = self._scp.control, self._loop.now
        control.requests += 1
        if control.on_request(self, control.requests):
            return
        if control.requests == 1:
            self._scp.first = now  # type: ignore[attr-defined]
        wait = control.answer_in(now, self._scp.first)  # type: ignore[attr-defined]
        status = control.status_of(event.operation)
        if status is not None and not event.operation.request.has_data_set:
            self.session.respond(event.operation, event.operation.request.response(Status=status), now)
        elif wait:
            self._loop.call_at(now + wait, partial(self._answer, event, monotonic()))
        else:
            super().react(event)

    def _answer(self, event: Event, came: float) -> None:
        if not self.is_closed:
            assert isinstance(self._scp, _SCP)
            self._scp.control.took.append(monotonic() - came)
            super().react(event)
            self.pump()

    def abort_now(self) -> None:
        """A-ABORT, from within a request."""
        self.abort("as the test wants it")

    def reset(self) -> None:
        """RST instead of an answer."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self._loop.call_soon(self._reset)

    def _reset(self) -> None:
        self._loop.unregister(self._socket.fileno())
        self._interest = 0
        self._socket.close()
