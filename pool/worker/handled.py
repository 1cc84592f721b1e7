"""Associations whose requests an application handles.

Belongs here: what an association of `served` does differently when there are handlers to be called and to be told. Not
here: the threads they run on and what they see of the association (`pool.application`), what their answers mean
(`ul.services`).
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from functools import partial
from typing import Any

from pool import logs
from pool.application.application import Application, Storage
from pool.application.association import Association
from pool.application.handlers import HandlerThreads, Lane
from pool.application.kept import Kept, KeptDataSet, KeptInstance
from pool.application.observed import OBSERVED, observe
from pool.config import Settings
from pool.handoff import Handoff
from pool.loop import Loop
from pool.proxy_protocol import Header
from pool.stats import Counters
from pool.storage import Stored
from pool.worker.offers import limited
from pool.worker.scp import SCP, Gate
from pool.worker.served import ServedAssociation
from ul import evt
from ul.acse import Answer, Offer, Rejection
from ul.association_control import ESTABLISHED, REQUESTED
from ul.evt import HandlerError, InterventionEvent, NotificationEvent
from ul.handler_provider import HandlerProvider
from ul.invoking import performing
from ul.received import Request
from ul.services.handling import status_elements
from ul.services.performance import Then
from ul.services.query_retrieve import cancel_request
from ul.services.steps import Instance, Provider
from ul.session_events import (
    AssociationAborted,
    AssociationRejected,
    AssociationReleased,
    DataSetReceived,
    Event,
    Operation,
    RequestReceived,
    ResponseDataSetReceived,
    ResponseReceived,
    Timeouts,
)
from ul.wire.command import C_FIND_RQ, C_GET_RQ, C_MOVE_RQ, C_STORE_RSP, Command

# Who is bound to one of these is asked before the association is accepted.
_NEGOTIATION = (evt.EVT_REQUESTED, evt.EVT_USER_ID, evt.EVT_ASYNC_OPS, evt.EVT_SOP_EXTENDED, evt.EVT_SOP_COMMON)

# Whose handlers are generators, to be advanced on one thread; all others are called once.
_GENERATORS = (C_FIND_RQ, C_GET_RQ, C_MOVE_RQ)


def offer_of(application: Application, settings: Settings) -> Offer:
    """What the application's AE supports, and whom the settings let in."""
    offer = application.ae.offer(application.ae.supported_contexts)
    return limited(offer, settings)


