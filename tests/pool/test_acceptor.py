"""The acceptor with real workers: hand-over, limits, full tables, deaths, and the server as a process.

The server runs in the test's own process and its loop is turned by the test; its workers are real ones that speak
lines (see `fakes`), so that what is tested is who gets a connection and what becomes of it.
"""

from __future__ import annotations

import errno
import os
import resource
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from house import built_house as built_house
from raw_peer import RawPeer

from pool import control, logs, messages
from pool.acceptor import descriptors, listeners, workforce
from pool.acceptor.listeners import ListenError, open_listeners
from pool.acceptor.server import Server
from pool.config import Bind, Settings
from pool.exit_status import ExitStatus
from pool.handoff import Admit, Closed
from pool.storage import folders

PATIENCE = 20.0


# Who gets a connection


def test_the_least_active_worker_is_next_and_ties_take_turns(house):
    built = house()
    built.start()
    pids = [built.connect().ask("PID") for _ in range(6)]
    assert sorted(pids.count(pid) for pid in set(pids)) == [3, 3]
    of_the_first = [client for client, pid in zip(built.clients, pids, strict=True) if pid == pids[0]]
    for client in of_the_first[:2]:
        client.sock.close()
    built.until(lambda: len(built.reception.connections) == 4)
    assert [built.connect().ask("PID") for _ in range(2)] == [pids[0], pids[0]]


def test_connections_made_before_a_worker_is_ready_are_served(house):
    built = house()
    client = built.connect()
    built.start()
    assert client.ask("RQ") == "AC"


def test_a_worker_that_dies_before_it_acknowledges_is_not_noticed_by_the_client(house):
    built = house()
    first, second = built.start()
    os.kill(first.process.pid, signal.SIGSTOP)
    clients = [built.connect() for _ in range(4)]
    built.until(lambda: len(built.reception.connections) == 4 and not built.waits_for_ack(second))
    assert len(built.waits_for_ack(first)) == 2
    for client in clients:
        client.sock.send(b"RQ\n")
    first.kill()
    built.until(lambda: all(client.listen() == "AC\n" for client in clients))
    assert built.reception.counters.handoff_retries == 2
    assert {connection.worker for connection in built.reception.connections.values()} == {second}


def test_what_a_dead_worker_had_acknowledged_is_not_handed_to_another_one(house):
    """Its acknowledgement is still unread when its death is known."""
    built = house(workers=1)
    (worker,) = built.start()
    channel = worker.channel
    built.loop.unregister(channel._socket.fileno())
    client = built.connect()
    client.ask("PID")  # it reads: the acknowledgement has left
    assert built.waits_for_ack(worker)
    channel._watched = 0
    worker.kill()
    built.until(client.gone)
    built.until(lambda: built.workforce.complete)
    assert not built.reception.connections
    assert not built.reception.counters.handoff_retries


def test_a_record_about_an_unknown_connection_does_not_lose_the_others(house):
    built = house(workers=1)
    (worker,) = built.start()
    client = built.connect()
    client.ask("PID")
    (token,) = worker.connections
    built.reception.worker_sent(worker, [Closed(token + 1), Admit(token, 4242, "CALLING", "CALLED", "192.0.2.1")])
    assert built.reception.admission.associations == 1


def test_with_all_workers_dead_connections_wait_for_the_next_ones(house):
    built = house()
    for worker in built.start():
        os.kill(worker.process.pid, signal.SIGSTOP)
    client = built.connect()
    built.until(lambda: built.reception.connections)
    for worker in list(built.workforce.workers.values()):
        worker.kill()
    built.until(lambda: built.reception.listeners.parked)
    latecomer = built.connect()
    assert client.ask("RQ") == latecomer.ask("RQ") == "AC"
    assert not built.reception.listeners.parked


