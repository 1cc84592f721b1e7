"""Associations whose requests an application handles.

Belongs here: what an association of `pool.scp` does differently when there are handlers to be called and to be told.
Not here: the threads they run on (`pool.handlers`), what they see of the association (`pool.association`), what their
answers mean (`ul.services`).
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from functools import partial
from typing import Any

from pool import logs
from pool.application import Application, Storage
from pool.association import ABORTED, REJECTED, RELEASED, Association
from pool.config import Settings
from pool.handlers import HandlerThreads, Lane
from pool.handoff import Handoff
from pool.kept import Kept, KeptDataSet, KeptInstance
from pool.loop import Loop
from pool.observed import OBSERVED, ObservedUpperLayer
from pool.scp import SCP, Gate, ServedAssociation
from pool.stats import Counters
from pool.storage import Stored
from ul import evt
from ul.acse import Answer, Offer, Rejection, SupportedContext
from ul.evt import InterventionEvent, NotificationEvent
from ul.handler_provider import HandlerProvider
from ul.received import Request
from ul.services.handling import HandlerError, status_elements
from ul.services.performance import Then
from ul.services.steps import Instance, Provider
from ul.session import ESTABLISHED, REQUESTED
from ul.session_events import (
    AssociationAborted,
    AssociationRejected,
    AssociationReleased,
    DataSetReceived,
    Event,
    Operation,
    RequestReceived,
    ResponseReceived,
)
from ul.sop_class import TRANSFER_SYNTAXES
from ul.wire.command import C_STORE_RSP, Command

# Who is bound to one of these is asked before the association is accepted.
_NEGOTIATION = (evt.EVT_REQUESTED, evt.EVT_USER_ID, evt.EVT_ASYNC_OPS, evt.EVT_SOP_EXTENDED, evt.EVT_SOP_COMMON)


def offer_of(application: Application, settings: Settings) -> Offer:
    """What the application's AE supports."""
    ae = application.ae
    contexts = {
        str(context.abstract_syntax): SupportedContext(
            tuple(map(str, context.transfer_syntax)), context.scu_role, context.scp_role
        )
        for context in ae.supported_contexts
    }
    return Offer(
        contexts=contexts,
        unknown_contexts=SupportedContext(TRANSFER_SYNTAXES) if settings.accept_unknown else None,
        called_ae_titles=(settings.aet,) if settings.require_called_aet else (),
        calling_ae_titles=settings.require_calling_aet,
        maximum_length=settings.max_pdu,
        implementation_class_uid=ae.implementation_class_uid,
        implementation_version_name=ae.implementation_version_name or "",
    )


class ApplicationSCP(SCP):
    """What the associations of one worker share: the application, and the threads for its handlers."""

    def __init__(
        self, application: Application, settings: Settings, loop: Loop, counters: Counters, gate: Gate
    ) -> None:
        offer = offer_of(application, settings)
        super().__init__(settings, loop, counters, gate, offer, stores=application.storage is not None)
        self.application = application
        self.ae_title = settings.aet
        self.threads = HandlerThreads(settings.handler_threads)
        if any(event in application.handlers for event in OBSERVED):
            self.upper_layer_class = ObservedUpperLayer
        logs.include(settings.application.partition(":")[0].partition(".")[0])
        if application.on_worker_start is not None:
            application.on_worker_start()

    def open_association(self, sock: socket.socket, handoff: Handoff) -> HandledAssociation:
        """An association on a new connection, not started yet."""
        peer_address = (handoff.host, handoff.port)
        return HandledAssociation(
            self, sock, token=handoff.token, peer_address=peer_address, accepted_at=handoff.accepted_at
        )

    def close(self) -> None:
        """Wait for the handlers that still run; after the last one, the application's hook."""
        self.threads.close()
        super().close()
        if self.application.on_worker_stop is not None:
            self.application.on_worker_stop()


