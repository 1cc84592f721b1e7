"""Behind a balancer: PROXY headers as they come and as they must not, and a real HAProxy in front of two servers."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from certificates import Authority
from peers import DEADLINE, dcmtk, free_port, run, wait_for_listener
from raw_peer import AC, RawPeer, associate_rq, echo_rq
from requestor import Requestor
from samples import samples
from serving import RunningServer, server, ulpool

from ul.sop_class import Verification
from ul.wire.pdu import decode

CONFIGURATION = Path(__file__).parents[2] / "scripts/deploy/haproxy.cfg"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
LOCAL = SIGNATURE + b"\x20\0\0\0"
CLIENT = SIGNATURE + b"\x21\x11\0\x0c" + bytes([192, 0, 2, 7, 10, 0, 0, 1]) + struct.pack(">HH", 4711, 104)


@contextmanager
def introducing(version: str, tmp_path: Path, *options: object) -> Iterator[RunningServer]:
    with server(
        tmp_path / "store", "--proxy-protocol", version, "--workers", 1, "--log-level", "debug", *options
    ) as running:
        yield running


class Relayed(RawPeer):
    """A peer that a balancer speaks for."""

    def __init__(self, running: RunningServer, header: bytes = b"") -> None:
        super().__init__(running.port)
        self.socket.sendall(header)


def test_the_client_that_a_header_names(tmp_path: Path) -> None:
    with introducing("auto", tmp_path) as running:
        for header, source in (
            (CLIENT, "192.0.2.7:4711"),
            (b"PROXY TCP4 198.51.100.9 10.0.0.1 5 104\r\n", "198.51.100.9:5"),
            (b"PROXY TCP6 2001:db8::7 ::1 6 104\r\n", "2001:db8::7:6"),
        ):
            with Relayed(running, header) as peer:
                peer.associate()
                (association,) = running.status()["associations"]
                assert source.split(":")[0] in association["peer"]
                peer.echo()
                peer.release()
            assert running.wait_for_log(f"peer={source}")


def test_header_and_request_in_one_segment_and_byte_by_byte(tmp_path: Path) -> None:
    with introducing("v2", tmp_path) as running:
        with Relayed(running, CLIENT + associate_rq()) as peer:
            assert peer.expect(AC)
            peer.release()
        with Relayed(running) as peer:
            peer.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in CLIENT:
                peer.send(bytes([byte]))
            peer.associate()
            peer.release()
        running.wait_for_log("peer=192.0.2.7:4711", 2)


@pytest.mark.parametrize(
    ("version", "header", "words"),
    [
        ("v2", associate_rq(), "no PROXY header"),
        ("v2", b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\n", "a PROXY header of version 1, which is not wanted here"),
        ("v1", CLIENT, "a PROXY header of version 2, which is not wanted here"),
        ("v1", b"PROXY TCP4 1.2.3.4 1.2.3.400 1 2\r\n", "not an address of TCP4"),
        ("auto", CLIENT[:-1], "the connection ended amid its PROXY header"),
    ],
)
def test_a_connection_without_the_header_is_closed(version: str, header: bytes, words: str, tmp_path: Path) -> None:
    with introducing(version, tmp_path) as running, Relayed(running, header) as peer:
        peer.socket.shutdown(socket.SHUT_WR)
        assert peer.receive() is None
        line = running.wait_for_log("connection.closed")
        assert line.startswith("W:") and words in line
        assert running.status()["counters"]["labelled"]["protocol_errors"] == {"proxy-header": 1}


def test_half_a_header_times_out_and_holds_up_nobody(tmp_path: Path) -> None:
    with introducing("v2", tmp_path, "--acse-timeout", 1) as running, Relayed(running, CLIENT[:20]) as half:
        with Relayed(running, CLIENT) as peer:
            peer.associate()
            peer.release()
        assert half.receive() is None
        assert "ACSE timeout: half a PROXY header for 1 s" in running.wait_for_log("connection.closed")


def test_nobody_else_is_believed(tmp_path: Path) -> None:
    with introducing("v2", tmp_path, "--proxy-allow-from", "192.0.2.0/24") as running, Relayed(running) as peer:
        assert peer.receive() is None
        line = running.wait_for_log("connection.closed")
        assert line.startswith("W:") and "not one of the balancers of --proxy-allow-from" in line


def test_pending_connections_of_a_balancer_have_no_limit_per_address(tmp_path: Path) -> None:
    with introducing("v2", tmp_path, "--max-pending-per-address", 1) as running:
        with Relayed(running), Relayed(running), Relayed(running, CLIENT) as peer:
            peer.associate()
            peer.release()
        assert running.status()["counters"]["connections_expired"] == 0


def test_associations_are_limited_by_the_address_of_the_client(tmp_path: Path) -> None:
    with introducing("v2", tmp_path, "--max-associations-per-address", 1) as running:
        other = CLIENT.replace(bytes([192, 0, 2, 7]), bytes([192, 0, 2, 8]))
        with Relayed(running, CLIENT) as first, Relayed(running, CLIENT) as second, Relayed(running, other) as third:
            first.associate()
            answer = second.request()
            assert answer is not None and answer.kind != AC
            third.associate()


def test_tls_behind_the_header(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with introducing("v2", tmp_path, *authority.serve) as running:
        sock = socket.create_connection(("127.0.0.1", running.port), DEADLINE)
        sock.sendall(CLIENT)
        with authority.client().wrap_socket(sock, server_hostname="localhost") as tls:
            tls.sendall(associate_rq())
            assert tls.recv(1 << 16)[:1] == b"\x02"
        assert "192.0.2.7:4711" in running.wait_for_log("association.closed")


def test_what_a_balancer_asks_for_itself_is_a_health_check(tmp_path: Path) -> None:
    with introducing("auto", tmp_path) as running:
        for header in (LOCAL, b"PROXY UNKNOWN\r\n"):
            with Relayed(running, header) as peer:
                peer.associate()
                peer.release()
        with Relayed(running, LOCAL) as peer:
            peer.associate()
            peer.echo()
            peer.release()
        line = running.wait_for_log("association.closed", 3)
        assert line.startswith("D:")
        counters = running.status()["counters"]
        assert (counters["health_checks"], counters["associations_accepted"]) == (3, 0)
        assert counters["c_echo_requests"] == counters["associations_released"] == 0
        with Relayed(running, LOCAL) as peer:
            peer.associate()
            peer.send(echo_rq())
            peer.reset()
        assert running.wait_for_log("association.closed", 4).startswith("I:")
        counters = running.status()["counters"]
        assert (counters["health_checks"], counters["associations_accepted"]) == (3, 1)
        assert running.status()["counters"]["associations_active"] == 0


def test_a_health_check_wears_no_worker_out(tmp_path: Path) -> None:
    with introducing("v2", tmp_path, "--max-requests", 3) as running:
        (pid,) = running.worker_pids()
        for _ in range(6):
            with Relayed(running, LOCAL) as peer:
                peer.associate()
                peer.release()
        running.wait_for_log("association.closed", 6)
        (worker,) = running.status()["workers"]
        assert (worker["pid"], worker["served"]) == (pid, 0)
        for _ in range(3):
            with Relayed(running, CLIENT) as peer:
                peer.associate()
                peer.release()
        running.wait_for_log("worker.recycled")


# -- HAProxy


def test_its_health_check_is_a_request_for_verification() -> None:
    sent = bytes.fromhex("".join(re.findall(r"send-binary (\w+)", CONFIGURATION.read_text())))
    length = struct.unpack_from(">L", sent, 2)[0]
    request: Any = decode(1, sent[6 : 6 + length])
    assert (request.called_ae_title, request.calling_ae_title) == ("ULPOOL", "HAPROXY")
    assert [context.abstract_syntax for context in request.presentation_context_definition_list] == [Verification]
    assert sent[6 + length :] == bytes.fromhex("05000000000400000000")


class Balancer:
    """A running HAProxy: where it listens, and what it says of its servers."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.port = port
        self._process = process
        wait_for_listener(port, process)

    def wait_until(self, words: str) -> None:
        """Until it has said this."""
        assert self._process.stderr is not None
        said = []
        for line in self._process.stderr:
            said.append(line)
            if words in line:
                return
        raise AssertionError(f"never said: {words!r}, but:\n{''.join(said)}")


