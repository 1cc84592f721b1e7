"""The sink: an SCP that answers every C-STORE with Success and keeps nothing.

It is what a sender, a network or a load tester is measured against. All but the keeping is done as ever: negotiation,
limits, the protocol, and the checks of the C-STORE-RQ. Data sets are read and dropped, and not looked into. A C-ECHO
that comes in the very bytes of one before, but for its message id, is answered in the bytes of that one's response, so
that the sink is not what limits; it is counted as any other. What a server costs is for `ulpool serve` without it.
"""

from __future__ import annotations

import socket
from time import monotonic
from typing import Final

from pool.exchange import Answer, answer_form, received_form
from pool.handoff import Handoff
from pool.loop import EPOLLIN
from pool.stats import Cell, Histogram
from pool.worker.scp import SCP
from pool.worker.served import ServedAssociation
from ul.association_control import ESTABLISHED
from ul.dimse import Buffer
from ul.session_events import Operation
from ul.status import SUCCESS
from ul.wire.command import C_ECHO_RQ, Command

_LONGEST_KNOWN: Final = 512  # bytes of a C-ECHO-RQ


class SinkSCP(SCP):
    """What the associations of one worker share."""

    def open_association(self, sock: socket.socket, handoff: Handoff) -> ServedAssociation:
        """An association on a new connection, not started yet."""
        return SinkAssociation(self, sock, handoff)


class SinkAssociation(ServedAssociation):
    """One association with the sink."""

    __slots__ = ("_cell", "_echo", "_heard", "_histogram", "_is_at_rest")

    def __init__(self, scp: SCP, sock: socket.socket, handoff: Handoff) -> None:
        super().__init__(scp, sock, handoff)
        self._is_at_rest = False  # established, and nothing is under way
        self._heard = b""  # what came last, if it came while it was at rest and may be a whole C-ECHO-RQ
        self._echo: Answer | None = None  # to C-ECHO-RQs like the one before
        self._cell: Cell
        self._histogram: Histogram

    def _ready(self, events: int) -> None:
        """While it is at rest, a C-ECHO-RQ that is known goes no further than here: nothing is left to pump."""
        if self._echo is None or not self._is_at_rest or events != EPOLLIN:
            super()._ready(events)
            return
        began = monotonic()
        length = self._read()
        response = self._echo.to(self._buffer, length)
        if response is None:
            if length:
                self._received(self._buffer[:length])
            self._go_on()
            return
        self.session.heard(self._loop.now)
        self._send_at_once(response)
        if self._unsent:  # the peer takes no answers: wait until it does
            self.pump()
        self.messages += 1
        counters = self._counters
        counters.c_echo_requests += 1
        counters.responses += 1
        self._cell.number += 1
        self._histogram.observe(monotonic() - began)

    def _received(self, data: memoryview) -> None:
        self._heard = bytes(data) if self._is_at_rest and len(data) <= _LONGEST_KNOWN else b""
        super()._received(data)

    def pump(self) -> None:
        """And see whether there is anything left to do."""
        super().pump()
        session = self.session
        self._is_at_rest = session.state == ESTABLISHED and not (
            session.busy or self.upper_layer.amid_pdu or self._unsent
        )

    def responding(self, operation: Operation, response: Command) -> None:
        """Note how the first C-ECHO was asked for, answered and counted."""
        super().responding(operation, response)
        if operation.request.type is C_ECHO_RQ and response.Status == SUCCESS and self._heard:
            request = received_form(self._heard, operation.request.MessageID)
            if request is not None:
                self._echo = Answer(request, answer_form(operation.context.context_id, response))
                self._cell, self._histogram = self._count_answers(C_ECHO_RQ.name, SUCCESS)

    def open_instance(self, operation: Operation) -> Drain:
        """Where the data set goes."""
        return DRAIN

    def committed(self, operation: Operation, outcome: bool) -> None:  # type: ignore[override]
        """Nothing was stored and nothing is counted so; C-STORE requests are counted as they come."""


class Drain:
    """An instance on its way to nowhere; all of them share one."""

    __slots__ = ()

    def write(self, view: Buffer, /) -> None:
        """Let it go."""

    def flush(self) -> None:
        """Nothing is held."""

    def commit_at_once(self) -> bool:
        """Done: there was nothing to do."""
        return True

    def commit(self) -> bool:
        """The same."""
        return True

    def discard(self) -> None:
        """Nothing is left behind."""


DRAIN = Drain()
