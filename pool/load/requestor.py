"""LoadAssociation: one association that puts load on a peer, and what it measures.

Belongs here: the phases of an association (connect, associate, messages, release), each with its time, and its end.
Not here: when it begins and what comes next (`pace`), what messages consist of (`work`).

A response that was foreseen (`exchange`) is compared and counted where it is read. Anything else that comes, a timer or
the end of the connection included, goes through the session, which is told first of the message that is under way.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from time import monotonic
from typing import Final, Protocol

from pool.load.lanes import Lane
from pool.load.plan import Plan
from pool.load.speech import Message, Repertoire
from pool.load.tally import ASSOCIATE, ASSOCIATION, CONNECT, RELEASE, TLS, Cause, Recorder
from pool.loop import EPOLLIN, EPOLLOUT, Loop
from pool.scu import RequestedAssociation
from ul.acse import Negotiated
from ul.association_control import ESTABLISHED
from ul.fsm import TRANSPORT_CLOSED
from ul.pdu_primitives import PresentationContextDefinition
from ul.session_events import (
    AssociationAborted,
    AssociationRejected,
    AssociationReleased,
    Event,
    ResponseReceived,
    Timeouts,
)
from ul.status import SUCCESS

_LONGEST_FORESEEN: Final = 1024  # bytes of a response
_WARNINGS: Final = range(0xB000, 0xC000)  # PS3.7 Annex C: performed, with something to tell


class Pace(Protocol):
    """Who decides what comes next."""

    def ready(self, association: LoadAssociation) -> None:
        """It was accepted: messages can be sent on it."""

    def answered(self, association: LoadAssociation) -> None:
        """Its message was answered."""

    def closed(self, association: LoadAssociation) -> None:
        """It is over."""


class Company(Protocol):
    """The associations that are counted together."""

    recorder: Recorder

    def opened(self, association: LoadAssociation) -> None:
        """It is open from now on."""

    def closed(self, association: LoadAssociation) -> None:
        """And not any more."""


class Surroundings(Protocol):
    """The generator, as its associations see it."""

    plan: Plan
    loop: Loop
    buffer: memoryview
    contexts: list[PresentationContextDefinition]
    tls: ssl.SSLContext | None

    def repertoire(self, negotiated: Negotiated) -> Repertoire:
        """What can be said where this was negotiated."""

    def acknowledged(self, message: Message) -> None:
        """The peer said that it has an instance."""


class LoadAssociation(RequestedAssociation):
    """One association. `due` is when it was to begin, on the loop's clock; None in a closed loop."""

    __slots__ = (
        "_abort",
        "_awaited",
        "_began",
        "_company",
        "_generator",
        "_heard",
        "_message",
        "_message_due",
        "_messages",
        "_pace",
        "_patience",
        "_phase",
        "_phase_began",
        "_recorder",
        "_released",
        "_sent_at",
        "_tell_answered",
        "_why",
        "answered",
        "due",
        "ended_as",
        "lane",
        "was_accepted",
    )

    def __init__(
        self, generator: Surroundings, company: Company, pace: Pace, lane: Lane, due: float | None = None
    ) -> None:
        plan = generator.plan
        self._generator = generator
        self._company = company
        self._pace = pace
        self._tell_answered = pace.answered
        self._recorder = recorder = company.recorder
        self.lane = lane
        self.due = due
        self._began = self._phase_began = monotonic()
        self._patience = plan.dimse_timeout
        self._phase = CONNECT  # the one that has begun
        self._messages: Iterator[Message]  # that are to come, once it was accepted
        self._message: Message | None = None  # under way
        self._message_due: float | None = None
        self._sent_at = 0.0
        self._awaited: bytes | None = None  # the response to it; None: the session awaits it
        self._heard: bytes | None = None  # what was just read, while a message is under way
        self._abort: AssociationAborted | None = None
        self._why: Cause = ()  # why it fails, once that is certain
        self._released = False
        self.was_accepted = False  # for something that is to be sent
        self.answered = 0  # messages
        self.ended_as = ""  # the count for an end that we made ourselves
        recorder.counts["associations_started"] += 1
        company.opened(self)
        super().__init__(
            generator.loop,
            generator.buffer,
            plan.peer,
            plan.address,
            calling_ae_title=plan.calling_ae_title,
            contexts=generator.contexts,
            timeouts=Timeouts(plan.acse_timeout, plan.dimse_timeout, None),
            maximum_length=plan.max_pdu,
            tls=generator.tls,
        )
        self._stall_timeout = plan.dimse_timeout

    # -- phases

    def connected(self) -> None:
        """TCP has it."""
        self._phase_over(CONNECT, TLS if self._generator.tls else ASSOCIATE)

    def secured(self) -> None:
        """And TLS is on it."""
        self._phase_over(TLS, ASSOCIATE)

    def accepted(self, negotiated: Negotiated) -> None:
        """Find out what can be said."""
        now = self._phase_over(ASSOCIATE, RELEASE)
        if self.due is not None:
            self._recorder.corrected[ASSOCIATE].append(now - self.due)
        self._recorder.counts["associations_accepted"] += 1
        repertoire = self._generator.repertoire(negotiated)
        self._messages = repertoire.messages(self.lane)
        self.was_accepted = bool(repertoire)
        if self.was_accepted:
            self._pace.ready(self)
        else:
            self._why = ("no-context", "nothing that is to be sent was accepted")
            self.leave()

    def leave(self) -> None:
        """Release."""
        if self.session.state == ESTABLISHED:
            self._phase_began = monotonic()
            self.session.release(self._loop.now)

    def _phase_over(self, phase: str, following: str) -> float:
        now = monotonic()
        self._recorder.service[phase].append(now - self._phase_began)
        self._phase, self._phase_began = following, now
        return now

    # -- messages

    @property
    def is_idle(self) -> bool:
        """Established, with no message under way."""
        return self._message is None and self.session.state == ESTABLISHED

    def say(self, due: float | None = None) -> None:
        """Send the next message; `due` is when it was to leave, in an open loop."""
        message = self.next_message()
        self._message_due = due
        if message.awaited is None or self._unsent:  # answered before all of it was sent: the session waits its turn
            self.session.send(message.context_id, message.command(), self._loop.now, message.source())
            return
        self._awaited = message.awaited
        if len(message.buffers) == 1:
            self._send_at_once(message.buffers[0])
        else:
            self._send_now([*message.buffers])
        if self._unsent or self._timer is None:
            self._settle()

    def next_message(self) -> Message:
        """Take the next message, which leaves now."""
        message = self._message = next(self._messages)
        self._recorder.messages_sent += 1
        self._sent_at = monotonic()
        return message

    def _ready(self, events: int) -> None:
        awaited = self._awaited
        if awaited is None or events != EPOLLIN:
            if events & ~EPOLLOUT:
                self._leave_it_to_the_session()
            super()._ready(events)
            return
        length = self._read()
        if self._bytes[:length] == awaited:
            self._message_answered(SUCCESS)
            if self._awaited is None:  # what follows is the session's to say, or there is nothing more
                self.pump()
        elif length or not self._interest:  # something else came, or the end
            self._leave_it_to_the_session()
            if length:
                self._received(self._buffer[:length])
            self._go_on()

    def _received(self, data: memoryview) -> None:
        self._heard = bytes(data) if len(data) <= _LONGEST_FORESEEN else None
        super()._received(data)

    def _leave_it_to_the_session(self) -> None:
        if self._awaited is not None:
            assert self._message is not None
            self._awaited = None
            self.session.sent(self._message.command(), self._awaited_since)

    def response_received(self, event: ResponseReceived) -> None:
        """The session read a response."""
        if event.pending:
            self._recorder.counts["matches"] += 1
        elif self._message is not None:
            status = event.response.Status
            if status == SUCCESS:
                self._message.answered(self._heard)
            self._message_answered(status)

    def _message_answered(self, status: int) -> None:
        now = monotonic()
        message, recorder = self._message, self._recorder
        assert message is not None
        self._message = self._awaited = None
        self.answered += 1
        recorder.service[message.kind].append(now - self._sent_at)
        if self._message_due is not None:
            recorder.corrected[message.kind].append(now - self._message_due)
        if status == SUCCESS or status in _WARNINGS:
            recorder.messages_ok += 1
            if message.payload:
                recorder.payload_bytes += message.payload
                self._generator.acknowledged(message)
        else:
            recorder.counts["messages_failed"] += 1
        if status != SUCCESS:
            recorder.causes["status", message.kind, status] += 1
        self._tell_answered(self)

    # -- time

    @property
    def deadline(self) -> float | None:
        """The message under way has one, whoever awaits its response."""
        deadline = super().deadline
        # While bytes of it leave, only a peer that takes none of them is at fault: that is the connection's to see.
        if self._awaited is not None and self._patience is not None and not self._unsent:
            due = self._awaited_since + self._patience
            return due if deadline is None or due < deadline else deadline
        return deadline

    @property
    def _awaited_since(self) -> float:
        """When the last of the message left: from then on the peer has it all."""
        return max(self._sent_at, self._progress_at)

    def _timer_due(self) -> None:
        patience = self._patience
        if self._message is not None and self._unsent:
            self.session.heard(self._progress_at)  # it may have been told: the session's patience begins no sooner
        elif patience is not None and self._loop.now >= self._awaited_since + patience:
            self._leave_it_to_the_session()
        super()._timer_due()

    # -- the end

    def react(self, event: Event) -> None:
        """Note how it ends."""
        if isinstance(event, AssociationRejected):
            self._why = ("reject", *event.rejection)
        elif isinstance(event, AssociationAborted):
            self._abort = event
        elif isinstance(event, AssociationReleased):
            self._released = True
        super().react(event)

    def cut(self, ended_as: str = "unfinished") -> None:
        """A-ABORT, and close; `ended_as` is what it is counted as."""
        self.ended_as = ended_as
        if self.session.state == ESTABLISHED:
            self.session.abort(self._loop.now)
            self.pump()
        self.close()

    def closed(self) -> None:
        """Count how it ended."""
        now, recorder = monotonic(), self._recorder
        if self._message is not None and not self.ended_as:
            recorder.counts["messages_failed"] += 1
        if self._released and not self._why:
            recorder.counts["associations_released"] += 1
            recorder.service[RELEASE].append(now - self._phase_began)
            recorder.service[ASSOCIATION].append(now - self._began)
            if self.due is not None:
                recorder.corrected[ASSOCIATION].append(now - self.due)
        elif self.ended_as:
            recorder.counts[self.ended_as] += 1
        else:
            recorder.causes[self._cause()] += 1
            if self._message is None:  # else it is the message that failed
                recorder.counts["associations_failed"] += 1
        self._message = None
        self._company.closed(self)
        self._pace.closed(self)

    def callback_failed(self, error: Exception) -> None:
        """A fault of ours."""
        self._why = "fault", type(error).__name__
        super().callback_failed(error)

    def _cause(self) -> Cause:
        phase = self._phase if self._message is None else self._message.kind
        abort = self._abort
        if self._why:
            return self._why
        if abort is None:  # we gave up: the peer took nothing of what was sent
            return "timeout", phase
        if abort.description == TRANSPORT_CLOSED:
            if phase in (CONNECT, TLS):
                return phase, self.lost
            return ("reset", self.lost) if self.lost else ("closed",)
        if not abort.locally:
            return "abort", abort.source, abort.reason
        return ("breach", abort.description) if abort.breach else ("timeout", phase)