def test_a_worker_whose_descriptor_table_is_full_gets_no_more(house, monkeypatch, tmp_path):
    monkeypatch.setenv("MISCHIEF", f"fill its table:{tmp_path / 'claim'}")
    built = house()
    workers = built.start()
    clients = [built.connect() for _ in range(12)]
    for client in clients:
        assert client.ask("RQ") == "AC"
    (full,) = [worker for worker in workers if worker.table_full]
    assert full.state == "full"
    assert 1 <= len(full.connections) <= 3
    assert built.reception.counters.handoff_retries >= 1
    port = next(iter(full.connections.values())).port
    next(client for client in clients if client.sock.getsockname()[1] == port).sock.close()
    built.until(lambda: not full.table_full)  # it has room again


def test_workers_that_were_full_are_tried_again_with_the_beat(house):
    built = house()
    for worker in built.start():
        worker.table_full = True  # and nothing of theirs is ever closed
    client = built.connect()
    built.until(lambda: built.reception.listeners.parked)
    built.server.workers_beat()
    assert client.ask("RQ") == "AC"
    assert not built.reception.listeners.parked


def test_a_full_descriptor_table_of_the_acceptor_parks_the_listeners_until_something_closes(house):
    built = house(workers=1)
    (worker,) = built.start()
    sockets = [socket.socket() for _ in range(8)]  # the clients live in this process, too
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = [os.dup(0) for _ in range(3)]
    os.kill(worker.process.pid, signal.SIGSTOP)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (free[-1] + 1, hard))
        for fd in free:
            os.close(fd)
        clients = [built.connect(sock) for sock in sockets]
        built.until(lambda: built.reception.listeners.parked)
        accepted = len(built.reception.connections)
        assert accepted == 3
        os.kill(worker.process.pid, signal.SIGCONT)
        built.until(lambda: len(built.reception.connections) == 8)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    for client in clients:
        assert client.ask("RQ") == "AC"
    assert not built.reception.listeners.parked


def test_a_client_that_left_before_it_was_accepted_leaves_nothing_behind(house):
    built = house()
    client = built.connect()
    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.sock.close()
    built.start()
    built.until(lambda: built.reception.counters.connections == 1 and not built.reception.connections)


# Who may stay


def test_the_limit_on_associations_is_exact_over_all_workers(house):
    built = house(max_associations=3)
    built.start()
    clients = [built.connect() for _ in range(5)]
    answers = [client.ask("RQ") for client in clients]
    assert answers == ["AC"] * 3 + ["RJ 2 3 2"] * 2
    clients[0].sock.close()
    built.until(lambda: built.reception.admission.associations == 2)
    assert [built.connect().ask("RQ") for _ in range(2)] == ["AC", "RJ 2 3 2"]


def test_silent_peers_push_each_other_out_and_nobody_else(house):
    built = house(max_pending=3, max_pending_per_address=3)
    built.start()
    established = built.connect()
    assert established.ask("RQ") == "AC"
    silent = []
    for n in range(5):
        silent.append(built.connect())
        built.until(lambda n=n: built.reception.counters.connections == n + 2)
    built.until(lambda: silent[0].gone() and silent[1].gone())
    assert not any(client.gone() for client in silent[2:])
    assert silent[2].ask("RQ") == "AC"
    assert established.ask("PID")
    assert built.reception.counters.connections_expired == 2


def test_who_is_pushed_out_before_its_worker_began_with_it_goes_too(house):
    built = house(workers=1, max_pending=3, max_pending_per_address=3)
    (worker,) = built.start()
    os.kill(worker.process.pid, signal.SIGSTOP)
    silent = [built.connect() for _ in range(20)]
    built.until(lambda: built.reception.counters.connections == 20)
    os.kill(worker.process.pid, signal.SIGCONT)
    built.until(lambda: sum(client.gone() for client in silent) == 17)
    built.until(lambda: len(worker.connections) == 3)


def test_who_was_pushed_out_is_not_handed_to_another_worker(house):
    built = house(workers=1, max_pending=3, max_pending_per_address=3)
    (worker,) = built.start()
    os.kill(worker.process.pid, signal.SIGSTOP)
    silent = [built.connect() for _ in range(5)]
    built.until(lambda: built.reception.counters.connections == 5)
    worker.kill()
    built.until(lambda: sum(client.gone() for client in silent) == 2)
    built.until(lambda: built.workforce.complete and len(built.reception.connections) == 3)
    assert [client.ask("RQ") for client in silent[2:]] == ["AC"] * 3


