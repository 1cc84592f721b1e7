"""Association: one association on threads, a Session over the primitives of a DULServiceProvider.

Belongs here: what the association is to programs and handlers, how it begins and ends, what becomes of what happens to
it. Not here: bytes and sockets (`ul.dul`), what may be said when (`ul.session`), how threads share that
(`ul.shared_session`), what operations do (`ul.services`), the verbs by which a program invokes them (`ul.invoking`).

Threads. The provider's thread moves bytes, from the association's negotiation on. The association's own thread performs
what the peer asks for: handlers run on it, or on helpers where the negotiated operations window lets several operations
be performed at a time. Programs invoke operations on any thread of theirs. All of them drive one session, as
`ul.shared_session` says.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from ul import evt
from ul.acse import AcceptedContext, Answer, Offer, Rejection
from ul.association_control import ENDED, ESTABLISHED, IDLE, REQUESTED
from ul.association_timeouts import AssociationTimeouts
from ul.dimse import Source
from ul.dul import DULServiceProvider
from ul.evt import Bindable, Handlers
from ul.handler_provider import HandlerProvider
from ul.invoking import Invocation, Invoker, performed, performing
from ul.negotiation import Negotiation
from ul.pdu_primitives import A_ASSOCIATE, A_P_ABORT, A_RELEASE, Primitive
from ul.presentation import PresentationContext
from ul.service_user import ACCEPTOR, REQUESTOR, ServiceUser
from ul.services.performance import Performances, Then
from ul.services.query_retrieve import cancel_request
from ul.session import Session
from ul.session_events import (
    AssociationAborted,
    AssociationAccepted,
    AssociationRejected,
    AssociationReleased,
    AssociationRequested,
    DataSetReceived,
    Event,
    Operation,
    RequestReceived,
    ResponseDataSetReceived,
    ResponseReceived,
    Timeouts,
)
from ul.shared_session import SharedSession
from ul.thread_context import thread_context
from ul.transport import ANY_ADDRESS, Address, AssociationSocket
from ul.wire.command import Command

if TYPE_CHECKING:
    import ssl

    from ul.ae import ApplicationEntity

LOGGER: Final = logging.getLogger(__name__)

_MOST_HELPERS: Final = 16  # threads that perform for one association, where the window has no limit


class Association(Invoker, AssociationTimeouts, Bindable, threading.Thread):
    """An association of `ae`, which is its requestor, or its acceptor that answers from `offer`, by `mode`.

    `AE.associate` and a server's connections make associations. An acceptor is a thread from its connection to its end,
    a requestor from its acceptance on.
    """

    def __init__(self, ae: ApplicationEntity, mode: str, offer: Offer | None = None) -> None:
        if mode not in (REQUESTOR, ACCEPTOR):
            raise ValueError(f"mode must be {REQUESTOR!r} or {ACCEPTOR!r}, not {mode!r}")
        threading.Thread.__init__(self)
        self._thread_context = thread_context()
        self.ae = ae
        self.mode = mode
        self.requestor = ServiceUser(REQUESTOR)
        self.acceptor = ServiceUser(ACCEPTOR)
        self.handlers = Handlers()
        self.is_established = self.is_released = self.is_aborted = self.is_rejected = False
        self._contexts: tuple[list[PresentationContext], list[PresentationContext]] | None = None
        self.network_timeout_response = "A-ABORT"
        self._timeouts = Timeouts(ae.acse_timeout, ae.dimse_timeout, ae.network_timeout)
        self.connection_timeout = ae.connection_timeout
        self.maximum_pdu_size = ae.maximum_pdu_size

        self.dul = DULServiceProvider(self)
        self.acse = Negotiation(self)
        self._shared = SharedSession(Session(self._timeouts, offer), self.dul, self)
        # What follows is guarded with the session.
        self._performances = Performances(self._shared.session, HandlerProvider(self), self)
        self._invocations: dict[int, Invocation] = {}
        self._on_end: list[Callable[[], object]] = []
        self._helpers: ThreadPoolExecutor | None = None

    # -- what an association is

    @property
    def is_requestor(self) -> bool:
        """Whether the local AE asked for the association."""
        return self.mode == REQUESTOR

    @property
    def is_acceptor(self) -> bool:
        """Whether the local AE was asked."""
        return self.mode == ACCEPTOR

    @property
    def accepted_contexts(self) -> list[PresentationContext]:
        """The presentation contexts that both sides agreed on."""
        return self._negotiated_contexts()[0]

    @property
    def rejected_contexts(self) -> list[PresentationContext]:
        """The presentation contexts that were proposed in vain."""
        return self._negotiated_contexts()[1]

    def _negotiated_contexts(self) -> tuple[list[PresentationContext], list[PresentationContext]]:
        """Made when they are asked for: a request can have 128."""
        if self._contexts is None:
            if self.acceptor.primitive is None:
                return [], []
            self._contexts = self.acse.negotiated_contexts()
        return self._contexts

    @property
    def local(self) -> dict[str, Any]:
        """The local AE: ae_title, address, port, mode, pdv_size."""
        return (self.requestor if self.is_requestor else self.acceptor).info

    @property
    def remote(self) -> dict[str, Any]:
        """The peer: ae_title, address, port, mode, pdv_size."""
        return (self.acceptor if self.is_requestor else self.requestor).info

    @property
    def dimse(self) -> Association:
        """The DIMSE service provider: the association itself."""
        return self

    def __str__(self) -> str:
        return f"{self.requestor} -> {self.acceptor}"

    # -- timeouts

    def _timeouts_changed(self) -> None:
        with self._shared as session:
            session.timeouts = self._timeouts
            self.dul.artim_timer.duration = self._timeouts.acse

    # -- beginning

    def request(
        self,
        primitive: A_ASSOCIATE,
        bind_address: Address = ANY_ADDRESS,
        tls_args: tuple[ssl.SSLContext, str | None] | None = None,
    ) -> bool:
        """Ask for the association and wait for the answer; the thread runs if that is an acceptance."""
        self.acse.requesting(primitive)
        self.dul.bind_address = bind_address
        self.dul.socket = AssociationSocket(None, *(tls_args or ()))
        with self._shared as session:
            if session.state == IDLE:
                session.associate(primitive, time.monotonic(), connecting=True)
                self._shared.tell_later(evt.EVT_REQUESTED)
        self._begin(lambda: session.state != REQUESTED)
        return self.is_established

    def _begin(self, begun: Callable[[], bool]) -> None:
        """Turn the provider until `begun()`; then have the threads run, unless all is over, a requestor's last."""
        try:
            self._shared.wait_for_beginning(begun)
            if self._shared.session.state != ENDED:
                self.dul.start()
            self._shared.tell()
            if self.is_requestor and self.dul.ident is not None:
                self.start()
        except BaseException:
            self.kill()
            raise
        finally:
            if self.dul.ident is None:
                self.dul.run()  # to its end

    def run(self) -> None:
        """Perform what the peer asks for until the association is over."""
        self._thread_context.run(self._run)

    def _run(self) -> None:
        try:
            if self.is_acceptor:
                self._begin(lambda: self._shared.session.state != IDLE)
            self._work()
            if self._helpers is not None:
                self._helpers.shutdown()
                self._work()  # what they left to be done
        except BaseException:
            self.kill()  # nobody performs what the peer asks for any more
            raise
        finally:
            self._shared.tell()
            self.dul.await_end()

    def _work(self) -> None:
        while (work := self._shared.next_work()) is not None:
            work()

    # -- what happens

    def hearing(self, primitive: Primitive) -> None:
        """The provider's indication or confirm."""
        if isinstance(primitive, A_ASSOCIATE) and self.is_requestor:
            self.acceptor.primitive = primitive
        elif isinstance(primitive, A_RELEASE):
            self._end_invocations()  # who asks for release, or grants it, sends no response any more (PS3.8 7.2.1)
        self._shared.tell_later(evt.EVT_ACSE_RECV, primitive=primitive)

    def saying(self, primitive: Primitive) -> None:
        """Our request or response."""
        self._shared.tell_later(evt.EVT_ACSE_SENT, primitive=primitive)

    def timed_out(self, session: Session, now: float) -> None:
        """The peer was silent for too long."""
        if session.state == ESTABLISHED and not session.busy and self.network_timeout_response == "A-RELEASE":
            session.release(now)
        else:
            session.handle_timeout(now)

    def happened(self, event: Event) -> None:
        """What the session tells."""
        if isinstance(event, RequestReceived):
            if not event.operation.request.has_data_set:
                self._shared.tell_later(evt.EVT_DIMSE_RECV, message=event.operation.request)
            self._performances.request_received(event.operation)
        elif isinstance(event, DataSetReceived):
            self._shared.tell_later(evt.EVT_DIMSE_RECV, message=event.operation.request)
            self._performances.data_set_received(event.operation)
        elif isinstance(event, ResponseReceived):
            self._response_received(event)
        elif isinstance(event, ResponseDataSetReceived):
            self._response_whole(event.received)
        elif isinstance(event, AssociationRequested):
            self.acse.requested(event.request)
            if self.acse.asks_handlers:
                self._shared.add_work(self._negotiate)
            else:
                self._answer(self._decision())
        elif isinstance(event, AssociationAccepted):
            self._established()
        else:
            self._ended(event)

    def _negotiate(self) -> None:
        """Answer the peer's request for association. Handlers are asked, so this may take its time."""
        try:
            self.handlers.tell(self, evt.EVT_REQUESTED)
            decision = self._decision()
        except Exception:
            LOGGER.exception("%s: association negotiation failed", self)
            self.abort(block=False)
        else:
            with self._shared:
                self._answer(decision)

    def _decision(self) -> Answer | Rejection | None:
        session = self._shared.session
        if session.state != REQUESTED or session.answer is None:
            return None  # a handler, or the peer, saw to it
        return self.acse.decide(session.answer)

    def _answer(self, decision: Answer | Rejection | None) -> None:
        """Say so to the peer, unless it gave up meanwhile. The session is locked."""
        session = self._shared.session
        if session.state != REQUESTED:
            self.ae._association_ended(self)  # the place it was given, if it was
        elif isinstance(decision, Rejection):
            LOGGER.info("%s: rejected (%d, %d, %d)", self, *decision)
            session.reject(decision, time.monotonic())
        elif decision is not None:
            session.accept(time.monotonic(), decision)
            self.acceptor.primitive = decision.response
            self._established()

    def _response_received(self, received: ResponseReceived) -> None:
        invocation = self._invocations.get(received.request.MessageID)
        if not received.response.has_data_set:
            self._response_whole(received)
        elif invocation is not None:
            received.sink = invocation.open_data_set()

    def _response_whole(self, received: ResponseReceived) -> None:
        self._shared.tell_later(evt.EVT_DIMSE_RECV, message=received.response)
        self._performances.response_received(received)  # also where it is not theirs: there is room for one more
        invocation = self._invocations.get(received.request.MessageID)
        if invocation is None:
            return
        if not received.pending:
            del self._invocations[received.request.MessageID]
        invocation.responded(received)

    def _established(self) -> None:
        """Both sides agreed."""
        negotiated = self._shared.session.negotiated
        self.is_established = True
        (self.requestor if self.is_requestor else self.acceptor).located(self.dul.socket.local_address)
        self.ae._association_established(self)
        if negotiated.may_perform != 1:
            self._helpers = ThreadPoolExecutor(min(negotiated.may_perform or _MOST_HELPERS, _MOST_HELPERS))
        self._shared.tell_later(evt.EVT_ACCEPTED)
        self._shared.tell_later(evt.EVT_ESTABLISHED)

    def _ended(self, event: Event) -> None:
        """The association is over, in whichever way."""
        self.is_established = False
        if isinstance(event, AssociationReleased):
            self.is_released = True
            self._shared.tell_later(evt.EVT_RELEASED)
        elif isinstance(event, AssociationRejected):
            self.is_rejected = True
            self.acse.rejected(event.rejection)
            self._shared.tell_later(evt.EVT_REJECTED)
        elif isinstance(event, AssociationAborted):
            self.is_aborted = True
            LOGGER.info("%s: aborted: %s", self, event.description)
            if self._shared.session.request is not None:
                self._shared.tell_later(evt.EVT_ABORTED)
        self._performances.close()
        self._end_invocations()
        self.ae._association_ended(self)
        self.dul.end_when_idle()
        for call in self._on_end:
            call()

    def _end_invocations(self) -> None:
        for invocation in self._invocations.values():
            invocation.ended()
        self._invocations.clear()

    def on_end(self, call: Callable[[], object]) -> None:
        """Call `call()` when the association ends."""
        self._on_end.append(call)

    # -- the services' shell

    def now(self) -> float:
        """The session's clock."""
        return time.monotonic()

    def run_blocking(self, operation: Operation, call: Callable[[], Any], then: Then) -> None:
        """Call `call` on the association's thread or, where several operations are performed at a time, on a helper."""
        work = partial(self._perform, operation, call, then)
        if self._helpers is None or self._shared.session.state == ENDED:
            self._shared.add_work(work)
        else:
            self._helpers.submit(self._thread_context.copy().run, work)

    def _perform(self, operation: Operation, call: Callable[[], Any], then: Then) -> None:
        result, error = None, None
        try:
            result = performing(operation, call)
        except BaseException as raised:
            error = raised
        with self._shared:
            then(result, error)

    def responding(self, operation: Operation, response: Command) -> None:
        """A response is about to be sent."""
        self._shared.tell_later(evt.EVT_DIMSE_SENT, message=response)

    def invoking(self, request: Command) -> None:
        """A storage sub-operation is about to be asked for."""
        self._shared.tell_later(evt.EVT_DIMSE_SENT, message=request)

    def operation_failed(self, operation: Operation, error: Exception) -> None:
        """A service raised what it should not."""
        LOGGER.error("%s: %s failed", self, operation.request.type.name, exc_info=error)

    def is_cancelled(self, operation: Operation) -> bool:
        """Whether the peer has cancelled `operation` by now."""
        return operation.cancelled

    # -- the invoker's side

    @property
    def performs_here(self) -> bool:
        """The present thread is the one that performs what the peer asks for."""
        return threading.current_thread() is self

    def invoke(self, context_id: int, request: Command, data_set: Source | None = None) -> Invocation:
        """Send a request, as soon as the operations window and its Message ID allow. Raises RuntimeError at the end."""
        self._shared.check_may_wait()
        while True:
            with self._shared as session:
                if session.leaving:
                    break
                if self._may_send(request):
                    return self._send(context_id, request, data_set)
            self._await_peer(lambda: session.leaving or self._may_send(request))
        raise RuntimeError("the association is over before the request could be sent")

    def _send(self, context_id: int, request: Command, data_set: Source | None) -> Invocation:
        session = self._shared.session
        invocation = Invocation(self, request, session.negotiated.contexts[context_id])
        session.send(context_id, request, time.monotonic(), data_set)
        self._invocations[request.MessageID] = invocation
        self._shared.tell_later(evt.EVT_DIMSE_SENT, message=request)
        return invocation

    def _may_send(self, request: Command) -> bool:
        session, message_id = self._shared.session, int(request.MessageID)
        return session.may_send and session.unused_message_id(message_id - 1) == message_id

    def cancel(self, context_id: int, message_id: int) -> None:
        """Send a C-CANCEL."""
        request = cancel_request(message_id)
        with self._shared as session:
            if session.state == ESTABLISHED:
                session.send(context_id, request, time.monotonic())
                self._shared.tell_later(evt.EVT_DIMSE_SENT, message=request)

    def invocation(self, message_id: int) -> Invocation | None:
        """The operation with this Message ID that has not been answered yet."""
        return self._invocations.get(message_id)

    @property
    def negotiated_contexts(self) -> Iterable[AcceptedContext]:
        """The contexts both sides agreed on."""
        return self._shared.session.negotiated.contexts.values()

    def await_response(self, invocation: Invocation) -> None:
        """Wait until a response has come, or none will."""
        self._await_peer(lambda: invocation.has_news)

    def _await_peer(self, done: Callable[[], bool]) -> None:
        """Wait until `done()`. What a handler waits for here, its operation waits for."""
        operation = performed(self._shared.session)
        if operation is None:
            self._shared.wait_until(done)
            return
        with self._shared:
            operation.awaits_peer = True
        try:
            self._shared.wait_until(done)
        finally:
            with self._shared:
                operation.awaits_peer = False

    # -- ending

    def release(self) -> None:
        """Release the association and wait for its end; nothing where it is over or was not accepted yet.

        Raises RuntimeError in handlers that cannot wait (`ul.invoking`).
        """
        self._shared.check_may_wait()
        with self._shared as session:
            if session.state in (IDLE, REQUESTED):
                return
            if (operation := performed(session)) is not None:
                operation.awaits_peer = True  # the handler does, from here on
            if session.state == ESTABLISHED:
                session.release(time.monotonic())
                self._shared.watch_deadline()
        self._shared.wait_until(lambda: session.state == ENDED)
        self._join_provider()

    def abort(self, block: bool = True) -> None:
        """Abort; with `block`, if it was negotiated, wait for the end of its connection, which handlers cannot."""
        with self._shared as session:
            silent = session.state == IDLE
            session.abort(time.monotonic())
        if silent:
            self.dul.kill_dul()
        if block:
            self._join_provider()

    def reject(self, rejection: Rejection) -> None:
        """Reject the association that the peer asks for."""
        with self._shared as session:
            if session.state == REQUESTED and self.is_acceptor:
                self._answer(rejection)

    def kill(self) -> None:
        """End the association's threads at once, without a word to the peer."""
        with self._shared as session:
            session.indication(A_P_ABORT(transport_lost=True, description="killed"), time.monotonic())
        self.dul.kill_dul()

    def _join_provider(self) -> None:
        """Wait for the end of the connection, except on the threads that handlers run on."""
        current = threading.current_thread()
        if current in (self, self.dul) or (self._helpers is not None and current in self._helpers._threads):
            return
        self.dul.await_end()
