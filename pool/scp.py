"""The SCP of a worker: what all of its associations share, and what each of them does with its events.

Belongs here: which contexts are offered, where instances go, what is counted and logged per association. Not here:
how bytes move (`pool.connection`), how an operation is performed (`ul.services`), how a file becomes durable
(`pool.storage`), who may associate (the acceptor, asked through `Gate`).
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Protocol

from pool import logs
from pool.config import Settings
from pool.connection import RECEIVE_BUFFER_LENGTH, Connection
from pool.handoff import Handoff
from pool.loop import EPOLLIN, Loop
from pool.stats import Counters
from pool.storage import Incoming, Store, Stored, store_from
from ul.acse import Offer, Rejection, SupportedContext
from ul.errors import UsageError
from ul.evt import Event as HandlerEvent
from ul.evt import EventType, InterventionEvent
from ul.services.performance import Performances, Then
from ul.services.steps import Instance, Provider
from ul.session import IDLE, REQUESTED, Session
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
    Timeouts,
)
from ul.sop_class import STORAGE_SOP_CLASSES, TRANSFER_SYNTAXES, Verification
from ul.spool import Spool
from ul.status import DUPLICATE_SOP_INSTANCE, PENDING, SUCCESS
from ul.upper_layer import UpperLayer
from ul.wire.command import C_ECHO_RQ, C_STORE_RQ, Command

# Several fsyncs at a time share one journal commit of the file system; more threads than that only wait.
_COMMIT_THREADS: Final = 16
# Seconds without a message after which a draining server ends an association in the middle of nothing.
_DRAIN_IDLE: Final = 5.0


class Gate(Protocol):
    """The worker, as its associations see it: the way to the acceptor."""

    def request_admission(self, association: ServedAssociation, calling_ae_title: str, called_ae_title: str) -> None:
        """Ask whether the association may be; `admitted` or `refused` is called later."""

    def association_closed(self, association: ServedAssociation) -> None:
        """The connection is gone."""


def offer_from(settings: Settings) -> Offer:
    """Verification and every storage SOP class, each in every transfer syntax: what arrives is kept as it is."""
    everything = SupportedContext(TRANSFER_SYNTAXES)
    return Offer(
        contexts=dict.fromkeys((Verification, *STORAGE_SOP_CLASSES), everything),
        unknown_contexts=everything if settings.accept_unknown else None,
        maximum_length=settings.max_pdu,
        called_ae_titles=(settings.aet,) if settings.require_called_aet else (),
        calling_ae_titles=settings.require_calling_aet,
    )


class SCP:
    """What the associations of one worker share."""

    upper_layer_class: type[UpperLayer] = UpperLayer

    def __init__(
        self,
        settings: Settings,
        loop: Loop,
        counters: Counters,
        gate: Gate,
        offer: Offer | None = None,
        *,
        stores: bool = True,
    ) -> None:
        """Without `offer`, what the built-in store takes; without `stores` there is none."""
        self.loop = loop
        self.counters = counters
        self.gate = gate
        self.offer = offer or offer_from(settings)
        self.timeouts = Timeouts(settings.acse_timeout, settings.dimse_timeout, settings.network_timeout)
        self.buffer = memoryview(bytearray(RECEIVE_BUFFER_LENGTH))
        self.store: Store | None = store_from(settings) if stores else None
        self._threads = ThreadPoolExecutor(_COMMIT_THREADS, "commit")

    def open_association(self, sock: socket.socket, handoff: Handoff) -> ServedAssociation:
        """An association on a new connection, not started yet."""
        peer_address = (handoff.host, handoff.port)
        return ServedAssociation(
            self, sock, token=handoff.token, peer_address=peer_address, accepted_at=handoff.accepted_at
        )

    def run_blocking(self, association: ServedAssociation, call: Callable[[], Any], then: Then) -> None:
        """Run `call` on a thread, then `association.resume(then, result, error)` on the loop."""
        self._threads.submit(self.block, association, call, then)

    def block(self, association: ServedAssociation, call: Callable[[], Any], then: Then) -> None:
        """What `run_blocking` does on the thread."""
        try:
            result, error = call(), None
        except BaseException as raised:
            result, error = None, raised
        self.loop.call_from_thread(association.resume, then, result, error)

    def close(self) -> None:
        """Wait for what is being committed."""
        self._threads.shutdown()


class ServedAssociation(Connection):
    """One association with this SCP, from the hand-off of its connection to its end.

    The store's provider and the services' shell of its own: see `ul.services.steps` and `ul.services.performance`.
    """

    __slots__ = (
        "_end",
        "_performances",
        "_scp",
        "called_ae_title",
        "calling_ae_title",
        "messages",
        "opened_at",
        "peer_address",
        "token",
    )

    def __init__(
        self, scp: SCP, sock: socket.socket, *, token: int, peer_address: tuple[str, int], accepted_at: float
    ) -> None:
        upper_layer = scp.upper_layer_class(
            False, artim_timeout=scp.timeouts.acse, maximum_length=scp.offer.maximum_length
        )
        session = Session(scp.timeouts, scp.offer)
        super().__init__(scp.loop, sock, upper_layer, session, scp.buffer, scp.timeouts.network)
        self._scp = scp
        self._performances: Performances | None = None
        self._end = ""
        self.token = token
        self.peer_address = peer_address
        self.opened_at = accepted_at
        self.calling_ae_title = ""
        self.called_ae_title = ""
        self.messages = 0

    # -- the worker's side

    def admitted(self) -> None:
        """The acceptor counts this association: accept it."""
        if self.session.state != REQUESTED:
            return  # the peer gave up while the acceptor was asked
        self._scp.counters.associations_accepted += 1
        self._scp.counters.associations_active += 1
        self._performances = Performances(self.session, self.provider(), self)
        self._accept()
        self.pump()

    def _accept(self) -> None:
        self.session.accept(self._loop.now)

    def refused(self, rejection: Rejection) -> None:
        """The acceptor has no place for this association: reject it."""
        if self.session.state == REQUESTED:
            self.session.reject(rejection, self._loop.now)
            self.pump()

    def expire_artim(self) -> None:
        """The place of this connection, which has not asked for an association yet, is needed: as if ARTIM ran out."""
        self._expire("no A-ASSOCIATE-RQ before its place was needed")

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

    def _expired(self, why: str) -> None:
        if self.session.state == IDLE and not self.upper_layer.breach:
            self._end = why

    def _timer_due(self) -> None:
        artim = self.upper_layer.artim_timer
        if artim.expired(self._loop.now) and self.session.state == IDLE:
            self._scp.counters.connections_expired += 1
            self._expired(f"ACSE timeout: no A-ASSOCIATE-RQ for {artim.duration:g} s")
        super()._timer_due()

    def drain(self) -> None:
        """The server is stopping: go on while the peer does, but do not wait for one that is silent."""
        if self.session.state != IDLE:
            self.session.limit_idleness(_DRAIN_IDLE)
            self.pump()

    def abort(self, why: str) -> None:
        """A-ABORT, now. There is none before an A-ASSOCIATE-RQ."""
        if self.session.state != IDLE:
            self.session.abort(self._loop.now, why)
            self.pump()

    # -- the session's events

    def react(self, event: Event) -> None:
        """Something happened on the association."""
        if isinstance(event, RequestReceived):
            self._request_received(event.operation)
        elif isinstance(event, DataSetReceived):
            assert self._performances is not None
            self._performances.data_set_received(event.operation)
        elif isinstance(event, AssociationRequested):
            self.calling_ae_title = event.request.calling_ae_title
            self.called_ae_title = event.request.called_ae_title
            self._association_requested()
        elif isinstance(event, ResponseReceived):
            assert self._performances is not None
            self._performances.response_received(event)
        else:
            self._ended(event)

    def _association_requested(self) -> None:
        self._scp.gate.request_admission(self, self.calling_ae_title, self.called_ae_title)

    def _request_received(self, operation: Operation) -> None:
        assert self._performances is not None
        self.messages += 1
        kind, counters = operation.request.type, self._scp.counters
        if kind is C_STORE_RQ:
            counters.c_store_requests += 1
        elif kind is C_ECHO_RQ:
            counters.c_echo_requests += 1
        self._performances.request_received(operation)

    def _ended(self, event: Event) -> None:
        counters = self._scp.counters
        if isinstance(event, AssociationReleased):
            self._end = "released"
            counters.associations_released += 1
        elif isinstance(event, AssociationRejected):
            self._end = "rejected ({},{},{})".format(*event.rejection)
            counters.associations_rejected += 1
        elif isinstance(event, AssociationAborted):
            self._end = self.lost or event.description
            counters.protocol_errors += event.breach
            if self._performances is not None:
                counters.associations_aborted += 1

    # -- the services' shell and provider

    def now(self) -> float:
        """The loop's time."""
        return self._loop.now

    def run_blocking(self, call: Callable[[], Any], then: Then) -> None:
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
        counters = self._scp.counters
        if stored.is_duplicate:
            counters.instances_identical += 1
            return
        counters.instances_conflicting += stored.is_conflict
        counters.instances_stored += 1
        counters.bytes_stored += incoming.bytes_written

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
        """Count and log an operation that failed."""
        if response.Status == SUCCESS or response.Status in PENDING:
            return
        counters = self._scp.counters
        counters.count_failure(response.Status)
        if response.Status == DUPLICATE_SOP_INSTANCE and operation.request.type is C_STORE_RQ:
            counters.instances_conflicting += 1
        logs.event(
            logs.WARNING,
            "operation.failed",
            association=self.token,
            operation=operation.request.type.name,
            message_id=operation.request.MessageID,
            status=f"{response.Status:04X}",
            comment=response.ErrorComment,
        )

    def invoking(self, request: Command) -> None:
        """Storage sub-operations are not counted."""

    def operation_failed(self, operation: Operation, error: Exception) -> None:
        """A service raised what it should not: 0110H for the peer, the traceback for us."""
        logs.event(logs.ERROR, "operation.fault", association=self.token, error=error)

    # -- the end

    def closed(self) -> None:
        """The connection is closed: undo what was under way, count, and say how it went."""
        if self._performances is not None:
            self._performances.close()
            self._scp.counters.associations_active -= 1
        self._scp.counters.bytes_received += self.bytes_received
        asked = bool(self.session.request)
        breach = "" if asked else self.upper_layer.breach  # nobody was told of it
        self._scp.counters.protocol_errors += bool(breach)
        logs.event(
            logs.INFO if asked else logs.WARNING if self._end or breach else logs.DEBUG,
            "association.closed" if asked else "connection.closed",
            association=self.token,
            peer="{}:{}".format(*self.peer_address),
            calling=self.calling_ae_title if asked else None,
            called=self.called_ae_title if asked else None,
            messages=self.messages if asked else None,
            bytes=self.bytes_received,
            seconds=self._loop.now - self.opened_at,
            end=self._end or breach or self.lost or "closed by the peer",
        )
        self._scp.gate.association_closed(self)
