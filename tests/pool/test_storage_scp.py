"""The Storage SCP over the wire: what is kept under which name and header, and what is answered to what will not do."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import peers
import processes
import pytest
from pydicom import dcmread
from requestor import VERIFICATION, Requestor
from samples import INSTANCE, SERIES, STUDY, content_of, encoded, write_file
from serving import RunningServer, server, ulpool

from pool.exit_status import ExitStatus
from ul.acse import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from ul.pdu_primitives import PresentationContextDefinition
from ul.sop_class import CTImageStorage, ExplicitVRLittleEndian, MRImageStorage
from ul.status import SUCCESS
from ul.wire.command import encode_command

Serve = Callable[..., RunningServer]
PRIVATE = "1.2.826.0.1.3680043.10.1"  # a SOP class nobody knows


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Starts a server with some options, once for all tests that want the same."""
    with ExitStack() as stack:
        started: dict[tuple[str, ...], RunningServer] = {}

        def start(*options: str) -> RunningServer:
            if options not in started:
                store = tmp_path_factory.mktemp("scp") / "store"
                common = ("--workers", 1, "--durability", "none")
                started[options] = stack.enter_context(server(store, *common, *options))
            return started[options]

        yield start


@pytest.fixture
def uid(request: pytest.FixtureRequest) -> str:
    """A SOP Instance UID of this test's own, for tests share servers."""
    return f"1.2.{zlib.crc32(request.node.nodeid.encode())}"


def kept(running: RunningServer, sop_instance_uid: str) -> dict[str, bytes]:
    """The data sets of the files that bear this UID, by path below the store."""
    paths = [path for path in running.files() if path.name.startswith(sop_instance_uid)]
    return {str(path.relative_to(running.store)): content_of(path).data_set for path in paths}


def counters(running: RunningServer) -> dict[str, Any]:
    """What the server has counted."""
    counted: dict[str, Any] = processes.status(running.control)["counters"]
    return counted


# The header is ours.


def test_group_0002_says_who_sent_it_and_how(serve: Serve, uid: str) -> None:
    running = serve()
    with Requestor(running.port, calling_ae_title="MODALITY 1") as requestor:
        assert requestor.store(uid, encoded(uid)).Status == SUCCESS
    path = running.store / STUDY / SERIES / f"{uid}.dcm"
    meta = dcmread(path).file_meta
    assert (meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID) == (CTImageStorage, uid)
    assert meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert meta.ImplementationClassUID == IMPLEMENTATION_CLASS_UID
    assert meta.ImplementationVersionName == IMPLEMENTATION_VERSION_NAME
    assert meta.SourceApplicationEntityTitle == "MODALITY 1"
    shown = peers.run(peers.dcmtk("dcmdump"), path)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "MODALITY 1" in shown.stdout and f"[{uid}]" in shown.stdout


@pytest.mark.parametrize("sender", ["ulpool", "storescu"])
def test_a_polyglot_s_preamble_stays_behind(sender: str, serve: Serve, uid: str, tmp_path: Path) -> None:
    """A file whose preamble makes it a program as well (CVE-2019-11687)."""
    running = serve()
    path = write_file(tmp_path / "polyglot.dcm", encoded(uid), preamble=b"#!/bin/sh\nexit 1\n".ljust(128, b"\n"))
    if sender == "ulpool":
        assert ulpool("send", f"ULPOOL@127.0.0.1:{running.port}", path).returncode == 0
    else:
        assert peers.run(peers.dcmtk("storescu"), "-xe", "127.0.0.1", str(running.port), path).returncode == 0
    assert kept(running, uid) == {f"{STUDY}/{SERIES}/{uid}.dcm": encoded(uid)}
    [stored] = [file for file in running.files() if file.name == f"{uid}.dcm"]
    assert stored.read_bytes()[:132] == bytes(128) + b"DICM"


# Names.


