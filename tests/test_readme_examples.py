"""The programs in the README, taken out of it and run as they stand there."""

from __future__ import annotations

import queue
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pydicom
import pytest
from peers import DEADLINE
from pydicom import Dataset
from pydicom.data import get_testdata_file
from serving import RunningServer, server

from ul import AE, evt
from ul.association import Association

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
PROGRAMS = dict(re.findall(r"^```python\n# (\w+\.py)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL))

CT, MR = (Path(str(get_testdata_file(name))) for name in ("CT_small.dcm", "MR_small.dcm"))


@contextmanager
def running(name: str, folder: Path, *options: object) -> Iterator[RunningServer]:
    """A program of the README under two workers."""
    (folder / name).write_text(PROGRAMS[name])
    application = name.removesuffix(".py")
    with server(folder / "store", "--workers", 2, *options, application, cwd=folder) as started:
        yield started


@contextmanager
def associated(port: int, *files: Path) -> Iterator[Association]:
    """An association on which these files can be sent."""
    ae = AE("SENDER")
    for file in files:
        head = pydicom.dcmread(file, stop_before_pixels=True)
        ae.add_requested_context(head.SOPClassUID, head.file_meta.TransferSyntaxUID)
    association = ae.associate("127.0.0.1", port)
    assert association.is_established
    try:
        yield association
    finally:
        association.release()


def statuses(port: int, *files: Path) -> list[int]:
    """What each of these files, sent on one association, was answered."""
    with associated(port, *files) as association:
        return [association.send_c_store(file).Status for file in files]


def test_all_of_them_are_tested() -> None:
    assert set(PROGRAMS) == {"echo.py", "indexer.py", "worklist.py", "router.py", "anonymiser.py", "commitment.py"}


@pytest.mark.filterwarnings("ignore:Invalid value for VR UI")  # as it is meant
def test_commitment(tmp_path: Path) -> None:
    """Of what was stored and of what never came, by a modality that waits for it."""
    model = "1.2.840.10008.1.20.1"
    reported: queue.SimpleQueue[tuple[int, Dataset]] = queue.SimpleQueue()

    def report(event: evt.Event) -> tuple[int, None]:
        reported.put((event.event_type, event.event_information))
        return 0, None

    ae = AE("MODALITY")
    head = pydicom.dcmread(CT, stop_before_pixels=True)
    ae.add_requested_context(head.SOPClassUID, head.file_meta.TransferSyntaxUID)
    ae.add_requested_context(model)
    with running("commitment.py", tmp_path, "-od", "kept") as started:  # where the program would have it
        handlers = [(evt.EVT_N_EVENT_REPORT, report)]
        association = ae.associate("127.0.0.1", started.port, evt_handlers=handlers)
        assert association.send_c_store(CT).Status == 0
        for uids in ([head.SOPInstanceUID], [head.SOPInstanceUID, "1.2.3", "../store/1.2.3"]):
            asked = Dataset()
            asked.TransactionUID = "1.2.3.4"
            asked.ReferencedSOPSequence = [referenced(head.SOPClassUID, uid) for uid in uids]
            status, _ = association.send_n_action(asked, 1, model, "1.2.840.10008.1.20.1.1")
            assert status.Status == 0
            kind, answer = reported.get(timeout=DEADLINE)
            assert (kind, answer.TransactionUID) == (2 if len(uids) > 1 else 1, "1.2.3.4")
            assert [item.ReferencedSOPInstanceUID for item in answer.ReferencedSOPSequence] == uids[:1]
            failed = [item.ReferencedSOPInstanceUID for item in answer.get("FailedSOPSequence", [])]
            assert failed == uids[1:]
        association.release()


def referenced(sop_class: str, uid: str) -> Dataset:
    """An item of a Referenced SOP Sequence."""
    item = Dataset()
    item.ReferencedSOPClassUID = sop_class
    item.ReferencedSOPInstanceUID = uid
    return item


def test_echo(tmp_path: Path) -> None:
    with running("echo.py", tmp_path) as started:
        assert started.status()["aet"] == "ANYBODY"
        ae = AE("SOMEBODY")
        ae.add_requested_context("1.2.840.10008.1.1")
        association = ae.associate("127.0.0.1", started.port)
        assert association.send_c_echo().Status == 0
        association.release()


def test_indexer(tmp_path: Path) -> None:
    with running("indexer.py", tmp_path) as started:
        assert statuses(started.port, CT, MR, CT) == [0, 0, 0]
        assert statuses(started.port, MR) == [0]  # which another worker may have got
        files = started.files()
    with sqlite3.connect(tmp_path / "index.sqlite") as connection:
        rows = connection.execute("SELECT uid, study, patient_id, path FROM instances").fetchall()
    connection.close()
    expected = [pydicom.dcmread(file) for file in (CT, MR)]
    assert sorted(row[:3] for row in rows) == sorted(
        (ds.SOPInstanceUID, ds.StudyInstanceUID, ds.PatientID) for ds in expected
    )
    assert sorted(Path(row[3]) for row in rows) == files


def entry(patient_name: str, modality: str) -> Dataset:
    """A worklist entry."""
    step = Dataset()
    step.Modality = modality
    step.ScheduledStationAETitle = "SCANNER"
    found = Dataset()
    found.PatientName = patient_name
    found.ScheduledProcedureStepSequence = [step]
    return found


def test_worklist(tmp_path: Path) -> None:
    folder = tmp_path / "worklist"
    folder.mkdir()
    for number, (name, modality) in enumerate([("Doe^Jane", "CT"), ("Doe^John", "MR"), ("Roe^Jane", "CT")]):
        (folder / f"{number}.json").write_text(entry(name, modality).to_json())
    with running("worklist.py", tmp_path) as started:
        assert names(started.port, entry("Doe*", "CT")) == ["Doe^Jane"]
        assert names(started.port, entry("", "CT")) == ["Doe^Jane", "Roe^Jane"]
        assert names(started.port, entry("", "")) == ["Doe^Jane", "Doe^John", "Roe^Jane"]
        assert names(started.port, entry("Nobody", "")) == []


def names(port: int, wanted: Dataset) -> list[str]:
    """The patients of the entries that match."""
    model = "1.2.840.10008.5.1.4.31"
    ae = AE("SCANNER")
    ae.add_requested_context(model)
    association = ae.associate("127.0.0.1", port)
    answers = [(status.Status, identifier) for status, identifier in association.send_c_find(wanted, model)]
    association.release()
    assert answers[-1] == (0, None)
    return [str(identifier.PatientName) for status, identifier in answers[:-1] if status == 0xFF00]


def test_router(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    received: list[tuple[str, str]] = []
    ends: list[Any] = []

    def store(event: evt.Event) -> int:
        received.append((event.assoc.requestor.ae_title, event.dataset.SOPInstanceUID))
        return 0xB007 if event.dataset.Modality == "MR" else 0

    archive = AE("ARCHIVE")
    for file in (CT, MR):
        head = pydicom.dcmread(file, stop_before_pixels=True)
        archive.add_supported_context(head.SOPClassUID, head.file_meta.TransferSyntaxUID)
    handlers = [(evt.EVT_C_STORE, store), (evt.EVT_RELEASED, ends.append)]
    destination = archive.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)
    assert destination is not None
    try:
        monkeypatch.setenv("ROUTE_TO", f"ARCHIVE@127.0.0.1:{destination.server_address[1]}")
        with running("router.py", tmp_path) as started:
            assert statuses(started.port, CT, MR) == [0, 0xB007]
            assert started.terminate() == 0
        uids = [pydicom.dcmread(file).SOPInstanceUID for file in (CT, MR)]
        assert received == [("ROUTER", uid) for uid in uids]
        assert len(ends) == 1  # on one association, which was released with the one it served
    finally:
        destination.shutdown()


def test_router_without_its_destination(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROUTE_TO", "ARCHIVE@127.0.0.1:9")
    with running("router.py", tmp_path) as started:
        assert statuses(started.port, CT) == [0xA700]


def test_anonymiser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "of nobody")
    original = pydicom.dcmread(CT)
    with running("anonymiser.py", tmp_path) as started:
        for _ in range(4):  # by both workers
            assert statuses(started.port, CT) == [0]
    [path] = (tmp_path / "anonymous").iterdir()
    kept = pydicom.dcmread(path)
    assert kept.PatientName == "Anonymous" and kept.PatientID == ""
    assert kept.StudyInstanceUID != original.StudyInstanceUID
    assert kept.file_meta.MediaStorageSOPInstanceUID == kept.SOPInstanceUID != original.SOPInstanceUID
    assert kept.PixelData == original.PixelData
    assert str(original.PatientName).encode() not in path.read_bytes()
