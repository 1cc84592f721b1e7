"""What a server keeps when its processes die, stop or freeze, at its limits, and among silent peers.

Real processes, real sockets. Where a number was promised, the bound here is generous and the measured one recorded
(`--junit-xml`); `scripts/bench.py` is where numbers are held.
"""

from __future__ import annotations

import os
import random
import resource
import select
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from time import monotonic
from typing import Any

import peers
import processes
import pytest
from peers import DEADLINE
from raw_peer import (
    ABORT,
    RELEASE_REQUEST,
    RELEASE_RP,
    RJ,
    STORE_CONTEXT,
    RawPeer,
    associate_rq,
    data_set,
    p_data,
    pdu,
    store_rq,
)
from senders import Sender, data_set_of
from serving import RunningServer, server, ulpool

MIB = 1 << 20


def associations_by_worker(running: RunningServer) -> dict[int, list[str]]:
    """The peers' addresses by the process that serves them."""
    status = processes.status(running.control)
    pids = {worker["number"]: worker["pid"] for worker in status["workers"]}
    found: dict[int, list[str]] = {pid: [] for pid in pids.values()}
    for association in status["associations"]:
        found[pids[association["worker"]]].append(association["peer"])
    return found


def one_on_each_worker(running: RunningServer) -> dict[int, RawPeer]:
    """Two associations, by the process that serves them: the least active worker is next."""
    both = [RawPeer(running.port) for _ in range(2)]
    for peer in both:
        peer.associate()
    by_address = {peer.address: peer for peer in both}
    return {pid: by_address[address] for pid, (address,) in associations_by_worker(running).items()}


def echo_by_newcomer(running: RunningServer) -> float:
    """Associate, echo and release as a stranger; the seconds it took."""
    begun = monotonic()
    with RawPeer(running.port) as peer:
        peer.associate(calling="NEWCOMER")
        peer.echo()
        peer.release()
    return monotonic() - begun


# A worker dies


@pytest.mark.parametrize("durability", ["disk", "none"])
def test_a_worker_killed_under_load_takes_only_its_own_associations_along(
    tmp_path: Path, durability: str, record_testsuite_property: Callable[[str, object], None]
) -> None:
    seed = random.randrange(1 << 32)
    moment = random.Random(seed).randrange(20, 400)
    options = ("--workers", 2, "--durability", durability, "--layout", "flat", "--log-level", "debug")
    with server(tmp_path / "store", *options) as running:
        progress = threading.Semaphore(0)
        senders = [Sender(running, number, progress) for number in range(6)]
        victim, *_ = by_worker = associations_by_worker(running)
        assert [len(addresses) for addresses in by_worker.values()] == [3, 3]
        for sender in senders:
            sender.start()
        for _ in range(moment):
            progress.acquire()
        killed_at = monotonic()
        os.kill(victim, signal.SIGKILL)
        running.wait_for_log(" worker.ready ", 3)
        replaced_in = monotonic() - killed_at
        newcomers = [echo_by_newcomer(running) for _ in range(4)]
        lost = {sender for sender in senders if sender.peer.address in by_worker[victim]}
        survivors = set(senders) - lost
        for _ in range(50):  # they go on
            progress.acquire()
        for sender in survivors:
            sender.enough.set()
        for sender in senders:
            sender.join(DEADLINE)
        assert {sender for sender in senders if sender.cut_off} == lost, f"seed {seed}"
        assert [sender.fault for sender in survivors] == [None] * 3
        assert len(running.events("worker.exited")) == 1
        assert processes.status(running.control)["counters"]["worker_restarts"] == 1
        assert running.terminate() == 0
    acknowledged = {uid: sender for sender in senders for uid in sender.acknowledged}
    kept = {path.stem: data_set_of(path) for path in running.store.glob("*.dcm")}
    assert not acknowledged.keys() - kept.keys(), f"seed {seed}: acknowledged and not stored"
    for sender in senders:
        for uid in [*sender.acknowledged, f"{sender.prefix}.{len(sender.acknowledged)}"]:
            # The one that was under way is there whole, or not at all.
            assert kept.pop(uid, sender.instance(uid)) == sender.instance(uid), f"seed {seed}: {uid} is not whole"
    assert not kept
    assert replaced_in < 5.0 and max(newcomers) < 5.0
    record_testsuite_property("seconds to the replacement", replaced_in)