@pytest.mark.parametrize(
    ("on_duplicate", "statuses", "versions", "counted"),
    [
        ("keep-both", [0, 0, 0, 0], {"": b"one ", "~2": b"two "}, (2, 2, 1)),
        ("reject", [0, 0x0111, 0, 0x0111], {"": b"one "}, (1, 1, 2)),
        ("replace", [0, 0, 0, 0], {"": b"two "}, (4, 0, 3)),
    ],
)
def test_the_same_uid_with_other_bytes(
    on_duplicate: str,
    statuses: list[int],
    versions: dict[str, bytes],
    counted: tuple[int, int, int],
    serve: Serve,
    uid: str,
) -> None:
    running = serve("--on-duplicate", on_duplicate)
    before = counters(running)
    with Requestor(running.port) as requestor:
        answered = [requestor.store(uid, encoded(uid, body)).Status for body in (b"one ", b"two ", b"one ", b"two ")]
    assert answered == statuses
    assert kept(running, uid) == {
        f"{STUDY}/{SERIES}/{uid}{mark}.dcm": encoded(uid, body) for mark, body in versions.items()
    }
    after = counters(running)
    stored, identical, conflicting = counted
    assert after["instances_stored"] - before["instances_stored"] == stored
    assert after["instances_identical"] - before["instances_identical"] == identical
    assert after["instances_conflicting"] - before["instances_conflicting"] == conflicting
    assert after["bytes_stored"] - before["bytes_stored"] == stored * len(encoded(uid, b"one "))


def test_what_an_association_receives_is_counted_while_it_lasts(serve: Serve, uid: str) -> None:
    running = serve()
    before = counters(running)["bytes_received"]
    with Requestor(running.port) as requestor:
        assert requestor.store(uid, encoded(uid, bytes(500_000))).Status == SUCCESS
        assert counters(running)["bytes_received"] - before == requestor.bytes_sent > 500_000
    assert counters(running)["bytes_received"] - before == requestor.bytes_sent


def test_flat_layout(serve: Serve, uid: str) -> None:
    running = serve("--layout", "flat", "--accept-unknown")
    with Requestor(running.port) as requestor:
        assert requestor.store(uid, encoded(uid, b"one ")).Status == SUCCESS
        assert requestor.store(uid, encoded(uid, b"two ", study_instance_uid="1.9")).Status == SUCCESS
    assert kept(running, uid) == {
        f"{uid}.dcm": encoded(uid, b"one "),
        f"{uid}~2.dcm": encoded(uid, b"two ", study_instance_uid="1.9"),
    }


@pytest.mark.parametrize("bad", ["", "../../../evil", "/tmp", "1..2", "1" * 65])
def test_a_study_uid_that_is_none_makes_no_folder(bad: str, serve: Serve, uid: str) -> None:
    running = serve()
    with Requestor(running.port) as requestor:
        assert requestor.store(uid, encoded(uid, study_instance_uid=bad)).Status == SUCCESS
    assert list(kept(running, uid)) == [f"unknown/{SERIES}/{uid}.dcm"]


# SOP classes nobody knows.


def test_a_private_sop_class_is_kept_where_asked_for(serve: Serve, uid: str, tmp_path: Path) -> None:
    running = serve("--layout", "flat", "--accept-unknown")
    data_set = encoded(uid, sop_class_uid=PRIVATE)
    path = write_file(tmp_path / "private.dcm", data_set)
    assert ulpool("send", f"ULPOOL@127.0.0.1:{running.port}", path).returncode == 0
    assert kept(running, uid) == {f"{uid}.dcm": data_set}


def test_a_private_sop_class_is_refused_otherwise(serve: Serve, uid: str, tmp_path: Path) -> None:
    running = serve()
    path = write_file(tmp_path / "private.dcm", encoded(uid, sop_class_uid=PRIVATE))
    result = ulpool("send", f"ULPOOL@127.0.0.1:{running.port}", path)
    assert result.returncode == ExitStatus.REJECTED
    assert f"ulpool: {path}: the peer does not accept its SOP class" in result.stderr
    with Requestor(running.port, [PresentationContextDefinition(1, PRIVATE, [ExplicitVRLittleEndian])]) as requestor:
        assert requestor.negotiated is not None and not requestor.negotiated.contexts
    assert kept(running, uid) == {}


# What will not do. Each is answered, and the association goes on.

NOTHING: dict[str, Any] = {}