def test_a_dead_worker_gives_the_places_of_its_associations_back(house):
    built = house(max_associations=2)
    built.start()
    clients = [built.connect() for _ in range(2)]
    pids = [int(client.ask("PID")) for client in clients]
    assert [client.ask("RQ") for client in clients] == ["AC", "AC"]
    os.kill(pids[0], signal.SIGKILL)
    built.until(clients[0].gone)
    built.until(lambda: built.workforce.complete and built.workforce.restarts.total() == 1)
    assert clients[1].ask("PID") == str(pids[1])  # it noticed nothing
    assert [built.connect().ask("RQ") for _ in range(2)] == ["AC", "RJ 2 3 2"]


# Stopping


def test_draining_closes_the_listeners_first_and_lets_associations_finish(house):
    built = house()
    built.start()
    busy, idle, pending = (built.connect() for _ in range(3))
    for client in (busy, idle):
        assert client.ask("RQ") == "AC"
    assert busy.ask("HOLD") == "HOLDING"
    assert pending.ask("PID")
    built.server.terminate()
    refused = built.connect()
    built.until(lambda: idle.gone() and pending.gone() and refused.gone())
    assert busy.ask("PID")
    busy.sock.close()
    built.until(lambda: not built.workforce.workers)


def test_a_request_that_comes_while_the_server_stops_is_refused_as_temporary(house):
    built = house(workers=1)
    (worker,) = built.start()
    client = built.connect()
    client.ask("PID")
    os.kill(worker.process.pid, signal.SIGSTOP)
    worker.channel.half_close()
    client.sock.send(b"RQ\n")
    os.kill(worker.process.pid, signal.SIGCONT)
    built.until(lambda: client.listen() == f"{worker.process.pid}\nRJ 2 3 1\n")


def test_newcomers_that_race_with_a_stop_hold_nothing_up(house):
    built = house(workers=1, graceful_timeout=3600.0)
    (worker,) = built.start()
    os.kill(worker.process.pid, signal.SIGSTOP)
    asking, *silent = (built.connect() for _ in range(40))
    asking.sock.send(b"RQ\n")
    built.until(lambda: len(built.reception.connections) == 40)
    built.server.terminate()
    os.kill(worker.process.pid, signal.SIGCONT)
    built.until(lambda: all(client.gone() for client in silent))
    built.until(lambda: asking.listen() == "RJ 2 3 1\n")
    asking.sock.close()
    built.until(lambda: not built.workforce.workers)


def test_what_does_not_finish_in_time_is_aborted_and_then_killed(house, monkeypatch):
    monkeypatch.setattr(workforce, "STOP_TIMEOUT", 5.0)
    built = house(graceful_timeout=0.1)
    built.start()
    client = built.connect()
    assert client.ask("RQ") == "AC"
    client.ask("HOLD")
    built.server.terminate()
    built.until(lambda: not built.workforce.workers)  # a worker leaves by itself when its last words are said
    assert client.gone()


def test_a_second_term_is_quick(house):
    built = house(graceful_timeout=3600.0)
    built.start()
    client = built.connect()
    assert client.ask("RQ") == "AC"
    client.ask("HOLD")
    built.server.terminate()
    built.server.terminate()
    built.until(lambda: not built.workforce.workers)


def test_what_asks_for_a_graceful_stop_does_not_make_one_quick(house):
    built = house(workers=1, graceful_timeout=3600.0)
    built.start()
    client = built.connect()
    assert client.ask("RQ") == "AC"
    client.ask("HOLD")
    built.server.terminate()
    assert built.ask(messages.STOP(now=False)) == messages.DONE(pid=os.getpid())
    built.server.stop_gracefully()
    assert client.ask("PID")
    assert built.workforce._kill_timer is None
    client.sock.close()
    built.until(lambda: not built.workforce.workers)


# What the command line asks


