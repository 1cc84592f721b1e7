"""What an association with the SCP of a worker does with its events, from the hand-off of its connection to its end.

Belongs here: what is counted and logged per association. Not here: what it shares with others (`scp`), how bytes move
(`pool.connection`), how an operation is performed (`ul.services`).
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from pool import events, logs, messages
from pool.connection import Connection
from pool.handoff import Handoff
from pool.loop import EPOLLIN
from pool.messages import AssociationDetails, Message
from pool.proxy_protocol import Header
from pool.stats import OTHER, Cell, Counters, Histogram, calling_label, status_label
from pool.storage import Incoming, Stored
from pool.tls_socket import TLSSocket
from pool.worker.entrance import BREACHES, ProxiedSocket
from pool.worker.offers import REJECTED_BY
from ul.acse import Rejection
from ul.association_control import IDLE, REQUESTED
from ul.errors import (
    INVALID_PDU_PARAMETER_VALUE,
    REASON_NOT_SPECIFIED,
    UNEXPECTED_PDU,
    UNEXPECTED_PDU_PARAMETER,
    UNRECOGNIZED_PDU,
    UNRECOGNIZED_PDU_PARAMETER,
    UsageError,
)
from ul.evt import Event as HandlerEvent
from ul.evt import EventType, InterventionEvent
from ul.pdu_primitives import A_ASSOCIATE
from ul.services.performance import Performances, Then
from ul.services.steps import Instance, Provider
from ul.session import Session
from ul.session_events import (
    AssociationAborted,
    AssociationRejected,
    AssociationReleased,
    AssociationRequested,
    DataSetReceived,
    Event,
    Operation,
    RequestReceived,
    ResponseReceived,
)
from ul.spool import Spool
from ul.status import DUPLICATE_SOP_INSTANCE, PENDING, SUCCESS
from ul.upper_layer import UpperLayer
from ul.wire.command import C_ECHO_RQ, C_STORE_RQ, Command

if TYPE_CHECKING:
    from pool.worker.scp import SCP

# The kinds of protocol errors, by the reason of the A-ABORT that answers them (PS3.8 Table 9-26).
_BREACHES: Final = {
    REASON_NOT_SPECIFIED: "not-specified",
    UNRECOGNIZED_PDU: "unrecognized-pdu",
    UNEXPECTED_PDU: "unexpected-pdu",
    UNRECOGNIZED_PDU_PARAMETER: "unrecognized-pdu-parameter",
    UNEXPECTED_PDU_PARAMETER: "unexpected-pdu-parameter",
    INVALID_PDU_PARAMETER_VALUE: "invalid-pdu-parameter-value",
}

RELEASED: Final = "released"


class ServedAssociation(Connection):
    """One association with this SCP, from the hand-off of its connection to its end.

    The store's provider and the services' shell of its own: see `ul.services.steps` and `ul.services.performance`.
    """

    __slots__ = (
        "_answers",
        "_calling_label",
        "_counters",
        "_end",
        "_performances",
        "_rule",
        "_scp",
        "called_ae_title",
        "calling_ae_title",
        "entrance",
        "is_health_check",
        "messages",
        "opened_at",
        "peer_address",
        "token",
    )

    def __init__(self, scp: SCP, sock: socket.socket, handoff: Handoff) -> None:
        self.entrance = scp.entrances[handoff.listener]
        upper_layer = UpperLayer(False, artim_timeout=scp.timeouts.acse, maximum_length=scp.offer.maximum_length)
        session = Session(scp.timeouts, self.entrance.offer, maximum_data_set=scp.maximum_data_set)
        transport = self.entrance.open(sock, self._introduced)
        super().__init__(scp.loop, transport, upper_layer, session, scp.buffer, scp.timeouts.network)
        self._scp = scp
        self._counters = scp.counters
        self.pace = scp.new_pace()
        self._performances: Performances | None = None
        self._calling_label = OTHER
        self._answers: dict[tuple[str, int], tuple[Cell, Histogram]] = {}  # those of `Counters` to this caller
        self._rule: str | None = None
        self._end = ""
        self.token = handoff.token
        self.peer_address = (handoff.host, handoff.port)
        self.opened_at = handoff.accepted_at
        self.calling_ae_title = ""
        self.called_ae_title = ""
        self.messages = 0
        self.is_health_check = False

    # -- the worker's side

    def start(self) -> None:
        """Begin, if who connects may."""
        refusal = self.entrance.turns_away(self.peer_address[0])
        if refusal is None:
            super().start()
        else:
            self._failed(refusal)
            self.close()

    def _introduced(self, header: Header) -> None:
        """The PROXY header is there: from now on the peer is its client, where it names one."""
        assert isinstance(self._socket, ProxiedSocket)
        self._socket = self._socket.inside
        if header.source is None:
            self._counters = Counters()  # of a health check, until it turns out to be more
        else:
            self.peer_address = header.source

    @property
    def _is_unintroduced(self) -> bool:
        """A balancer speaks, and names no client."""
        return self._counters is not self._scp.counters

    @property
    def _only_echoed(self) -> bool:
        return self.messages == self._counters.c_echo_requests

    @property
    def subject(self) -> dict[str, Any]:
        """What the lines of the log about it have in common."""
        return {"association": self.token}

    def admitted(self) -> None:
        """The acceptor counts this association: accept it."""
        if self.session.state != REQUESTED:
            return  # the peer gave up while the acceptor was asked
        self._counters.count("associations_accepted", self._calling_label)
        self._counters.associations_active += 1
        self._performances = Performances(self.session, self.provider(), self)
        if events.followed and not self._is_unintroduced:
            self._publish(messages.ASSOCIATION_OPENED, pid=os.getpid())
        self._accept()
        self.pump()

    def _accept(self) -> None:
        self.session.accept(self._loop.now)

    def refused(self, rejection: Rejection, rule: str = "") -> None:
        """Reject this association; `rule` is the limit that forbids it, where one does."""
        if self.session.state == REQUESTED:
            self._rule = rule
            self.session.reject(rejection, self._loop.now)
            self.pump()

    def expire_artim(self) -> None:
        """The place of this connection, which has not asked for an association yet, is needed: as if ARTIM ran out."""
        self._expire(f"{self._missing} before its place was needed")

    def dismiss(self) -> None:
        """We leave: an A-ASSOCIATE-RQ that is already there is answered, and who has said nothing is not waited for."""
        if self.session.state == IDLE:
            self._ready(EPOLLIN)
        if self.session.state == IDLE and not self.is_closed:
            self._expire("the server stops")

    def _expire(self, why: str) -> None:
        self._expired(why)
        self.upper_layer.expire_artim(self._loop.now)
        self.pump()

    @property
    def _missing(self) -> str:
        """What a connection has not come to in its time, in words."""
        entering = getattr(self._socket, "missing", "")
        return entering or ("half an A-ASSOCIATE-RQ" if self.bytes_received else "no A-ASSOCIATE-RQ")

    def _expired(self, why: str) -> None:
        if self.session.state == IDLE and not self.upper_layer.breach:
            self._end = why

    def _timer_due(self) -> None:
        artim = self.upper_layer.artim_timer
        if artim.expired(self._loop.now) and self.session.state == IDLE:
            self._counters.connections_expired += 1
            self._expired(f"ACSE timeout: {self._missing} for {artim.duration:g} s")
        super()._timer_due()

    def _too_slow(self, why: str) -> None:
        self._counters.count("limits_reached", "min-rate")
        super()._too_slow(why)

    def drain(self) -> None:
        """The server is stopping: go on while the peer does, but do not wait for one that is silent."""
        if self.session.state != IDLE:
            self.session.limit_idleness(self._scp.drain_idle)
            self.upper_layer.artim_timer.limit(self._scp.drain_idle, self._loop.now)  # for the peer to close at the end
            self.pump()

    def abort(self, why: str) -> None:
        """A-ABORT, now. There is none before an A-ASSOCIATE-RQ."""
        if self.session.state != IDLE:
            self.session.abort(self._loop.now, why)
            self.pump()

    def details(self) -> AssociationDetails:
        """How it is."""
        return AssociationDetails(
            state=self.session.state,
            operations=len(self.session.operations),
            messages=self.messages,
            bytes_received=self.bytes_received,
            bytes_sent=self.bytes_sent,
            idle=self._loop.now - self.session.heard_at,
        )

    # -- the session's events

    def react(self, event: Event) -> None:
        """Something happened on the association."""
        if isinstance(event, RequestReceived):
            self._request_received(event.operation)
        elif isinstance(event, DataSetReceived):
            assert self._performances is not None
            if event.operation.too_large:
                self._counters.count("limits_reached", "max-object")
            if isinstance(event.operation.sink, Incoming):
                event.operation.sink.seconds_receiving = monotonic() - event.operation.received_at
            self._performances.data_set_received(event.operation)
        elif isinstance(event, AssociationRequested):
            self._take_titles(event.request)
            self._association_requested()
        elif isinstance(event, ResponseReceived):
            assert self._performances is not None
            self._performances.response_received(event)
        else:
            self._ended(event)

    def _take_titles(self, request: A_ASSOCIATE) -> None:
        self.calling_ae_title = request.calling_ae_title
        self.called_ae_title = request.called_ae_title
        self._calling_label = calling_label(self.calling_ae_title, self._scp.configured_titles)
        self._answers = self._counters.answers.setdefault(self._calling_label, {})

    def _association_requested(self) -> None:
        self._scp.gate.request_admission(self, self.calling_ae_title, self.called_ae_title)

    def _request_received(self, operation: Operation) -> None:
        assert self._performances is not None
        self.messages += 1
        kind, counters = operation.request.type, self._counters
        if kind is C_STORE_RQ:
            counters.c_store_requests += 1
        elif kind is C_ECHO_RQ:
            counters.c_echo_requests += 1
        self._performances.request_received(operation)

    def _ended(self, event: Event) -> None:
        counters = self._counters
        if isinstance(event, AssociationReleased):
            self._end = RELEASED
            counters.associations_released += 1
        elif isinstance(event, AssociationRejected):
            self._rejected(event.rejection)
        elif isinstance(event, AssociationAborted):
            self._end = self.lost or event.description
            if event.breach:
                counters.count("protocol_errors", _BREACHES[event.reason] if event.source else "dimse")
            if self._performances is not None:
                counters.associations_aborted += 1

    def _rejected(self, rejection: Rejection) -> None:
        counters, request = self._counters, self.session.request
        if request is not None:
            self._take_titles(request)
        counters.count("associations_rejected", *rejection.names)
        if self._rule is None and rejection in REJECTED_BY:  # in negotiation; what the acceptor refuses, it counts
            self._rule = REJECTED_BY[rejection]
            counters.count("limits_reached", self._rule)
        self._end = "rejected ({},{},{})".format(*rejection) + (f": {self._rule}" if self._rule else "")
        if events.followed:
            result, source, reason = rejection
            self._publish(
                messages.ASSOCIATION_REFUSED, result=result, source=source, reason=reason, rule=self._rule or ""
            )

    # -- the services' shell and provider

    def now(self) -> float:
        """The loop's time."""
        return self._loop.now

    def run_blocking(self, operation: Operation, call: Callable[[], Any], then: Then) -> None:
        """Run `call` on a thread of the worker's; go on with the association afterwards."""
        self._scp.run_blocking(self, call, then)

    def resume(self, then: Then, result: Any, error: BaseException | None) -> None:
        """What blocked is done."""
        then(result, error)
        if not self.is_closed:
            self.pump()

    def provider(self) -> Provider:
        """What the services of this association stand on."""
        return self

    def open_instance(self, operation: Operation) -> Instance:
        """Where the data set of this C-STORE goes. Raises StatusError."""
        return self.open_incoming(operation)

    def open_incoming(self, operation: Operation) -> Incoming:
        """The same, into the store."""
        request, store = operation.request, self._scp.store
        assert store is not None
        return store.open_instance(
            request.AffectedSOPClassUID,
            request.AffectedSOPInstanceUID,
            operation.context.transfer_syntax,
            self.calling_ae_title,
        )

    def committed(self, operation: Operation, outcome: Stored) -> dict[str, Any] | None:
        """Count an instance that is safe."""
        assert isinstance(operation.sink, Incoming)
        self.count_stored(operation.sink, outcome)
        return None

    def count_stored(self, incoming: Incoming, stored: Stored) -> None:
        """Count an instance that the store keeps."""
        counters = self._counters
        if stored.is_duplicate:
            counters.instances_identical += 1
            return
        counters.instances_conflicting += stored.is_conflict
        counters.instances_stored += 1
        if events.followed:
            self._publish(
                messages.INSTANCE_STORED,
                sop_instance_uid=incoming.sop_instance_uid,
                transfer_syntax_uid=incoming.transfer_syntax_uid,
                bytes=incoming.bytes_written,
                path=stored.path,
            )
        counters.bytes_stored += incoming.bytes_written
        receive, write, commit = counters.stages
        receive.observe(incoming.seconds_receiving)
        write.observe(incoming.seconds_writing)
        commit.observe(incoming.seconds_committing)

    def open_data_set(self, operation: Operation) -> Spool:
        """Where the data set of any other request goes."""
        return Spool()

    def handler(self, event: InterventionEvent) -> Callable[[HandlerEvent], Any] | None:
        """Nobody: this is the SCP without an application."""
        return None

    def event(self, event: EventType, operation: Operation, **attributes: Any) -> HandlerEvent:
        """Nobody is there to see one."""
        raise UsageError(f"{event}: no handlers are served")

    def associate(self, address: Any, port: int, **arguments: Any) -> Any:
        """Nobody is there to ask for it."""
        raise UsageError("no handlers are served")

    def handler_failed(self, operation: Operation, error: BaseException) -> None:
        """The traceback is for us; what the peer gets is the service's matter."""
        logs.event(
            logs.ERROR,
            "handler.failed",
            association=self.token,
            operation=operation.request.type.name,
            message_id=operation.request.MessageID,
            error=error,
        )

    def responding(self, operation: Operation, response: Command) -> None:
        """Count a response, and log an operation that failed."""
        command, status = operation.request.type.name, response.Status
        cell, histogram = self._answers.get((command, status)) or self._count_answers(command, status)
        cell.number += 1
        self._counters.responses += 1
        if status in PENDING:
            return
        histogram.observe(monotonic() - operation.received_at)
        if status != SUCCESS:
            self._respond_failure(operation, response)

    def _count_answers(self, command: str, status: int) -> tuple[Cell, Histogram]:
        """Where responses like this one are counted from now on."""
        cell = self._counters.cell("responses", (command, status_label(status), self._calling_label))
        histogram = self._counters.histogram("operation_seconds", (command,))
        counted = self._answers[command, status] = cell, histogram
        return counted

    def _respond_failure(self, operation: Operation, response: Command) -> None:
        counters, command = self._counters, operation.request.type.name
        if response.Status == DUPLICATE_SOP_INSTANCE and operation.request.type is C_STORE_RQ:
            counters.instances_conflicting += 1
        failure = {
            "operation": command,
            "message_id": operation.request.MessageID,
            "status": status_label(response.Status),
        }
        if events.followed:
            self._publish(messages.OPERATION_FAILED, **failure)
        logs.event(logs.WARNING, "operation.failed", association=self.token, **failure, comment=response.ErrorComment)

    def invoking(self, request: Command) -> None:
        """Storage sub-operations are not counted."""

    def operation_failed(self, operation: Operation, error: Exception) -> None:
        """A service raised what it should not: 0110H for the peer, the traceback for us."""
        logs.event(logs.ERROR, "operation.fault", association=self.token, error=error)

    # -- the end

    def closed(self) -> None:
        """The connection is closed: undo what was under way, count, and say how it went."""
        counters, seconds = self._counters, self._loop.now - self.opened_at
        if self._performances is not None:
            self._performances.close()
            counters.associations_active -= 1
            counters.observe("association_seconds", seconds)
        counters.bytes_received += self.bytes_received
        counters.bytes_sent += self.bytes_sent
        asked = bool(self.session.request)
        breach = "" if asked else self.upper_layer.breach  # nobody was told of it
        if breach:
            counters.count("protocol_errors", "before-association")
        elif kind := BREACHES.get(type(self.failure)):
            breach = self.lost
            counters.count("protocol_errors", kind)
        level = logs.INFO if asked else logs.WARNING if self._end or breach else logs.DEBUG
        if self._is_unintroduced:
            self.is_health_check = self._end == RELEASED and self._only_echoed
            if self.is_health_check:
                self._scp.counters.health_checks += 1
                level = logs.DEBUG
            else:
                self._scp.counters.add(counters.snapshot())
        logs.event(
            level,
            "association.closed" if asked else "connection.closed",
            association=self.token,
            peer=self._peer,
            calling=self.calling_ae_title if asked else None,
            called=self.called_ae_title if asked else None,
            messages=self.messages if asked else None,
            bytes=self.bytes_received,
            seconds=seconds,
            tls=self._socket.version if isinstance(self._socket, TLSSocket) else None,
            end=self._end or breach or self.lost or "closed by the peer",
        )
        if asked and events.followed and not self.is_health_check:
            self._publish(
                messages.ASSOCIATION_CLOSED,
                messages=self.messages,
                bytes=self.bytes_received,
                bytes_sent=self.bytes_sent,
                seconds=round(seconds, 3),
                end=self._end or self.lost or "closed by the peer",
            )
        self._scp.gate.association_closed(self)

    @property
    def _peer(self) -> str:
        return "{}:{}".format(*self.peer_address)

    def _publish(self, row: Message, **fields: Any) -> None:
        """Tell who follows the server; `events.followed` was asked before."""
        events.tell(
            row,
            association=self.token,
            peer=self._peer,
            calling=self.calling_ae_title,
            called=self.called_ae_title,
            **fields,
        )
