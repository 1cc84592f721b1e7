"""One application in both shells: what DCMTK's and pynetdicom's SCUs, and a peer that counts segments, get from it."""

from __future__ import annotations

import shutil
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import archive
import peers
import pytest
from certificates import Authority
from pydicom import Dataset, dcmread
from raw_peer import P_DATA, RELEASE_REQUEST, RELEASE_RP, RawPeer, p_data, pdu, pdv
from serving import server

from ul import AE, evt
from ul.pdu_primitives import PresentationContextDefinition
from ul.services.query_retrieve import cancel_request, find_request
from ul.sop_class import (
    CTImageStorage,
    ExplicitVRLittleEndian,
    ModalityPerformedProcedureStep,
    ModalityWorklistInformationFind,
    PatientRootQueryRetrieveInformationModelFind,
    PatientRootQueryRetrieveInformationModelGet,
    PatientRootQueryRetrieveInformationModelMove,
    StorageCommitmentPushModel,
)
from ul.wire.command import encode_command

ALL = ("-k", "QueryRetrieveLevel=PATIENT", "-k", "PatientID")
ONE = ("-k", "QueryRetrieveLevel=PATIENT", "-k", "PatientID=4MR1")
ENDLESS = ("-k", "QueryRetrieveLevel=PATIENT", "-k", f"PatientID={archive.ENDLESS}")
# PatientID = ENDLESS, in explicit VR little endian
ENDLESS_IDENTIFIER = bytes.fromhex("10002000") + b"LO\x08\x00" + archive.ENDLESS.encode() + b" "


@contextmanager
def in_one_process(folder: Path, *handlers: Any, ssl_context: ssl.SSLContext | None = None) -> Iterator[int]:
    bound = [*archive.HANDLERS, *handlers]
    started = archive.ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=bound, ssl_context=ssl_context)
    assert started is not None
    try:
        yield started.server_address[1]
    finally:
        started.shutdown()


@contextmanager
def in_workers(folder: Path) -> Iterator[int]:
    shutil.copy(archive.__file__, folder)
    with server(folder / "store", "--workers", 2, "--handler-threads", 1, "archive", cwd=folder) as running:
        yield running.port
        assert not running.events("worker.exited")
        assert running.terminate() == 0