def test_a_frozen_worker_is_killed_and_replaced(tmp_path: Path) -> None:
    with server(tmp_path / "store", "--workers", 2, "--timeout", 1.5, "--log-level", "debug") as running:
        on = one_on_each_worker(running)
        frozen, healthy = on
        os.kill(frozen, signal.SIGSTOP)
        waiting = [RawPeer(running.port) for _ in range(4)]  # some of them are handed to the frozen one
        for peer in waiting:
            peer.send(associate_rq())
        echoes = 0
        while not running.events("worker.ready")[2:]:
            on[healthy].echo(echoes := echoes + 1)
        assert f"pid={frozen}" in running.wait_for_log(" worker.stuck ")
        for peer in waiting:
            assert peer.receive() is not None  # the answer: nobody of them was lost
            peer.echo()
            peer.release()
        assert on[frozen].receive() is None
        on[healthy].release()
        assert set(processes.worker_pids(running.control)) & {frozen, healthy} == {healthy}


def test_workers_finish_what_they_hold_when_the_acceptor_is_killed(tmp_path: Path) -> None:
    uid = "1.2.3.4.5"
    data = data_set(uid, bytes(50_000))
    with ExitStack() as stack:
        running = stack.enter_context(server(tmp_path / "store", "--workers", 2))
        on = one_on_each_worker(running)
        for pid in on:
            stack.callback(_kill, pid)
        silent = RawPeer(running.port)
        while sum(worker["connections"] for worker in processes.status(running.control)["workers"]) < 3:
            pass  # until it is handed over
        refused, sending = on.values()
        sending.send(store_rq(uid), p_data(STORE_CONTEXT, 0, data[:20_000]))
        running.process.kill()
        running.process.wait()
        with pytest.raises(ConnectionRefusedError):
            RawPeer(running.port)
        with socket.create_server(("127.0.0.1", running.port)):
            pass  # nothing keeps the port
        assert silent.receive() is None  # nobody is left who could admit it
        refused.release()
        sending.send(p_data(STORE_CONTEXT, 2, data[20_000:]))
        assert sending.response().Status == 0
        assert sending.store("1.2.3.4.6", data_set("1.2.3.4.6")) == 0
        sending.release()
        processes.wait_for_ends(on)
        assert data_set_of(next(running.store.rglob(f"{uid}.dcm"))) == data


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


# The server stops


def test_a_server_that_stops_lets_transfers_finish_and_ends_who_is_idle(tmp_path: Path) -> None:
    uid = "1.2.3.4.5"
    data = data_set(uid, bytes(100_000))
    with server(tmp_path / "store", "--workers", 2, "--graceful-timeout", 60, "--drain-idle", 1) as running:
        sending, idle, silent, pending = (RawPeer(running.port) for _ in range(4))
        for peer in (sending, idle, silent):
            peer.associate()
        sending.send(store_rq(uid), p_data(STORE_CONTEXT, 0, data[:50_000]))
        assert len(processes.status(running.control)["associations"]) == 3
        running.process.send_signal(signal.SIGTERM)
        running.wait_for_log(" server.stopping ")
        with pytest.raises(ConnectionRefusedError):
            RawPeer(running.port)
        assert pending.receive() is None  # it had not begun
        sending.send(p_data(STORE_CONTEXT, 2, data[50_000:]))
        assert sending.response().Status == 0
        begun = monotonic()
        stored = 0
        while not select.select([idle.socket], [], [], 0.25)[0]:  # the association may go on while it does something
            stored += 1
            assert sending.store(f"1.2.3.5.{stored}", data_set(f"1.2.3.5.{stored}")) == 0
        assert idle.expect(ABORT).verdict == (0, 0, 0)
        idle.close()
        assert monotonic() - begun < 20
        sending.release()
        assert silent.expect(ABORT).verdict == (0, 0, 0)
        silent.close()
        assert running.process.wait(DEADLINE) == 0
        assert len(running.files()) == stored + 1


def test_who_does_not_close_after_the_abort_holds_no_stop_up(tmp_path: Path) -> None:
    long = ("--graceful-timeout", 3600, "--acse-timeout", 3600)
    with (
        server(tmp_path / "store", "--workers", 1, *long, "--drain-idle", 0.3) as running,
        RawPeer(running.port) as aborted,
        RawPeer(running.port) as idle,
    ):
        for peer in (aborted, idle):
            peer.associate()
        aborted.send(pdu(0x2A, b""))
        aborted.expect(ABORT)
        assert running.terminate() == 0
        idle.expect(ABORT)


