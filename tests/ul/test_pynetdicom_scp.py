"""Our SCU against an SCP of pynetdicom's: queries, retrievals and the normalized services."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import peers
import pytest
from pydicom import Dataset
from two_aes import CT, Destination

from ul import AE, Association, build_role, evt
from ul.sop_class import (
    BasicFilmSession,
    CTImageStorage,
    ModalityPerformedProcedureStep,
    PatientRootQueryRetrieveInformationModelFind,
    PatientRootQueryRetrieveInformationModelGet,
    PatientRootQueryRetrieveInformationModelMove,
    StorageCommitmentPushModel,
)

pytest.importorskip("pynetdicom")

CLASSES = (
    BasicFilmSession,
    CTImageStorage,
    ModalityPerformedProcedureStep,
    PatientRootQueryRetrieveInformationModelFind,
    PatientRootQueryRetrieveInformationModelGet,
    PatientRootQueryRetrieveInformationModelMove,
    StorageCommitmentPushModel,
)

SCP = """
import sys
import itertools
from pydicom import Dataset, dcmread
from pynetdicom import AE, evt
port, destination, path, *classes = sys.argv[1:]
ae = AE()
ae.requested_contexts = []
ae.add_requested_context("1.2.840.10008.5.1.4.1.1.2")
for uid in classes:
    ae.add_supported_context(uid, scu_role=True, scp_role=True)

def find(event):
    for number in range(100) if event.identifier.PatientName == "Doe" else itertools.count():
        if event.is_cancelled:
            yield 0xFE00, None
            return
        match = Dataset()
        match.PatientName = f"{event.identifier.PatientName}^{number}"
        yield 0xFF00, match

def get(event):
    yield 1
    yield 0xFF00, dcmread(path)

def move(event):
    yield "127.0.0.1", int(destination)
    yield 1
    yield 0xFF00, dcmread(path)

def reply(status, **elements):
    data_set = Dataset()
    for keyword, value in elements.items():
        setattr(data_set, keyword, value)
    return status, data_set

ae.start_server(("127.0.0.1", int(port)), evt_handlers=[
    (evt.EVT_C_FIND, find), (evt.EVT_C_GET, get), (evt.EVT_C_MOVE, move),
    (evt.EVT_N_CREATE, lambda event: (0, event.attribute_list)),
    (evt.EVT_N_SET, lambda event: (0x0107, event.modification_list)),
    (evt.EVT_N_GET, lambda event: reply(0, PatientName=" ".join(map(str, event.attribute_identifiers)))),
    (evt.EVT_N_ACTION, lambda event: reply(0, PatientID=str(event.action_type))),
    (evt.EVT_N_DELETE, lambda event: 0x0112),
])
"""


@pytest.fixture(scope="module")
def port(destination: Destination) -> Iterator[int]:
    """Where pynetdicom listens."""
    free = peers.free_port()
    with peers.serving(peers.python("-c", SCP, str(free), str(destination.port), str(CT), *CLASSES), free):
        yield free


@pytest.fixture
def association(port: int, destination: Destination) -> Iterator[Association]:
    destination.taken()
    ae = AE("SCU")
    for uid in CLASSES:
        ae.add_requested_context(uid)
    roles = [build_role(CTImageStorage, scp_role=True)]
    handlers: list[Any] = [(evt.EVT_C_STORE, destination.store)]
    made = ae.associate("127.0.0.1", port, ext_neg=roles, evt_handlers=handlers)
    assert made.is_established
    yield made
    made.release()
    assert made.is_released


def query() -> Dataset:
    identifier = Dataset()
    identifier.QueryRetrieveLevel = "PATIENT"
    identifier.PatientName = "Doe"
    return identifier


def test_find(association: Association) -> None:
    *matches, last = association.send_c_find(query(), PatientRootQueryRetrieveInformationModelFind)
    assert [str(match.PatientName) for _, match in matches if match] == [f"Doe^{number}" for number in range(100)]
    assert last[0].Status == 0


def test_a_find_that_is_cancelled(association: Association) -> None:
    everybody = query()
    everybody.PatientName = "*"
    answers = association.send_c_find(everybody, PatientRootQueryRetrieveInformationModelFind, msg_id=5)
    next(answers)
    association.send_c_cancel(5)
    *_, (last, _) = answers
    assert last.Status == 0xFE00


@pytest.mark.parametrize(
    "retrieve",
    [
        lambda assoc: assoc.send_c_get(query(), PatientRootQueryRetrieveInformationModelGet),
        lambda assoc: assoc.send_c_move(query(), "DEST", PatientRootQueryRetrieveInformationModelMove),
    ],
    ids=["get", "move"],
)
def test_retrieve(association: Association, destination: Destination, retrieve: Callable[[Association], Any]) -> None:
    assert [status.Status for status, _ in retrieve(association)] == [0xFF00, 0]
    assert len(destination.taken()) == 1


def test_normalized_services(association: Association) -> None:
    step, film = (ModalityPerformedProcedureStep, "1.2.3"), (BasicFilmSession, "1.2.4")
    status, made = association.send_n_create(query(), *step)
    assert (status.Status, made) == (0, query())
    status, modified = association.send_n_set(query(), *step)
    assert (status.Status, modified) == (0x0107, query())
    status, found = association.send_n_get([0x00100010], *film)
    assert found is not None and (status.Status, str(found.PatientName)) == (0, "(0010,0010)")
    status, done = association.send_n_action(query(), 1, StorageCommitmentPushModel, "1.2.5")
    assert done is not None and (status.Status, done.PatientID) == (0, "1")
    assert association.send_n_delete(*film).Status == 0x0112
