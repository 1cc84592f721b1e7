"""Two sessions on a fake wire: each end is an UpperLayer and a Session, time is set by hand, bytes are cut at will."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

from ul import evt
from ul.acse import Offer, SupportedContext, request
from ul.errors import StatusError
from ul.pdu_primitives import PresentationContextDefinition, Primitive
from ul.services.performance import Performances
from ul.session import Session
from ul.session_events import (
    AssociationAborted,
    AssociationReleased,
    AssociationRequested,
    DataSetReceived,
    Event,
    Operation,
    RequestReceived,
    ResponseReceived,
    Timeouts,
)
from ul.sop_class import CTImageStorage, Verification
from ul.upper_layer import UpperLayer
from ul.wire.command import Command

IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"

Cut = Callable[[bytes], Iterator[bytes]]


def whole(data: bytes) -> Iterator[bytes]:
    yield data


def bytewise(data: bytes) -> Iterator[bytes]:
    for index in range(len(data)):
        yield data[index : index + 1]


class Memory:
    """A sink that remembers; the provider's instance of a C-STORE."""

    def __init__(self) -> None:
        self.commit_blocks = False
        self.pieces: list[bytes] = []
        self.borrowed: list[memoryview] = []
        self.kept = False
        self.discarded = False
        self.failure: StatusError | None = None

    def write(self, view: Any) -> None:
        self.borrowed.append(view)

    def flush(self) -> None:
        self.pieces += [bytes(view) for view in self.borrowed]
        self.borrowed.clear()

    def commit_at_once(self) -> bytes | None:
        return None if self.commit_blocks else self.commit()

    def commit(self) -> bytes:
        self.kept = True
        return self.data

    def discard(self) -> None:
        self.discarded = not self.kept

    @property
    def data(self) -> bytes:
        return b"".join(self.pieces)

    # -- the data set that a handler gets

    def getvalue(self, before: bytes = b"") -> bytes:
        return before + self.commit()

    def open(self) -> BytesIO:
        return BytesIO(self.data)

    def path(self) -> Path:
        raise NotImplementedError


class End:
    """One side of the conversation, pumped as a shell would pump it."""

    def __init__(
        self,
        offer: Offer | None = None,
        timeouts: Timeouts | None = None,
        maximum_length: int = 131072,
        admit: bool = True,
    ) -> None:
        self.session = Session(timeouts or Timeouts(), offer)
        self.upper = UpperLayer(offer is None, maximum_length=maximum_length)
        self.events: list[Event] = []
        self.indications: list[Primitive] = []
        self.instances: list[Memory] = []
        self.blocked: list[tuple[Callable[[], Any], Callable[[Any, BaseException | None], None]]] = []
        self.responses: list[Command] = []
        self.faults: list[Exception] = []
        self.commit_blocks = False
        self.outcome: dict[str, Any] | None = None
        self.refuse_with: Exception | None = None
        self.handlers = evt.Handlers()
        self.handler_faults: list[BaseException] = []
        self.data_sets: list[Memory] = []  # of requests that handlers answer
        self.too_large: StatusError | None = None
        self.answers: list[tuple[ResponseReceived, Memory | None]] = []
        self.free_running = False  # what blocks is called as soon as both sides are silent
        self.made_associations: list[tuple[Any, int, dict[str, Any]]] = []
        self.destination: Any = None
        self.performances = Performances(self.session, self, self)
        self.time = 0.0
        self.admit = admit

    # the services' shell and provider
    def now(self) -> float:
        return self.time

    def run_blocking(
        self, operation: Operation, call: Callable[[], Any], then: Callable[[Any, BaseException | None], None]
    ) -> None:
        self.blocked.append((call, then))

    def unblock(self) -> None:
        call, then = self.blocked.pop(0)
        try:
            then(call(), None)
        except Exception as error:
            then(None, error)

    def responding(self, operation: Operation, response: Command) -> None:
        self.responses.append(response)

    def invoking(self, request: Command) -> None:
        """Seen by the peer."""

    def operation_failed(self, operation: Operation, error: Exception) -> None:
        self.faults.append(error)

    def open_instance(self, operation: Operation) -> Memory:
        if self.refuse_with is not None:
            raise self.refuse_with
        self.instances.append(Memory())
        self.instances[-1].commit_blocks = self.commit_blocks
        return self.instances[-1]

    def committed(self, operation: Operation, outcome: Any) -> dict[str, Any] | None:
        assert outcome == self.instances[-1].data
        return self.outcome

    def open_data_set(self, operation: Operation) -> Memory:
        if self.refuse_with is not None:
            raise self.refuse_with
        self.data_sets.append(Memory())
        self.data_sets[-1].failure = self.too_large
        return self.data_sets[-1]

    def handler(self, event: evt.InterventionEvent) -> Callable[[evt.Event], Any] | None:
        bound = self.handlers.get_handlers(event)
        return bound[0] if isinstance(bound, tuple) else None

    def event(self, event: evt.EventType, operation: Operation, **attributes: Any) -> evt.Event:
        return evt.Event(self, event, is_cancelled=lambda: operation.cancelled, **attributes)

    def associate(self, address: Any, port: int, **arguments: Any) -> Any:
        self.made_associations.append((address, port, arguments))
        if isinstance(self.destination, Exception):
            raise self.destination
        return self.destination

    def handler_failed(self, operation: Operation, error: BaseException) -> None:
        self.handler_faults.append(error)

    # the shell
    def pump(self) -> None:
        session, upper, now = self.session, self.upper, self.time
        while True:
            while (event := session.next_event(now)) is not None:
                self.events.append(event)
                self.react(event)
            while (primitive := session.next_request(now)) is not None:
                upper.request(primitive, now)
            if not session.want_read or (primitive := upper.next_primitive(now)) is None:
                break
            self.indications.append(primitive)
            session.indication(primitive, now)
        session.flush()
        upper.retain()

    def react(self, event: Event) -> None:
        if isinstance(event, AssociationRequested) and self.admit:
            self.session.accept(self.time)
        elif isinstance(event, RequestReceived):
            self.performances.request_received(event.operation)
        elif isinstance(event, DataSetReceived):
            self.performances.data_set_received(event.operation)
        elif isinstance(event, ResponseReceived):
            if not self.performances.response_received(event):
                event.sink = Memory() if event.response.has_data_set else None
                self.answers.append((event, event.sink))
        elif isinstance(event, (AssociationAborted, AssociationReleased)):
            self.performances.close()

    def take(self, data: bytes) -> None:
        buffer = bytearray(data)  # overwritten afterwards: what was not retained is lost
        self.upper.receive(memoryview(buffer), self.time)
        self.pump()
        buffer[:] = b"\xaa" * len(buffer)

    def sent(self) -> bytes:
        return b"".join(bytes(part) for part in self.upper.data_to_send())