@pytest.mark.parametrize("how", ["bound", "second TERM", "INT", "QUIT", "stop --now"])
def test_a_stop_can_be_bounded_and_hurried(tmp_path: Path, how: str) -> None:
    with server(tmp_path / "store", "--graceful-timeout", 0.5 if how == "bound" else 3600) as running:
        peer = RawPeer(running.port)
        peer.associate()
        peer.send(store_rq("1.2.3"), p_data(STORE_CONTEXT, 0, data_set("1.2.3", bytes(1000))))
        while not processes.status(running.control)["counters"]["c_store_requests"]:
            pass
        begun = monotonic()
        if how in ("bound", "second TERM"):
            running.process.send_signal(signal.SIGTERM)
            running.wait_for_log(" server.stopping ")
        if how == "stop --now":
            assert ulpool("stop", "--now", "--control", running.control).returncode == 0
        elif how != "bound":
            running.process.send_signal(getattr(signal, f"SIG{how.split()[-1]}"))
        assert peer.expect(ABORT).verdict == (0, 0, 0)
        peer.close()
        assert running.process.wait(DEADLINE) == 0
        assert monotonic() - begun < 10
        assert "now=true" in running.wait_for_log(" server.stopping ", 2 if how in ("bound", "second TERM") else 1)
        assert running.files() == []
        assert "the server stops" in running.wait_for_log(" association.closed ")


def test_newcomers_that_race_with_the_stop_hold_nothing_up_and_the_log_says_why(tmp_path: Path) -> None:
    with server(tmp_path / "store", "--workers", 1, "--graceful-timeout", 3600) as running:
        (worker,) = processes.worker_pids(running.control)
        os.kill(worker, signal.SIGSTOP)
        asking, *silent = (RawPeer(running.port) for _ in range(20))
        asking.send(associate_rq())
        while processes.status(running.control)["counters"]["connections"] < 20:
            pass  # until all are handed over
        running.process.send_signal(signal.SIGTERM)
        running.wait_for_log(" server.stopping ")
        os.kill(worker, signal.SIGCONT)
        assert asking.expect(RJ).verdict == (2, 3, 1)
        asking.close()
        for peer in silent:
            assert peer.receive() is None
            assert 'end="the server stops"' in running.wait_for_log(f"peer={peer.address} ")
        assert running.process.wait(DEADLINE) == 0


def test_a_peer_that_does_not_close_holds_nothing_up(tmp_path: Path) -> None:
    """A-ABORT has been sent, and ARTIM is long: the server goes by itself."""
    with server(tmp_path / "store", "--graceful-timeout", 0) as running, RawPeer(running.port) as peer:
        peer.associate()
        begun = monotonic()
        assert running.terminate() == 0
        assert monotonic() - begun < 10
        assert 'end="the server stops"' in running.wait_for_log(f"peer={peer.address} ")
        peer.expect(ABORT)
        assert peer.receive() is None


# Silent peers, and limits


