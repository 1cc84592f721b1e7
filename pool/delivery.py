"""Delivery: DICOM files to a peer over several associations at a time, each file once, its bytes as they are.

Belongs here: which file goes on which association, and what became of each. Not here: arguments, progress bars and
tables (`pool.cli.send`), or how a message gets to the peer (`pool.scu`).
"""

from __future__ import annotations

import os
import ssl
import stat
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pool.connection import RECEIVE_BUFFER_LENGTH
from pool.loop import Loop
from pool.scu import Address, Peer, RequestedAssociation
from ul.acse import AcceptedContext, Negotiated
from ul.errors import UsageError
from ul.pdu_primitives import PresentationContextDefinition
from ul.services.storage import context_for, store_request
from ul.session_events import ResponseReceived, Timeouts
from ul.status import SUCCESS
from ul.wire.part10 import read_head

MAXIMUM_CONTEXTS: Final = 128  # PS3.8 Table 9-18: odd ids from 1 to 255
_WARNINGS: Final = range(0xB000, 0xC000)  # stored, with something to tell (PS3.4 B.2.3)


@dataclass(frozen=True, slots=True)
class Instance:
    """A file that can be sent: the UIDs are its data set's own."""

    path: Path
    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    data_set_offset: int
    length: int  # bytes of the data set


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a file. `error` is empty when the peer took it; `status` is None when there was no response."""

    path: Path
    length: int
    status: int | None = None
    error: str = ""


def instances(paths: Iterable[Path]) -> Iterator[Instance | Outcome]:
    """Every file under `paths`, as an Instance or as the Outcome that says why it cannot be sent.

    A folder that cannot be read is an Outcome too; links to folders are followed only where they are in `paths`.
    """
    for path in paths:
        if not path.is_dir():
            yield instance(path)
            continue
        unread: list[OSError] = []
        for folder, folders, names in os.walk(path, onerror=unread.append):
            folders.sort()
            yield from (instance(Path(folder, name)) for name in sorted(names))
        yield from (Outcome(Path(error.filename), 0, error=error.strerror or str(error)) for error in unread)


def instance(path: Path) -> Instance | Outcome:
    """Read as much of a file as is needed to send it."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return Outcome(path, 0, error="not a regular file")  # to open a pipe could wait for ever
        with path.open("rb") as file:
            head = read_head(file)
            length = os.fstat(file.fileno()).st_size - head.data_set_offset
    except OSError as error:
        return Outcome(path, 0, error=error.strerror or str(error))
    except UsageError as error:
        return Outcome(path, 0, error=str(error))
    if not head.sop_class_uid or not head.sop_instance_uid:
        return Outcome(path, 0, error="no SOP class or SOP instance UID in the data set")
    return Instance(
        path, head.sop_class_uid, head.sop_instance_uid, head.transfer_syntax_uid, head.data_set_offset, length
    )