class HandledAssociation(ServedAssociation):
    """One association, its handlers and its lane on the handler threads.

    What handlers are called for waits in `_calls` until the pump has looked at all that arrived, so that a C-CANCEL
    which came together with its request counts; and as long as the peer takes nothing of what it was answered.
    """

    __slots__ = ("_answer", "_application_scp", "_calls", "_lane", "_release_due", "assoc", "local_address", "outcome")

    def __init__(
        self, scp: ApplicationSCP, sock: socket.socket, *, token: int, peer_address: tuple[str, int], accepted_at: float
    ) -> None:
        super().__init__(scp, sock, token=token, peer_address=peer_address, accepted_at=accepted_at)
        self._application_scp = scp
        self._lane: Lane | None = None
        self._calls: list[tuple[Callable[..., object], tuple[Any, ...], bool]] = []
        self._answer: Answer | None = None
        self._release_due = False
        self.local_address: tuple[str, int] = sock.getsockname()[:2]
        self.outcome = ""
        application = scp.application
        self.assoc = Association(self, scp.loop, application.ae, scp.ae_title, application.handlers, scp.timeouts)
        if isinstance(self.upper_layer, ObservedUpperLayer):
            self.upper_layer.observe(self._tell)

    # -- what handlers are called for, in order

    def _call(self, function: Callable[..., object], *args: Any, hold: bool = False) -> None:
        self._calls.append((function, args, hold))

    def _tell(self, event: NotificationEvent, **given: Any) -> None:
        handlers = self.assoc.handlers
        if event in handlers:
            self._call(partial(handlers.tell, self.assoc, event, **given))

    def pump(self) -> None:
        """Let what arrived and what is to be said go as far as they can, then the handlers."""
        super().pump()
        if self._calls and (self.is_closed or not self._backed_up):
            self._make_calls()

    def _make_calls(self) -> None:
        if self._lane is None:
            self._lane = self._application_scp.threads.lane()
        calls, self._calls = self._calls, []
        for function, args, hold in calls:
            self._lane.call(function, *args, hold=hold)

    # -- what they are told

    def start(self) -> None:
        """Begin: the connection is acknowledged."""
        self._tell(evt.EVT_CONN_OPEN, address=self.peer_address)
        super().start()

    def react(self, event: Event) -> None:
        """Something happened on the association."""
        if isinstance(event, RequestReceived):
            if not event.operation.request.has_data_set:
                self._tell(evt.EVT_DIMSE_RECV, message=event.operation.request)
        elif isinstance(event, DataSetReceived):
            self._tell(evt.EVT_DIMSE_RECV, message=event.operation.request)
        elif isinstance(event, ResponseReceived):
            self._tell(evt.EVT_DIMSE_RECV, message=event.response)
        super().react(event)

    def responding(self, operation: Operation, response: Command) -> None:
        """A response is about to be sent."""
        super().responding(operation, response)
        self._tell(evt.EVT_DIMSE_SENT, message=response)

    def _ended(self, event: Event) -> None:
        super()._ended(event)
        if isinstance(event, AssociationReleased):
            self.outcome = RELEASED
            self._tell(evt.EVT_RELEASED)
        elif isinstance(event, AssociationRejected):
            self.outcome = REJECTED
            self._tell(evt.EVT_REJECTED)
        elif isinstance(event, AssociationAborted):
            self.outcome = ABORTED
            if self.session.request is not None:
                self._tell(evt.EVT_ABORTED)

    def closed(self) -> None:
        """The connection is closed. A handler that still runs is not waited for; what it answers goes nowhere."""
        super().closed()
        self._tell(evt.EVT_CONN_CLOSE, address=self.peer_address)
        if self._calls:
            self._make_calls()
        self._let_lane_go()

    # -- negotiation

    def _association_requested(self) -> None:
        """Ask the handlers, then the acceptor."""
        if any(event in self.assoc.handlers for event in _NEGOTIATION):
            self._call(self._negotiate)
        else:
            self._negotiated(self._extended())

    def _negotiate(self) -> None:
        """Runs in the lane."""
        self.assoc.handlers.tell(self.assoc, evt.EVT_REQUESTED)
        self._loop.call_from_thread(self._negotiated, self._extended())

    def _extended(self) -> Answer | Rejection:
        answer = self.session.answer
        assert answer is not None
        return self.assoc.acse.extended(answer)

    def _negotiated(self, decision: Answer | Rejection) -> None:
        if self.session.state != REQUESTED:
            return  # a handler, or the peer, saw to it
        if isinstance(decision, Rejection):
            self.refused(decision)
        else:
            self._answer = decision
            super()._association_requested()

    def _accept(self) -> None:
        self.session.accept(self._loop.now, self._answer)
        self._tell(evt.EVT_ACCEPTED)
        self._tell(evt.EVT_ESTABLISHED)

    # -- what handlers ask for

    def release(self) -> None:
        """Ask for release when the operations are performed."""
        self._release_due = True
        self._release_if_due()

    def _release_if_due(self) -> None:
        if self._release_due and self.session.state == ESTABLISHED and not self.session.operations:
            self.session.release(self._loop.now)
            self.pump()

    # -- the services' shell and provider

    def provider(self) -> Provider:
        """What the services of this association stand on."""
        return _ApplicationProvider(self)

    def run_blocking(self, call: Callable[[], Any], then: Then) -> None:
        """Run `call` in the association's lane, or, where several operations may be performed, beside it."""
        scp = self._application_scp
        if self.session.negotiated.may_perform == 1:
            self._call(scp.block, self, call, then, hold=True)
        else:
            self._call(scp.threads.submit, scp.block, self, call, then)

    def resume(self, then: Then, result: Any, error: BaseException | None) -> None:
        """What blocked is done. Between operations no thread is held."""
        super().resume(then, result, error)
        if self.is_closed and self._calls:  # what its handler wants done at its end
            self._make_calls()
        if self.is_closed or not self.session.operations:
            self._let_lane_go()
            self._release_if_due()

    def _let_lane_go(self) -> None:
        if self._lane is not None:
            self._lane.let_go()


