"""Real senders to a real server, without a special option on either side: what they send is what is kept."""

from __future__ import annotations

import socket
import subprocess
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import peers
import pytest
from pydicom import FileDataset, dcmread
from pydicom.data import get_testdata_file
from pynetdicom import AE, _config
from pynetdicom.association import Association
from pynetdicom.dsutils import encode
from samples import Content, Sample, contents_of, encoded, samples, write_file
from serving import RunningServer, server, ulpool

from ul import sop_class

# Of a transfer syntax, the option that makes storescu propose it.
STORESCU_PROPOSES = {
    sop_class.ImplicitVRLittleEndian: "-xi",
    sop_class.ExplicitVRLittleEndian: "-xe",
    sop_class.ExplicitVRBigEndian: "-xb",
    sop_class.DeflatedExplicitVRLittleEndian: "-xd",
    sop_class.JPEGBaseline8Bit: "-xy",
    sop_class.JPEGExtended12Bit: "-xx",
    sop_class.JPEGLosslessSV1: "-xs",
    sop_class.JPEGLSLossless: "-xt",
    sop_class.JPEGLSNearLossless: "-xu",
    sop_class.JPEG2000Lossless: "-xv",
    sop_class.JPEG2000: "-xw",
    sop_class.RLELossless: "-xr",
}

NOT_STORED_BY_STORESCP = (sop_class.ColorPaletteStorage,)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[RunningServer]:
    with server(tmp_path / "store", "--workers", 2, "--durability", "none") as running:
        yield running


def test_dcmtk_echoes_and_sends(tmp_path: Path) -> None:
    image = str(get_testdata_file("CT_small.dcm"))
    with server(tmp_path / "store") as running:
        port = str(running.port)
        assert peers.run(peers.dcmtk("echoscu"), "127.0.0.1", port).returncode == 0
        assert peers.run(peers.dcmtk("storescu"), "127.0.0.1", port, image).returncode == 0
        assert peers.run(peers.dcmtk("dcmsend"), "127.0.0.1", port, image).returncode == 0
        assert len(running.files()) == 1
        assert running.terminate() == 0


def test_our_own_verbs_reach_it(tmp_path: Path) -> None:
    with server(tmp_path / "store") as running:
        peer = f"ULPOOL@127.0.0.1:{running.port}"
        assert ulpool("echo", peer).returncode == 0
        assert ulpool("send", peer, get_testdata_file("CT_small.dcm")).returncode == 0
        assert len(running.files()) == 1
        assert ulpool("stop", "--control", running.control).returncode == 0
        assert running.process.wait(peers.DEADLINE) == 0


# Every real file, from each sender, in its own transfer syntax.


def test_there_are_enough_real_files_to_mean_something() -> None:
    assert len(samples()) >= 172
    assert {sample.content.transfer_syntax_uid for sample in samples()} >= set(STORESCU_PROPOSES)
    by_uid = defaultdict(set)
    for sample in samples():
        by_uid[sample.content.sop_instance_uid].add(sample.content)
    assert sum(len(versions) for versions in by_uid.values() if len(versions) > 1) > 40


def test_our_own_sender_changes_no_byte(running: RunningServer) -> None:
    result = ulpool("send", f"ULPOOL@127.0.0.1:{running.port}", "--parallel", 4, *(s.path for s in samples()))
    assert result.returncode == 0, result.stderr
    assert contents_of(running.files()) == {sample.content for sample in samples()}
    assert len(running.files()) == len({sample.content for sample in samples()})


def test_a_file_without_group_0002_is_sent_in_the_transfer_syntax_it_has(running: RunningServer) -> None:
    syntax_of = {
        "ExplVR_LitEndNoMeta.dcm": sop_class.ExplicitVRLittleEndian,
        "ExplVR_BigEndNoMeta.dcm": sop_class.ExplicitVRBigEndian,
        "rtstruct.dcm": sop_class.ImplicitVRLittleEndian,
    }
    paths = {Path(str(get_testdata_file(name))): syntax for name, syntax in syntax_of.items()}
    result = ulpool("send", f"ULPOOL@127.0.0.1:{running.port}", *paths)
    assert result.returncode == 0, result.stderr
    kept = {(content.transfer_syntax_uid, content.data_set) for content in contents_of(running.files())}
    assert kept == {(syntax, path.read_bytes()) for path, syntax in paths.items()}


