"""Verification: what was acknowledged is there, found by asking the peer (C-FIND), or in a folder of files, by digest.

Belongs here: what must be there, and looking for it. Not here: what a missing instance means for the run's judgement.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from pool.connection import RECEIVE_BUFFER_LENGTH
from pool.delivery import Instance, instances
from pool.load.identifiers import encoded_identifier
from pool.load.instances import Template, templates
from pool.load.lanes import INSTANCE, SERIES, STUDY, uid
from pool.load.plan import FindWork, Plan
from pool.load.process import descriptors_for, raise_file_limit
from pool.load.tally import Acknowledged
from pool.loop import Loop
from pool.scu import RequestedAssociation
from ul.acse import Negotiated
from ul.dimse import Buffer, BytesSource
from ul.pdu_primitives import PresentationContextDefinition
from ul.services.query_retrieve import find_request
from ul.session_events import Event, ResponseDataSetReceived, ResponseReceived, Timeouts
from ul.sop_class import ImplicitVRLittleEndian, StudyRootQueryRetrieveInformationModelFind
from ul.status import SUCCESS
from ul.wire.dataset import SOP_INSTANCE_UID, head_scanner

_PIECE: Final = 1 << 20  # bytes of a file that are read together


class CannotVerify(Exception):
    """Nothing can be said, and why."""


class Verification(NamedTuple):
    """What became of what was acknowledged. UIDs are SOP Instance UIDs."""

    acknowledged: int
    found: int
    missing: tuple[str, ...] = ()
    differing: tuple[str, ...] = ()  # there, but with another data set; only a folder tells

    @property
    def is_complete(self) -> bool:
        """All of it is there."""
        return self.found == self.acknowledged


def _uid(plan: Plan, level: int, of: Acknowledged) -> bytes:
    serial = {STUDY: of.study, SERIES: of.series, INSTANCE: of.instance}[level]
    return uid(plan.seed, of.process, level, serial)


# --- a folder --------------------------------------------------------------------------------------------------------


def verify_folder(plan: Plan, acknowledged: Iterable[Acknowledged], folder: Path) -> Verification:
    """Look for them among the files below `folder`, whatever their names. Raises ValueError, OSError."""
    assert plan.store is not None
    raise_file_limit(descriptors_for(plan))  # the files that were sent are open here, too
    made_of = templates(plan, plan.store)
    expected = {_uid(plan, INSTANCE, one).decode(): one for one in acknowledged}
    same: set[str] = set()
    other: set[str] = set()
    for file in instances([folder]):
        one = expected.get(file.sop_instance_uid) if isinstance(file, Instance) else None
        if one is not None and isinstance(file, Instance):
            is_same = _file_digest(file) == _digest(plan, one, made_of[one.template])
            (same if is_same else other).add(file.sop_instance_uid)
    missing = tuple(sorted(expected.keys() - same - other))
    return Verification(len(expected), len(same), missing, tuple(sorted(other - same)))


def _digest(plan: Plan, one: Acknowledged, template: Template) -> bytes:
    digest = hashlib.sha256(template.head(*(_uid(plan, level, one) for level in (INSTANCE, STUDY, SERIES))))
    for piece in template.rest:
        digest.update(piece)
    return digest.digest()


def _file_digest(file: Instance) -> bytes:
    digest = hashlib.sha256()
    with file.path.open("rb") as data:
        data.seek(file.data_set_offset)
        while piece := data.read(_PIECE):
            digest.update(piece)
    return digest.digest()


# --- C-FIND ----------------------------------------------------------------------------------------------------------


def verify_by_find(plan: Plan, acknowledged: Iterable[Acknowledged]) -> Verification:
    """Ask the peer for the images of every series that was sent. Raises CannotVerify where it does not answer."""
    expected: Mapping[tuple[str, str], set[str]] = defaultdict(set)
    for one in acknowledged:
        series = _uid(plan, STUDY, one).decode(), _uid(plan, SERIES, one).decode()
        expected[series].add(_uid(plan, INSTANCE, one).decode())
    found = _find(plan, list(expected))
    missing = sorted(instance for series, wanted in expected.items() for instance in wanted - found.get(series, set()))
    count = sum(map(len, expected.values()))
    return Verification(count, count - len(missing), tuple(missing))


def _find(plan: Plan, series: list[tuple[str, str]]) -> dict[tuple[str, str], set[str]]:
    loop = Loop()
    try:
        finder = _Finder(loop, plan, series)
        while not finder.is_closed:
            loop.turn()
    finally:
        loop.close()
    if finder.waiting or finder.error or finder.end != "released":
        raise CannotVerify(finder.error or finder.end or finder.lost or "the peer closed the connection")
    return finder.found


class _Finder(RequestedAssociation):
    """Asks for one series after the other."""

    __slots__ = ("_message_id", "error", "found", "waiting")

    def __init__(self, loop: Loop, plan: Plan, series: list[tuple[str, str]]) -> None:
        self.waiting = deque(series)
        self.found: dict[tuple[str, str], set[str]] = {}
        self.error = ""
        self._message_id = 0
        super().__init__(
            loop,
            memoryview(bytearray(RECEIVE_BUFFER_LENGTH)),
            plan.peer,
            plan.address,
            calling_ae_title=plan.calling_ae_title,
            contexts=[
                PresentationContextDefinition(1, StudyRootQueryRetrieveInformationModelFind, [ImplicitVRLittleEndian])
            ],
            timeouts=Timeouts(plan.acse_timeout, plan.dimse_timeout, plan.dimse_timeout),
            tls=plan.tls.context() if plan.tls else None,
        )

    def accepted(self, negotiated: Negotiated) -> None:
        """Begin with the first series."""
        if 1 not in negotiated.contexts:
            self.error = "the peer does not offer C-FIND (Study Root)"
            self.session.release(self._loop.now)
        else:
            self._next()

    def _next(self) -> None:
        if not self.waiting:
            self.session.release(self._loop.now)
            return
        study, series = self.waiting[0]
        self.found[study, series] = set()
        keys = (("StudyInstanceUID", study), ("SeriesInstanceUID", series), ("SOPInstanceUID", ""))
        identifier = encoded_identifier(FindWork("study", "IMAGE", keys))
        self._message_id = self.session.unused_message_id(self._message_id)
        request = find_request(self._message_id, StudyRootQueryRetrieveInformationModelFind)
        self.session.send(1, request, self._loop.now, BytesSource(identifier))

    def response_received(self, event: ResponseReceived) -> None:
        """A match, or the end of them."""
        if event.pending:
            event.sink = _Identifier()
        elif event.response.Status == SUCCESS:
            self.waiting.popleft()
            self._next()
        else:
            self.error = f"C-FIND was answered with status {event.response.Status:04X}H"
            self.session.release(self._loop.now)

    def react(self, event: Event) -> None:
        """A match is whole."""
        if isinstance(event, ResponseDataSetReceived):
            assert isinstance(event.received.sink, _Identifier)
            self.found[self.waiting[0]].update(event.received.sink.sop_instance_uids())
        else:
            super().react(event)

    def closed(self) -> None:
        """`_find` tells."""


class _Identifier:
    """A match on its way."""

    def __init__(self) -> None:
        self._scanner = head_scanner(ImplicitVRLittleEndian)

    def write(self, view: Buffer, /) -> None:
        self._scanner.feed(view)

    def flush(self) -> None:
        """The scanner keeps what it needs."""

    def sop_instance_uids(self) -> Iterator[str]:
        if SOP_INSTANCE_UID in self._scanner.values:
            yield self._scanner.values[SOP_INSTANCE_UID]
