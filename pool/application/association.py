"""Association: what a handler under the pool knows as `event.assoc`.

The association itself lives on the worker's loop. This is its face on the handler threads: what can be read is read
from it; what is asked of it (abort, release, a timeout) is done on the loop, soon after; and who invokes an operation
on it waits for what the loop brings.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, Protocol

from pool.application.invocations import Invocations
from pool.application.observed import OBSERVED
from pool.loop import Loop
from ul.acse import AcceptedContext, Rejection
from ul.association_timeouts import AssociationTimeouts
from ul.dimse import Source
from ul.evt import Bindable, EventType, Handler, Handlers
from ul.invoking import Invocation, Invoker, performed
from ul.negotiation import Negotiation
from ul.presentation import PresentationContext
from ul.service_user import ACCEPTOR, REQUESTOR, ServiceUser
from ul.session import Session
from ul.session_events import Operation, Timeouts
from ul.wire.command import Command

if TYPE_CHECKING:
    from ul.ae import ApplicationEntity

# Of the blocking API's Association, and why it is not here.
_ABSENT: Final = {
    **dict.fromkeys(("dul", "daemon", "isDaemon", "setDaemon"), "no association has a thread of its own"),
    **dict.fromkeys(("start", "run", "serve", "request"), "the worker began it, and runs it"),
}


class Served(Protocol):
    """The association on the loop."""

    token: int
    session: Session
    peer_address: tuple[str, int]
    local_address: tuple[str, int]

    @property
    def is_closed(self) -> bool:
        """The connection is closed."""

    @property
    def is_called_here(self) -> bool:
        """The present thread is calling a handler of this association."""

    def abort(self, why: str) -> None:
        """A-ABORT, now."""

    def refused(self, rejection: Rejection) -> None:
        """A-ASSOCIATE-RJ, if it is not too late."""

    def release(self) -> None:
        """Ask for release when the operations are performed."""

    def invoke(self) -> None:
        """Send what was asked of `Association.invocations`."""

    def cancel(self, context_id: int, message_id: int) -> None:
        """C-CANCEL, if it is not too late."""

    def set_timeouts(self, timeouts: Timeouts) -> None:
        """From now on, wait for so long."""

    def observe(self) -> None:
        """From now on, tell of what passes through the upper layer."""


class Association(Invoker, AssociationTimeouts, Bindable):
    """One association, its peer the requestor. `native_id` is its number in the log, no thread's."""

    mode = ACCEPTOR
    is_acceptor = True
    is_requestor = False
    is_established = is_released = is_aborted = is_rejected = False

    def __init__(
        self, served: Served, loop: Loop, ae: ApplicationEntity, ae_title: str, handlers: Handlers, timeouts: Timeouts
    ) -> None:
        self._served = served
        self._loop = loop
        self.ae = ae
        self.handlers = handlers  # the application's, until this association has some of its own
        self._shares_handlers = True
        self._timeouts = timeouts
        self.network_timeout_response = "A-ABORT"
        self.name = f"association-{served.token}"
        self.acse = Negotiation(self)
        self.invocations = Invocations()
        self._joining: list[threading.Event] = []
        self._is_over = False
        self._lock = threading.Lock()  # of the two above
        self._requestor = _side(REQUESTOR, "", served.peer_address)
        self._acceptor = _side(ACCEPTOR, ae_title, served.local_address)

    def comes_from(self, address: tuple[str, int]) -> None:
        """A balancer told where the requestor is."""
        self._requestor.address, self._requestor.port = self._requestor.address_info = address

    def __repr__(self) -> str:
        return f"<association {self.native_id} of {self.requestor}>"

    def __getattr__(self, name: str) -> Any:
        if name in _ABSENT:
            raise AttributeError(f"event.assoc.{name} is not there under the pool: {_ABSENT[name]}")
        raise AttributeError(f"an association has no {name}")

    # -- what a thread would tell

    @property
    def native_id(self) -> int:
        """Its number, as the log has it."""
        return self._served.token

    ident = native_id

    def is_alive(self) -> bool:
        """Whether its connection is open."""
        return not self._served.is_closed

    isAlive = is_alive

    def getName(self) -> str:
        """A name for logs."""
        return self.name

    def setName(self, name: str) -> None:
        """Another name for logs."""
        self.name = name

    def join(self, timeout: float | None = None) -> None:
        """Wait for the end of its connection, `timeout` seconds at most.

        Raises RuntimeError in its handlers, which it waits for itself.
        """
        if self._served.is_called_here:
            raise RuntimeError("a handler cannot join the association that it is called for")
        ended = threading.Event()
        with self._lock:
            if self._is_over:
                return
            self._joining.append(ended)
        ended.wait(timeout)

    def closed(self) -> None:
        """Its connection is closed. Called on the loop."""
        self.invocations.end()
        with self._lock:
            self._is_over = True
        for ended in self._joining:
            ended.set()

    # -- who and what

    @property
    def requestor(self) -> ServiceUser:
        """The peer."""
        requestor, request = self._requestor, self._served.session.request
        if requestor.primitive is None and request is not None:
            requestor.primitive = request
            requestor.ae_title = request.calling_ae_title
        return requestor

    @property
    def acceptor(self) -> ServiceUser:
        """This side. Its primitive has the title that the peer called."""
        if self._acceptor.primitive is None:
            self._acceptor.primitive = self._served.session.response
            self._acceptor.supported_contexts = self.ae.supported_contexts
        return self._acceptor

    @property
    def remote(self) -> dict[str, Any]:
        """The peer in short: ae_title, address, port, mode, pdv_size."""
        return self.requestor.info

    @property
    def local(self) -> dict[str, Any]:
        """This side in short."""
        return self.acceptor.info

    @property
    def accepted_contexts(self) -> list[PresentationContext]:
        """The presentation contexts that both sides agreed on."""
        return self.acse.negotiated_contexts()[0]

    @property
    def rejected_contexts(self) -> list[PresentationContext]:
        """The presentation contexts that were refused, each with its result."""
        return self.acse.negotiated_contexts()[1]

    @property
    def negotiated_contexts(self) -> Iterable[AcceptedContext]:
        """What was agreed on, as the session has it."""
        return self._served.session.negotiated.contexts.values()

    @property
    def dimse(self) -> Association:
        """The DIMSE service provider: the association itself."""
        return self

    @property
    def maximum_pdu_size(self) -> int:
        """Bytes of a P-DATA-TF that this side takes."""
        return self.acceptor.maximum_length

    # -- timeouts

    def _timeouts_changed(self) -> None:
        self._loop.call_from_thread(self._served.set_timeouts, self._timeouts)

    # -- what can be asked of it

    def abort(self, block: bool = True) -> None:
        """Abort it, soon; `block` is understood and ignored: handlers never wait for the loop."""
        self._loop.call_from_thread(self._served.abort, "aborted by a handler")

    def reject(self, rejection: Rejection) -> None:
        """Reject it, if the peer still waits for an answer to its request."""
        self._loop.call_from_thread(self._served.refused, rejection)

    def kill(self) -> None:
        """Abort it."""
        self.abort()

    def release(self) -> None:
        """Ask the peer for release once the responses that are due have left."""
        self._loop.call_from_thread(self._served.release)

    # -- the invoker's side

    def invoke(self, context_id: int, request: Command, data_set: Source | None = None) -> Invocation:
        """Send a request, as soon as the operations window and its Message ID allow. Raises RuntimeError at the end."""
        context = self._served.session.negotiated.contexts[context_id]
        sent = self.invocations.ask(context, request, data_set, performed(self._served.session))
        self._loop.call_from_thread(self._served.invoke)
        return sent.result()

    @property
    def performs_here(self) -> bool:
        """The present thread calls a handler of this association, and no other handler before that returns."""
        return self._served.is_called_here

    def cancel(self, context_id: int, message_id: int) -> None:
        """Send a C-CANCEL."""
        self._loop.call_from_thread(self._served.cancel, context_id, message_id)

    def invocation(self, message_id: int) -> Invocation | None:
        """The operation with this Message ID that has not been answered yet."""
        return self.invocations.outstanding(message_id)

    # -- handlers

    def is_cancelled(self, operation: Operation) -> bool:
        """Whether the peer has cancelled `operation`."""
        return operation.cancelled

    def bind(self, event: EventType, handler: Handler, args: list[Any] | None = None) -> None:
        """Bind a handler for the rest of this association."""
        self._have_handlers_of_its_own()
        super().bind(event, handler, args)
        if event in OBSERVED:
            self._loop.call_from_thread(self._served.observe)

    def unbind(self, event: EventType, handler: Handler) -> None:
        """Unbind a handler for the rest of this association."""
        self._have_handlers_of_its_own()
        super().unbind(event, handler)

    def _have_handlers_of_its_own(self) -> None:
        if self._shares_handlers:
            self.handlers = self.handlers.copy()
            self._shares_handlers = False


def _side(mode: str, ae_title: str, address: tuple[str, int]) -> ServiceUser:
    side = ServiceUser(mode)
    side.ae_title = ae_title
    side.address, side.port = address[:2]
    side.address_info = address
    return side
