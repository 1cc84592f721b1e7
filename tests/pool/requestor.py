"""A requestor that says what a test wants it to, right or wrong, and waits for what comes of it."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any

from turning import turn_until

from pool.connection import RECEIVE_BUFFER_LENGTH
from pool.loop import Loop
from pool.scu import Peer, RequestedAssociation
from ul.acse import Negotiated
from ul.dimse import COMMAND, LAST, BytesSource, Source
from ul.pdu_primitives import P_DATA, PresentationContextDefinition
from ul.services.storage import store_request
from ul.services.verification import echo_request
from ul.session_events import ResponseReceived, Timeouts
from ul.sop_class import CTImageStorage, ExplicitVRLittleEndian, Verification
from ul.wire.command import Command

VERIFICATION, CT = 1, 3  # the presentation contexts proposed unless a test has its own
CONTEXTS = (
    PresentationContextDefinition(VERIFICATION, Verification, [ExplicitVRLittleEndian]),
    PresentationContextDefinition(CT, CTImageStorage, [ExplicitVRLittleEndian]),
)


class Requestor(RequestedAssociation):
    """An established association; `end` says how it ended once it has."""

    def __init__(
        self,
        port: int,
        contexts: Sequence[PresentationContextDefinition] = CONTEXTS,
        calling_ae_title: str = "SCU",
        **options: Any,
    ) -> None:
        self.negotiated: Negotiated | None = None
        self.responses: list[Command] = []
        self._message_id = 0
        peer = Peer("ULPOOL", "127.0.0.1", port)
        super().__init__(
            Loop(),
            memoryview(bytearray(RECEIVE_BUFFER_LENGTH)),
            peer,
            peer.resolve(),
            calling_ae_title=calling_ae_title,
            contexts=contexts,
            timeouts=Timeouts(),
            **options,
        )
        self.wait_for(lambda: self.negotiated or self.is_closed)

    def accepted(self, negotiated: Negotiated) -> None:
        self.negotiated = negotiated

    def response_received(self, event: ResponseReceived) -> None:
        self.responses.append(event.response)

    def closed(self) -> None:
        pass

    def wait_for(self, condition: Any) -> None:
        turn_until(self._loop, condition)

    def say(self, command: Command, data_set: Source | None = None, context_id: int = CT) -> None:
        """Send a message and do not wait."""
        self.session.send(context_id, command, self._loop.now, data_set)
        self.pump()

    def say_raw(self, command_set: bytes, context_id: int = CT) -> None:
        """Send a command set that the session would not let out."""
        self.upper_layer.request(P_DATA([(context_id, COMMAND | LAST, command_set)]), self._loop.now)
        self.pump()

    def ask(self, command: Command, data_set: Source | None = None, context_id: int = CT) -> Command:
        """Send a message; its response."""
        count = len(self.responses)
        self.say(command, data_set, context_id)
        self.wait_for(lambda: len(self.responses) > count or self.is_closed)
        assert len(self.responses) > count, self.end
        return self.responses[-1]

    def store_request(self, sop_instance_uid: str, sop_class_uid: str = CTImageStorage, **changed: Any) -> Command:
        """A C-STORE-RQ with a message id of its own."""
        self._message_id += 1
        command = store_request(self._message_id, sop_class_uid, sop_instance_uid)
        for keyword, value in changed.items():
            setattr(command, keyword, value)
        return command

    def store(self, sop_instance_uid: str, data_set: bytes | Source, context_id: int = CT, **changed: Any) -> Command:
        """C-STORE; its response."""
        source = BytesSource(data_set) if isinstance(data_set, bytes) else data_set
        return self.ask(self.store_request(sop_instance_uid, **changed), source, context_id)

    def echo(self) -> int | None:
        """C-ECHO; its status."""
        self._message_id += 1
        status: int | None = self.ask(echo_request(self._message_id), context_id=VERIFICATION).Status
        return status

    def abort(self) -> None:
        """A-ABORT, and close."""
        self.session.abort(self._loop.now)
        self.pump()
        self.close()
        self._loop.close()

    def release(self) -> None:
        """Ask for release, and wait for it."""
        self.session.release(self._loop.now)
        self.pump()
        self.wait_for(lambda: self.is_closed)

    def __enter__(self) -> Requestor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if kind is None and not self.is_closed:
                self.release()
        finally:
            self.close()
            self._loop.close()