def test_status_tells_workers_associations_and_fresh_counts(house):
    built = house()
    workers = built.start()
    client, silent = built.connect(), built.connect()
    assert client.ask("RQ") == "AC"
    silent.ask("PID")
    answer = built.ask(messages.STATUS())
    status = answer["status"]
    assert status["state"] == "running"
    assert status["bind"] == ["{}:{}".format(*built.address)]
    assert [worker["pid"] for worker in status["workers"]] == [worker.process.pid for worker in workers]
    assert sum(worker["connections"] for worker in status["workers"]) == 2
    (association,) = status["associations"]
    assert association["peer"] == "{}:{}".format(*client.sock.getsockname())
    assert (association["calling_ae_title"], association["called_ae_title"]) == ("CALLING", "CALLED")
    counters = status["counters"]
    assert (counters["associations_accepted"], counters["associations_active"]) == (1, 1)
    assert (counters["connections"], counters["connections_pending"]) == (2, 1)
    assert status["rates"]["connections"] == pytest.approx(2 / status["rate_seconds"])


def test_what_a_dead_worker_counted_still_counts(house):
    built = house(workers=1)
    (worker,) = built.start()
    assert built.connect().ask("RQ") == "AC"
    built.ask(messages.STATUS())
    worker.kill()
    built.until(lambda: built.workforce.restarts.total() == 1 and built.workforce.complete)
    counters = built.ask(messages.STATUS())["status"]["counters"]
    assert (counters["associations_accepted"], counters["associations_active"]) == (1, 0)
    assert counters["worker_restarts"] == 1


@pytest.mark.parametrize("message", [{"type": "dance"}, {"type": "stop"}, messages.LOG_LEVEL(level="loud")])
def test_a_request_that_will_not_do_is_answered_with_the_reason(house, message):
    built = house(workers=1)
    built.start()
    answer = built.ask(message)
    assert answer["type"] == "failed"
    assert message["type"] in answer["message"]


def test_stop_is_answered_and_carried_out(house):
    built = house()
    built.start()
    assert built.ask(messages.STOP(now=False)) == messages.DONE(pid=os.getpid())
    built.until(lambda: not built.workforce.workers)


# Listening


def test_an_address_in_use_is_named_with_what_would_do():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ListenError, match=rf"127\.0\.0\.1:{port}: Address already in use; .*--bind"):
            open_listeners([Bind("127.0.0.1", 0), Bind("127.0.0.1", port)], 10)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        (("192.0.2.1", 11112), "no interface of this machine"),
        (("no such host.invalid", 11112), "check --bind"),
    ],
)
def test_an_address_that_cannot_be_listened_on_is_explained(address, words):
    with pytest.raises(ListenError, match=words):
        open_listeners([Bind(*address)], 10)


def test_ipv4_and_ipv6_can_be_bound_side_by_side():
    first = open_listeners([Bind("0.0.0.0", 0)], 10)
    port = first[0].getsockname()[1]
    both = first + open_listeners([Bind("::", port)], 10)
    for sock in both:
        sock.close()


def test_every_error_of_accept_is_sorted(monkeypatch):
    """Each errno that accept(2) lists is nobody there, next one, or no room; the rest are faults of ours."""
    sorted_ = listeners._NOBODY_THERE | listeners._NEXT_ONE | listeners._NO_ROOM
    listed = "EAGAIN ECONNABORTED EMFILE ENFILE ENOBUFS ENOMEM EPERM EPROTO ENETDOWN ENOPROTOOPT EHOSTDOWN ENONET"
    for name in (*listed.split(), "EHOSTUNREACH", "EOPNOTSUPP", "ENETUNREACH"):
        assert getattr(errno, name) in sorted_
    assert not {errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT} & sorted_