class Conversation:
    """A requestor and an acceptor, and the wire between them."""

    def __init__(
        self,
        offer: Offer | None = None,
        *,
        cut: Cut = whole,
        timeouts: Timeouts | None = None,
        requestor_maximum: int = 131072,
        admit: bool = True,
    ) -> None:
        self.offer = offer or ct_offer()
        self.requestor = End(timeouts=timeouts, maximum_length=requestor_maximum)
        self.acceptor = End(self.offer, timeouts=timeouts, maximum_length=self.offer.maximum_length, admit=admit)
        self.requestor_maximum = requestor_maximum
        self.cut = cut

    def associate(self, **changes: Any) -> Conversation:
        arguments: dict[str, Any] = {
            "calling_ae_title": "SCU",
            "called_ae_title": "SCP",
            "contexts": [
                PresentationContextDefinition(1, Verification, [IMPLICIT]),
                PresentationContextDefinition(3, CTImageStorage, [EXPLICIT, IMPLICIT]),
            ],
            "maximum_length": self.requestor_maximum,
        }
        self.requestor.session.associate(request(**{**arguments, **changes}), self.requestor.time)
        self.requestor.pump()
        self.requestor.upper.transport_opened(self.requestor.time)
        self.acceptor.upper.transport_opened(self.acceptor.time)
        return self.run()

    def run(self) -> Conversation:
        """Carry bytes back and forth until both sides are silent."""
        while True:
            self.requestor.pump()
            self.acceptor.pump()
            to_acceptor, to_requestor = self.requestor.sent(), self.acceptor.sent()
            if not to_acceptor and not to_requestor:
                if not self._unblock():
                    return self
                continue
            for data, end in ((to_acceptor, self.acceptor), (to_requestor, self.requestor)):
                for piece in self.cut(data) if data else ():
                    end.take(piece)

    def _unblock(self) -> bool:
        for end in (self.acceptor, self.requestor):
            if end.free_running and end.blocked:
                end.unblock()
                return True
        return False

    def at(self, time: float) -> Conversation:
        """Let it be `time` on both sides, with what that brings about."""
        for end in (self.requestor, self.acceptor):
            end.time = time
            end.upper.handle_timeout(time)
            end.session.handle_timeout(time)
        return self.run()


def ct_offer(**changes: Any) -> Offer:
    supported = SupportedContext((IMPLICIT, EXPLICIT))
    return Offer(**{"contexts": {Verification: supported, CTImageStorage: supported}, **changes})
