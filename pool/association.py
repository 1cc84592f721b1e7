"""Association: what a handler under the pool knows as `event.assoc`.

The association itself lives on the worker's loop. This is its face on the handler threads: what can be read is read
from it, what is asked of it (abort, release) is done on the loop, soon after.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, Protocol

from pool.loop import Loop
from ul.acse import AcceptedContext, Rejection
from ul.evt import Bound, EventType, Handler, Handlers
from ul.negotiation import Negotiation
from ul.presentation import PresentationContext
from ul.service_user import ACCEPTOR, REQUESTOR, ServiceUser
from ul.session import ESTABLISHED, Session
from ul.session_events import Operation, Timeouts

if TYPE_CHECKING:
    from ul.ae import ApplicationEntity

RELEASED: Final = "released"
ABORTED: Final = "aborted"
REJECTED: Final = "rejected"


class Served(Protocol):
    """The association on the loop."""

    token: int
    session: Session
    peer_address: tuple[str, int]
    local_address: tuple[str, int]
    outcome: str  # RELEASED, ABORTED, REJECTED; "" while it goes on

    @property
    def is_closed(self) -> bool:
        """The connection is closed."""

    def abort(self, why: str) -> None:
        """A-ABORT, now."""

    def refused(self, rejection: Rejection) -> None:
        """A-ASSOCIATE-RJ, if it is not too late."""

    def release(self) -> None:
        """Ask for release when the operations are performed."""


class Association:
    """One association, its peer the requestor. `native_id` is its number in the log, no thread's."""

    mode = ACCEPTOR
    is_acceptor = True
    is_requestor = False

    def __init__(
        self, served: Served, loop: Loop, ae: ApplicationEntity, ae_title: str, handlers: Handlers, timeouts: Timeouts
    ) -> None:
        self._served = served
        self._loop = loop
        self.ae = ae
        self.handlers = handlers  # the application's, until this association has some of its own
        self._shares_handlers = True
        self._timeouts = timeouts
        self.acse = Negotiation(self)  # type: ignore[arg-type]  # as the blocking API's, as far as it is needed there
        self._requestor = _side(REQUESTOR, "", served.peer_address)
        self._acceptor = _side(ACCEPTOR, ae_title, served.local_address)

    def __repr__(self) -> str:
        return f"<association {self.native_id} of {self.requestor}>"

    # -- what a thread would tell

    @property
    def native_id(self) -> int:
        """Its number, as the log has it."""
        return self._served.token

    ident = native_id

    @property
    def name(self) -> str:
        """A name for logs."""
        return f"association-{self.native_id}"

    def is_alive(self) -> bool:
        """Whether its connection is open."""
        return not self._served.is_closed

    # -- how it is

    @property
    def is_established(self) -> bool:
        """Operations can be performed."""
        return self._served.session.state == ESTABLISHED

    @property
    def is_released(self) -> bool:
        """It ended in order."""
        return self._served.outcome == RELEASED

    @property
    def is_aborted(self) -> bool:
        """It ended by an abort, a timeout or the loss of its connection."""
        return self._served.outcome == ABORTED

    @property
    def is_rejected(self) -> bool:
        """It never was."""
        return self._served.outcome == REJECTED

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
    def acse_timeout(self) -> float | None:
        """Seconds; None for never."""
        return self._timeouts.acse

    @property
    def dimse_timeout(self) -> float | None:
        """Seconds; None for never."""
        return self._timeouts.dimse

    @property
    def network_timeout(self) -> float | None:
        """Seconds; None for never."""
        return self._timeouts.network

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

    # -- handlers

    def is_cancelled(self, operation: Operation) -> bool:
        """Whether the peer has cancelled `operation`."""
        return operation.cancelled

    def bind(self, event: EventType, handler: Handler, args: list[Any] | None = None) -> None:
        """Bind a handler for the rest of this association."""
        self._own_handlers().bind(event, handler, args)

    def unbind(self, event: EventType, handler: Handler) -> None:
        """Unbind a handler for the rest of this association."""
        self._own_handlers().unbind(event, handler)

    def _own_handlers(self) -> Handlers:
        if self._shares_handlers:
            self.handlers = self.handlers.copy()
            self._shares_handlers = False
        return self.handlers

    def get_events(self) -> list[EventType]:
        """The events that a handler is bound to."""
        return self.handlers.get_events()

    def get_handlers(self, event: EventType) -> Bound | tuple[None, None] | list[Bound]:
        """The handlers of an event."""
        return self.handlers.get_handlers(event)


def _side(mode: str, ae_title: str, address: tuple[str, int]) -> ServiceUser:
    side = ServiceUser(mode)
    side.ae_title = ae_title
    side.address, side.port = address[:2]
    side.address_info = address
    return side