@contextmanager
def haproxy(folder: Path, *ports: int, checks: str = "") -> Iterator[Balancer]:
    """HAProxy with the configuration that we hand out; `checks` is what its comments say of servers with TLS."""
    program = shutil.which("haproxy", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("haproxy is not installed")
    text = CONFIGURATION.read_text()
    assert checks in text
    (folder / "haproxy.cfg").write_text(text.replace(" check-send-proxy ", f" check-send-proxy {checks} "))
    port = free_port()
    addresses = {f"DICOM_SERVER_{n}": f"127.0.0.1:{served}" for n, served in enumerate(ports, 1)}
    process = subprocess.Popen(
        [program, "-f", str(folder / "haproxy.cfg")],
        env={**os.environ, "DICOM_BIND": f"127.0.0.1:{port}", **addresses},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    killer = threading.Timer(DEADLINE, process.kill)  # then whoever reads what it says is told of its end
    killer.start()
    try:
        yield Balancer(process, port)
    finally:
        killer.cancel()
        process.kill()
        process.communicate()


def test_haproxy_in_front_of_two_servers(tmp_path: Path) -> None:
    with (
        introducing("v2", tmp_path / "a") as first,
        introducing("v2", tmp_path / "b") as second,
        haproxy(tmp_path, first.port, second.port) as balancer,
    ):
        port = balancer.port
        for running in (first, second):
            running.wait_for_log("calling=HAPROXY")
        for number in range(4):
            sock = socket.socket()
            sock.bind((f"127.0.0.{10 + number}", 0))
            sock.connect(("127.0.0.1", port))
            with sock:
                sock.settimeout(DEADLINE)
                sock.sendall(associate_rq())
                assert sock.recv(1 << 16)[:1] == b"\x02"
                sock.sendall(bytes.fromhex("05000000000400000000"))
                assert sock.recv(10)[:1] == b"\x06"
        assert run(dcmtk("storescu"), "127.0.0.1", str(port), samples()[0].path).returncode == 0
        lines = [line for running in (first, second) for line in running.log if "association.closed" in line]
        clients = {match[1] for line in lines if (match := re.search(r"peer=(127\.0\.0\.1\d):", line))}
        assert clients == {f"127.0.0.{10 + number}" for number in range(4)}
        assert len(first.files() + second.files()) == 1
        counters = [running.status()["counters"] for running in (first, second)]
        assert sum(each["associations_accepted"] for each in counters) == 5
        assert all(each["health_checks"] >= 1 for each in counters)

        assert first.terminate() == 0  # what comes now goes to the other one
        for _ in range(3):
            assert ulpool("echo", f"ANY@127.0.0.1:{port}").returncode == 0
        with Requestor(port) as association:
            assert association.echo() == 0


def test_haproxy_leaves_an_association_to_a_server_that_drains(tmp_path: Path) -> None:
    with (
        introducing("v2", tmp_path / "store", "--drain-idle", DEADLINE) as running,
        haproxy(tmp_path, running.port, free_port()) as balancer,
    ):
        running.wait_for_log("calling=HAPROXY")
        with Requestor(balancer.port) as association:
            assert association.echo() == 0
            running.process.send_signal(signal.SIGTERM)
            balancer.wait_until("archive/ulpool1 is DOWN")
            assert association.echo() == 0
            association.release()
        assert running.process.wait(DEADLINE) == 0
        assert "end=released" in running.events("association.closed")[-1]


def test_haproxy_checks_a_server_with_tls(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with (
        introducing("v2", tmp_path / "store", *authority.serve) as running,
        haproxy(tmp_path, running.port, free_port(), checks="check-ssl verify none") as balancer,
    ):
        checked = running.wait_for_log("calling=HAPROXY")
        assert checked.startswith("D:") and "tls=TLSv1.3" in checked and "end=released" in checked
        assert run(dcmtk("echoscu"), *authority.dcmtk, "127.0.0.1", str(balancer.port)).returncode == 0
        counters = running.status()["counters"]
        assert counters["health_checks"] >= 1 and counters["associations_accepted"] == 1