class FileSource:
    """The data set of a file, read as it leaves."""

    def __init__(self, instance: Instance) -> None:
        self._file = os.open(instance.path, os.O_RDONLY | os.O_CLOEXEC)
        self._offset = instance.data_set_offset
        self.remaining = instance.length

    def read(self, size: int, /) -> bytes:
        """Raises OSError, also where the file is shorter than it was."""
        data = os.pread(self._file, size, self._offset)
        if len(data) < size:
            raise OSError("the file became shorter while it was sent")
        self._offset += size
        self.remaining -= size
        return data

    def close(self) -> None:
        """Give the file back."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


@dataclass(slots=True)
class Batch:
    """Files whose presentation contexts fit one association, and the contexts."""

    contexts: list[PresentationContextDefinition] = field(default_factory=list)
    waiting: deque[Instance] = field(default_factory=deque)


def batches(files: Iterable[Instance]) -> list[Batch]:
    """Files by presentation contexts: a context per SOP class and transfer syntax, since nothing is transcoded."""
    batch_of: dict[tuple[str, str], Batch] = {}
    made: list[Batch] = []
    for file in files:
        key = file.sop_class_uid, file.transfer_syntax_uid
        batch = batch_of.get(key)
        if batch is None:
            if not made or len(made[-1].contexts) == MAXIMUM_CONTEXTS:
                made.append(Batch())
            batch = batch_of[key] = made[-1]
            context_id = 2 * len(batch.contexts) + 1
            batch.contexts.append(PresentationContextDefinition(context_id, key[0], [key[1]]))
        batch.waiting.append(file)
    return made


class Delivery:
    """One run: `files` to `peer`, on at most `parallel` associations at a time.

    `on_outcome` is told of each file once. After an association that ended badly a new one takes the rest, unless it
    had delivered nothing: then the peer will not have it, and what waits has failed for that reason.
    """

    def __init__(
        self,
        peer: Peer,
        address: Address,
        files: Iterable[Instance],
        *,
        calling_ae_title: str,
        parallel: int,
        timeouts: Timeouts,
        on_outcome: Callable[[Outcome], object],
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._peer = peer
        self._address = address
        self._batches = deque(batches(files))
        self._calling_ae_title = calling_ae_title
        self._parallel = parallel
        self._timeouts = timeouts
        self._on_outcome = on_outcome
        self._tls = tls
        self._loop = Loop()
        self._buffer = memoryview(bytearray(RECEIVE_BUFFER_LENGTH))
        self._open: set[_Sender] = set()
        self._refused = ""  # why the last association that delivered nothing ended
        self.rejected = False  # the peer rejected an association, or all that was proposed on one
        self.connected = False  # the peer accepted one
        self.associations = 0

    def run(self) -> None:
        """Send until every file has its outcome."""
        try:
            while self._batches:
                self._start()
                while self._open:
                    self._loop.turn()
                self._end_batch(self._batches.popleft())
        finally:
            for sender in list(self._open):
                sender.close()
            self._loop.close()

    def _start(self) -> None:
        batch = self._batches[0]
        self._refused = ""
        for _ in range(min(self._parallel, len(batch.waiting))):
            self._associate(batch)

    def _associate(self, batch: Batch) -> None:
        self.associations += 1
        sender = _Sender(self, batch)
        if not sender.is_closed:  # a connection can fail before it began
            self._open.add(sender)

    def _end_batch(self, batch: Batch) -> None:
        for file in batch.waiting:
            self._on_outcome(Outcome(file.path, file.length, error=self._refused or "not sent"))

    def outcome(self, file: Instance, status: int | None, error: str) -> None:
        """A file is done."""
        self._on_outcome(Outcome(file.path, file.length, status, error))

    def sender_closed(self, sender: _Sender) -> None:
        """An association is over: in order, or not."""
        self._open.discard(sender)
        self.rejected = self.rejected or sender.rejected
        if sender.end == "released":
            return
        if not sender.delivered and not sender.file_failed:
            self._refused = sender.end
        elif sender.batch.waiting:
            self._associate(sender.batch)


class _Sender(RequestedAssociation):
    """One association of a delivery: takes a file, waits for its response, takes the next."""

    __slots__ = ("_contexts", "_current", "_delivery", "_message_id", "_source", "batch", "delivered", "file_failed")

    def __init__(self, delivery: Delivery, batch: Batch) -> None:
        self._delivery = delivery
        self._contexts: Sequence[AcceptedContext] = ()
        self._current: Instance | None = None
        self._source: FileSource | None = None
        self._message_id = 0
        self.batch = batch
        self.delivered = 0
        self.file_failed = False  # so that the association had to end: none of the peer's doing
        super().__init__(
            delivery._loop,
            delivery._buffer,
            delivery._peer,
            delivery._address,
            calling_ae_title=delivery._calling_ae_title,
            contexts=batch.contexts,
            timeouts=delivery._timeouts,
            tls=delivery._tls,
        )

    def accepted(self, negotiated: Negotiated) -> None:
        """Begin with the first file."""
        self._delivery.connected = True
        self.rejected = not negotiated.contexts
        self._contexts = list(negotiated.contexts.values())
        self._next()

    def _next(self) -> None:
        while self.batch.waiting:
            file = self.batch.waiting.popleft()
            context = context_for(self._contexts, file.sop_class_uid, file.transfer_syntax_uid)
            if context is None:
                self._delivery.outcome(file, None, "the peer does not accept its SOP class in its transfer syntax")
                continue
            try:
                self._source = FileSource(file)
            except OSError as error:
                self._delivery.outcome(file, None, error.strerror or str(error))
                continue
            self._current = file
            self._message_id = self._message_id % 0xFFFF + 1
            command = store_request(self._message_id, file.sop_class_uid, file.sop_instance_uid)
            self.session.send(context.context_id, command, self._loop.now, self._source)
            return
        self.session.release(self._loop.now)

    def response_received(self, event: ResponseReceived) -> None:
        """The peer answered for the present file."""
        status = event.response.Status
        error = ""
        if status == SUCCESS or status in _WARNINGS:
            self.delivered += 1
        else:
            error = f"status {status:04X}H {event.response.ErrorComment or ''}".rstrip()
        self._finish(status, error)
        self._next()

    def _finish(self, status: int | None, error: str) -> None:
        file, self._current = self._current, None
        source, self._source = self._source, None
        if source is not None:
            source.close()
        if file is not None:
            self._delivery.outcome(file, status, error)

    def pump(self) -> None:
        """A file that cannot be read to its end: the message it is in cannot be ended either."""
        try:
            super().pump()
        except OSError as error:
            self.file_failed = True
            self.session.abort(self._loop.now, error.strerror or str(error))
            super().pump()

    def closed(self) -> None:
        """The association is over."""
        self.end = self.end or self.lost or "closed by the peer"
        self._finish(None, self.end)
        self._delivery.sender_closed(self)
