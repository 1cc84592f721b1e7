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

from pool.exchange import Form, answer_form, received_form
from pool.handoff import Handoff
from pool.stats import status_label
from pool.worker.scp import SCP
from pool.worker.served import ServedAssociation
from ul.association_control import ESTABLISHED
from ul.dimse import Buffer
from ul.session_events import Operation
from ul.status import SUCCESS
from ul.wire.command import C_ECHO_RQ, Command

_LONGEST_KNOWN: Final = 512  # bytes of a C-ECHO-RQ
_SUCCESS: Final = status_label(SUCCESS)


class SinkSCP(SCP):
    """What the associations of one worker share."""

    def open_association(self, sock: socket.socket, handoff: Handoff) -> ServedAssociation:
        """An association on a new connection, not started yet."""
        return SinkAssociation(self, sock, handoff)


class SinkAssociation(ServedAssociation):
    """One association with the sink."""

    __slots__ = ("_heard", "_is_answered", "_request", "_response")

    def __init__(self, scp: SCP, sock: socket.socket, handoff: Handoff) -> None:
        super().__init__(scp, sock, handoff)
        self._heard = b""  # what came last, if it may be a whole C-ECHO-RQ
        self._request: Form | None = None  # a C-ECHO-RQ that was answered,
        self._response: Form | None = None  # and its response
        self._is_answered = False  # what was just received, so that nothing is left to pump

    def _received(self, data: memoryview) -> None:
        session, began = self.session, monotonic()
        self._heard = b""
        if (
            len(data) <= _LONGEST_KNOWN
            and session.state == ESTABLISHED
            and not (session.busy or self.upper_layer.amid_pdu or self._unsent)
        ):
            self._heard = bytes(data)
            message_id = self._request.message_id(self._heard) if self._request is not None else None
            if message_id is not None:
                self._echo(message_id, began)
                return
        super()._received(data)

    def _echo(self, message_id: bytes, began: float) -> None:
        assert self._response is not None
        self.session.heard(self._loop.now)
        self._send_now([b"".join((self._response.before, message_id, self._response.between))])
        self._is_answered = not self._unsent
        self.messages += 1
        counters = self._counters
        counters.c_echo_requests += 1
        counters.count("responses", C_ECHO_RQ.name, _SUCCESS, self._calling_label)
        counters.observe("operation_seconds", monotonic() - began, C_ECHO_RQ.name)

    def pump(self) -> None:
        """Nothing, where what came was a C-ECHO and is answered."""
        if self._is_answered:
            self._is_answered = False
        else:
            super().pump()

    def responding(self, operation: Operation, response: Command) -> None:
        """Note how the first C-ECHO was asked for and answered."""
        super().responding(operation, response)
        if operation.request.type is C_ECHO_RQ and response.Status == SUCCESS and self._heard:
            self._request = received_form(self._heard, operation.request.MessageID)
            self._response = answer_form(operation.context.context_id, response)

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
