"""Metrics and probes: what Prometheus reads, and what hostile bytes get."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import peers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from pool import messages
from pool.acceptor import web
from pool.acceptor.free_space import FreeSpace
from pool.acceptor.listeners import ListenError
from pool.acceptor.metrics import GAUGES, LIVE, METRICS, READY, MetricsServer, metric_name, series_names
from pool.config import Settings, Space
from pool.config.peers import KnownPeer
from pool.loop import Loop
from pool.stats import HISTOGRAMS, STATISTICS, Counters, Snapshot

ROOT = Path(__file__).parent.parent.parent


class ServerStandIn:
    """A server as the metrics see it, on a thread of its own."""

    def __init__(self, folder: Path) -> None:
        self.loop = Loop()
        self.started_at = self.loop.now
        self.state = messages.RUNNING
        self.settings = Settings(require_calling_aet=("CT1",), peer=(KnownPeer("MR1"),))
        self.reception = SimpleNamespace(free_space=FreeSpace(self.loop, folder, Space()))
        self.workforce: Any = SimpleNamespace(workers={1: SimpleNamespace(ready_at=1.0, state="ready", connections={})})
        self.counters = Counters()
        self.asked = 0
        self.answers_at_once = True
        self.unanswered: list[Callable[[Snapshot], object]] = []

    def ask_totals(self, then: Callable[[Snapshot], object]) -> None:
        self.asked += 1
        if self.answers_at_once:
            then(self.counters.snapshot())
        else:
            self.unanswered.append(then)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerStandIn]:
    yield ServerStandIn(tmp_path)


@contextmanager
def running(server: ServerStandIn) -> Iterator[tuple[str, int]]:
    metrics = MetricsServer(server, ("127.0.0.1", 0))
    thread = threading.Thread(target=server.loop.run)
    thread.start()
    try:
        yield metrics.address
    finally:
        server.loop.call_from_thread(server.loop.stop)
        thread.join()
        metrics.close()
        server.loop.close()


def ask(address: tuple[str, int], request: bytes) -> bytes:
    """Everything the server says to these bytes, until it closes."""
    with socket.create_connection(address, timeout=peers.DEADLINE) as sock:
        sock.sendall(request)
        sock.shutdown(socket.SHUT_WR)
        said = b""
        while data := sock.recv(65536):
            said += data
        return said


def get(address: tuple[str, int], path: str, method: str = "GET") -> tuple[int, dict[str, str], str]:
    head, _, body = ask(address, f"{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()).partition(b"\r\n\r\n")
    first, *fields = head.decode().split("\r\n")
    return int(first.split()[1]), dict(field.split(": ", 1) for field in fields), body.decode()


def samples(text: str) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    found: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    return found


def test_every_row_is_a_metric(server: ServerStandIn) -> None:
    server.counters.connections = 3
    server.counters.count("associations_rejected", "2", "3", "2")
    server.counters.count("responses", "C-STORE-RQ", "A700", "CT1")
    for seconds in (0.002, 0.002, 1000.0):
        server.counters.observe("operation_seconds", seconds, "C-STORE-RQ")
    with running(server) as address:
        status, head, text = get(address, METRICS)
    assert status == 200 and head["Content-Type"].startswith("text/plain; version=0.0.4")
    for row in (*STATISTICS, *HISTOGRAMS):
        assert f"# HELP ulpool_{row.name}" in text
    found = samples(text)
    assert found["ulpool_connections_total"] == {(): 3}
    rejected = (("reason", "2"), ("result", "2"), ("source", "3"))
    assert found["ulpool_associations_rejected_total"] == {rejected: 1}
    stored = (("calling", "CT1"), ("command", "C-STORE-RQ"), ("status", "A700"))
    assert found["ulpool_responses_total"] == {stored: 1}
    command = ("command", "C-STORE-RQ")
    buckets = found["ulpool_operation_seconds_bucket"]
    assert [buckets[command, ("le", bound)] for bound in ("0.001", "0.0025", "60.0", "+Inf")] == [0, 2, 2, 3]
    assert found["ulpool_operation_seconds_sum"][(command,)] == pytest.approx(1000.004)
    assert found["ulpool_workers"] == {(("state", "ready"),): 1}
    assert found["ulpool_store_free_bytes"][()] > 0 and found["ulpool_ready"] == {(): 1}
    assert set(found) <= series_names() | {f"{name}_created" for name in series_names()}


def test_titles_that_no_setting_names_share_one_series(server: ServerStandIn) -> None:
    titles = ("CT1", "MR1", "ZZCANARY", "ANOTHER")
    connections = {
        number: SimpleNamespace(admitted_at=1.0, calling_ae_title=title) for number, title in enumerate(titles)
    }
    connections[9] = SimpleNamespace(admitted_at=None, calling_ae_title="")
    server.workforce.workers[1].connections = connections
    with running(server) as address:
        text = get(address, METRICS)[2]
    active = samples(text)["ulpool_associations_active"]
    assert active == {(("calling", "CT1"),): 1, (("calling", "MR1"),): 1, (("calling", "other"),): 2}
    assert "ZZCANARY" not in text


@pytest.mark.parametrize(
    ("state", "says"),
    [(messages.STARTING, "starting"), (messages.DRAINING, "draining"), (messages.STOPPING, "stopping")],
)
def test_a_server_that_takes_nobody_is_live_and_not_ready(server: ServerStandIn, state: str, says: str) -> None:
    server.state = state
    with running(server) as address:
        assert get(address, LIVE)[0] == 200
        status, _, body = get(address, READY)
        assert (status, body) == (503, f"{says}\n")
        assert samples(get(address, METRICS)[2])["ulpool_ready"] == {(): 0}


def test_ready_needs_a_worker_and_space(server: ServerStandIn, tmp_path: Path) -> None:
    with running(server) as address:
        assert get(address, READY)[::2] == (200, "ready\n")
        server.workforce.workers[1].ready_at = None
        assert get(address, READY)[::2] == (503, "no worker is ready\n")
        server.workforce.workers[1].ready_at = 1.0
        server.reception.free_space.apply(tmp_path, Space(bytes=1 << 60))
        status, _, body = get(address, READY)
        assert status == 503 and "--min-free" in body


def test_scrapes_that_come_together_ask_the_workers_once(server: ServerStandIn) -> None:
    server.answers_at_once = False
    with running(server) as address:
        clients = [socket.create_connection(address, timeout=peers.DEADLINE) for _ in range(3)]
        for client in clients:
            client.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
        clients[0].shutdown(socket.SHUT_WR)  # which is no reason to have no answer
        assert get(address, LIVE)[0] == 200  # by now all of them were read

        def answer() -> None:
            for then in server.unanswered:
                then(Counters().snapshot())

        measure = server.reception.free_space.measure  # which a scrape waits for first
        server.loop.call_from_thread(measure, lambda: server.loop.call_soon(answer))
        for client in clients:
            assert client.recv(15) == b"HTTP/1.1 200 OK"
            client.close()
    assert server.asked == 1


def test_head_says_how_long_it_would_be(server: ServerStandIn) -> None:
    with running(server) as address:
        status, head, body = get(address, LIVE, "HEAD")
        assert (status, body) == (200, "")
        assert int(head["Content-Length"]) == len(get(address, LIVE)[2])


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /livez?x=1 HTTP/1.0\n\n", 200),
        (b"GET /nowhere HTTP/1.1\r\n\r\n", 404),
        (b"POST /metrics HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", 405),
        (b"GET http://other/livez HTTP/1.1\r\n\r\n", 400),
        (b"GET /livez\r\n\r\n", 400),
        (b"\x01\x00\x00\x00\x00\x44\r\n\r\n", 400),
        (b"\r\n\r\n", 400),
        (b"GET /livez HTTP/1.1\r\n" + b"x: y\r\n" * 2000, 431),
    ],
)
def test_what_is_understood(server: ServerStandIn, request_: bytes, status: int) -> None:
    with running(server) as address:
        assert ask(address, request_).startswith(b"HTTP/1.1 %d " % status)


@settings(max_examples=50)
@given(st.binary(max_size=200), st.booleans())
def test_no_bytes_harm_it(data: bytes, as_request: bool) -> None:
    server = ServerStandIn(Path("/"))
    with running(server) as address:
        said = ask(address, (b"GET " + data + b" HTTP/1.1\r\n\r\n") if as_request else data)
        assert said == b"" or re.match(rb"HTTP/1\.1 (200|400|404|405|431) ", said)
        assert get(address, LIVE)[0] == 200


def test_silent_clients_push_each_other_out(server: ServerStandIn) -> None:
    with running(server) as address:
        silent = [socket.create_connection(address, timeout=peers.DEADLINE) for _ in range(web.MOST_CONNECTIONS + 5)]
        assert get(address, LIVE)[0] == 200
        assert [sock.recv(1) for sock in silent[:5]] == [b""] * 5
        for sock in silent:
            sock.close()


def test_a_client_that_stays_silent_is_closed(server: ServerStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "TIMEOUT", 0.05)
    with running(server) as address, socket.create_connection(address, timeout=peers.DEADLINE) as sock:
        sock.sendall(b"GET /livez")
        assert sock.recv(1) == b""


def test_a_client_that_reads_nothing_holds_up_nobody(server: ServerStandIn) -> None:
    for number in range(4000):
        server.counters.count("responses", "C-STORE-RQ", f"{number:04X}", "other")
    with running(server) as address:
        with socket.socket() as slow:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
            slow.connect(address)
            slow.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
            assert get(address, LIVE)[0] == 200
        assert len(get(address, METRICS)[2]) > 4000


def test_a_client_that_does_not_stop_talking_is_closed(server: ServerStandIn) -> None:
    with running(server) as address, socket.create_connection(address, timeout=peers.DEADLINE) as sock:
        sock.sendall(b"GET /livez HTTP/1.1\r\n\r\n")
        assert sock.recv(100).startswith(b"HTTP/1.1 200")
        with pytest.raises(ConnectionError):
            while True:
                sock.sendall(bytes(web.MOST_FORGOTTEN))


def test_a_port_that_is_taken_is_said(server: ServerStandIn) -> None:
    says = r"Address already in use; choose another address with --metrics"
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(ListenError, match=says):
        MetricsServer(server, other.getsockname())
    server.loop.close()


def test_the_readme_shows_them() -> None:
    every = (*STATISTICS, *HISTOGRAMS, *GAUGES)
    rows = (f"| `{metric_name(row)}` | {', '.join(row.labels)} | {row.help} |" for row in every)
    table = "\n".join(["| metric | labels | what |", "|---|---|---|", *rows])
    assert table in (ROOT / "README.md").read_text(encoding="utf-8"), f"put this into README.md:\n{table}"
