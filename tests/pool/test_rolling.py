"""Real workers that come and go under load: whoever is served notices nothing, and what is acknowledged is kept."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import threading
from pathlib import Path

import processes
import pytest
from applications import Folder
from peers import DEADLINE, ENVIRONMENT, dcmtk
from raw_peer import ABORT, RawPeer
from senders import Churn, Sender, assert_kept, data_set_of
from serving import RunningServer, server, ulpool

import pool

OPTIONS = ("--workers", 2, "--durability", "none", "--layout", "flat", "--log-level", "debug")


class Load:
    """Long associations and short ones, both at work all the time."""

    def __init__(self, running: RunningServer, long: int = 2, short: int = 3) -> None:
        self.progress = threading.Semaphore(0)
        self.long = [Sender(running, number, self.progress) for number in range(long)]
        self.short = [Churn(running, number, self.progress) for number in range(short)]
        self.all = (*self.long, *self.short)
        for sender in self.all:
            sender.start()

    def go_on(self, steps: int = 60) -> None:
        for _ in range(steps):
            assert self.progress.acquire(timeout=DEADLINE)

    def end(self) -> None:
        for sender in self.all:
            sender.enough.set()
        for sender in self.all:
            sender.join(DEADLINE)


def test_rolling_reloads_fail_nobody(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text("max_associations = 100")
    with server(tmp_path / "store", *OPTIONS, "--config", tmp_path / "settings.toml") as running:
        load = Load(running)
        load.go_on()
        for number in (1, 2, 3):
            (tmp_path / "settings.toml").write_text(f"max_associations = {100 + number}")
            if number == 2:
                running.process.send_signal(signal.SIGHUP)
                running.wait_for_log(" server.reloaded ", number)
            else:
                reloaded = ulpool("reload", "--control", running.control)
                assert (reloaded.returncode, "max_associations" in reloaded.stdout) == (0, True), reloaded.stderr
            load.go_on()
        assert len(processes.worker_pids(running.control)) > 2  # the long ones are not cut short
        load.end()
        assert [sender.fault for sender in load.all] == [None] * 5
        running.wait_for_log(" worker.exited ", 6)
        status = processes.status(running.control)
        assert {worker["generation"] for worker in status["workers"]} == {4}
        assert status["counters"]["labelled"]["worker_restarts"] == {"reload": 6}
        assert running.terminate() == 0
        assert not [line for line in running.log if line.startswith(("E:", "F:"))]
        assert_kept(running, load.all)


def test_senders_of_dcmtk_notice_no_reload(tmp_path: Path) -> None:
    storescu, dump2dcm = dcmtk("storescu"), dcmtk("dump2dcm")
    (tmp_path / "one.dump").write_text(
        "(0008,0016) UI 1.2.840.10008.5.1.4.1.1.2\n(0008,0018) UI 1.2.3\n(0020,000d) UI 1.2\n(0020,000e) UI 1.2.1\n"
    )
    subprocess.run([dump2dcm, tmp_path / "one.dump", tmp_path / "one.dcm"], check=True, env=ENVIRONMENT)
    with server(tmp_path / "store", *OPTIONS) as running:
        command = [storescu, "--repeat", "1500", "127.0.0.1", str(running.port), str(tmp_path / "one.dcm")]
        with subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as sender:
            while not processes.status(running.control)["counters"]["c_store_requests"]:
                pass
            assert ulpool("reload", "--control", running.control).returncode == 0
            assert sender.poll() is None  # it is still at it
            output, _ = sender.communicate(timeout=DEADLINE)
        assert (sender.returncode, output) == (0, b"")


def test_recycled_and_scaled_workers_fail_nobody(tmp_path: Path) -> None:
    with server(tmp_path / "store", *OPTIONS, "--max-requests", 15, "--max-requests-jitter", 10) as running:
        load, control = Load(running), pool.Control(running.control)
        running.wait_for_log("reason=recycled", 4)
        assert control.scale("+1") == 3
        load.go_on()
        assert control.scale(1) == 1
        load.go_on()
        load.end()
        assert [sender.fault for sender in load.all] == [None] * 5
        gone = control.status()["counters"]["labelled"]["worker_restarts"]
        assert gone.keys() <= {"recycled", "scaled"} and gone["recycled"] >= 1
        assert running.terminate() == 0
        assert_kept(running, load.all)


def test_workers_that_grow_are_replaced_and_nobody_notices(tmp_path: Path) -> None:
    """A handler that leaks: it keeps two megabytes for each instance, which the built-in store keeps."""
    source = """
    leaked = []

    def leak(event):
        leaked.append(event.encoded_dataset(include_meta=False)[:1] * (2 << 20))

    app = pool.Application(ae, [(evt.EVT_C_STORE, pool.Storage(leak))])
    """
    limit = 150 << 20
    with Folder(tmp_path).serving(source, *OPTIONS, "--timeout", 3, "--max-memory", limit) as running:
        load = Load(running, long=1, short=3)
        recycled = [running.wait_for_log(" worker.recycled ", number) for number in (1, 2)]
        load.go_on()
        load.end()
        assert [sender.fault for sender in load.all] == [None] * 4
        assert all(int(re.findall(r"memory=(\d+)", line)[0]) > limit for line in recycled)
        running.wait_for_log(" worker.exited ", 2)
        assert processes.status(running.control)["counters"]["labelled"]["worker_restarts"].keys() == {"memory"}
        assert running.terminate() == 0
        assert not [line for line in running.log if line.startswith(("E:", "F:"))]
        assert_kept(running, load.all)


def test_a_worker_killed_before_it_took_its_connections_is_not_noticed_by_their_clients(tmp_path: Path) -> None:
    with server(tmp_path / "store", *OPTIONS) as running:
        load = Load(running, long=2, short=0)
        by_peer = {one["peer"]: one["worker"] for one in processes.status(running.control)["associations"]}
        on = {by_peer[sender.peer.address]: sender for sender in load.long}
        number, victim = next(
            (worker["number"], worker["pid"])
            for worker in processes.status(running.control)["workers"]
            if worker["number"] in on
        )
        os.kill(victim, signal.SIGSTOP)
        newcomers = [Churn(running, 10 + n, load.progress, times=5) for n in range(8)]
        for newcomer in newcomers:
            newcomer.start()
        while handed(running, number) < 3:
            pass
        os.kill(victim, signal.SIGKILL)
        for newcomer in newcomers:
            newcomer.join(DEADLINE)
        load.end()
        assert [newcomer.fault for newcomer in newcomers] == [None] * 8
        assert [len(newcomer.acknowledged) for newcomer in newcomers] == [10] * 8
        assert {sender for sender in load.long if sender.cut_off} == {on[number]}
        counters = processes.status(running.control)["counters"]
        assert counters["handoff_retries"] >= 2
        assert counters["labelled"]["worker_restarts"] == {"died": 1}
        assert running.terminate() == 0
        assert_kept(running, (*load.all, *newcomers))


def test_a_worker_frozen_under_load_is_replaced_and_takes_only_its_own_associations_along(tmp_path: Path) -> None:
    with server(tmp_path / "store", *OPTIONS, "--timeout", 3) as running:
        load = Load(running, long=4, short=2)
        load.go_on()
        held: dict[int, set[str]] = {}
        for one in processes.status(running.control)["associations"]:
            held.setdefault(one["worker"], set()).add(one["peer"])
        victim = processes.status(running.control)["workers"][0]
        os.kill(victim["pid"], signal.SIGSTOP)
        assert 'reason="no answer for 3 s"' in running.wait_for_log(" worker.stuck ")
        running.wait_for_log(" worker.ready ", 3)
        load.go_on()
        load.end()
        assert {one.peer.address for one in load.long if one.cut_off} == held[victim["number"]] & {
            one.peer.address for one in load.long
        }
        assert [one.fault for one in load.long if not one.cut_off] == [None] * 2
        assert processes.status(running.control)["counters"]["labelled"]["worker_restarts"] == {"stuck": 1}
        assert running.terminate() == 0
        assert_kept(running, load.all)


def test_an_orphan_does_not_keep_who_is_idle(tmp_path: Path) -> None:
    options = ("--workers", 1, "--network-timeout", 0, "--drain-idle", 0.3)
    with server(tmp_path / "store", *options) as running, RawPeer(running.port) as idle:
        idle.associate()
        workers = processes.worker_pids(running.control)
        running.process.kill()
        try:
            idle.expect(ABORT)
            idle.close()
            processes.wait_for_ends(workers)
        finally:
            for pid in workers:
                kill(pid)


def handed(running: RunningServer, number: int) -> int:
    """Connections that a worker was handed."""
    workers = processes.status(running.control)["workers"]
    return next((worker["connections"] for worker in workers if worker["number"] == number), 0)


def test_workers_under_load_finish_what_they_hold_when_the_acceptor_is_killed(tmp_path: Path) -> None:
    with server(tmp_path / "store", *OPTIONS) as running:
        load = Load(running, long=4, short=0)
        load.go_on()
        workers = processes.worker_pids(running.control)
        running.process.kill()
        running.process.wait()
        try:
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", running.port))
            with socket.create_server(("127.0.0.1", running.port)):
                pass  # nothing keeps the port
            load.go_on(200)
            load.end()
            assert [sender.fault for sender in load.all] == [None] * 4
            processes.wait_for_ends(workers)
        finally:
            for pid in workers:
                kill(pid)
        assert_kept(running, load.all)
        assert len(running.files()) == sum(len(sender.acknowledged) for sender in load.all)


def kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def test_a_drained_server_keeps_what_it_has_until_the_last_one_is_gone(tmp_path: Path) -> None:
    with server(tmp_path / "store", *OPTIONS, "--graceful-timeout", 0.1, "--drain-idle", 0.3) as running:
        load = Load(running, long=2, short=0)
        load.go_on()
        drained: list[subprocess.CompletedProcess[str]] = []
        draining = threading.Thread(target=lambda: drained.append(ulpool("drain", "--control", running.control)))
        draining.start()
        running.wait_for_log(" server.draining ")
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", running.port))
        load.go_on(200)
        assert not drained
        load.end()
        draining.join(DEADLINE)
        assert (drained[0].returncode, drained[0].stdout) == (0, "drained\n")
        assert processes.status(running.control)["state"] == "draining"
        assert ulpool("stop", "--control", running.control).returncode == 0
        assert running.process.wait(DEADLINE) == 0
        assert_kept(running, load.all)
        assert data_set_of(running.files()[0])