class _ApplicationProvider(HandlerProvider):
    """The application's handlers, and the built-in store where that is what handles C-STORE."""

    def __init__(self, association: HandledAssociation) -> None:
        super().__init__(association.assoc)
        self._association = association

    def handler(self, event: InterventionEvent) -> Callable[[evt.Event], Any] | None:
        """Who answers `event`; nobody does where the store keeps what comes."""
        handler = super().handler(event)
        return None if isinstance(handler, Storage) else handler

    def open_instance(self, operation: Operation) -> Instance:
        """An instance for the store. Raises StatusError where there is neither that nor a handler."""
        handler = super().handler(evt.EVT_C_STORE)
        if not isinstance(handler, Storage):
            return super().open_instance(operation)
        incoming = self._association.open_incoming(operation)
        if handler.kept is None:
            return incoming
        return KeptInstance(incoming, partial(self._tell_kept, handler.kept, operation))

    def committed(self, operation: Operation, outcome: Stored | Kept) -> dict[str, Any] | None:
        """Count an instance that is safe; the response says what the application said of it."""
        if isinstance(outcome, Stored):
            return self._association.committed(operation, outcome)
        self._association.count_stored(outcome.incoming, outcome.stored)
        return outcome.elements

    def _tell_kept(self, kept: Callable[[evt.Event], Any], operation: Operation, data_set: KeptDataSet) -> Any:
        """Elements of the response to an instance that is safe. Runs on a handler thread."""
        request = Request(operation.request, data_set, operation.context.context_id)
        event = self.event(evt.EVT_C_STORE, operation, request=request, context=operation.context)
        try:
            answer = kept(event)
        except HandlerError as error:
            self.handler_failed(operation, error)
            return {"Status": evt.EVT_C_STORE.failure, "ErrorComment": "the handler failed"}
        return None if answer is None else status_elements(answer, C_STORE_RSP)

    def handler_failed(self, operation: Operation, error: BaseException) -> None:
        """The traceback is for the log."""
        self._association.handler_failed(operation, error)
