"""A server that runs, seen from outside: by Prometheus, systemd, a container's probe, and who reads its log."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import peers
import processes
import pytest
from certificates import Authority
from prometheus_client.parser import text_string_to_metric_families
from raw_peer import AC, CONTEXTS, RJ, STORE_CONTEXT, RawPeer, associate_rq, data_set, p_data, pdu, store_rq
from serving import RunningServer, server, ulpool, ulpool_command

from pool import control, messages
from pool.client import Control
from pool.log_events import EVENTS
from ul.pdu_primitives import PresentationContextDefinition
from ul.sop_class import ExplicitVRLittleEndian, PatientRootQueryRetrieveInformationModelFind
from ul.wire.command import C_FIND_RQ, Command, encode_command

CANARY = "ZZCANARY"


def address_of(running: RunningServer) -> str:
    found = re.search(r"bind=(\S+)", running.wait_for_log("metrics.ready"))
    assert found
    return found[1]


def scrape(running: RunningServer) -> tuple[str, dict[str, dict[tuple[str, ...], float]]]:
    """The text, and every value by name and labels' values, in the order of the labels' names."""
    with urllib.request.urlopen(f"http://{address_of(running)}/metrics", timeout=peers.DEADLINE) as answer:
        text = answer.read().decode()
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(value for _, value in sorted(sample.labels.items()))] = sample.value
    return text, found


def test_what_happened_is_counted(tmp_path: Path) -> None:
    options = ("--metrics", "127.0.0.1:0", "--workers", 2, "--peer", "CT1", "--max-associations", 1)
    with server(tmp_path / "incoming", *options) as running:
        with RawPeer(running.port) as ct:
            ct.associate(calling="CT1")
            ct.echo()
            assert ct.store("1.2.3.4.5", data_set("1.2.3.4.5", bytes(1000)), 2) == 0
            assert ct.store("1.2.3.4.5", data_set("1.2.3.4.6"), 3) == 0xA900
            during = scrape(running)[1]
            with RawPeer(running.port) as second:
                answer = second.request()
                assert answer is not None and answer.kind == RJ
            ct.release()
        with RawPeer(running.port) as stranger:
            stranger.send(pdu(9, b""))
            assert stranger.receive() is not None
        running.wait_for_log("connection.closed")
        after = scrape(running)[1]
    assert during["ulpool_associations_active"] == {("CT1",): 1, ("other",): 0}
    assert after["ulpool_associations_accepted_total"] == {("CT1",): 1}
    assert after["ulpool_associations_rejected_total"] == {
        ("local-limit-exceeded", "rejected-transient", "service-provider-presentation"): 1  # reason, result, source
    }
    assert after["ulpool_associations_released_total"] == {(): 1}
    assert after["ulpool_protocol_errors_total"] == {("before-association",): 1}
    assert after["ulpool_responses_total"] == {
        ("CT1", "C-ECHO-RQ", "0000"): 1,
        ("CT1", "C-STORE-RQ", "0000"): 1,
        ("CT1", "C-STORE-RQ", "A900"): 1,
    }
    assert after["ulpool_association_seconds_count"] == {(): 1}
    assert after["ulpool_operation_seconds_count"] == {("C-ECHO-RQ",): 1, ("C-STORE-RQ",): 2}
    assert after["ulpool_store_stage_seconds_count"] == {("receive",): 1, ("write",): 1, ("commit",): 1}
    total = after["ulpool_operation_seconds_sum"]["C-STORE-RQ",]
    stages = after["ulpool_store_stage_seconds_sum"]
    assert 0 < stages["write",] <= stages["receive",] + stages["commit",] < total
    assert after["ulpool_bytes_stored_total"][()] > 1000 < after["ulpool_bytes_received_total"][()]
    assert after["ulpool_bytes_sent_total"][()] > 0 < after["ulpool_store_free_bytes"][()]
    assert after["ulpool_workers"] == {("ready",): 2}


def test_not_ready_below_the_floor(tmp_path: Path) -> None:
    options = ("--metrics", "127.0.0.1:0", "--workers", 1, "--min-free", "99.99%")
    with server(tmp_path / "incoming", *options) as running:
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"http://{address_of(running)}/readyz", timeout=peers.DEADLINE)
        assert refused.value.code == 503 and b"--min-free" in refused.value.read()
        with urllib.request.urlopen(f"http://{address_of(running)}/livez", timeout=peers.DEADLINE) as answer:
            assert answer.status == 200


def test_a_port_that_is_taken_stops_the_start(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        where = f"127.0.0.1:{other.getsockname()[1]}"
        control = ("--control", tmp_path / "control")
        ran = ulpool("serve", "--bind", "127.0.0.1:0", "-od", tmp_path / "in", *control, "--metrics", where)
    assert ran.returncode == 4
    assert (
        ran.stderr
        == f"ulpool: cannot listen on {where}: Address already in use; choose another address with --metrics\n"
    )
    assert not (tmp_path / "control").exists()


# systemd


class Systemd:
    """The receiving end of a notify socket."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "notify"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self.path))
        self._socket.settimeout(peers.DEADLINE)
        self.told: list[dict[str, str]] = []

    def wait_for(self, key: str) -> dict[str, str]:
        """Read until a notification has this key."""
        last = time.monotonic() + peers.DEADLINE
        while True:
            assert time.monotonic() < last, self.told
            said = dict(line.split("=", 1) for line in self._socket.recv(4096).decode().split("\n"))
            self.told.append(said)
            if key in said:
                return said

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[Systemd]:
    receiving = Systemd(tmp_path)
    yield receiving
    receiving.close()