def test_pynetdicom_sends_datasets(running: RunningServer) -> None:
    """It encodes a dataset anew; what it encoded is what is kept."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some of these files have faults, which pydicom tells of
        sent = set()
        with associated(running.port, samples()) as association:
            for dataset in [dcmread(sample.path) for sample in samples()]:
                content = encoded_by_pynetdicom(dataset)
                if content is not None:
                    assert association.send_c_store(dataset).Status == 0x0000, dataset.filename
                    sent.add(content)
    assert len(sent) > 150
    assert contents_of(running.files()) == sent


def test_pynetdicom_sends_files_as_they_are(running: RunningServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """It then takes the UIDs from group 0002, and where that is wrong the instance is refused."""
    monkeypatch.setattr(_config, "STORE_SEND_CHUNKED_DATASET", True)
    with associated(running.port, samples()) as association:
        for sample in samples():
            if sample.group_0002_is_right:
                assert association.send_c_store(sample.path).Status == 0x0000, sample.path
    assert contents_of(running.files()) == {sample.content for sample in samples() if sample.group_0002_is_right}


def encoded_by_pynetdicom(dataset: FileDataset) -> Content | None:
    """What pynetdicom will send for a dataset, having looked at its UIDs; None where it cannot encode it."""
    assert dataset.SOPClassUID and dataset.SOPInstanceUID  # elements that were looked at are encoded in another way
    syntax = dataset.file_meta.TransferSyntaxUID
    data_set = encode(dataset, syntax.is_implicit_VR, syntax.is_little_endian, syntax.is_deflated)
    return None if data_set is None else Content(dataset.SOPInstanceUID, syntax, data_set)


@contextmanager
def associated(port: int, to_send: Iterable[Sample]) -> Iterator[Association]:
    """An association of pynetdicom's with what `to_send` needs; a context per transfer syntax."""
    ae = AE()
    for sop_class_uid, syntax in sorted({(s.sop_class_uid, s.content.transfer_syntax_uid) for s in to_send}):
        ae.add_requested_context(sop_class_uid, syntax)
    association = ae.associate("127.0.0.1", port)
    assert association.is_established
    association.dul.socket.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as `peers` has it for DCMTK
    # Its reactor, between two messages, may take a response away from the call that waits for it: it is kept paused.
    try:
        with patch.object(association._reactor_checkpoint, "set"):
            yield association
    finally:
        association.release()


# DCMTK encodes anew as well: what it sent is what its own SCP, told to write what it reads, was given.


def dcmsend(port: int) -> None:
    paths = [sample.path for sample in samples() if sample.sop_class_uid not in NOT_STORED_BY_STORESCP]
    peers.run(peers.dcmtk("dcmsend"), "-nh", "-dn", "127.0.0.1", str(port), *paths)


def storescu(port: int) -> None:
    for syntax, option in STORESCU_PROPOSES.items():
        paths = [sample.path for sample in samples() if sample.content.transfer_syntax_uid == syntax]
        peers.run(peers.dcmtk("storescu"), "-nh", option, "127.0.0.1", str(port), *paths)


@pytest.mark.parametrize("send", [dcmsend, storescu])
def test_we_keep_what_the_scp_of_dcmtk_keeps(
    send: Callable[[int], None], running: RunningServer, tmp_path: Path
) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    port = peers.free_port()
    command = [peers.dcmtk("storescp"), "+B", "+uf", "+xa", "-pm", "-od", theirs, str(port)]
    with peers.serving(command, port):
        send(port)
    send(running.port)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = contents_of(path for path in theirs.iterdir() if not _was_announced_as_another(path))
    assert len(expected) > 150
    assert contents_of(running.files()) == expected


def _was_announced_as_another(path: Path) -> bool:
    """The C-STORE-RQ had other UIDs than the data set, for DCMTK believes group 0002: we refuse that."""
    dataset = dcmread(path, stop_before_pixels=True)
    meta = dataset.file_meta
    return (dataset.SOPClassUID, dataset.SOPInstanceUID) != (
        meta.MediaStorageSOPClassUID,
        meta.MediaStorageSOPInstanceUID,
    )


# Many at once.


def test_sixteen_senders_over_two_workers_lose_nothing(running: RunningServer, tmp_path: Path) -> None:
    program = peers.dcmtk("storescu")
    senders = []
    sent = set()
    for sender in range(16):
        folder = tmp_path / f"sender{sender}"
        folder.mkdir()
        for number in range(20):
            uid = f"1.2.{sender}.{number}"
            data_set = encoded(uid, bytes([sender, number] * 4096), series_instance_uid=f"1.2.{number % 3}")
            write_file(folder / f"{number}.dcm", data_set)
            sent.add(data_set)
        command = [program, "+sd", "-xe", "127.0.0.1", str(running.port), folder]
        senders.append(subprocess.Popen(command, env=peers.ENVIRONMENT))
    assert [sender.wait(peers.DEADLINE) for sender in senders] == [0] * 16
    assert {content.data_set for content in contents_of(running.files())} == sent
    status = running.status()
    stored = [worker["counters"]["instances_stored"] for worker in status["workers"]]
    assert sum(stored) == len(sent) == 320
    assert len(stored) == 2 and min(stored) >= 80, stored