@pytest.fixture(scope="module", params=[in_one_process, in_workers])
def port(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Where the application listens."""
    with request.param(tmp_path_factory.mktemp("served")) as listening:
        yield listening


def query(patient_id: str = "") -> Dataset:
    identifier = Dataset()
    identifier.QueryRetrieveLevel = "PATIENT"
    identifier.PatientID = patient_id
    return identifier


# --- DCMTK -----------------------------------------------------------------------------------------------------------


def ran(program: str, port: int, *options: object) -> CompletedProcess[str]:
    return peers.run(peers.dcmtk(program), "-v", *map(str, options), "127.0.0.1", str(port))


def names(folder: Path) -> set[str]:
    """The patients of the instances that were received, which are as they were."""
    received = {dataset.SOPInstanceUID: dataset for dataset in map(dcmread, folder.iterdir())}
    for original in map(dcmread, archive.FILES):
        if original.SOPInstanceUID in received:
            assert received[original.SOPInstanceUID].PixelData == original.PixelData
    return {dataset.PatientID for dataset in received.values()}


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        (("-P", *ALL), ["1CT1", "4MR1"]),
        (("-S", *ONE), ["4MR1"]),
        (("-W", "-k", "PatientID=1CT1"), ["1CT1"]),
        (("-P", "-k", "QueryRetrieveLevel=PATIENT", "-k", "PatientID=NOBODY"), []),
    ],
)
def test_findscu(port: int, tmp_path: Path, keys: Sequence[str], found: list[str]) -> None:
    result = ran("findscu", port, *keys, "-X", "-od", tmp_path)
    assert result.returncode == 0, result.stderr
    assert "Final Find Response (Success)" in result.stderr
    assert [dcmread(path, force=True).PatientID for path in sorted(tmp_path.iterdir())] == found


def test_findscu_cancels(port: int) -> None:
    result = ran("findscu", port, "-P", *ENDLESS, "--cancel", 3)
    assert result.returncode == 0, result.stderr
    assert "Final Find Response (Cancel: " in result.stderr


@pytest.mark.parametrize(("model", "keys", "got"), [("-P", ALL, {"1CT1", "4MR1"}), ("-S", ONE, {"4MR1"})])
def test_getscu(port: int, tmp_path: Path, model: str, keys: Sequence[str], got: set[str]) -> None:
    result = ran("getscu", port, model, *keys, "-od", tmp_path)
    assert result.returncode == 0, result.stderr
    assert "Received C-GET Response (Success)" in result.stderr
    assert f"Number of Completed Suboperations : {len(got)}" in result.stderr
    assert names(tmp_path) == got


@pytest.mark.parametrize(("model", "keys", "got"), [("-P", ALL, {"1CT1", "4MR1"}), ("-S", ONE, {"4MR1"})])
def test_movescu(port: int, tmp_path: Path, model: str, keys: Sequence[str], got: set[str]) -> None:
    own = peers.free_port()
    result = ran("movescu", port, model, *keys, "-od", tmp_path, "-aem", own, "+P", own)
    assert result.returncode == 0, result.stderr
    assert "Final Move Response (Success)" in result.stderr
    assert names(tmp_path) == got


def test_movescu_cancels(port: int, tmp_path: Path) -> None:
    own = peers.free_port()
    result = ran("movescu", port, "-P", *ENDLESS, "-od", tmp_path, "-aem", own, "+P", own, "--cancel", 3)
    assert result.returncode == 0, result.stderr
    assert "Final Move Response (Cancel: " in result.stderr
    assert names(tmp_path) == {"1CT1"}


def test_movescu_to_nobody_we_know(port: int) -> None:
    result = ran("movescu", port, "-P", *ALL, "-aem", "ELSEWHERE")
    assert result.returncode != 0
    assert "Refused: MoveDestinationUnknown" in result.stderr


def test_movescu_to_who_does_not_answer(port: int) -> None:
    result = ran("movescu", port, "-P", *ALL, "-aem", peers.free_port())
    assert result.returncode != 0
    assert "Refused: MoveDestinationUnknown" in result.stderr


def test_termscu_ends_nothing(port: int) -> None:
    """Whoever can connect could otherwise stop a server."""
    assert ran("termscu", port).returncode != 0
    assert ran("echoscu", port).returncode == 0


def test_certificates_are_wanted_on_every_way(tmp_path: Path) -> None:
    """By us of findscu and of an SCU of ours, and by storescp of us when we move to it; its getscu has no TLS."""
    authority = Authority(tmp_path)
    certified = (authority.client(certified=True), "localhost")
    received = tmp_path / "received"
    received.mkdir()

    def move(event: evt.Event) -> Iterator[Any]:
        items = archive.move(event)
        yield *next(items), {"tls_args": certified}
        yield from items

    own = peers.free_port()
    storescp = [peers.dcmtk("storescp"), *authority.dcmtk, "-od", received, str(own)]
    handlers = [(evt.EVT_C_MOVE, move)]
    with (
        peers.serving(storescp, own),
        in_one_process(tmp_path, *handlers, ssl_context=authority.server(require=True)) as port,
    ):
        assert ran("findscu", port, "-P", *ALL).returncode != 0
        assert ran("findscu", port, *authority.dcmtk, "-P", *ALL).returncode == 0
        model = PatientRootQueryRetrieveInformationModelMove
        ae = AE("SCU")
        ae.add_requested_context(model)
        association = ae.associate("127.0.0.1", port, tls_args=certified)
        answers = list(association.send_c_move(query(), str(own), model))
        association.release()
    assert [status.Status for status, _ in answers] == [0xFF00, 0xFF00, 0]
    assert names(received) == {"1CT1", "4MR1"}


# --- pynetdicom ------------------------------------------------------------------------------------------------------


@contextmanager
def pynetdicom(port: int, *sop_classes: str, **options: Any) -> Iterator[Any]:
    """An association of pynetdicom's."""
    module = pytest.importorskip("pynetdicom")
    ae = module.AE("PYNETDICOM")
    for uid in sop_classes:
        ae.add_requested_context(uid)
    association = ae.associate("127.0.0.1", port, **options)
    assert association.is_established
    try:
        yield association
    finally:
        association.release()


def test_a_performed_procedure_step(port: int) -> None:
    step = Dataset()
    step.PerformedProcedureStepStatus = "IN PROGRESS"
    with pynetdicom(port, ModalityPerformedProcedureStep) as association:
        status, created = association.send_n_create(step, ModalityPerformedProcedureStep, "1.2.3")
        assert status.Status == 0
        assert (created.PerformedProcedureStepStatus, created.PerformedProcedureStepID) == ("IN PROGRESS", "1.2.3")
        step.PerformedProcedureStepStatus = "COMPLETED"
        status, modified = association.send_n_set(step, ModalityPerformedProcedureStep, "1.2.3")
        assert (status.Status, modified) == (0, step)
        status, modified = association.send_n_set(step, ModalityPerformedProcedureStep, "1.2.9")
        assert (status.Status, modified) == (0x0112, None)


def test_a_storage_commitment(port: int) -> None:
    """Asked for, and reported by who asked: both roles are negotiated."""
    theirs = pytest.importorskip("pynetdicom")
    model, instance = StorageCommitmentPushModel, "1.2.840.10008.1.20.1.1"
    information = Dataset()
    information.TransactionUID = "1.2.3.4"
    roles = [theirs.build_role(model, scu_role=True, scp_role=True)]
    with pynetdicom(port, model, ext_neg=roles) as association:
        for send, kind in ((association.send_n_action, 1), (association.send_n_event_report, 2)):
            status, answer = send(information, kind, model, instance)
            assert (status.Status, answer.TransactionUID, answer.FailureReason) == (0, "1.2.3.4", kind)


def test_a_look_up_a_removal_and_what_nobody_handles(port: int) -> None:
    with pynetdicom(port, ModalityPerformedProcedureStep, CTImageStorage) as association:
        status, found = association.send_n_get([0x00100020], ModalityPerformedProcedureStep, "1.2.3")
        assert (status.Status, found.PatientID) == (0, "1.2.3")
        assert association.send_n_delete(ModalityPerformedProcedureStep, "1.2.3").Status == 0
        assert association.send_n_delete(ModalityPerformedProcedureStep, "1.2.9").Status == 0x0112
        assert association.send_c_store(dcmread(archive.FILES[0])).Status == 0xC211


def test_pynetdicom_cancels(port: int) -> None:
    """A query, a retrieval to itself and one to elsewhere, each after its second response."""
    theirs = pytest.importorskip("pynetdicom")
    models = (
        PatientRootQueryRetrieveInformationModelFind,
        PatientRootQueryRetrieveInformationModelGet,
        PatientRootQueryRetrieveInformationModelMove,
    )
    handlers = [(theirs.evt.EVT_C_STORE, lambda event: 0)]
    destination = theirs.AE("DESTINATION")
    destination.add_supported_context(CTImageStorage)
    listening = destination.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)
    title = str(listening.server_address[1])
    options = {"ext_neg": [theirs.build_role(CTImageStorage, scp_role=True)], "evt_handlers": handlers}
    try:
        with pynetdicom(port, CTImageStorage, *models, **options) as association:
            wanted = query(archive.ENDLESS)
            for message_id, answers in enumerate(
                (
                    lambda number: association.send_c_find(wanted, models[0], msg_id=number),
                    lambda number: association.send_c_get(wanted, models[1], msg_id=number),
                    lambda number: association.send_c_move(wanted, title, models[2], msg_id=number),
                ),
                start=1,
            ):
                statuses = []
                for status, _ in answers(message_id):
                    statuses.append(status)
                    if len(statuses) == 2:
                        association.send_c_cancel(message_id, query_model=models[message_id - 1])
                assert {status.Status for status in statuses[:-1]} == {0xFF00}
                assert statuses[-1].Status == 0xFE00
                if message_id > 1:
                    counts = statuses[-1]
                    done = counts.NumberOfCompletedSuboperations
                    assert done >= 2 and done + counts.NumberOfRemainingSuboperations == archive.MOST
    finally:
        destination.shutdown()


