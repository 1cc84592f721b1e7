"""Session: one association as its DIMSE service-user sees it. Primitives below, events and operations above. Sans-I/O.

Belongs here: who may send which message when (the operations window; amid a release), and how long all of it may take.
Not here: how the association begins and ends (`ul.association_control`), what is told (`ul.session_events`), bytes
(`ul.upper_layer`), how messages are cut (`ul.dimse`), what an operation does (`ul.services`).

How a shell drives it, after every input and whenever an operation finished:

    while True:
        while (event := session.next_event(now)) is not None: react
        while (primitive := session.next_request(now)) is not None: upper_layer.request(primitive, now)
        if not session.want_read or (primitive := upper_layer.next_primitive(now)) is None: break
        session.indication(primitive, now)

The shell may leave `next_request` for later while what was sent before has not left: outgoing data sets are read
no faster than the peer takes them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ul.acse import Offer
from ul.association_control import ENDED, ESTABLISHED, RELEASING, REQUESTED, AssociationControl
from ul.dimse import WHOLE_COMMAND, Assembler, Fragmenter, Source, largest_fragment
from ul.errors import ProtocolError, UsageError
from ul.pdu_primitives import A_ABORT, A_ASSOCIATE, A_P_ABORT, A_RELEASE, P_DATA, Primitive
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
from ul.status import PENDING
from ul.wire.command import C_CANCEL_RQ, C_GET_RQ, Command, decode_command, encode_command


class Session(AssociationControl):
    """One association. An acceptor is given the `offer` it answers from, a requestor calls `associate`."""

    __slots__ = (
        "_assembler",
        "_invoked",
        "_largest_fragment",
        "_operations",
        "_outgoing",
        "_parked",
        "_receiving",
        "_timeouts",
        "maximum_data_set",
        "on_drained",
        "want_read",
    )

    def __init__(self, timeouts: Timeouts, offer: Offer | None = None, *, maximum_data_set: int = 0) -> None:
        super().__init__(offer)
        self.maximum_data_set = maximum_data_set  # bytes of one that a request brings; 0: no limit
        self._timeouts = timeouts
        self._assembler: Assembler | None = None
        # None or empty while idle, as what is AssociationControl's.
        self._outgoing: list[Fragmenter] = []
        self._operations: list[Operation] = []  # of the peer's, not answered yet
        self._invoked: dict[int, Command] = {}  # ours, not answered yet, by message id
        self._parked: Operation | None = None  # arrived above the window: waits for an answer to leave
        self.want_read = True  # False while reading on would only pile up what cannot be performed yet
        self._receiving: Operation | ResponseReceived | None = None  # whose data set is under way
        self._largest_fragment = 0  # bytes of a message that one P-DATA-TF to the peer holds
        self.on_drained: Callable[[], None] | None = None  # called when the last unsent message was handed out

    # -- what a shell asks

    @property
    def timeouts(self) -> Timeouts:
        """How long the peer may be silent; set, it holds from now on."""
        return self._timeouts

    @timeouts.setter
    def timeouts(self, timeouts: Timeouts) -> None:
        self._timeouts = timeouts

    @property
    def operations(self) -> list[Operation]:
        """The operations being performed for the peer."""
        return self._operations

    @property
    def leaving(self) -> bool:
        """Either side asked for release, or the association is over: nobody waits for pending responses any more."""
        return self._release_due or self.state != ESTABLISHED

    @property
    def may_send(self) -> bool:
        """Whether one more operation can be invoked now."""
        if self.leaving or self._negotiated is None:
            return False
        window = self._negotiated.may_invoke
        return not window or len(self._invoked) < window

    def unused_message_id(self, after: int) -> int:
        """The first Message ID behind `after` that no outstanding operation of ours has."""
        message_id = after % 65535 + 1
        while message_id in self._invoked:
            message_id = message_id % 65535 + 1
        return message_id

    @property
    def heard_at(self) -> float:
        """When the last primitive came from the peer, on the clock that `now` comes from."""
        return self._waiting_since

    def heard(self, now: float) -> None:
        """The peer said something that the shell understood and answered by itself."""
        self._waiting_since = now

    @property
    def amid_message(self) -> bool:
        """A message of the peer's has begun and is not whole."""
        assembler = self._assembler
        return assembler is not None and (assembler.data_set_due or assembler.amid_command)

    @property
    def busy(self) -> bool:
        """Something is under way: a message, an operation, or a response that has not left."""
        return bool(self._operations or self._outgoing or self._invoked or self.amid_message)

    def limit_idleness(self, seconds: float) -> None:
        """From now on, be content with less silence between two messages."""
        network = self._timeouts.network
        if network is None or network > seconds:
            self._timeouts = replace(self._timeouts, network=seconds)

    @property
    def unsent(self) -> int:
        """How many messages wait for `next_request`, those apart that are a single primitive."""
        return len(self._outgoing)

    @property
    def answers_due(self) -> bool:
        """More waits for `next_request` than what this side asks the peer: answers that it does not take."""
        return len(self._requests) + len(self._outgoing) > len(self._invoked)

    @property
    def deadline(self) -> float | None:
        """When `handle_timeout` is due, on the clock that `now` comes from; None for never."""
        duration = self._patience()
        return None if duration is None else self._waiting_since + duration

    def _patience(self) -> float | None:
        """How long, from `_waiting_since` on, the present silence may last."""
        assembler = self._assembler
        if self.state == ESTABLISHED and assembler is not None:
            if assembler.data_set_due or assembler.amid_command:
                return self._timeouts.dimse
            if self._outgoing or (self._is_at_work and not self._is_owed_a_response):
                return None  # it is this side that is at work, or the transport connection
            return self._timeouts.dimse if self._invoked else self._timeouts.network
        if self.state == RELEASING or (self.state == REQUESTED and self._offer is None):
            return self._timeouts.acse
        return None

    @property
    def _is_at_work(self) -> bool:
        """An operation of the peer's can go on without a word from it."""
        return bool(self._operations) and not all(operation.awaits_peer for operation in self._operations)

    @property
    def _is_owed_a_response(self) -> bool:
        """The peer can respond, whatever this side is at; to a C-GET only behind the responses to what it stores."""
        return any(request.type is not C_GET_RQ for request in self._invoked.values())

    def handle_timeout(self, now: float) -> None:
        """Abort the association if its deadline has passed."""
        deadline = self.deadline
        if deadline is None or now < deadline:
            return
        if self._connecting:
            self._waiting_since = now  # nothing can be due before that passes once more
            return
        self.abort(now, f"{self._timeout_name()} timeout: nothing for {self._patience():g} s")

    def _timeout_name(self) -> str:
        if self.state != ESTABLISHED:
            return "ACSE"
        return "DIMSE" if self.busy else "network idle"

    def flush(self) -> None:
        """Have the data set under way taken out of the receive buffer, which is about to be used again."""
        if self._receiving is not None and self._receiving.sink is not None:
            self._receiving.sink.flush()

    # -- from the upper layer

    def indication(self, primitive: Primitive, now: float) -> None:
        """Take one indication or confirm primitive from the upper layer; what it says behind the end is nothing."""
        if self.state == ENDED:
            return
        self._waiting_since = now
        if isinstance(primitive, P_DATA):
            if self._assembler is not None:
                self._assembler.receive(primitive)
        elif isinstance(primitive, A_ASSOCIATE):
            self._associate_indication(primitive)
        elif isinstance(primitive, A_RELEASE):
            self._release_indication(primitive)
        elif isinstance(primitive, A_ABORT):
            self._end(AssociationAborted(primitive.abort_source, 0, False, "A-ABORT from the peer"))
        else:
            self._provider_abort_indication(primitive)

    def _establish(self) -> None:
        super()._establish()
        self._assembler = Assembler(self.negotiated.contexts)
        self._largest_fragment = largest_fragment(self.negotiated.peer_maximum_length)

    @property
    def _owes_responses(self) -> bool:
        return bool(self._operations or self._outgoing)

    def _drop_what_awaits_peer(self) -> None:
        """Who asked for release sends nothing more: what waits for an answer of its own gets none (PS3.8 7.2.1)."""
        self._operations = [operation for operation in self._operations if not operation.awaits_peer]

    def _end(self, event: AssociationAborted | AssociationReleased | AssociationRejected) -> None:
        if self.state == ENDED:
            return
        self._assembler = None
        self._park(None)
        self._receiving = None
        self._outgoing.clear()
        self._invoked.clear()
        super()._end(event)

    # -- to the user

    def next_event(self, now: float) -> Event | None:
        """What happened next; None when the upper layer has to be asked for more."""
        while not self._events:
            assembler = self._assembler
            if assembler is None or not assembler.unread or self._parked is not None:
                return None
            if self._receiving is not None:
                assembler.sink = self._receiving.sink
            try:
                found = assembler.advance()
            except ProtocolError as error:  # breaks PS3.8: the service-provider's to answer
                self._requests.append(A_P_ABORT(error.reason, description=str(error)))
                self._assembler = None
                return None
            if found is None:
                return None
            if isinstance(found, bytes):
                event = self._command_set_received(found, assembler, now)
            else:
                event = self._data_set_received(assembler)
            if event is not None:
                return event
        return self._events.pop(0)

    def _data_set_received(self, assembler: Assembler) -> Event | None:
        receiving, self._receiving = self._receiving, None
        if isinstance(receiving, Operation):
            receiving.too_large = assembler.room is not None and assembler.room < 0
            return DataSetReceived(receiving)
        if receiving is None:
            return None
        if receiving.sink is not None:
            receiving.sink.flush()
        return ResponseDataSetReceived(receiving)

    def _command_set_received(self, encoded: bytes, assembler: Assembler, now: float) -> Event | None:
        try:
            command = decode_command(encoded)
            assembler.data_set_due = command.has_data_set
            assembler.sink = assembler.room = None
            if command.type.is_request:
                return self._request_received(command, assembler, now)
            return self._response_received(command, assembler)
        except ProtocolError as error:  # breaks PS3.7: ours to answer
            self.abort(now, str(error), breach=True)
            return None

    def _request_received(self, command: Command, assembler: Assembler, now: float) -> Event | None:
        if command.type is C_CANCEL_RQ:
            self._cancel(command)
            return None
        operations, negotiated = self._operations, self._negotiated
        assert negotiated is not None
        if operations and any(operation.request.MessageID == command.MessageID for operation in operations):
            raise ProtocolError(f"{command.type.name}: message id {command.MessageID} is still being performed")
        operation = Operation(command, negotiated.contexts[assembler.context_id], self, now)
        if assembler.data_set_due:
            self._receiving = operation
            if self.maximum_data_set:
                assembler.room = self.maximum_data_set
        if operations and 0 < negotiated.may_perform <= len(operations):
            assembler.retain()
            self._park(operation)
            if self.state != ESTABLISHED:
                self._take_up_parked()
            return None
        operations.append(operation)
        return RequestReceived(operation)

    def _park(self, operation: Operation | None) -> None:
        self._parked = operation
        self.want_read = operation is None

    def _response_received(self, response: Command, assembler: Assembler) -> Event:
        message_id = response.MessageIDBeingRespondedTo
        request = self._invoked.get(message_id)
        if request is None:
            raise ProtocolError(f"{response.type.name}: message id {message_id} was not asked for")
        pending = response.Status in PENDING
        if not pending:
            del self._invoked[message_id]
        context = self.negotiated.contexts[assembler.context_id]
        received = ResponseReceived(request, response, pending, context)
        if response.has_data_set:
            self._receiving = received
        return received

    def _cancel(self, command: Command) -> None:
        for operation in self._operations:
            if operation.request.MessageID == command.MessageIDBeingRespondedTo:
                operation.cancelled = True

    # -- from the user

    def send(self, context_id: int, request: Command, now: float, data_set: Source | None = None) -> None:
        """Invoke an operation. Raises UsageError above the window or where the context was not accepted."""
        if self.state != ESTABLISHED or self._release_due:
            raise UsageError(f"send: the session is {'releasing' if self._release_due else self.state}")
        if context_id not in self.negotiated.contexts:
            raise UsageError(f"send: presentation context {context_id} was not accepted")
        if request.type is C_CANCEL_RQ:
            self._queue(context_id, request, None, now)
            return
        if not self.may_send:
            window = self.negotiated.may_invoke
            raise UsageError(f"send: {window} operations are outstanding, as many as were negotiated")
        if request.MessageID in self._invoked:
            raise UsageError(f"send: message id {request.MessageID} is outstanding")
        self._queue(context_id, request, data_set, now)
        self._invoked[request.MessageID] = request

    def sent(self, request: Command, since: float) -> None:
        """An operation was invoked beside `send`, by whoever had its bytes: its response is awaited `since` then."""
        self._waiting_since = since
        self._invoked[request.MessageID] = request

    def release(self, now: float) -> None:
        """Ask for an orderly release, which nothing that waits for room in the window holds up."""
        super().release(now)
        if self.state == RELEASING:
            self._take_up_parked()

    def respond(
        self, operation: Operation, response: Command, now: float, data_set: Source | None = None, *, final: bool = True
    ) -> None:
        """Answer `operation`; with `final` it is performed. After the association's end nothing is sent."""
        if final and operation in self._operations:
            self._operations.remove(operation)
        if self.state == ESTABLISHED:
            self._queue(operation.context.context_id, response, data_set, now)
        if final:
            self._take_up_parked()

    def abandon(self, operation: Operation) -> None:
        """Perform `operation` no further, without a response: where `leaving` is true nobody waits for one."""
        if operation in self._operations:
            self._operations.remove(operation)
        self._take_up_parked()

    def _take_up_parked(self) -> None:
        """There is room in the window again; or this side asked for release, and what waited for room is read past."""
        parked = self._parked
        if parked is None:
            return
        self._park(None)
        if self.state == ESTABLISHED:
            self._operations.append(parked)
            self._events.append(RequestReceived(parked))
        elif self._receiving is parked:
            self._receiving = None

    def _queue(self, context_id: int, command: Command, data_set: Source | None, now: float) -> None:
        self._waiting_since = now
        encoded = encode_command(command)
        if data_set is None and not self._outgoing and len(encoded) <= self._largest_fragment:
            self._requests.append(P_DATA([(context_id, WHOLE_COMMAND, encoded)]))
        else:
            self._outgoing.append(Fragmenter(context_id, encoded, data_set, self._largest_fragment))

    def next_request(self, now: float) -> Primitive | None:
        """The next primitive for `UpperLayer.request`; None when there is nothing more to say for now."""
        if self._requests:
            return self._requests.pop(0)
        if self._outgoing:
            self._waiting_since = now
            message = self._outgoing[0]
            fragment = message.next_fragment()
            if message.done:
                del self._outgoing[0]
                if self.on_drained is not None and not self._outgoing:
                    self.on_drained()
            return fragment
        if self.state == RELEASING and not self._release_sent:
            self._release_sent = True
            return A_RELEASE()
        if self._release_due:
            self._answer_release()
            return self._requests.pop(0) if self._requests else None
        return None
