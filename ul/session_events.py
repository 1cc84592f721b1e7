"""What a Session speaks of: the events it tells, the operations they are about, the time it gives the peer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Union

from ul.acse import AcceptedContext, Negotiated, Rejection
from ul.dimse import Sink
from ul.pdu_primitives import A_ASSOCIATE
from ul.wire.command import Command

if TYPE_CHECKING:
    from ul.session import Session


class Operation:
    """A request of the peer's that is being performed.

    `sink` is where its data set goes; whoever is told of the request sets it (None: read and not kept). `cancelled`:
    a C-CANCEL came for it. `awaits_peer`: it can go on when the peer has answered what it was asked meanwhile.
    `received_at` is when its command was there, on the clock of the session's `now`. `too_large`: its data set is
    whole, and larger than the session takes; the sink has only the beginning of it.
    """

    __slots__ = ("awaits_peer", "cancelled", "context", "received_at", "request", "session", "sink", "too_large")

    def __init__(self, request: Command, context: AcceptedContext, session: Session, received_at: float) -> None:
        self.request = request
        self.context = context
        self.session = session
        self.received_at = received_at
        self.sink: Sink | None = None
        self.cancelled = False
        self.awaits_peer = False
        self.too_large = False


@dataclass(slots=True)
class AssociationRequested:
    """The peer wants to associate and negotiation found an answer: `Session.accept` or `Session.reject` it."""

    request: A_ASSOCIATE


@dataclass(slots=True)
class AssociationAccepted:
    """The peer accepted: operations can be invoked."""

    negotiated: Negotiated


@dataclass(slots=True)
class AssociationRejected:
    """Somebody rejected: the peer, or this side while negotiating (`locally`)."""

    rejection: Rejection
    locally: bool = False


@dataclass(slots=True)
class RequestReceived:
    """A command arrived that asks for `operation`; where it announces a data set, `DataSetReceived` follows."""

    operation: Operation


@dataclass(slots=True)
class DataSetReceived:
    """The data set of `operation` is whole: all of it was written to its sink."""

    operation: Operation


@dataclass(slots=True)
class ResponseReceived:
    """A response to an operation of ours arrived; `pending` tells that more of them will.

    Where it announces a data set, `ResponseDataSetReceived` follows; whoever is told of this sets the `sink` that it
    goes to (None: read and not kept). `context` says how it is encoded.
    """

    request: Command
    response: Command
    pending: bool
    context: AcceptedContext
    sink: Sink | None = None


@dataclass(slots=True)
class ResponseDataSetReceived:
    """The data set that `received` announced is whole: all of it was written to its sink, which was flushed."""

    received: ResponseReceived


@dataclass(slots=True)
class AssociationReleased:
    """Released in order; only the transport connection is left to close."""


@dataclass(slots=True)
class AssociationAborted:
    """Over, at once. `source`: 0 service-user, 2 service-provider; `description` is for the log.

    `breach`: this side aborted because the peer broke the protocol.
    """

    source: int
    reason: int
    locally: bool
    description: str
    breach: bool = False


Event = Union[
    AssociationRequested,
    AssociationAccepted,
    AssociationRejected,
    RequestReceived,
    DataSetReceived,
    ResponseReceived,
    ResponseDataSetReceived,
    AssociationReleased,
    AssociationAborted,
]


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds, None for never: an association's answer; silence amid or after a message; silence of an idle peer."""

    acse: float | None = 30.0
    dimse: float | None = 30.0
    network: float | None = 60.0