def test_sockets_of_systemd_are_adopted_and_not_handed_to_workers():
    program = (
        "import os, socket, sys; sock = socket.create_server(('127.0.0.1', 0)); os.dup2(sock.fileno(), 3);"
        "os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid()));"
        "from pool.config import Bind; from pool.acceptor.listeners import open_listeners;"
        "(got,) = open_listeners([Bind('127.0.0.1', 1)], 10);"
        "assert got.getsockname() == sock.getsockname() and not got.get_inheritable();"
        "assert not [name for name in os.environ if name.startswith('LISTEN_')]"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize(
    ("count", "words"), [("x", "'x', not a number"), ("-1", "not a number"), ("1", "LISTEN_FDS: ")]
)
def test_what_is_not_passed_as_it_should_be_is_explained_and_leaves_nothing_behind(count, words, tmp_path):
    settings = f"Settings(control=Path({str(tmp_path / 'control')!r}))"
    program = (
        "import os; from pathlib import Path; from pool.acceptor.server import Server;"
        "from pool.config import Settings;"
        "os.closerange(3, 10);"
        f"os.environ.update(LISTEN_FDS={count!r}, LISTEN_PID=str(os.getpid())); Server({settings})"
    )
    ended = subprocess.run([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True, check=False)
    said = ended.stderr.splitlines()[-1]
    assert said.startswith("pool.acceptor.listeners.ListenError: ") and words in said
    assert not (tmp_path / "control").exists()


@pytest.mark.parametrize("failing", ["Loop", "Workforce", "Reception", "Desk", "publisher"])
def test_whatever_fails_as_it_is_put_together_leaves_nothing_behind(tmp_path, monkeypatch, failing):
    def fail(*args: Any) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    with monkeypatch.context() as patch, pytest.raises(OSError, match="Too many open files"):
        patch.setattr(f"pool.acceptor.server.{failing}", fail)
        Server(Settings(bind=(Bind("127.0.0.1", 0),), control=tmp_path / "control"))
    assert not (tmp_path / "control").exists()
    (tmp_path / "control").mkdir(mode=0o700)  # its lock is free, too
    control.ControlDirectory.open(tmp_path / "control").close()


def test_what_fails_before_the_first_worker_leaves_nothing_behind(tmp_path):
    """Signals can be heeded on the main thread only."""
    server = Server(Settings(bind=(Bind("127.0.0.1", 0),), control=tmp_path / "control"))
    faults = []

    def run() -> None:
        try:
            server.run()
        except ValueError as error:
            faults.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert faults
    assert not (tmp_path / "control").exists()


# Descriptors


@pytest.mark.parametrize(
    ("soft", "hard", "becomes", "warns"),
    [
        (1024, 1 << 20, 3512, False),
        (1024, resource.RLIM_INFINITY, 3512, False),
        (8192, 1 << 20, None, False),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, None, False),
        (1024, 2048, 2048, True),
        (2048, 2048, None, True),
    ],
)
def test_descriptors_are_allowed_for_stores_on_all_associations(monkeypatch, soft, hard, becomes, warns):
    """A store has a socket and a file; one worker may be left with all associations, and keeps folders open."""
    set_to, said = [], []
    monkeypatch.setattr(descriptors.resource, "getrlimit", lambda which: (soft, hard))
    monkeypatch.setattr(descriptors.resource, "setrlimit", lambda which, limits: set_to.append(limits))
    monkeypatch.setattr(descriptors.logs, "event", lambda level, name, **fields: said.append((level, name, fields)))
    descriptors.allow(Settings(max_associations=1000, max_pending=1000))
    assert set_to == ([(becomes, hard)] if becomes else [])
    assert len(said) == warns
    for level, name, fields in said:
        assert (level, name, fields["needed"], fields["allowed"]) == (logs.WARNING, "server.descriptors", 3512, hard)
        assert "ulimit -Hn" in fields["advice"]


def test_the_folders_that_a_store_keeps_open_are_counted():
    assert descriptors.OPEN_FOLDERS == folders.MOST_OPEN


# The server as a process


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Callable[..., tuple[subprocess.Popen[str], int]]]:
    processes: list[subprocess.Popen[str]] = []

    def serve(*flags: str) -> tuple[subprocess.Popen[str], int]:
        """A server on a free port and that port, once it said that it is ready."""
        command = [sys.executable, "-m", "pool", "serve", "--bind", "127.0.0.1:0", "--workers", "1", *flags]
        command += ["--control", str(tmp_path / "control"), "-od", str(tmp_path / "incoming"), "--log-format", "text"]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        processes.append(process)
        assert process.stderr is not None
        line = next(line for line in process.stderr if "ready" in line)
        return process, int(line.partition("@127.0.0.1:")[2].partition(",")[0])

    yield serve
    for process in processes:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("level", ["info", "error"])
