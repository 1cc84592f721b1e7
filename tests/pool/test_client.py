"""A running server asked and told: by `pool.Control`, and by the verbs that are made of it."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import processes
import pytest
from peers import DEADLINE
from raw_peer import ABORT, RJ, RawPeer, associate_rq, data_set
from serving import RunningServer, server, ulpool, ulpool_command

import pool
from pool import messages
from pool.cli.top import Row, View, Watch, percentile, view_between
from pool.control import NotRunning, Refused


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with server(tmp_path_factory.mktemp("served") / "store", "--workers", 2, "--log-level", "debug") as started:
        yield started


@pytest.fixture
def control(running: RunningServer) -> pool.Control:
    return pool.Control(running.control)


# What there is


def test_associations_with_details_and_chosen(running: RunningServer, control: pool.Control) -> None:
    with RawPeer(running.port) as first, RawPeer(running.port) as second:
        first.associate(calling="CT1")
        second.associate(calling="MR1")
        first.echo(1)
        first.store("1.2.3", data_set("1.2.3", bytes(5000)), 2)
        by_title = {one["calling_ae_title"]: one for one in control.associations()}
        ct1 = by_title["CT1"]
        assert (ct1["peer"], ct1["called_ae_title"], ct1["state"]) == (first.address, "ULPOOL", "established")
        assert (ct1["messages"], ct1["operations"]) == (2, 0)
        assert ct1["bytes_received"] > 5000 and ct1["bytes_sent"] > 100
        assert 0 <= ct1["idle"] <= ct1["seconds"] < DEADLINE
        assert [one["token"] for one in control.associations(calling="MR1")] == [by_title["MR1"]["token"]]
        assert control.associations(calling="MR2") == []
        assert [one["calling_ae_title"] for one in control.associations(peer=first.address)] == ["CT1"]
        assert len(control.associations(peer="127.0.0.1")) == 2 and not control.associations(peer="127.0.0.2")
        assert [one["calling_ae_title"] for one in control.associations(worker=ct1["worker"])] == ["CT1"]
        shown = ulpool("associations", "--calling", "CT1", "--control", running.control)
        assert shown.returncode == 0 and first.address in shown.stdout and second.address not in shown.stdout
        listed = json.loads(ulpool("associations", "--json", "--control", running.control).stdout)
        assert {one["calling_ae_title"] for one in listed} == {"CT1", "MR1"}
        first.release()
        second.release()


def test_workers(running: RunningServer, control: pool.Control) -> None:
    workers = control.workers()
    assert {worker["state"] for worker in workers} == {"ready"}
    for worker in workers:
        assert 1 << 20 < worker["memory"] < 1 << 30
    shown = ulpool("workers", "--control", running.control).stdout
    assert all(str(worker["pid"]) in shown for worker in workers)
    listed = json.loads(ulpool("workers", "--json", "--control", running.control).stdout)
    assert [worker["pid"] for worker in listed] == [worker["pid"] for worker in workers]


# What is to be


def test_one_association_is_aborted(running: RunningServer, control: pool.Control) -> None:
    with RawPeer(running.port) as victim, RawPeer(running.port) as other:
        victim.associate()
        other.associate()
        (one,) = control.associations(peer=victim.address)
        aborted = ulpool("abort", one["token"], "--control", running.control)
        assert (aborted.returncode, aborted.stdout) == (0, f"aborted {one['token']}\n")
        assert victim.expect(ABORT).verdict == (0, 0, 0)
        victim.close()
        other.echo()
        other.release()
    assert 'end="aborted by the operator"' in running.wait_for_log(f"peer={victim.address} ")
    with pytest.raises(Refused, match="no such association"):
        control.abort(one["token"])


def test_scale_and_log_level(running: RunningServer, control: pool.Control) -> None:
    assert control.scale("+1") == 3
    assert ulpool("scale", "-1", "--control", running.control).stdout == "2 workers\n"
    assert control.scale(2) == 2
    with pytest.raises(Refused, match="give a number of workers"):
        control.scale("some")
    control.log_level("debug")
    with pytest.raises(Refused, match="give one of debug"):
        control.log_level("loud")


def test_a_log_level_reaches_workers_that_are_there_and_that_come(tmp_path: Path) -> None:
    with server(tmp_path / "store", "--workers", 1, "--log-level", "error") as started:
        control = pool.Control(started.control)
        control.log_level("info")
        for number in (1, 2):
            with RawPeer(started.port) as peer:
                peer.associate()
                peer.release()
            started.wait_for_log(" association.closed ", number)
            (pid,) = processes.worker_pids(started.control)
            os.kill(pid, signal.SIGKILL)
            processes.wait_for_ends([pid])


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("abort", "x"), "'x' is not a valid integer"),
        (("abort", "999999"), "no such association"),
        (("scale", "0"), "1 to 1024 workers"),
        (("scale", "many"), "give a number of workers"),
        (("log-level", "loud"), "'loud' is not one of"),
        (("events", "nothing."), "no event's type begins so"),
        (("top", "--interval", "0"), "0"),
    ],
)
def test_what_will_not_do_is_one_line(running: RunningServer, words: tuple[str, ...], says: str) -> None:
    refused = ulpool(*words, "--control", running.control)
    assert refused.returncode in (1, 2)
    assert refused.stdout == "" and refused.stderr.count("\n") == 1 and says in refused.stderr


def test_a_second_server_on_the_same_directory_is_refused(running: RunningServer) -> None:
    second = ulpool("serve", "--bind", "127.0.0.1:0", "--control", running.control)
    assert second.returncode == 5
    assert f"another server runs there (pid {running.process.pid})" in second.stderr
    assert processes.status(running.control)["state"] == "running"


def test_who_waits_for_a_server_that_is_killed_is_told(tmp_path: Path) -> None:
    with server(tmp_path / "store", "--workers", 1) as started, RawPeer(started.port) as peer:
        peer.associate()
        faults: list[BaseException] = []

        def drain() -> None:
            try:
                pool.Control(started.control).drain()
            except NotRunning as error:
                faults.append(error)

        draining = threading.Thread(target=drain)
        draining.start()
        started.wait_for_log(" server.draining ")
        workers = processes.worker_pids(started.control)
        started.process.kill()
        draining.join(DEADLINE)
        assert "the server ended before it answered" in str(faults[0])
        peer.close()
        processes.wait_for_ends(workers)


# What happens


def test_events_of_an_association_in_order_and_the_end(tmp_path: Path) -> None:
    with server(tmp_path / "store", "--workers", 1, "--layout", "flat") as started:
        control = pool.Control(started.control)
        with pytest.raises(Refused, match=r"nothing: no event's type begins so; there are server\.state"):
            control.events("nothing")
        followed = control.events()
        assert next(followed)["state"] == "running"
        with RawPeer(started.port) as peer:
            peer.associate(calling="CT\n1")
            assert peer.store("1.2.3", data_set("1.2.3")) == 0
            assert peer.store("not a uid", data_set("1.2.4")) != 0
            peer.release()
        with RawPeer(started.port) as refused:
            request = bytearray(associate_rq(calling="CT2"))
            request[80] = ord("9")  # in the application context name
            refused.send(bytes(request))
            refused.expect(RJ)
        heard = [next(followed)]
        while heard[-1]["type"] != "association.closed" or heard[-1]["calling"] == "CT\n1":
            heard.append(next(followed))
        types = [event["type"] for event in heard]
        assert types == [
            *("association.opened", "instance.stored", "operation.failed", "association.closed"),
            *("association.refused", "association.closed"),
        ]
        for event in heard:
            assert set(messages.EVENTS[event["type"]].fields) | {"type", "time", "number"} == set(event)
        opened, stored, failed, closed, *_ = heard
        assert {event["association"] for event in heard[:4]} == {1} and opened["calling"] == "CT\n1"
        assert stored["path"] == str(started.files()[0]) and stored["sop_instance_uid"] == "1.2.3"
        assert failed["status"] == "0117"
        assert (closed["messages"], closed["end"]) == (2, "released")
        workers = processes.worker_pids(started.control)
        started.process.kill()
        assert list(followed) == []  # it ends with the server
        processes.wait_for_ends(workers)


@contextmanager
def following(*command: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_following_on_the_command_line(tmp_path: Path) -> None:
    with server(tmp_path / "store", "--workers", 1) as started:
        command = ulpool_command("events", "--control", started.control)
        with ExitStack() as stack:
            people = stack.enter_context(following(*command))
            assert people.stdout is not None and "server.state state=running" in people.stdout.readline()
            program = stack.enter_context(following(*command, "association.", "--json"))
            assert program.stdout is not None
            heard: list[Any] = []
            while not heard:  # until the program follows too
                with RawPeer(started.port) as peer:
                    peer.associate(calling="\x1b[2J")
                    peer.release()
                if select.select([program.stdout], [], [], 0.2)[0]:
                    heard.append(json.loads(program.stdout.readline()))
            assert heard[0]["type"].startswith("association.")
            lines = [people.stdout.readline()]
            while f"association={heard[0]['association']} " not in lines[-1]:
                lines.append(people.stdout.readline())
            assert all(r" calling=\x1b[2J " in line for line in lines)  # that the program came was no news
            people.send_signal(signal.SIGINT)
            assert people.wait(DEADLINE) == -signal.SIGINT
            assert started.terminate() == 0
            program.stdout.read()
            assert program.wait(DEADLINE) == 0


# top


def test_percentiles_lie_within_their_buckets() -> None:
    bounds = (1.0, 2.0, 4.0)
    assert percentile(bounds, [0, 10, 0, 0], 50) == 1.5
    assert percentile(bounds, [10, 0, 10, 0], 50) == 1.0
    assert percentile(bounds, [10, 0, 10, 0], 75) == 3.0
    assert percentile(bounds, [0, 0, 0, 5], 99) == 4.0
    assert percentile(bounds, [1, 0, 0, 0], 100) == 1.0


def test_top_tells_what_happened_between_two_samples(running: RunningServer, control: pool.Control) -> None:
    with RawPeer(running.port) as peer:
        peer.associate(calling="TOP")
        peer.echo(1)
        watch = Watch(control)
        before = watch.sample()
        for number in range(5):
            peer.echo(number + 2)
        after = watch.sample()
        view = view_between(before, after)
        seconds = after.at - before.at
        (title,) = view.titles
        assert (title.name, title.associations) == ("TOP", 1)
        assert title.messages * seconds == pytest.approx(5)
        assert sum(worker.messages for worker in view.workers) * seconds == pytest.approx(5)
        (latency,) = view.latencies
        assert latency.command == "C-ECHO-RQ" or "ECHO" in latency.command
        assert latency.per_second * seconds == pytest.approx(5)
        assert 0 < latency.percentiles[50] <= latency.percentiles[99] < 1
        peer.release()


def test_top_counts_associations_that_came_and_went_between_two_samples(
    running: RunningServer, control: pool.Control
) -> None:
    watch = Watch(control)
    before = watch.sample()
    with RawPeer(running.port) as staying:
        staying.associate(calling="STAYS")

        def view_of_short_ones() -> tuple[View, float]:
            nonlocal before
            for number in range(3):
                with RawPeer(running.port) as peer:
                    peer.associate(calling="SHORT")
                    peer.echo(number)
                    peer.release()
            earlier, before = before, watch.sample()
            return view_between(earlier, before), before.at - earlier.at

        def row_of(view: View, title: str) -> Row | None:
            return next((row for row in view.titles if row.name == title), None)

        while row_of(view_of_short_ones()[0], "SHORT") is None:
            pass  # until the workers know that somebody follows
        begun, counted = before.at, 0.0
        while counted < 9 and before.at - begun < DEADLINE:  # one that has just been released may be told of next time
            view, seconds = view_of_short_ones()
            short, stays = row_of(view, "SHORT"), row_of(view, "STAYS")
            assert short is not None and stays is not None and stays.associations == 1
            counted += short.messages * seconds
            assert short.received > 0 and short.sent > 0 and stays.received == 0
        assert counted >= 9
        staying.release()


def test_top_where_there_is_no_terminal(running: RunningServer) -> None:
    shown = ulpool("top", "--interval", 0.1, "--control", running.control)
    assert shown.returncode == 0 and "Workers" in shown.stdout and "\x1b" not in shown.stdout
    told = json.loads(ulpool("top", "--interval", 0.1, "--json", "--control", running.control).stdout)
    assert len(told["workers"]) == 2 and told["rates"]["c_store_requests"] == 0


def test_top_on_a_terminal_sorts_and_quits(running: RunningServer) -> None:
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 160, 0, 0))
    before = termios.tcgetattr(follower)
    command = ulpool_command("top", "--interval", 0.1, "--control", running.control)
    environment = {**os.environ, "TERM": "xterm"}
    with subprocess.Popen(command, stdin=follower, stdout=follower, stderr=follower, env=environment) as process:
        shown = read_until(leader, b"sorted by messages")
        assert b"Calling titles" in shown
        os.write(leader, b"n")
        read_until(leader, b"sorted by name")
        os.write(leader, b"q")
        read_until(leader, b"\x1b[?1049l")  # the screen is as it was
        assert process.wait(DEADLINE) == 0
    assert termios.tcgetattr(follower) == before
    os.close(leader)
    os.close(follower)


def read_until(fd: int, text: bytes) -> bytes:
    shown = b""
    while text not in shown:
        shown += os.read(fd, 65536)
    return shown
