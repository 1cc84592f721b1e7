"""Invocations: the operations that handlers invoke on the association they are called for.

Belongs here: what passes between the threads that ask and wait and the loop that sends and receives. Not here: the
verbs (`ul.invoking`), how many operations may be outstanding (`ul.session`).

Whoever asks is always answered: at the end of the association, at the latest, each invocation is over and each request
that could not be sent yet fails. After that nothing can be asked any more; the lock sees to it that nothing is asked in
between, for the loop may have turned for the last time.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import NamedTuple

from ul.acse import AcceptedContext
from ul.dimse import Source
from ul.errors import UsageError
from ul.invoking import Invocation
from ul.session import Session
from ul.session_events import Operation, ResponseReceived
from ul.spool import Spool
from ul.wire.command import Command


class ThreadInvocation(Invocation):
    """An Invocation that a thread waits for while the loop brings the responses.

    `during` is the operation of the peer's whose handler asked: it awaits the peer meanwhile.
    """

    def __init__(self, request: Command, context: AcceptedContext, during: Operation | None) -> None:
        super().__init__(self, request, context)
        self._changed = threading.Condition(threading.Lock())
        self._during = during

    # -- on the loop

    def sent(self) -> None:
        """The request is on its way."""
        if self._during is not None:
            self._during.awaits_peer = True

    def responded(self, received: ResponseReceived) -> None:
        """A response is whole."""
        with self._changed:
            super().responded(received)
            self._tell()

    def ended(self) -> None:
        """The association is over: no response will come."""
        with self._changed:
            super().ended()
            self._tell()

    def _tell(self) -> None:
        if self.is_over and self._during is not None:
            self._during.awaits_peer = False
        self._changed.notify_all()

    # -- on the thread

    def abandon(self) -> None:
        """Nobody wants the responses that are still to come."""
        with self._changed:
            super().abandon()

    def await_response(self, invocation: Invocation) -> None:
        """Wait until a response has come, or none will."""
        with self._changed:
            self._changed.wait_for(lambda: self.has_news)


class Asked(NamedTuple):
    """A request that a thread wants sent, and waits for that."""

    context_id: int
    data_set: Source | None
    invocation: ThreadInvocation
    sent: Future[Invocation]


class Invocations:
    """Those of one association."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._over = False
        self._asked: list[Asked] = []
        self._outstanding: dict[int, ThreadInvocation] = {}  # by message id
        self._receiving: ResponseReceived | None = None  # whose data set is under way

    # -- on the threads that ask

    def ask(
        self, context: AcceptedContext, request: Command, data_set: Source | None, during: Operation | None
    ) -> Future[Invocation]:
        """Have `request` sent: the result is there when it is. Raises RuntimeError where the association is over."""
        asked = Asked(context.context_id, data_set, ThreadInvocation(request, context, during), Future())
        with self._lock:
            if self._over:
                raise _too_late()
            self._asked.append(asked)
        return asked.sent

    def outstanding(self, message_id: int) -> Invocation | None:
        """The invocation with this Message ID that is not over yet."""
        return self._outstanding.get(message_id)

    # -- on the loop

    @property
    def is_idle(self) -> bool:
        """Nothing is asked, and nothing is waited for."""
        return not self._asked and not self._outstanding

    def send(self, session: Session, now: float) -> list[Command]:
        """Send what may be sent now: the operations window and the Message IDs decide. Returned are those requests."""
        sent: list[Command] = []
        for asked in list(self._asked):
            request = asked.invocation.request
            message_id = int(request.MessageID)
            if not session.may_send:
                break
            if session.unused_message_id(message_id - 1) != message_id:
                continue
            self._asked.remove(asked)
            try:
                session.send(asked.context_id, request, now, asked.data_set)
            except UsageError as error:  # what cannot be encoded
                asked.sent.set_exception(error)
                continue
            self._outstanding[message_id] = asked.invocation
            asked.invocation.sent()
            asked.sent.set_result(asked.invocation)
            sent.append(request)
        return sent

    def receive_data_set(self, received: ResponseReceived) -> None:
        """The data set of a response is to come."""
        invocation = self._outstanding.get(received.request.MessageID)
        if invocation is not None:
            received.sink = invocation.open_data_set()
            self._receiving = received

    def response_received(self, received: ResponseReceived) -> None:
        """A response is whole."""
        self._receiving = None
        message_id = received.request.MessageID
        invocation = self._outstanding.get(message_id)
        if invocation is not None:
            if not received.pending:
                del self._outstanding[message_id]
            invocation.responded(received)

    def end(self) -> None:
        """The association is over, or its peer asked for release: nothing is sent any more, and no response comes."""
        with self._lock:
            self._over = True
        asked, self._asked = self._asked, []
        outstanding, self._outstanding = self._outstanding, {}
        for request in asked:
            request.sent.set_exception(_too_late())
        for invocation in outstanding.values():
            invocation.ended()
        receiving, self._receiving = self._receiving, None
        if receiving is not None and isinstance(receiving.sink, Spool):
            receiving.sink.discard()
            receiving.sink = None  # what still comes of it is dropped


def _too_late() -> RuntimeError:
    return RuntimeError("the association is over before the request could be sent")