@pytest.mark.parametrize("format", ["text", "json"])
def test_the_ready_line_says_the_same_in_every_log(tmp_path, level, format):
    command = [sys.executable, "-m", "pool", "serve", "--bind", "127.0.0.1:0", "--workers", "1", "-od", "incoming"]
    command += ["--control", str(tmp_path / "control"), "--log-level", level, "--log-format", format]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        assert process.stderr is not None
        line = next(line for line in process.stderr if "ready" in line)
        process.terminate()
        assert process.wait(PATIENCE) == 0
    store = str(tmp_path / "incoming")
    if format == "text":
        assert line.startswith("ulpool: ready: ULPOOL@127.0.0.1:")
        assert line.endswith(f", 1 worker, storing to {store} (durability disk); Ctrl-C stops\n")
        return
    said = control.json.loads(line)
    assert (said["event"], said["level"], said["pid"]) == ("server.ready", "info", process.pid)
    assert (said["aet"], said["workers"], said["store"], said["durability"]) == ("ULPOOL", 1, store, "disk")
    assert said["bind"].startswith("127.0.0.1:")
    assert said["stop"] == f"SIGTERM, or ulpool stop --control {tmp_path / 'control'}"


def test_a_hangup_is_no_matter_under_nohup(tmp_path):
    command = [sys.executable, "-m", "pool", "serve", "--bind", "127.0.0.1:0", "--workers", "1"]
    command += ["--control", str(tmp_path / "control"), "-od", str(tmp_path / "incoming"), "--log-format", "text"]
    ignoring = (
        "import os, signal, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN); os.execv(sys.executable, sys.argv[1:])"
    )
    with subprocess.Popen([sys.executable, "-c", ignoring, *command], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        next(line for line in process.stderr if "ready" in line)
        process.send_signal(signal.SIGHUP)
        assert control.request(tmp_path / "control", messages.STATUS(), PATIENCE)["status"]["state"] == "running"
        process.terminate()
        assert process.wait(PATIENCE) == 0


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_a_signal_stops_the_server_with_status_0(served, signum, tmp_path):
    process, _ = served()
    process.send_signal(signum)
    assert process.wait(PATIENCE) == 0
    assert not (tmp_path / "control" / "lock").exists()


def test_what_keeps_a_server_from_starting_is_one_line_and_a_status(tmp_path):
    command = [sys.executable, "-m", "pool", "serve", "--control", str(tmp_path / "control")]
    with socket.create_server(("127.0.0.1", 0)) as other:
        bind = f"127.0.0.1:{other.getsockname()[1]}"
        taken = subprocess.run([*command, "--bind", bind], stderr=subprocess.PIPE, text=True, check=False)
    assert taken.returncode == ExitStatus.CANNOT_LISTEN
    assert taken.stderr.count("\n") == 1
    assert bind in taken.stderr
    (tmp_path / "file").touch()
    nowhere = [*command, "--bind", "127.0.0.1:0", "--workers", "1", "-od", str(tmp_path / "file" / "incoming")]
    failed = subprocess.run(nowhere, stderr=subprocess.PIPE, text=True, check=False)
    assert failed.returncode == ExitStatus.WORKERS_FAILED
    assert "Not a directory" in failed.stderr
    assert not (tmp_path / "control").exists()


def test_workers_finish_what_they_hold_and_leave_when_the_acceptor_is_killed(served, tmp_path):
    process, port = served()
    with RawPeer(port) as peer:
        peer.associate()
        status = control.request(tmp_path / "control", messages.STATUS(), PATIENCE)["status"]
        (worker,) = status["workers"]
        pidfd = os.pidfd_open(worker["pid"])
        process.kill()
        process.wait()
        assert not _is_over(pidfd, 0.2)  # it holds an association
    assert _is_over(pidfd, PATIENCE)
    os.close(pidfd)


def _is_over(pidfd: int, within: float) -> bool:
    return bool(select.select([pidfd], [], [], within)[0])