def test_pynetdicom_finds_gets_and_moves(port: int) -> None:
    theirs = pytest.importorskip("pynetdicom")
    models = (
        PatientRootQueryRetrieveInformationModelFind,
        PatientRootQueryRetrieveInformationModelGet,
        PatientRootQueryRetrieveInformationModelMove,
    )
    kept: list[str] = []

    def store(event: Any) -> int:
        kept.append(event.dataset.PatientID)
        return 0

    handlers = [(theirs.evt.EVT_C_STORE, store)]
    destination = theirs.AE("DESTINATION")
    destination.add_supported_context(CTImageStorage)
    listening = destination.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)
    options = {"ext_neg": [theirs.build_role(CTImageStorage, scp_role=True)], "evt_handlers": handlers}
    title = str(listening.server_address[1])
    try:
        with pynetdicom(port, CTImageStorage, *models, **options) as association:
            answers = list(association.send_c_find(query(), models[0]))
            assert [(s.Status, i and i.PatientID) for s, i in answers] == [
                (0xFF00, "1CT1"),
                (0xFF00, "4MR1"),
                (0, None),
            ]
            for answers in (
                list(association.send_c_get(query("1CT1"), models[1])),
                list(association.send_c_move(query("1CT1"), title, models[2])),
            ):
                assert [status.Status for status, _ in answers] == [0xFF00, 0]
                assert answers[-1][0].NumberOfCompletedSuboperations == 1
    finally:
        destination.shutdown()
    assert kept == ["1CT1", "1CT1"]


