"""Every DIMSE service between two AEs of the blocking API: the verbs of the SCU, the handlers of the SCP."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import peers
import pytest
from pydicom import Dataset, dcmread
from pydicom.data import get_testdata_file
from pydicom.filereader import read_dataset

from ul import AE, Association, build_role, data_sets, evt
from ul.evt import EventHandlerType
from ul.sop_class import (
    CTImageStorage,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    ModalityPerformedProcedureStep,
    PatientRootQueryRetrieveInformationModelGet,
    PatientRootQueryRetrieveInformationModelMove,
    StorageCommitmentPushModel,
)
from ul.wire.part10 import read_head

CLASSES = (
    CTImageStorage,
    ModalityPerformedProcedureStep,
    PatientRootQueryRetrieveInformationModelGet,
    PatientRootQueryRetrieveInformationModelMove,
    StorageCommitmentPushModel,
)
CT = str(get_testdata_file("CT_small.dcm"))


class Pair:
    """An SCP, and an SCU's association with it."""

    def __init__(self) -> None:
        self.scp, self.scu = AE("SCP"), AE("SCU")
        for uid in CLASSES:
            self.scp.add_supported_context(uid, scu_role=True, scp_role=True)
            self.scu.add_requested_context(uid)
        self.scp.add_requested_context(CTImageStorage)

    def associate(self, scp: list[EventHandlerType], scu: list[EventHandlerType] | None = None) -> Association:
        server = self.scp.start_server(("127.0.0.1", 0), block=False, evt_handlers=scp)
        assert server is not None
        roles: list[Any] = [build_role(CTImageStorage, scu_role=True, scp_role=True)]
        address = server.server_address
        association = self.scu.associate(*address[:2], ext_neg=roles, evt_handlers=scu or [])
        assert association.is_established
        return association


@pytest.fixture
def pair() -> Iterator[Pair]:
    made = Pair()
    yield made
    made.scu.shutdown()
    made.scp.shutdown()


def query() -> Dataset:
    identifier = Dataset()
    identifier.QueryRetrieveLevel = "PATIENT"
    identifier.PatientID = "1CT1"
    return identifier


def test_get_stores_on_the_same_association(pair: Pair) -> None:
    stored: list[str] = []

    def get(event: evt.Event) -> Iterator[Any]:
        yield 2
        for _ in range(2):
            yield 0xFF00, dcmread(CT)

    def store(event: evt.Event) -> int:
        stored.append(event.dataset.PatientID)
        return 0

    association = pair.associate([(evt.EVT_C_GET, get)], [(evt.EVT_C_STORE, store)])
    responses = list(association.send_c_get(query(), PatientRootQueryRetrieveInformationModelGet))
    assert [status.Status for status, _ in responses] == [0xFF00, 0xFF00, 0]
    assert responses[-1][0].NumberOfCompletedSuboperations == 2
    assert stored == ["1CT1", "1CT1"]


@pytest.mark.parametrize("as_they_are", [True, False])
def test_get_and_move_take_paths(
    pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, as_they_are: bool
) -> None:
    """Of files in explicit VR: where the C-GET's association has implicit VR they are encoded anew."""
    if as_they_are:
        pair.scu.remove_requested_context(CTImageStorage, ImplicitVRLittleEndian)
        monkeypatch.delattr(data_sets, "read")
    stored: list[bytes] = []
    broken = tmp_path / "no.dcm"
    broken.write_bytes(b"nothing of the kind")
    pair.scp.requested_contexts = []
    pair.scp.add_requested_context(CTImageStorage, ExplicitVRLittleEndian)
    server = AE("DEST")
    server.add_supported_context(CTImageStorage)
    store: list[EventHandlerType] = [(evt.EVT_C_STORE, lambda event: stored.append(event.encoded_dataset(False)) or 0)]
    destination = server.start_server(("127.0.0.1", 0), block=False, evt_handlers=store)
    assert destination is not None

    def instances() -> Iterator[Any]:
        yield 3
        yield 0xFF00, Path(CT)
        yield 0xFF00, broken
        yield 0xFF00, CT

    def move(event: evt.Event) -> Iterator[Any]:
        yield destination.server_address
        yield from instances()

    association = pair.associate([(evt.EVT_C_GET, lambda event: instances()), (evt.EVT_C_MOVE, move)], store)
    for responses in (
        association.send_c_get(query(), PatientRootQueryRetrieveInformationModelGet),
        association.send_c_move(query(), "DEST", PatientRootQueryRetrieveInformationModelMove),
    ):
        *_, (final, _) = responses
        assert (final.Status, final.NumberOfCompletedSuboperations, final.NumberOfFailedSuboperations) == (0xB000, 2, 1)
    server.shutdown()
    with Path(CT).open("rb") as file:
        file.seek(read_head(file).data_set_offset)
        as_it_is = file.read()
    assert stored[2:] == [as_it_is, as_it_is]
    assert (stored[:2] == stored[2:]) == as_they_are
    assert [read_dataset(BytesIO(encoded), not as_they_are, True) for encoded in stored[:2]] == [dcmread(CT)] * 2


