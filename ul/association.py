"""Association: one association on threads, a Session over the primitives of a DULServiceProvider.

Belongs here: who drives the session, what the association is to programs and handlers, how it begins and ends. Not
here: bytes and sockets (`ul.dul`), what may be said when (`ul.session`), what operations do (`ul.services`), the verbs
by which a program invokes them (`ul.invoking`).

Threads. The provider's thread moves bytes. The association's own thread performs what the peer asks for: handlers run
on it, or on helpers where the negotiated operations window lets several operations be performed at a time. Programs
invoke operations on any thread of theirs.

One rule of ownership: the session belongs to whoever holds the lock of `_changed`; nobody holds it while waiting or
while a handler runs. Whoever waits for something - for a response, for work - pumps: one of the waiting threads reads
the next primitive and lets the session go as far as it can, the others wait for what comes of it. So a response finds
its thread whatever the handlers do, and a C-CANCEL is seen while its operation runs. Nothing polls, nothing ticks:
waits end by a primitive, by a change, or by the session's deadline.

What leaves is fed to the provider a bounded part at a time; when all of it has left, the provider's thread fetches the
next: a large file is read no faster than the peer takes it, and costs no thread a wait.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

from ul import evt
from ul.acse import AcceptedContext, Answer, Offer, Rejection
from ul.dimse import Source
from ul.dul import DULServiceProvider
from ul.evt import Bound, EventType, Handler, Handlers, NotificationEvent
from ul.handler_provider import HandlerProvider
from ul.invoking import Invocation, Invoker
from ul.negotiation import Negotiation
from ul.pdu_primitives import A_ASSOCIATE, A_P_ABORT, P_DATA, Primitive
from ul.presentation import PresentationContext
from ul.service_user import ACCEPTOR, REQUESTOR, ServiceUser
from ul.services.performance import Performances, Then
from ul.services.query_retrieve import cancel_request
from ul.session import ENDED, ESTABLISHED, IDLE, REQUESTED, Session
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
from ul.transport import Address, AssociationSocket
from ul.wire.command import Command

if TYPE_CHECKING:
    import ssl

    from ul.ae import ApplicationEntity

LOGGER: Final = logging.getLogger(__name__)

_AHEAD: Final = 262144  # bytes of fragments given to the provider before it asks for more
_MOST_HELPERS: Final = 16  # threads that perform for one association, where the window has no limit

_Work = tuple[Callable[[], Any], "Then | None"]


class Association(Invoker, threading.Thread):
    """An association of `ae`, which is its requestor or acceptor by `mode`.

    `AE.associate` and a server's connections make associations. An acceptor is a thread from its connection to its end,
    a requestor from its acceptance on.
    """

    def __init__(self, ae: ApplicationEntity, mode: str) -> None:
        if mode not in (REQUESTOR, ACCEPTOR):
            raise ValueError(f"mode must be {REQUESTOR!r} or {ACCEPTOR!r}, not {mode!r}")
        threading.Thread.__init__(self)
        self.ae = ae
        self.mode = mode
        self.requestor = ServiceUser(REQUESTOR)
        self.acceptor = ServiceUser(ACCEPTOR)
        self.handlers = Handlers()
        self.is_established = self.is_released = self.is_aborted = self.is_rejected = False
        self._contexts: tuple[list[PresentationContext], list[PresentationContext]] | None = None
        self.network_timeout_response = "A-ABORT"
        self._acse_timeout = ae.acse_timeout
        self._dimse_timeout = ae.dimse_timeout
        self._network_timeout = ae.network_timeout
        self.connection_timeout = ae.connection_timeout
        self.maximum_pdu_size = ae.maximum_pdu_size

        # The session, and what is guarded with it by the lock of `_changed`
        self._changed = threading.Condition(threading.Lock())
        self._session = Session(self._timeouts())
        self._performances = Performances(self._session, HandlerProvider(self), self)
        self._reading = False  # a thread is about to read the next primitive
        self._read: Primitive | None = None  # what the session does not take yet
        self._work: deque[_Work] = deque()  # for this thread
        self._invocations: dict[int, Invocation] = {}
        self._on_end: list[Callable[[], object]] = []
        self._helpers: ThreadPoolExecutor | None = None

        self._untold: deque[tuple[NotificationEvent, dict[str, Any]]] = deque()
        self.dul = DULServiceProvider(self)
        self.acse = Negotiation(self)

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

    def _timeouts(self) -> Timeouts:
        return Timeouts(self._acse_timeout, self._dimse_timeout, self._network_timeout)

    def _set_timeouts(self) -> None:
        with self._changed:
            self._session.timeouts = self._timeouts()
            self.dul.artim_timer.duration = self._acse_timeout
            self._wake_reader()
            self._changed.notify_all()

    @property
    def acse_timeout(self) -> float | None:
        """Seconds for the answer to a request for association or release; None for ever."""
        return self._acse_timeout

    @acse_timeout.setter
    def acse_timeout(self, value: float | None) -> None:
        self._acse_timeout = value
        self._set_timeouts()

    @property
    def dimse_timeout(self) -> float | None:
        """Seconds of silence amid messages and before responses; None for ever."""
        return self._dimse_timeout

    @dimse_timeout.setter
    def dimse_timeout(self, value: float | None) -> None:
        self._dimse_timeout = value
        self._set_timeouts()

    @property
    def network_timeout(self) -> float | None:
        """Seconds of silence between messages; None for ever."""
        return self._network_timeout

    @network_timeout.setter
    def network_timeout(self, value: float | None) -> None:
        self._network_timeout = value
        self._set_timeouts()

    # -- handlers

    def bind(self, event: EventType, handler: Handler, args: list[Any] | None = None) -> None:
        """Call `handler(event, *args)` when `event` happens to this association; see `ul.evt.Handlers.bind`."""
        self.handlers.bind(event, handler, args)

    def unbind(self, event: EventType, handler: Handler) -> None:
        """Do not call `handler` for `event` any more."""
        self.handlers.unbind(event, handler)

    def get_events(self) -> list[EventType]:
        """The events that a handler is bound to."""
        return self.handlers.get_events()

    def get_handlers(self, event: EventType) -> Bound | tuple[None, None] | list[Bound]:
        """What is bound to `event`; see `ul.evt.Handlers.get_handlers`."""
        return self.handlers.get_handlers(event)

    def _tell_later(self, event: NotificationEvent, **given: Any) -> None:
        """Handlers may call the association: they are told once the lock is free."""
        if event in self.handlers:
            self._untold.append((event, given))

    def _tell(self) -> None:
        while self._untold:
            try:
                event, given = self._untold.popleft()
            except IndexError:
                return  # another thread was quicker
            self.handlers.tell(self, event, **given)

    # -- beginning

    def request(
        self,
        primitive: A_ASSOCIATE,
        bind_address: Address = ("", 0),
        tls_args: tuple[ssl.SSLContext, str | None] | None = None,
    ) -> bool:
        """Ask for the association and wait for the answer; the thread runs if that is an acceptance."""
        self.acse.requesting(primitive)
        self.dul.bind_address = bind_address
        self.dul.socket = AssociationSocket(None, *(tls_args or ()))
        self.dul.start()
        with self._changed:
            self._session.associate(primitive, time.monotonic())
            self._tell_later(evt.EVT_REQUESTED)
            self._pump()
        self._tell()
        self._wait_until(lambda: self._session.state != REQUESTED)
        if self.is_established:
            self.start()
            return True
        self._join_provider()
        return False

    def serve(self, sock: AssociationSocket, offer: Offer) -> None:
        """Be the acceptor on a connection, answering from `offer`; to be followed by `start`."""
        self.dul.socket = sock
        self._session = Session(self._timeouts(), offer)
        self._performances = Performances(self._session, HandlerProvider(self), self)

    def run(self) -> None:
        """Perform what the peer asks for until the association is over."""
        try:
            if self.is_acceptor:
                self.dul.start()
            while (work := self._next_work()) is not None:
                self._perform(*work)
        finally:
            if self._helpers is not None:
                self._helpers.shutdown()
            self._tell()
            self.dul.join()

    def _next_work(self) -> _Work | None:
        self._wait_until(self._work_is_due)
        with self._changed:
            return self._work.popleft() if self._work else None

    def _work_is_due(self) -> bool:
        """Or never will be. While the peer does not take answers, no handler makes more of them."""
        if self._session.state == ENDED:
            return True
        return bool(self._work) and (self.dul.on_drained is None or not self._session.answers_due)

    def _perform(self, call: Callable[[], Any], then: Then | None) -> None:
        self._look()  # a C-CANCEL that has arrived counts
        result, error = None, None
        try:
            result = call()
        except BaseException as raised:
            error = raised
        if then is not None:
            with self._changed:
                then(result, error)
                self._pump()
        elif error is not None:
            LOGGER.error("%s: association negotiation failed", self, exc_info=error)
            self.abort(block=False)
        self._tell()

    # -- pumping

    def _wait_until(self, done: Callable[[], bool]) -> None:
        """Wait until `done()`, which is asked under the lock; pump meanwhile."""
        while True:
            with self._changed:
                while not done():
                    if not self._reading and self._read is None:
                        self._reading = True
                        break
                    self._changed.wait(self._patience())
                    self._handle_timeout()
                else:
                    return
                patience = self._patience()
            self._read_primitive(wait=True, patience=patience)
            self._tell()

    def _read_primitive(self, *, wait: bool, patience: float | None = None) -> None:
        """Take the next primitive, if one comes in time, and let the session go on. `_reading` was set for this."""
        primitive: Primitive | None = None
        try:
            primitive = self.dul.receive_pdu(wait, patience)
        finally:
            with self._changed:
                self._reading = False
                self._read = primitive
                if primitive is None:
                    self._handle_timeout()
                self._pump()

    def _patience(self) -> float | None:
        deadline = self._session.deadline
        return None if deadline is None else max(0.0, deadline - time.monotonic())

    def _handle_timeout(self) -> None:
        session, now = self._session, time.monotonic()
        deadline = session.deadline
        if deadline is None or now < deadline:
            return
        if session.state == ESTABLISHED and not session.busy and self.network_timeout_response == "A-RELEASE":
            session.release(now)
        else:
            session.handle_timeout(now)
        self._pump()

    def _pump(self) -> None:
        """Let what arrived and what is to be said go as far as they can; wake whoever waits for that."""
        session, now = self._session, time.monotonic()
        while True:
            while (event := session.next_event(now)) is not None:
                self._react(event)
            if not self._feed(now):
                continue
            if self._read is None or not session.want_read:
                break
            primitive, self._read = self._read, None
            if type(primitive) is A_ASSOCIATE and self.is_requestor:
                self.acceptor.primitive = primitive
            session.indication(primitive, now)
        session.flush()
        self._changed.notify_all()

    def _feed(self, now: float) -> bool:
        """Give the provider what is to be sent, up to a bound. False where that ended the association."""
        session, dul = self._session, self.dul
        if dul.on_drained is not None and session.state != ENDED:
            return True  # more than enough is on its way
        ahead = 0
        while ahead < _AHEAD:
            try:
                request = session.next_request(now)
            except Exception as error:  # an outgoing data set cannot be read
                LOGGER.error("%s: a data set cannot be read: %s", self, error)
                session.abort(now, f"a data set cannot be read: {error}")
                return False
            if request is None:
                dul.on_drained = None
                return True
            if isinstance(request, P_DATA):
                ahead += len(request.presentation_data_value_list[0][2])
            else:
                self._tell_later(evt.EVT_ACSE_SENT, primitive=request)
            dul.to_provider_queue.put(request)
        dul.on_drained = self._drained
        return True

    def _drained(self) -> None:
        with self._changed:
            self.dul.on_drained = None
            self._pump()
        self._tell()

    # -- what happens

    def _react(self, event: Event) -> None:
        if isinstance(event, RequestReceived):
            if not event.operation.request.has_data_set:
                self._tell_later(evt.EVT_DIMSE_RECV, message=event.operation.request)
            self._performances.request_received(event.operation)
        elif isinstance(event, DataSetReceived):
            self._tell_later(evt.EVT_DIMSE_RECV, message=event.operation.request)
            self._performances.data_set_received(event.operation)
        elif isinstance(event, ResponseReceived):
            self._response_received(event)
        elif isinstance(event, ResponseDataSetReceived):
            self._response_whole(event.received)
        elif isinstance(event, AssociationRequested):
            self.acse.requested(event.request)
            self._work.append((self._negotiate, None))
        elif isinstance(event, AssociationAccepted):
            self._established()
        else:
            self._ended(event)

    def _negotiate(self) -> None:
        """Answer the peer's request for association. Handlers are asked, so this may take its time."""
        self.handlers.tell(self, evt.EVT_REQUESTED)
        answer = self._session.answer
        if self._session.state == REQUESTED and answer is not None:  # otherwise a handler, or the peer, saw to it
            decision = self.acse.decide(answer)
            if isinstance(decision, Rejection):
                self.reject(decision)
            else:
                self._accept(decision)

    def _response_received(self, received: ResponseReceived) -> None:
        if self._performances.response_received(received):  # asked too where the response is ours: it makes room
            self._tell_later(evt.EVT_DIMSE_RECV, message=received.response)
            return
        invocation = self._invocations.get(received.request.MessageID)
        if not received.response.has_data_set:
            self._response_whole(received)
        elif invocation is not None:
            received.sink = invocation.open_data_set()

    def _response_whole(self, received: ResponseReceived) -> None:
        self._tell_later(evt.EVT_DIMSE_RECV, message=received.response)
        invocation = self._invocations.get(received.request.MessageID)
        if invocation is None:
            return
        if not received.pending:
            del self._invocations[received.request.MessageID]
        invocation.responded(received)

    def _established(self) -> None:
        """Both sides agreed."""
        negotiated = self._session.negotiated
        self.is_established = True
        (self.requestor if self.is_requestor else self.acceptor).located(self.dul.socket.local_address)
        self.ae._association_established(self)
        if negotiated.may_perform != 1:
            self._helpers = ThreadPoolExecutor(min(negotiated.may_perform or _MOST_HELPERS, _MOST_HELPERS))
        self._tell_later(evt.EVT_ACCEPTED)
        self._tell_later(evt.EVT_ESTABLISHED)

    def _ended(self, event: Event) -> None:
        """The association is over, in whichever way."""
        self.is_established = False
        if isinstance(event, AssociationReleased):
            self.is_released = True
            self._tell_later(evt.EVT_RELEASED)
        elif isinstance(event, AssociationRejected):
            self.is_rejected = True
            self.acse.rejected(event.rejection)
            self._tell_later(evt.EVT_REJECTED)
        elif isinstance(event, AssociationAborted):
            self.is_aborted = True
            LOGGER.info("%s: aborted: %s", self, event.description)
            if self._session.request is not None:
                self._tell_later(evt.EVT_ABORTED)
        self._performances.close()
        for invocation in self._invocations.values():
            invocation.ended()
        self._invocations.clear()
        self.ae._association_ended(self)
        self.dul.end_when_idle()
        self._wake_reader()
        for call in self._on_end:
            call()

    def on_end(self, call: Callable[[], object]) -> None:
        """Call `call()` when the association ends."""
        self._on_end.append(call)

    # -- the services' shell

    def now(self) -> float:
        """The session's clock."""
        return time.monotonic()

    def run_blocking(self, call: Callable[[], Any], then: Then) -> None:
        """Call `call` on the association's thread or, where several operations are performed at a time, on a helper."""
        if self._helpers is None:
            self._work.append((call, then))
        else:
            self._helpers.submit(self._perform, call, then)

    def responding(self, operation: Operation, response: Command) -> None:
        """A response is about to be sent."""
        self._tell_later(evt.EVT_DIMSE_SENT, message=response)

    def operation_failed(self, operation: Operation, error: Exception) -> None:
        """A service raised what it should not."""
        LOGGER.error("%s: %s failed", self, operation.request.type.name, exc_info=error)

    def is_cancelled(self, operation: Operation) -> bool:
        """Whether the peer has cancelled `operation` by now."""
        if not operation.cancelled:
            self._look()
        return operation.cancelled

    def _look(self) -> None:
        """Have the session look at what has arrived, as far as it can."""
        while self.dul.to_user_queue.queue:
            with self._changed:
                if self._reading or self._read is not None:
                    break
                self._reading = True
            self._read_primitive(wait=False)
        self._tell()

    # -- the invoker's side

    def invoke(self, context_id: int, request: Command, data_set: Source | None = None) -> Invocation:
        """Send a request, as soon as the operations window and its Message ID allow. Raises RuntimeError at the end."""
        sent: list[Invocation] = []

        def send() -> bool:
            if self._session.leaving:
                return True
            if self._may_send(request):
                sent.append(self._send(context_id, request, data_set))
            return bool(sent)

        self._wait_until(send)
        self._tell()
        if not sent:
            raise RuntimeError("the association is over before the request could be sent")
        return sent[0]

    def _send(self, context_id: int, request: Command, data_set: Source | None) -> Invocation:
        invocation = Invocation(self, request, self._session.negotiated.contexts[context_id])
        self._session.send(context_id, request, time.monotonic(), data_set)
        self._invocations[request.MessageID] = invocation
        self._tell_later(evt.EVT_DIMSE_SENT, message=request)
        self._pump()
        return invocation

    def _may_send(self, request: Command) -> bool:
        session, message_id = self._session, int(request.MessageID)
        return session.may_send and session.unused_message_id(message_id - 1) == message_id

    def cancel(self, context_id: int, message_id: int) -> None:
        """Send a C-CANCEL."""
        request = cancel_request(message_id)
        with self._changed:
            if self._session.state == ESTABLISHED:
                self._session.send(context_id, request, time.monotonic())
                self._tell_later(evt.EVT_DIMSE_SENT, message=request)
                self._pump()
        self._tell()

    def invocation(self, message_id: int) -> Invocation | None:
        """The operation with this Message ID that has not been answered yet."""
        return self._invocations.get(message_id)

    @property
    def negotiated_contexts(self) -> Iterable[AcceptedContext]:
        """The contexts both sides agreed on."""
        return self._session.negotiated.contexts.values()

    def await_response(self, invocation: Invocation) -> None:
        """Wait until a response has come, or none will."""
        self._wait_until(lambda: invocation.has_news)

    # -- ending

    def release(self) -> None:
        """Release the association and wait for its end; nothing where it is over."""
        with self._changed:
            if self._session.state == ESTABLISHED:
                self._session.release(time.monotonic())
                self._pump()
        self._tell()
        self._wait_until(lambda: self._session.state in (ENDED, IDLE))
        self._join_provider()

    def abort(self, block: bool = True) -> None:
        """Abort the association; with `block` wait for the end of its connection, which handlers cannot."""
        with self._changed:
            if self._session.state == IDLE:
                self.dul.kill_dul()
            self._session.abort(time.monotonic())
            self._pump()
        self._tell()
        if block:
            self._join_provider()

    def _wake_reader(self) -> None:
        """Have the thread that waits for a primitive look again."""
        if self._reading:
            self.dul.interrupt()

    def reject(self, rejection: Rejection) -> None:
        """Reject the association that the peer asks for."""
        LOGGER.info("%s: rejected (%d, %d, %d)", self, *rejection)
        with self._changed:
            if self._session.state == REQUESTED and self.is_acceptor:
                self._session.reject(rejection, time.monotonic())
                self._pump()
        self._tell()

    def _accept(self, answer: Answer) -> None:
        with self._changed:
            if self._session.state != REQUESTED:
                return  # the peer gave up meanwhile
            self._session.accept(time.monotonic(), answer)
            self.acceptor.primitive = answer.response
            self._established()
            self._pump()
        self._tell()

    def kill(self) -> None:
        """End the association's threads at once, without a word to the peer."""
        self.dul.kill_dul()
        with self._changed:
            self._session.indication(A_P_ABORT(transport_lost=True, description="killed"), time.monotonic())
            self._pump()
        self._tell()

    def _join_provider(self) -> None:
        """Wait for the end of the connection, except on the threads that handlers run on."""
        current = threading.current_thread()
        if current in (self, self.dul) or (self._helpers is not None and current in self._helpers._threads):
            return
        if self.dul.is_alive():
            self.dul.join()