class ApplicationSCP(SCP):
    """What the associations of one worker share: the application, and the threads for its handlers."""

    def __init__(
        self, application: Application, settings: Settings, loop: Loop, counters: Counters, gate: Gate
    ) -> None:
        offer = offer_of(application, settings)
        super().__init__(settings, loop, counters, gate, offer, stores=application.storage is not None)
        self.application = application
        self.threads = HandlerThreads(settings.handler_threads)
        self.observed = any(event in application.handlers for event in OBSERVED)
        logs.include(settings.application.partition(":")[0].partition(".")[0])
        if application.on_worker_start is not None:
            application.on_worker_start()

    def open_association(self, sock: socket.socket, handoff: Handoff) -> HandledAssociation:
        """An association on a new connection, not started yet."""
        return HandledAssociation(self, sock, handoff)

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

    __slots__ = ("_answer", "_application_scp", "_calls", "_lane", "_release_due", "assoc", "local_address")

    def __init__(self, scp: ApplicationSCP, sock: socket.socket, handoff: Handoff) -> None:
        super().__init__(scp, sock, handoff)
        self._application_scp = scp
        self._lane: Lane | None = None
        self._calls: list[tuple[Callable[..., object], tuple[Any, ...], bool]] = []
        self._answer: Answer | None = None
        self._release_due = False
        self.local_address: tuple[str, int] = sock.getsockname()[:2]
        application = scp.application
        ae_title, handlers = self.entrance.ae_title, application.handlers
        self.assoc = Association(self, scp.loop, application.ae, ae_title, handlers, scp.timeouts)
        if scp.observed:
            self.observe()

    def _introduced(self, header: Header) -> None:
        super()._introduced(header)
        self.assoc.comes_from(self.peer_address)

    # -- what handlers are called for, in order

    def _call(self, function: Callable[..., object], *args: Any, hold: bool = False) -> None:
        self._calls.append((function, args, hold))

    def hears(self, event: NotificationEvent) -> bool:
        """Whether there is a handler of `event`."""
        return event in self.assoc.handlers

    def tell(self, event: NotificationEvent, **given: Any) -> None:
        """Have the handlers of `event` called, if there are any."""
        handlers = self.assoc.handlers
        if event in handlers:
            self._call(partial(handlers.tell, self.assoc, event, **given))

    def pump(self) -> None:
        """Let what arrived and what is to be said go as far as they can, then the handlers."""
        self._pump()
        session, invocations = self.session, self.assoc.invocations
        if self._release_due and session.state == ESTABLISHED and not session.operations and invocations.is_idle:
            session.release(self._loop.now)
            self._pump()
        if session.leaving and not invocations.is_idle:
            invocations.end()
        if self._calls and (self.is_closed or not self._backed_up):
            self._make_calls()

    def _pump(self) -> None:
        try:
            super().pump()
        except OSError as error:  # a file that a handler sends: the message it is in cannot be ended either
            self.session.abort(self._loop.now, error.strerror or str(error))
            super().pump()

    def _make_calls(self) -> None:
        if self._lane is None:
            self._lane = self._application_scp.threads.lane(self.token)
        calls, self._calls = self._calls, []
        for function, args, hold in calls:
            self._lane.call(function, *args, hold=hold)

    # -- what they are told

    def start(self) -> None:
        """Begin: the connection is acknowledged."""
        self.tell(evt.EVT_CONN_OPEN, address=self.peer_address)
        super().start()

    def react(self, event: Event) -> None:
        """Something happened on the association."""
        if isinstance(event, RequestReceived):
            if not event.operation.request.has_data_set:
                self.tell(evt.EVT_DIMSE_RECV, message=event.operation.request)
        elif isinstance(event, DataSetReceived):
            self.tell(evt.EVT_DIMSE_RECV, message=event.operation.request)
        elif isinstance(event, ResponseReceived):
            self._response_received(event)
        elif isinstance(event, ResponseDataSetReceived):
            self._response_whole(event.received)
            return
        super().react(event)

    def _response_received(self, received: ResponseReceived) -> None:
        if received.response.has_data_set:
            self.assoc.invocations.receive_data_set(received)
        else:
            self._response_whole(received)

    def _response_whole(self, received: ResponseReceived) -> None:
        self.tell(evt.EVT_DIMSE_RECV, message=received.response)
        self.assoc.invocations.response_received(received)
        self._invoke_waiting()

    def responding(self, operation: Operation, response: Command) -> None:
        """A response is about to be sent."""
        super().responding(operation, response)
        self.tell(evt.EVT_DIMSE_SENT, message=response)

    def invoking(self, request: Command) -> None:
        """A storage sub-operation is about to be asked for."""
        self.tell(evt.EVT_DIMSE_SENT, message=request)

    def _ended(self, event: Event) -> None:
        super()._ended(event)
        assoc = self.assoc
        assoc.is_established = False
        if isinstance(event, AssociationReleased):
            assoc.is_released = True
            self.tell(evt.EVT_RELEASED)
        elif isinstance(event, AssociationRejected):
            assoc.is_rejected = True
            self.tell(evt.EVT_REJECTED)
        elif isinstance(event, AssociationAborted):
            assoc.is_aborted = True
            if self.session.request is not None:
                self.tell(evt.EVT_ABORTED)

    def closed(self) -> None:
        """The connection is closed. A handler that still runs is not waited for; what it answers goes nowhere."""
        super().closed()
        self.assoc.closed()
        self.tell(evt.EVT_CONN_CLOSE, address=self.peer_address)
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
        self.assoc.is_established = True
        self.tell(evt.EVT_ACCEPTED)
        self.tell(evt.EVT_ESTABLISHED)

    # -- what handlers ask for

    @property
    def is_called_here(self) -> bool:
        """The present thread is calling a handler of this association."""
        return self._lane is not None and self._lane.is_here

    def release(self) -> None:
        """Ask for release when the operations are performed."""
        self._release_due = True
        self.pump()

    def invoke(self) -> None:
        """Send what handlers asked for, as far as that goes."""
        self._invoke_waiting()
        self.pump()

    def _invoke_waiting(self) -> None:
        for request in self.assoc.invocations.send(self.session, self._loop.now):
            self.tell(evt.EVT_DIMSE_SENT, message=request)

    def cancel(self, context_id: int, message_id: int) -> None:
        """C-CANCEL, if it is not too late."""
        if not self.session.leaving:
            request = cancel_request(message_id)
            self.session.send(context_id, request, self._loop.now)
            self.tell(evt.EVT_DIMSE_SENT, message=request)
            self.pump()

    def set_timeouts(self, timeouts: Timeouts) -> None:
        """From now on, wait for so long."""
        self.session.timeouts = timeouts
        self.upper_layer.artim_timer.duration = timeouts.acse
        self._stall_timeout = timeouts.network
        if not self.is_closed:
            self.pump()

    def _timer_due(self) -> None:
        session, deadline = self.session, self.session.deadline
        if (
            self.assoc.network_timeout_response == "A-RELEASE"
            and (deadline is not None and self._loop.now >= deadline)
            and (session.state == ESTABLISHED and not session.busy)
        ):
            session.release(self._loop.now)
        super()._timer_due()

    def observe(self) -> None:
        """From now on, tell of what passes through the upper layer."""
        observe(self.upper_layer, self)

    # -- the services' shell and provider

    def provider(self) -> Provider:
        """What the services of this association stand on."""
        return _ApplicationProvider(self)

    def run_blocking(self, operation: Operation, call: Callable[[], Any], then: Then) -> None:
        """Run `call` in the association's lane, or, where several operations may be performed, beside it."""
        scp, call = self._application_scp, partial(performing, operation, call)
        if self.session.negotiated.may_perform == 1:
            self._call(scp.block, self, call, then, hold=operation.request.type in _GENERATORS)
        else:
            self._call(scp.threads.submit, scp.block, self, call, then)

    def resume(self, then: Then, result: Any, error: BaseException | None) -> None:
        """What blocked is done. Between operations no thread is held."""
        super().resume(then, result, error)
        if self.is_closed and self._calls:  # what its handler wants done at its end
            self._make_calls()
        if self.is_closed or not self.session.operations:
            self._let_lane_go()

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
