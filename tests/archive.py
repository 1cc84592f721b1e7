"""An application as its users write one: it answers queries, hands out instances, and keeps track of procedure steps.

Nothing in it knows which shell it runs under: `AE.start_server` takes `ae` and `HANDLERS`, `ulpool serve` takes `app`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat
from pathlib import Path
from typing import Any, Final

from pydicom import Dataset, dcmread
from pydicom.data import get_testdata_file

import pool
from ul import AE, evt
from ul.sop_class import (
    CTImageStorage,
    ModalityPerformedProcedureStep,
    ModalityWorklistInformationFind,
    MRImageStorage,
    PatientRootQueryRetrieveInformationModelFind,
    PatientRootQueryRetrieveInformationModelGet,
    PatientRootQueryRetrieveInformationModelMove,
    StorageCommitmentPushModel,
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
    Verification,
)

FILES: Final = tuple(Path(str(get_testdata_file(name))) for name in ("CT_small.dcm", "MR_small.dcm"))
# A query for this patient finds the first file again and again until it is cancelled.
ENDLESS: Final = "ENDLESS"
MOST: Final = 0xFFFF  # sub-operations that a C-GET or C-MOVE can have

ae = AE("ARCHIVE")
for _uid in (
    Verification,
    PatientRootQueryRetrieveInformationModelFind,
    PatientRootQueryRetrieveInformationModelGet,
    PatientRootQueryRetrieveInformationModelMove,
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
    ModalityWorklistInformationFind,
    ModalityPerformedProcedureStep,
):
    ae.add_supported_context(_uid)
ae.add_supported_context(StorageCommitmentPushModel, scu_role=True, scp_role=True)  # events are reported by either side
for _uid in (CTImageStorage, MRImageStorage):
    ae.add_supported_context(_uid, scu_role=False, scp_role=True)  # to send on a C-GET's own association
    ae.add_requested_context(_uid)  # to send on a C-MOVE's


def matching(identifier: Dataset) -> Iterator[Dataset]:
    """What is asked for, by patient and by study."""
    if identifier.get("PatientID") == ENDLESS:
        yield from repeat(dcmread(FILES[0]))
    for file in FILES:
        dataset = dcmread(file)
        if all(identifier.get(key, "") in ("", "*", dataset.get(key)) for key in ("PatientID", "StudyInstanceUID")):
            yield dataset


def find(event: evt.Event) -> Iterator[Any]:
    for dataset in matching(event.identifier):
        if event.is_cancelled:
            yield 0xFE00, None
            return
        answer = Dataset()
        for key in ("PatientName", "PatientID", "StudyInstanceUID"):
            setattr(answer, key, dataset.get(key))
        answer.QueryRetrieveLevel = event.identifier.get("QueryRetrieveLevel", "PATIENT")
        yield 0xFF00, answer


def get(event: evt.Event) -> Iterator[Any]:
    if event.identifier.get("PatientID") == ENDLESS:
        yield MOST
        found = matching(event.identifier)
    else:
        known = list(matching(event.identifier))
        yield len(known)
        found = iter(known)
    for dataset in found:
        if event.is_cancelled:
            yield 0xFE00, None
            return
        yield 0xFF00, dataset


def move(event: evt.Event) -> Iterator[Any]:
    """The title of a destination is its port."""
    if not event.move_destination.isdigit():
        yield None, None
        return
    yield "127.0.0.1", int(event.move_destination)
    yield from get(event)


def create(event: evt.Event) -> tuple[int, Dataset]:
    created = event.attribute_list
    created.PerformedProcedureStepID = event.request.AffectedSOPInstanceUID
    return 0x0000, created


def modify(event: evt.Event) -> tuple[int, Dataset | None]:
    if event.request.RequestedSOPInstanceUID == "1.2.9":
        return 0x0112, None  # no such SOP instance
    return 0x0000, event.modification_list


def action(event: evt.Event) -> tuple[int, Dataset]:
    answer = Dataset()
    answer.TransactionUID = event.action_information.TransactionUID
    answer.FailureReason = event.action_type
    return 0x0000, answer


def look_up(event: evt.Event) -> tuple[int, Dataset]:
    answer = Dataset()
    for tag in event.attribute_identifiers:
        answer.add_new(tag, "LO", event.request.RequestedSOPInstanceUID)
    return 0x0000, answer


def remove(event: evt.Event) -> int:
    return 0x0112 if event.request.RequestedSOPInstanceUID == "1.2.9" else 0x0000


def report(event: evt.Event) -> tuple[int, Dataset]:
    answer = Dataset()
    answer.TransactionUID = event.event_information.TransactionUID
    answer.FailureReason = event.event_type
    return 0x0000, answer


HANDLERS: Final[list[Any]] = [
    (evt.EVT_C_FIND, find),
    (evt.EVT_C_GET, get),
    (evt.EVT_C_MOVE, move),
    (evt.EVT_N_CREATE, create),
    (evt.EVT_N_SET, modify),
    (evt.EVT_N_GET, look_up),
    (evt.EVT_N_DELETE, remove),
    (evt.EVT_N_ACTION, action),
    (evt.EVT_N_EVENT_REPORT, report),
]

app = pool.Application(ae, HANDLERS)
