"""The verbs of our SCU against an archive that is not ours: DCMTK's dcmqrscp is filled, asked and made to send."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import peers
import pytest
from pydicom import Dataset, dcmread
from pydicom.data import get_testdata_file
from two_aes import Destination

from ul import AE, Association, build_role, evt
from ul.sop_class import (
    CTImageStorage,
    MRImageStorage,
    PatientRootQueryRetrieveInformationModelFind,
    PatientRootQueryRetrieveInformationModelGet,
    PatientRootQueryRetrieveInformationModelMove,
    StudyRootQueryRetrieveInformationModelFind,
    Verification,
)

CT, MR = (Path(str(get_testdata_file(name))) for name in ("CT_small.dcm", "MR_small.dcm"))
FIND, GET, MOVE = (
    PatientRootQueryRetrieveInformationModelFind,
    PatientRootQueryRetrieveInformationModelGet,
    PatientRootQueryRetrieveInformationModelMove,
)

# Its destinations are known to it by title, host and port.
CONFIGURATION = """
NetworkTCPPort = {port}
MaxPDUSize = 16384
MaxAssociations = 16
HostTable BEGIN
destination = (DESTINATION, 127.0.0.1, {destination})
HostTable END
VendorTable BEGIN
VendorTable END
AETable BEGIN
ARCHIVE {folder} RW (9, 1024mb) ANY
AETable END
"""


@pytest.fixture(scope="module")
def port(destination: Destination, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Where dcmqrscp listens, which we have filled with two instances."""
    folder = tmp_path_factory.mktemp("dcmqrscp")
    database = folder / "database"
    database.mkdir()
    port = peers.free_port()
    configuration = folder / "dcmqrscp.cfg"
    configuration.write_text(CONFIGURATION.format(port=port, destination=destination.port, folder=database))
    with peers.serving([peers.dcmtk("dcmqrscp"), "-c", configuration], port):
        with associated(port) as association:
            assert association.send_c_echo().Status == 0
            assert [association.send_c_store(file).Status for file in (CT, MR)] == [0, 0]
        yield port


@contextmanager
def associated(port: int, *handlers: Any) -> Iterator[Association]:
    ae = AE("SCU")
    for uid in (Verification, FIND, GET, MOVE, StudyRootQueryRetrieveInformationModelFind):
        ae.add_requested_context(uid)
    roles: list[Any] = []
    for uid in (CTImageStorage, MRImageStorage):
        ae.add_requested_context(uid, "1.2.840.10008.1.2.1")
        roles.append(build_role(uid, scu_role=True, scp_role=True))
    association = ae.associate("127.0.0.1", port, ae_title="ARCHIVE", ext_neg=roles, evt_handlers=list(handlers))
    assert association.is_established
    yield association
    association.release()
    assert association.is_released


def identifier(level: str, **keys: str) -> Dataset:
    made = Dataset()
    made.QueryRetrieveLevel = level
    for keyword, value in keys.items():
        setattr(made, keyword, value)
    return made


@pytest.mark.parametrize(("patient", "found"), [("", {"1CT1", "4MR1"}), ("4MR1", {"4MR1"}), ("NOBODY", set())])
def test_find(port: int, patient: str, found: set[str]) -> None:
    with associated(port) as association:
        *matches, (last, nothing) = association.send_c_find(identifier("PATIENT", PatientID=patient), FIND)
    assert {status.Status for status, _ in matches} <= {0xFF00, 0xFF01}
    assert {match.PatientID for _, match in matches if match is not None} == found
    assert (last.Status, nothing) == (0, None)


def test_find_by_study(port: int) -> None:
    wanted = identifier("STUDY", StudyInstanceUID=str(dcmread(MR).StudyInstanceUID), PatientName="")
    with associated(port) as association:
        answers = list(association.send_c_find(wanted, StudyRootQueryRetrieveInformationModelFind))
    assert [match.PatientName for _, match in answers if match is not None] == [dcmread(MR).PatientName]


def test_get(port: int) -> None:
    kept: list[Dataset] = []

    def store(event: evt.Event) -> int:
        kept.append(event.dataset)
        return 0

    with associated(port, (evt.EVT_C_STORE, store)) as association:
        *_, (last, _) = association.send_c_get(identifier("PATIENT", PatientID="1CT1"), GET)
    assert (last.Status, last.NumberOfCompletedSuboperations) == (0, 1)
    assert [dataset.PixelData for dataset in kept] == [dcmread(CT).PixelData]


def test_get_of_what_our_handler_refuses(port: int) -> None:
    with associated(port, (evt.EVT_C_STORE, lambda event: 0xA700)) as association:
        *_, (last, failed) = association.send_c_get(identifier("PATIENT", PatientID="1CT1"), GET)
    assert (last.Status, last.NumberOfFailedSuboperations) == (0xA702, 1)  # unable to perform sub-operations
    assert failed is not None and failed.FailedSOPInstanceUIDList == dcmread(CT).SOPInstanceUID


def test_move(port: int, destination: Destination) -> None:
    with associated(port) as association:
        wanted = identifier("PATIENT", PatientID="4MR1")
        *_, (last, _) = association.send_c_move(wanted, "DESTINATION", MOVE)
    assert (last.Status, last.NumberOfCompletedSuboperations) == (0, 1)
    assert [dataset.PatientID for dataset in destination.taken()] == ["4MR1"]


def test_move_to_somebody_it_does_not_know(port: int, destination: Destination) -> None:
    with associated(port) as association:
        [(last, _)] = association.send_c_move(identifier("PATIENT", PatientID="4MR1"), "NOWHERE", MOVE)
    assert last.Status == 0xA801
    assert destination.taken() == []


@pytest.mark.parametrize("verb", ["find", "get", "move"])
def test_a_cancel_costs_nothing_but_the_rest(port: int, destination: Destination, verb: str) -> None:
    """It may come too late: then all was done. The association serves on in any case."""
    wanted = identifier("PATIENT", PatientID="")
    with associated(port, (evt.EVT_C_STORE, lambda event: 0)) as association:
        responses = {
            "find": lambda: association.send_c_find(wanted, FIND, msg_id=7),
            "get": lambda: association.send_c_get(identifier("PATIENT", PatientID="1CT1"), GET, msg_id=7),
            "move": lambda: association.send_c_move(
                identifier("PATIENT", PatientID="1CT1"), "DESTINATION", MOVE, msg_id=7
            ),
        }[verb]()
        association.send_c_cancel(7)
        *_, (last, _) = responses
        assert last.Status in (0xFE00, 0x0000)
        assert association.send_c_echo().Status == 0
        with pytest.raises(ValueError, match="no operation with message id 7 is under way"):
            association.send_c_cancel(7)
    destination.taken()