def test_systemd_is_told(tmp_path: Path, systemd: Systemd) -> None:
    """READY when the server is, the watchdog while its workers live, RELOADING and READY again, STOPPING."""
    environ = {**os.environ, "NOTIFY_SOCKET": str(systemd.path), "WATCHDOG_USEC": "200000"}
    with server(tmp_path / "incoming", "--workers", 1, env=environ) as running:
        assert systemd.wait_for("READY")["MAINPID"] == str(running.process.pid)
        worker = running.worker_pids()[0]
        assert b"NOTIFY_SOCKET" not in Path(f"/proc/{worker}/environ").read_bytes()
        systemd.wait_for("WATCHDOG")
        assert ulpool("reload", "--control", running.control).returncode == 0
        assert int(systemd.wait_for("RELOADING")["MONOTONIC_USEC"]) > 0
        systemd.wait_for("READY")
        running.terminate()
        systemd.wait_for("STOPPING")
    assert [said["STATUS"] for said in systemd.told if "READY" in said] == ["running", "running"]


def test_a_socket_that_systemd_opened(tmp_path: Path) -> None:
    activate = shutil.which("systemd-socket-activate")
    if activate is None:
        pytest.skip("systemd-socket-activate is not installed")
    port = peers.free_port()
    command = [activate, "--listen", f"127.0.0.1:{port}", f"--setenv=PYTHONPATH={os.pathsep.join(sys.path)}"]
    given = ("--workers", 1, "--log-format", "text", "-od", tmp_path / "incoming", "--control", tmp_path / "control")
    process = subprocess.Popen(
        [*command, *ulpool_command("serve", *given)], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    try:
        peers.wait_for_listener(port, process)  # type: ignore[arg-type]
        with RawPeer(port) as peer:  # who connects is what starts the server
            running = RunningServer(process, tmp_path / "incoming", tmp_path / "control")
            running.wait_until_ready()
            assert running.port == port
            peer.associate()
            peer.echo()
            peer.release()
        assert running.terminate() == 0
    finally:
        process.kill()
        process.wait()
        assert process.stderr is not None
        process.stderr.close()


# A container's probe


@pytest.mark.parametrize(
    "options",
    [(), ("--require-called-aet", "-aet", "ARCHIVE"), ("--require-calling-aet", "CT1"), ("--proxy-protocol", "v1")],
    ids=["plain", "called", "calling", "proxy"],
)
def test_a_healthy_server(tmp_path: Path, options: tuple[str, ...]) -> None:
    with server(tmp_path / "incoming", "--workers", 1, *options) as running:
        by_port = ulpool("healthcheck", "--bind", f"0.0.0.0:{running.port}", *options)
        by_control = ulpool("healthcheck", "--bind", "127.0.0.1:0", "--control", running.control, *options)
        assert (by_port.returncode, by_port.stdout, by_port.stderr) == (0, "", "")
        assert by_control.returncode == 0, by_control.stderr


def test_a_healthy_server_with_tls(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    files = ("--tls-cert", authority.certificate, "--tls-key", authority.key)
    for options in (files, (*files, "--tls-ca", authority.certificate, "--tls-require-client-cert")):
        with server(tmp_path / "incoming", "--workers", 1, *options) as running:
            ran = ulpool("healthcheck", "--bind", f"127.0.0.1:{running.port}", *options)
            assert ran.returncode == 0, ran.stderr
            assert ulpool("healthcheck", "--bind", f"127.0.0.1:{running.port}", "--wait", 1).returncode == 1


def test_a_probe_does_not_import_the_application(tmp_path: Path) -> None:
    (tmp_path / "receiver.py").write_text(
        "from pathlib import Path\n"
        "from pool import Application\nfrom ul import AE\n"
        f"with Path({str(tmp_path / 'imports')!r}).open('a') as file:\n    file.write('once\\n')\n"
        "ae = AE('DECLARED')\nae.require_called_aet = True\nae.add_supported_context('1.2.840.10008.1.1')\n"
        "app = Application(ae)\n"
    )
    given = ("receiver:app", "--app-dir", tmp_path)
    with server(tmp_path / "incoming", "--workers", 1, *given) as running:
        imports = (tmp_path / "imports").read_text()
        ran = ulpool("healthcheck", "--bind", f"127.0.0.1:{running.port}", "--control", running.control, *given)
        assert ran.returncode == 0, ran.stderr
        assert "called=DECLARED" in running.wait_for_log("association.closed")
        assert (tmp_path / "imports").read_text() == imports
        unknown = ("--control", tmp_path / "none")  # what the application calls itself is not known then
        ran = ulpool("healthcheck", "--bind", f"127.0.0.1:{running.port}", *unknown, *given)
        assert ran.returncode == 1 and "source 1, reason 7" in ran.stderr


def test_an_unhealthy_server(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        ran = ulpool("healthcheck", "--bind", f"127.0.0.1:{port}", "--wait", 0.2)
    assert ran.returncode == 1 and ran.stderr.count("\n") == 1
    assert ulpool("healthcheck", "--bind", f"127.0.0.1:{port}").returncode == 1
    assert ulpool("healthcheck", "--bind", "127.0.0.1:0", "--control", tmp_path / "none").returncode != 0


# Patient data


@contextmanager
def followed(running: RunningServer) -> Iterator[list[str]]:
    """What is told of events meanwhile, and how the end is told."""
    lines: list[str] = []
    told = Control(running.control).events()
    lines.append(json.dumps(next(told)))  # from here on nothing is missed

    def follow() -> None:
        lines.extend(json.dumps(event) for event in told)

    following = threading.Thread(target=follow)
    following.start()
    yield lines
    following.join(peers.DEADLINE)
    assert not following.is_alive(), "it ends with the server"


APPLICATION = """
import logging
import pool
from ul import AE, AllStoragePresentationContexts, evt


def kept(event):
    ds = event.dataset
    {}[ds.PatientName]


def asked(event):
    patient = event.identifier.PatientID
    raise ValueError(f"no such patient: {patient}")
    yield


ae = AE("ULPOOL")
ae.supported_contexts = AllStoragePresentationContexts
ae.add_supported_context("1.2.840.10008.5.1.4.1.2.1.1")
app = pool.Application(ae, [(evt.EVT_C_STORE, pool.Storage(kept)), (evt.EVT_C_FIND, asked)])
"""


@pytest.mark.parametrize("application", [(), ("canary",)], ids=["store", "application"])
def test_no_patient_data_anywhere(tmp_path: Path, application: tuple[str, ...]) -> None:
    """Name, id, accession number and a date that is none, in what is sent; no trace of them in what is told."""
    (tmp_path / "canary.py").write_text(APPLICATION)
    texts = {"g0008e0050": CANARY, "g0010e0010": f"{CANARY}^A", "g0010e0020": CANARY, "g0010e0030": f"{CANARY}99"}
    options = (*application, "--metrics", "127.0.0.1:0", "--workers", 1, "--log-level", "debug")
    told: list[str] = []
    with server(tmp_path / "incoming", *options, cwd=tmp_path) as running:
        with followed(running) as events:
            with RawPeer(running.port) as peer:
                peer.associate(*CONTEXTS, FIND)
                whole = data_set("1.2.3.4.5", bytes(150_000), **texts)
                peer.send(store_rq("1.2.3.4.5"), p_data(STORE_CONTEXT, 0, whole[:100_000]))
                told += names_of_temporaries(running, tmp_path / "incoming")
                told.append(ulpool("associations", "--json", "--control", running.control).stdout)
                peer.send(p_data(STORE_CONTEXT, 2, whole[100_000:]))
                statuses = [peer.response().Status]
                statuses.append(peer.store("1.2.3.4.6", data_set("1.2.3.4.7", **texts), 2))
                statuses.append(peer.store(CANARY, data_set("1.2.3.4.7", **texts), 3))
                statuses.append(peer.store("1.2.3.4.8", CANARY.encode(), 4))
                if application:
                    statuses.append(find(peer))
                told.append(scrape(running)[0])
                told.append(ulpool("status", "--json", "--control", running.control).stdout)
                peer.send(pdu(4, CANARY.encode()))
                peer.receive()
            running.wait_for_log("association.closed")
            assert running.terminate() == 0
        told += [*events, *running.log, *map(str, (tmp_path / "incoming").rglob("*"))]
    assert statuses == ([0xC211, 0xA900, 0x0117, 0xC000, 0xC311] if application else [0, 0xA900, 0x0117, 0xC000])
    assert len(running.events("handler.failed")) == 2 * len(application)
    assert not [line for line in told if CANARY in line]


FIND_CONTEXT = 5
FIND = PresentationContextDefinition(
    FIND_CONTEXT, PatientRootQueryRetrieveInformationModelFind, [ExplicitVRLittleEndian]
)


def find(peer: RawPeer) -> int | None:
    """Ask for the canary; the status."""
    uid = PatientRootQueryRetrieveInformationModelFind
    command = Command(C_FIND_RQ, MessageID=9, AffectedSOPClassUID=uid, Priority=0, CommandDataSetType=1)
    identifier = struct.pack("<HH2sH", 0x0010, 0x0020, b"LO", len(CANARY)) + CANARY.encode()
    peer.send(p_data(FIND_CONTEXT, 3, encode_command(command)), p_data(FIND_CONTEXT, 2, identifier))
    return peer.final_status()


def names_of_temporaries(running: RunningServer, folder: Path) -> list[str]:
    """What the worker has open in the store, once the data set under way is there."""
    (pid,) = processes.worker_pids(running.control)
    while True:
        names = [str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()]
        if any(name.startswith(f"{folder}/#") for name in names):
            return names


def test_titles_cannot_forge_lines_and_lines_have_their_association(tmp_path: Path) -> None:
    forged = b"X\nI: forged\r\x1b[2J"[:16]
    request = associate_rq(calling="0123456789ABCDEF").replace(b"0123456789ABCDEF", forged)
    with server(tmp_path / "incoming", "--workers", 1, "--log-level", "debug") as running:
        with RawPeer(running.port) as peer:
            peer.send(request)
            peer.expect(AC)
            assert peer.store("1.2.3", b"", 1) != 0
        running.wait_for_log("association.closed")
        assert running.terminate() == 0
    about = ("association", "operation", "handler", "connection")
    for line in running.log:
        assert line.isprintable() and not line.startswith("I: forged")
        if line[1:3] == ": ":
            name = line.split()[2]
            assert name in EVENTS
            assert "association=" in line or name.split(".")[0] not in about, line
    assert running.events("operation.failed")


@contextmanager
def ready_with_log(tmp_path: Path, file: Path, *options: object) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A server that logs to a file, by default as JSON, and its port."""
    given = ("--control", tmp_path / "control", "-od", tmp_path / "incoming", "--bind", "127.0.0.1:0")
    command = ulpool_command("serve", "--workers", 1, "--log-file", file, *given, *options)
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            while not file.exists() or "server.ready" not in file.read_text():
                assert process.poll() is None, process.communicate()
            (ready,) = (
                line for line in map(json.loads, file.read_text().splitlines()) if line["event"] == "server.ready"
            )
            yield process, int(ready["bind"].rpartition(":")[2])
        finally:
            process.kill()
        assert process.stderr is not None and process.stderr.read() == ""


def written(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_a_log_file_takes_the_place_of_standard_error(tmp_path: Path) -> None:
    file = tmp_path / "log"
    with ready_with_log(tmp_path, file) as (process, _):
        process.terminate()
        assert process.wait(peers.DEADLINE) == 0
    names = [line["event"] for line in written(file)]
    assert names[0] == "server.ready" and names[-1] == "server.stopped"


def test_usr1_reopens_the_log_file_in_every_process(tmp_path: Path) -> None:
    file, moved = tmp_path / "log", tmp_path / "log.1"
    with ready_with_log(tmp_path, file, "--log-level", "debug") as (process, port):
        file.rename(moved)
        process.send_signal(signal.SIGUSR1)
        while not file.exists():
            assert process.poll() is None
        told = control.request(tmp_path / "control", messages.STATUS(), peers.DEADLINE)  # behind it, to the worker too
        with RawPeer(port) as peer:
            peer.associate()
            peer.release()
        process.terminate()
        assert process.wait(peers.DEADLINE) == 0
    assert told["status"]["workers"]
    assert {"association.closed", "server.stopped"} <= {line["event"] for line in written(file)}