def test_move_stores_where_the_handler_says(pair: Pair) -> None:
    originators: list[tuple[str, int]] = []

    def store(event: evt.Event) -> int:
        request = event.request
        originators.append((request.MoveOriginatorApplicationEntityTitle, request.MoveOriginatorMessageID))
        return 0

    destination = AE("DEST")
    destination.add_supported_context(CTImageStorage)
    server = destination.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, store)])
    assert server is not None

    def move(event: evt.Event) -> Iterator[Any]:
        assert event.move_destination == "DEST"
        yield server.server_address
        yield 1
        yield 0xFF00, dcmread(CT)

    association = pair.associate([(evt.EVT_C_MOVE, move)])
    responses = association.send_c_move(query(), b"DEST", PatientRootQueryRetrieveInformationModelMove, msg_id=9)
    assert [status.Status for status, _ in responses] == [0xFF00, 0]
    assert originators == [("SCU", 9)]
    destination.shutdown()


def test_responses_that_nobody_wants_hold_nothing_up(pair: Pair) -> None:
    def get(event: evt.Event) -> Iterator[Any]:
        yield 20
        for _ in range(20):
            yield 0xFF00, dcmread(CT)

    association = pair.associate([(evt.EVT_C_GET, get)], [(evt.EVT_C_STORE, lambda event: 0)])
    responses = association.send_c_get(query(), PatientRootQueryRetrieveInformationModelGet)
    next(responses)
    responses.close()  # type: ignore[attr-defined]
    assert association.send_c_store(CT).Status == 0xC211  # in its turn: the SCP has no handler for it


def test_normalized_services(pair: Pair) -> None:
    attributes = Dataset()
    attributes.PatientID = "7"
    handlers: list[EventHandlerType] = [
        (evt.EVT_N_GET, lambda event: (0, attributes if event.attribute_identifiers == [0x00100020] else None)),
        (evt.EVT_N_CREATE, lambda event: (0, event.attribute_list)),
        (evt.EVT_N_SET, lambda event: (0, event.modification_list)),
        (evt.EVT_N_DELETE, lambda event: 0),
        (evt.EVT_N_ACTION, lambda event: (event.action_type, event.action_information)),
    ]
    association = pair.associate(handlers)
    step, commitment = ModalityPerformedProcedureStep, StorageCommitmentPushModel
    assert association.send_n_get([0x00100020], step, "1.2.3")[1] == attributes
    assert association.send_n_create(attributes, step, "1.2.3")[1] == attributes
    assert association.send_n_set(attributes, step, "1.2.3")[1] == attributes
    assert association.send_n_delete(step, "1.2.3").Status == 0
    status, _ = association.send_n_action(attributes, 1, commitment, "1.2.3")
    assert status.Status == 1


def test_the_scp_reports_an_event(pair: Pair) -> None:
    reported: queue.Queue[int] = queue.Queue()

    def report(event: evt.Event) -> tuple[int, None]:
        reported.put(event.event_type)
        return 0, None

    pair.associate([], [(evt.EVT_N_EVENT_REPORT, report)])
    status, _ = pair.scp.active_associations[0].send_n_event_report(None, 2, StorageCommitmentPushModel, "1.2.3")
    assert status.Status == 0
    assert reported.get(timeout=peers.DEADLINE) == 2