# --- what only a peer of our own says --------------------------------------------------------------------------------


@contextmanager
def querying(port: int, *more: tuple[int, bytes], in_one_pdu: bool = False) -> Iterator[RawPeer]:
    """A peer that sent an endless query with message id 7, and at once what else it has to say."""
    model = ModalityWorklistInformationFind
    values = [(3, encode_command(find_request(7, model))), (2, ENDLESS_IDENTIFIER), *more]
    with RawPeer(port) as peer:
        peer.associate(PresentationContextDefinition(1, model, [ExplicitVRLittleEndian]))
        if in_one_pdu:
            peer.send(pdu(P_DATA, b"".join(pdv(1, *value) for value in values)))
        else:
            peer.send(*(p_data(1, *value) for value in values))
        yield peer


@pytest.mark.parametrize("in_one_pdu", [False, True])
def test_a_cancel_in_the_segment_of_its_request(port: int, in_one_pdu: bool) -> None:
    with querying(port, (3, encode_command(cancel_request(7))), in_one_pdu=in_one_pdu) as peer:
        assert peer.final_status() == 0xFE00
        peer.release()


def test_a_release_amid_the_responses(port: int) -> None:
    with querying(port) as peer:
        assert peer.response().Status == 0xFF00
        peer.send(RELEASE_REQUEST)
        while (received := peer.receive()) is not None and received.kind == P_DATA:
            continue
        assert received is not None and received.kind == RELEASE_RP


@pytest.mark.parametrize("how", ["close", "reset"])
def test_who_leaves_amid_the_responses_keeps_no_thread(port: int, how: str) -> None:
    for _ in range(4):  # each worker has a single thread for handlers
        with querying(port) as peer:
            assert peer.response().Status == 0xFF00
            getattr(peer, how)()
