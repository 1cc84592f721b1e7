"""Speech: what can be said on an association, message by message.

Belongs here: what a message is, what a kind of message has to offer, and C-ECHO and C-FIND, which need no more than
this. C-STORE is in `storing`. Not here: when a message leaves (`pace`), or how it travels and what comes back
(`requestor`).
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from typing import Final, Protocol

from pool.exchange import Form, request_form, response_form
from pool.load.lanes import Lane
from pool.load.plan import ECHO, FIND
from pool.load.tally import Acknowledged
from ul.acse import AcceptedContext
from ul.dimse import Buffer, BytesSource, Source
from ul.services.query_retrieve import find_request
from ul.services.verification import echo_request
from ul.wire.command import Command

MESSAGE_IDS: Final = 128  # that an association uses in turn; it has one operation outstanding at a time
_CHOICES: Final = 4096  # drawn once and taken in turn


class Message:
    """One message on its way: what it says, and the bytes in which its response will come, if that is known."""

    __slots__ = ("acknowledges", "awaited", "buffers", "context_id", "kind", "message_id", "payload", "speech")

    def __init__(
        self,
        speech: Speech,
        context_id: int,
        message_id: int,
        buffers: Sequence[Buffer] = (),
        awaited: bytes | None = None,
        payload: int = 0,
    ) -> None:
        self.speech = speech
        self.kind = speech.kind
        self.context_id = context_id
        self.message_id = message_id
        self.buffers = buffers  # what it leaves in, if `awaited` is known
        self.awaited = awaited
        self.payload = payload  # bytes of data set
        self.acknowledges: Acknowledged | None = None  # what the peer has, once it has answered

    def command(self) -> Command:
        """Its command, for the session."""
        return self.speech.command(self)

    def source(self) -> Source | None:
        """Its data set, for the session."""
        return self.speech.source(self)

    def answered(self, response: bytes | None) -> None:
        """It was answered with Success; `response` is what came, where it came by itself."""
        self.speech.answered(self, response)


class Speech(Protocol):
    """One kind of message, on associations that negotiated the same."""

    kind: str  # one of pool.load.plan.KINDS

    def message(self, lane: Lane, message_id: int) -> Message:
        """The next message."""

    def command(self, message: Message) -> Command:
        """The command of a message of its."""

    def source(self, message: Message) -> Source | None:
        """The data set of one."""

    def answered(self, message: Message, response: bytes | None) -> None:
        """One was answered with Success."""


class EchoSpeech:
    """C-ECHO: the same messages again and again."""

    kind = ECHO

    def __init__(self, context: AcceptedContext) -> None:
        self._context_id = context.context_id
        self._request = request_form(context.context_id, echo_request(1))
        self._response: Form | None = None
        self._messages: dict[int, Message] = {}  # those whose response is foreseen, by message id

    def message(self, lane: Lane, message_id: int) -> Message:
        """The next message."""
        try:
            return self._messages[message_id]
        except KeyError:
            return self._make(message_id)

    def _make(self, message_id: int) -> Message:
        if self._response is None:
            return Message(self, self._context_id, message_id)
        buffers = (self._request.message(message_id),)
        awaited = self._response.message(message_id)
        message = self._messages[message_id] = Message(self, self._context_id, message_id, buffers, awaited)
        return message

    def command(self, message: Message) -> Command:
        """Its command."""
        return echo_request(message.message_id)

    def source(self, message: Message) -> None:
        """None: a C-ECHO has no data set."""

    def answered(self, message: Message, response: bytes | None) -> None:
        """Foresee the next responses."""
        form = response_form(response, message.message_id) if response is not None else None
        if form is not None and form != self._response:
            self._response = form
            self._messages.clear()


class FindSpeech:
    """C-FIND with the same identifier each time; what comes back is the peer's matches, so it cannot be foreseen."""

    kind = FIND

    def __init__(self, context: AcceptedContext, identifier: bytes) -> None:
        self._context = context
        self._identifier = identifier

    def message(self, lane: Lane, message_id: int) -> Message:
        """The next message."""
        return Message(self, self._context.context_id, message_id)

    def command(self, message: Message) -> Command:
        """Its command."""
        return find_request(message.message_id, self._context.abstract_syntax)

    def source(self, message: Message) -> Source:
        """The identifier."""
        return BytesSource(self._identifier)

    def answered(self, message: Message, response: bytes | None) -> None:
        """Nothing follows from it."""


class Repertoire:
    """What can be said on associations that negotiated the same: speeches, in turn by their weights."""

    def __init__(self, speeches: Iterable[tuple[Speech, float]], seed: object) -> None:
        self._speeches = list(speeches)
        among = [speech for speech, _ in self._speeches]
        weights = [weight for _, weight in self._speeches]
        self._drawn = random.Random(f"work {seed}").choices(among, weights, k=_CHOICES) if among else []

    def __bool__(self) -> bool:
        return bool(self._speeches)

    def messages(self, lane: Lane) -> Iterator[Message]:
        """Those of one association, without end: each is made when it is to leave."""
        speeches = self._in_turn(lane) if len(self._speeches) > 1 else repeat(self._speeches[0][0])
        while True:
            for message_id, speech in zip(range(1, MESSAGE_IDS + 1), speeches, strict=False):
                yield speech.message(lane, message_id)

    def _in_turn(self, lane: Lane) -> Iterator[Speech]:
        while True:
            lane.turn += 1
            yield self._drawn[lane.turn % _CHOICES]