@pytest.fixture
def many_descriptors() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < 4096:
        if hard < 4096:
            pytest.skip(f"the hard limit of descriptors is {hard}")
        resource.setrlimit(resource.RLIMIT_NOFILE, (4096, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize(
    ("options", "bound"),
    [
        pytest.param((), 200, id="default"),
        pytest.param(("--max-pending", 5, "--max-pending-per-address", 5), 5, id="max-pending 5"),
        pytest.param(("--max-pending", 100, "--max-pending-per-address", 100), 100, id="max-pending 100"),
    ],
)
def test_silent_peers_delay_nobody_and_the_oldest_go(
    tmp_path: Path,
    many_descriptors: None,
    options: tuple[Any, ...],
    bound: int,
    record_testsuite_property: Callable[[str, object], None],
) -> None:
    with server(tmp_path / "store", "--workers", 2, *options) as running, ExitStack() as stack:
        established = stack.enter_context(RawPeer(running.port))
        established.associate()
        silent = []
        for number in range(500):
            silent.append(stack.enter_context(RawPeer(running.port)))
            if number % 2:
                silent[-1].send(associate_rq()[:100])
        begun = monotonic()
        echoscu = peers.run(peers.dcmtk("echoscu"), "127.0.0.1", str(running.port))
        took = monotonic() - begun
        assert echoscu.returncode == 0, echoscu.stderr
        newcomer = echo_by_newcomer(running)
        begun = monotonic()
        assert ulpool("echo", f"ULPOOL@127.0.0.1:{running.port}").returncode == 0
        verb = monotonic() - begun
        record_testsuite_property("seconds of echoscu, a plain socket and ulpool echo", (took, newcomer, verb))
        assert max(took, newcomer) < 1.0
        assert verb < 5.0  # most of it is the start of a Python
        # The first newcomer took the place of one more, and left it to the others.
        gone = 500 - bound + 1
        for peer in silent[:gone]:
            assert peer.receive() is None
        assert not select.select([peer.socket for peer in silent[gone:]], [], [], 0)[0]
        counters = processes.status(running.control)["counters"]
        assert (counters["connections_pending"], counters["connections_expired"]) == (bound - 1, gone)
        silent[-1].send(associate_rq()[100:])  # who was slow and not pushed out is served
        assert silent[-1].receive() is not None
        silent[-1].echo()
        established.echo()
        assert "no A-ASSOCIATE-RQ before its place was needed" in running.wait_for_log(f"peer={silent[0].address} ")


def test_the_limit_on_associations_is_exact(tmp_path: Path) -> None:
    limit = 5
    with server(tmp_path / "store", "--workers", 2, "--max-associations", limit) as running:
        admitted = [RawPeer(running.port) for _ in range(limit)]
        for peer in admitted:
            peer.associate()
        assert sorted(map(len, associations_by_worker(running).values())) == [2, 3]
        with RawPeer(running.port) as refused:
            answer = refused.request()
            assert answer is not None and answer.kind == RJ
            assert answer.verdict == (2, 3, 2)  # transient, presentation related, local limit exceeded
        assert "rejected (2,3,2)" in running.wait_for_log(f"peer={refused.address} ")
        admitted[0].release()
        while processes.status(running.control)["counters"]["associations_active"] == limit:
            pass  # until the acceptor knows, too
        with RawPeer(running.port) as peer:
            peer.associate()
        for peer in admitted[1:]:
            peer.release()


def test_under_load_there_are_never_more_associations_than_allowed(tmp_path: Path) -> None:
    limit, rounds = 3, 60
    lock = threading.Lock()
    now, most, outcomes, faults = 0, 0, {RJ: 0, RELEASE_RP: 0}, []

    def come_and_go(port: int) -> None:
        nonlocal now, most
        try:
            for _ in range(rounds):
                with RawPeer(port) as peer:
                    answer = peer.request()
                    assert answer is not None
                    if answer.kind == RJ:
                        assert answer.verdict == (2, 3, 2)
                        outcomes[RJ] += 1
                        continue
                    with lock:
                        now += 1
                        most = max(most, now)
                    peer.echo()
                    with lock:
                        now -= 1
                    peer.release()
                    outcomes[RELEASE_RP] += 1
        except BaseException as error:
            faults.append(error)

    with server(tmp_path / "store", "--workers", 2, "--max-associations", limit) as running:
        threads = [threading.Thread(target=come_and_go, args=(running.port,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(DEADLINE)
        assert not faults
        assert most == limit  # what peers saw is never more than what the server had
        assert min(outcomes.values()) > 0 and sum(outcomes.values()) == 8 * rounds
        counters = processes.status(running.control)["counters"]
        assert counters["associations_rejected"] == outcomes[RJ]
        assert counters["associations_released"] == counters["associations_accepted"] == outcomes[RELEASE_RP]


def test_a_thousand_idle_associations_cost_little(
    tmp_path: Path, many_descriptors: None, record_testsuite_property: Callable[[str, object], None]
) -> None:
    count = 1000
    with server(tmp_path / "store", "--workers", 2, "--max-pending-per-address", 1000) as running, ExitStack() as stack:
        pids = [running.process.pid, *processes.worker_pids(running.control)]
        echo_by_newcomer(running)
        before = sum(map(processes.memory, pids))
        idle = [stack.enter_context(RawPeer(running.port)) for _ in range(count)]
        for peer in idle:
            peer.associate()
            peer.echo()
        each = (sum(map(processes.memory, pids)) - before) / count
        cpu = sum(map(processes.cpu_time, pids))
        heard = select.poll()
        for peer in idle:
            heard.register(peer.socket, select.POLLIN)
        assert heard.poll(1000) == []  # this wait is the measurement
        used = sum(map(processes.cpu_time, pids)) - cpu
        record_testsuite_property("bytes of each, seconds of CPU in 1 s", (each, used))
        assert each <= 24 * 1024
        assert used < 0.02
        idle[0].echo()
        idle[-1].echo()


# Timeouts


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    timeouts = ("--acse-timeout", 0.4, "--dimse-timeout", 0.5, "--network-timeout", 0.6)
    with server(tmp_path_factory.mktemp("impatient") / "store", "--workers", 1, *timeouts) as running:
        yield running


@pytest.mark.parametrize(("said", "what"), [(b"", "no"), (associate_rq()[:80], "half an")])
def test_who_does_not_ask_for_an_association_is_closed(impatient: RunningServer, said: bytes, what: str) -> None:
    expired = processes.status(impatient.control)["counters"]["connections_expired"]
    with RawPeer(impatient.port) as peer:
        peer.send(said)
        assert peer.receive() is None  # AA-2: closed, there is nobody to say anything to
    line = impatient.wait_for_log(f"peer={peer.address} ")
    assert " connection.closed " in line and f'end="ACSE timeout: {what} A-ASSOCIATE-RQ for 0.4 s"' in line
    assert processes.status(impatient.control)["counters"]["connections_expired"] == expired + 1


@pytest.mark.parametrize(
    ("said", "why"),
    [
        pytest.param(b"", "network idle timeout: nothing for 0.6 s", id="idle"),
        pytest.param(store_rq("1.2.3"), "DIMSE timeout: nothing for 0.5 s", id="no data set"),
        pytest.param(
            store_rq("1.2.3") + p_data(STORE_CONTEXT, 0, bytes(99)), "DIMSE timeout: nothing for 0.5 s", id="half"
        ),
        pytest.param(p_data(1, 1, bytes(9)), "DIMSE timeout: nothing for 0.5 s", id="half a command"),
        pytest.param(store_rq("1.2.3")[:50], "DIMSE timeout: nothing for 0.5 s", id="half a PDU"),
        pytest.param(store_rq("1.2.3")[:5], "network idle timeout: nothing for 0.6 s", id="half a header"),
    ],
)
def test_silence_is_aborted_and_the_log_says_whose_time_it_was(impatient: RunningServer, said: bytes, why: str) -> None:
    with RawPeer(impatient.port) as peer:
        peer.associate()
        peer.send(said)
        assert peer.expect(ABORT).verdict == (0, 0, 0)
        assert peer.receive() is None  # ARTIM: it did not close
    line = impatient.wait_for_log(f"peer={peer.address} ")
    assert " association.closed " in line and f'end="{why}"' in line
    assert [other for other in impatient.log if f"peer={peer.address} " in other] == [line]


@pytest.mark.parametrize("end", ["release", "reject"])
def test_after_the_last_word_the_peer_has_as_long_as_artim_to_close(impatient: RunningServer, end: str) -> None:
    with RawPeer(impatient.port) as peer:
        if end == "reject":
            request = bytearray(associate_rq())
            request[80] = ord("9")  # in the application context name
            peer.send(bytes(request))
            peer.expect(RJ)
        else:
            peer.associate()
            peer.send(RELEASE_REQUEST)
            peer.expect(RELEASE_RP)
        assert peer.receive() is None
    assert f"end={end}" in impatient.wait_for_log(f"peer={peer.address} ").replace('"', "")


# What must not be told

CANARY = "ZZCANARY"


def test_no_patient_data_in_logs_or_names(tmp_path: Path) -> None:
    texts = {"g0008e0050": CANARY, "g0010e0010": f"{CANARY}^{CANARY}", "g0010e0020": CANARY, "g0010e4000": CANARY}
    with server(tmp_path / "store", "--log-level", "debug", "--on-duplicate", "reject") as running:
        with RawPeer(running.port) as peer:
            peer.associate()
            statuses = []
            for announced, uid, more in (
                ("1.2.3", "1.2.3", b""),
                ("1.2.3", "1.2.3", b""),  # identical
                ("1.2.3", "1.2.3", b"other"),  # conflicting: refused
                ("1.2.4", "1.2.5", b""),  # another UID than the data set's
                (CANARY, CANARY, b""),  # no UID
                ("1.2.6", f"../{CANARY}", b""),
                ("", "1.2.7", b""),
            ):
                statuses.append(peer.store(announced, data_set(uid, more, **texts)))
            assert statuses[:2] == [0, 0] and all(statuses[2:])
            assert peer.store("1.2.8", CANARY.encode() * 100) != 0  # no data set at all
            peer.send(store_rq("1.2.9"), p_data(STORE_CONTEXT, 0, data_set("1.2.9", **texts)), CANARY.encode() * 20)
            assert peer.expect(ABORT).verdict == (0, 2, 1)
        with RawPeer(running.port) as peer:
            peer.associate()
            peer.send(store_rq("1.2.10"), p_data(STORE_CONTEXT, 0, data_set("1.2.10", **texts)))
        running.wait_for_log(f"peer={peer.address} ")
        with RawPeer(running.port) as peer:
            peer.associate()
            peer.send(p_data(1, 3, CANARY.encode() * 10))
            peer.expect(ABORT)
        running.wait_for_log(f"peer={peer.address} ")
        assert running.terminate() == 0
    assert len(running.events("operation.failed")) == 6
    assert not [line for line in running.log if CANARY in line]
    names = [str(path) for path in running.store.rglob("*")]
    assert len(running.files()) == 1 and not [name for name in names if CANARY in name]