@pytest.mark.parametrize(
    ("changed", "data_set", "status"),
    [
        pytest.param({"sop_class_uid": MRImageStorage}, encoded(), 0xA900, id="a SOP class of another context"),
        pytest.param({"AffectedSOPClassUID": None}, encoded(), 0xA900, id="no Affected SOP Class UID"),
        pytest.param({"AffectedSOPInstanceUID": None}, encoded(), 0x0117, id="no Affected SOP Instance UID"),
        pytest.param({"AffectedSOPInstanceUID": ""}, encoded(), 0x0117, id="empty Affected SOP Instance UID"),
        pytest.param({"CommandDataSetType": 0x0101}, None, 0x0110, id="no data set"),
        pytest.param(NOTHING, b"", 0xC000, id="empty data set"),
        pytest.param(NOTHING, b"not a data set at all", 0xC000, id="garbage"),
        pytest.param(NOTHING, encoded("1.2.3.4.6"), 0xA900, id="another SOP Instance UID there"),
        pytest.param(NOTHING, encoded(sop_class_uid=MRImageStorage), 0xA900, id="another SOP Class UID there"),
        pytest.param(NOTHING, encoded(""), 0xC000, id="no SOP Instance UID there"),
        pytest.param(NOTHING, encoded(sop_class_uid=""), 0xC000, id="no SOP Class UID there"),
    ],
)
def test_what_will_not_do_is_answered(
    changed: dict[str, Any], data_set: bytes | None, status: int, serve: Serve
) -> None:
    running = serve()
    before = running.files()
    with Requestor(running.port) as requestor:
        if data_set is None:
            response = requestor.ask(requestor.store_request(INSTANCE, **changed))
        else:
            response = requestor.store(INSTANCE, data_set, **changed)
        assert (f"{response.Status:04X}", response.MessageIDBeingRespondedTo) == (f"{status:04X}", 1)
        assert response.ErrorComment and len(response.ErrorComment) <= 64
        assert requestor.echo() == SUCCESS
    assert requestor.end == "released"
    assert running.files() == before


def test_a_store_on_the_context_of_verification(serve: Serve) -> None:
    with Requestor(serve().port) as requestor:
        assert requestor.store(INSTANCE, encoded(), context_id=VERIFICATION).Status == 0x0211
        assert requestor.echo() == SUCCESS


def test_a_data_set_that_never_comes(serve: Serve) -> None:
    """It was announced, and another command follows instead (PS3.7 6.3.1): that association is beyond repair."""
    running = serve()
    before = running.files()
    with Requestor(running.port) as requestor:
        requestor.say(requestor.store_request(INSTANCE))
        requestor.say_raw(encode_command(requestor.store_request("1.2.3.4.6")))
        requestor.wait_for(lambda: requestor.is_closed)
    assert requestor.responses == [] and requestor.end.startswith("A-ABORT")
    assert running.files() == before


@pytest.mark.parametrize(
    "bad",
    [
        "../escaped",
        "../../escaped",
        "{base}/escaped",
        "1.2.3/../../../../escaped",
        "1.2\0.3",
        "1.2\0/../../../escaped",
        "..",
        ".",
        "1..2",
        "1.2.3.",
        "1.2.3~2",
        "1.2.3\n",
        "1" * 65,
        "9" * 300,
        "../" * 100 + "tmp/escaped",
        "$(touch escaped)",
        "\u00b2.2.3",
    ],
)
def test_a_sop_instance_uid_is_no_path(bad: str, serve: Serve) -> None:
    running = serve()
    base = running.store.parent
    bad = bad.format(base=base)
    before = sorted(base.rglob("*"))
    with Requestor(running.port) as requestor:
        assert requestor.store(bad, encoded(bad)).Status == 0x0117
        assert requestor.echo() == SUCCESS
    assert sorted(base.rglob("*")) == before
    assert not Path("/tmp/escaped").exists() and not Path("escaped").exists()


def test_the_log_of_a_refusal_cannot_be_forged(serve: Serve) -> None:
    running = serve()
    with Requestor(running.port, calling_ae_title="FORGER") as requestor:
        requestor.store("../x\nE: forged", encoded())
    running.wait_for_log("calling=FORGER")
    assert any("status=0117" in line for line in running.events("operation.failed"))
    assert not any(line.startswith("E: forged") for line in running.log)
