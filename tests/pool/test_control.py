"""The control directory's gate, and endpoints that talk through it."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq

from pool import control
from pool.config import Bind
from pool.control import (
    AlreadyRunning,
    ControlDirectory,
    ControlError,
    NotAnswering,
    NotRunning,
    UnsafeDirectory,
    cli_router,
    request,
    worker_dealer,
    workers_router,
)
from pool.loop import Loop

PATIENCE = 10.0  # seconds until a test that waits for a condition has failed


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "control"


@pytest.fixture
def opened(path: Path) -> Iterator[ControlDirectory]:
    opened = ControlDirectory.open(path)
    yield opened
    opened.close()


@pytest.fixture
def loop() -> Iterator[Loop]:
    loop = Loop()
    loop.call_at(loop.now + PATIENCE, loop.stop)
    yield loop
    loop.close()


class Box(list[tuple[dict[str, Any], bytes]]):
    """Where messages of an endpoint go; the loop stops when there are as many as are waited for."""

    def __init__(self, loop: Loop, expected: int = 1) -> None:
        super().__init__()
        self.loop = loop
        self.expected = expected

    def put(self, message: dict[str, Any], identity: bytes) -> None:
        self.append((message, identity))
        if len(self) >= self.expected:
            self.loop.stop()


# The directory


def test_the_directory_is_private_and_goes_with_its_server(path: Path) -> None:
    opened = ControlDirectory.open(path)
    assert path.stat().st_mode & 0o777 == 0o700
    opened.close()
    opened.close()
    assert not path.exists()


def test_a_directory_that_was_there_stays(path: Path) -> None:
    path.mkdir(mode=0o700)
    ControlDirectory.open(path).close()
    assert list(path.iterdir()) == []


def test_only_one_server_holds_it(path: Path, opened: ControlDirectory) -> None:
    with pytest.raises(AlreadyRunning, match=rf"another server runs there \(pid {os.getpid()}\); stop it"):
        ControlDirectory.open(path)
    opened.close()
    ControlDirectory.open(path).close()


def test_leftovers_of_a_killed_server_are_no_obstacle(path: Path, loop: Loop) -> None:
    path.mkdir(mode=0o700)
    (path / control.LOCK).write_text("1\n")
    (path / control.CLI).touch()
    opened = ControlDirectory.open(path)
    with contextlib.closing(cli_router(loop, opened, Box(loop).put)):
        pass
    opened.close()


def test_a_lock_file_removed_meanwhile_is_not_the_lock(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its last holder unlinked it between our open and our flock."""
    path.mkdir(mode=0o700)
    removed = []

    def flock(fd: int, operation: int) -> None:
        if not removed:
            removed.append(fd)
            (path / control.LOCK).unlink()
        real(fd, operation)

    real = control.fcntl.flock
    monkeypatch.setattr(control.fcntl, "flock", flock)
    opened = ControlDirectory.open(path)
    assert removed and (path / control.LOCK).read_text() == f"{os.getpid()}\n"
    opened.close()


def test_others_must_not_be_able_to_enter(path: Path) -> None:
    path.mkdir()
    path.chmod(0o750)
    with pytest.raises(UnsafeDirectory, match=r"others may enter it \(mode 0750\); chmod 700 it"):
        ControlDirectory.open(path)


def test_a_link_is_refused(path: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UnsafeDirectory, match="not a directory"):
        ControlDirectory.open(path)


def test_a_linked_lock_file_is_refused(path: Path, tmp_path: Path) -> None:
    path.mkdir(mode=0o700)
    (path / control.LOCK).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ControlError, match="cannot be the control directory"):
        ControlDirectory.open(path)
    assert not (tmp_path / "elsewhere").exists()


def test_a_directory_of_another_user_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.mkdir(mode=0o700)
    somebody = path.stat().st_uid + 1
    monkeypatch.setattr(os, "geteuid", lambda: somebody)
    with pytest.raises(UnsafeDirectory, match="belongs to user"):
        ControlDirectory.open(path)


def test_a_path_too_long_for_a_socket_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 120)
    with pytest.raises(ControlError, match=r"too long .* by \d+ bytes; name a shorter directory"):
        ControlDirectory.open(path)
    assert not path.exists()


def test_a_lock_file_that_cannot_be_written_leaves_nothing_behind(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "pwrite", fail)
    with pytest.raises(ControlError, match="cannot be the control directory: No space left"):
        ControlDirectory.open(path)
    assert not path.exists()


def test_where_it_cannot_be_made(path: Path) -> None:
    with pytest.raises(ControlError, match="No such file or directory"):
        ControlDirectory.open(path / "below")


# Finding the server


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(control, "_runtime_directories", lambda: iter([tmp_path]))
    return tmp_path


def test_the_default_directory_is_named_by_address(runtime: Path) -> None:
    assert control.default_path([Bind("::1", 104), Bind("::1", 105)]).name == f"ulpool-{os.geteuid()}-[::1]:104"
    assert str(os.getpid()) in control.default_path([Bind("127.0.0.1", 0)]).name


def test_the_only_server_is_found(runtime: Path, loop: Loop) -> None:
    with pytest.raises(NotRunning, match="start one with ulpool serve"):
        control.find()
    with serving(loop, 104) as first:
        assert control.find() == first
        with serving(loop, 105), pytest.raises(ControlError, match="several servers run here; say --control"):
            control.find()
    assert control.find(runtime) == runtime


@contextlib.contextmanager
def serving(loop: Loop, port: int) -> Iterator[Path]:
    path = control.default_path([Bind("127.0.0.1", port)])
    opened = ControlDirectory.open(path)
    with contextlib.closing(cli_router(loop, opened, Box(loop).put)):
        yield path
    opened.close()


# Endpoints


def test_workers_and_server_talk(loop: Loop, opened: ControlDirectory) -> None:
    at_server, at_worker = Box(loop), Box(loop)
    with (
        contextlib.closing(workers_router(loop, opened, at_server.put)) as router,
        contextlib.closing(worker_dealer(loop, ControlDirectory(opened.path), b"worker-1", at_worker.put)) as dealer,
    ):
        assert dealer.send({"type": "ready", "pid": 1})
        loop.run()
        assert at_server == [({"type": "ready", "pid": 1}, b"worker-1")]
        assert router.send({"type": "ping", "number": 1}, b"worker-1")
        loop.run()
        assert at_worker == [({"type": "ping", "number": 1}, b"")]
        assert not router.send({"type": "ping", "number": 1}, b"worker-2")


def test_messages_that_come_while_others_are_handled_are_not_left_behind(loop: Loop, opened: ControlDirectory) -> None:
    """The descriptor is edge-triggered: what arrives during a send or a callback raises no new edge."""
    at_worker = Box(loop, 500)
    with (
        contextlib.closing(workers_router(loop, opened, lambda message, who: router.send(message, who))) as router,
        contextlib.closing(worker_dealer(loop, opened, b"worker-1", at_worker.put)) as dealer,
    ):
        for number in range(500):
            assert dealer.send({"type": "ping", "number": number})
        loop.run()
    assert [message["number"] for message, _ in at_worker] == list(range(500))


def test_a_failing_callback_does_not_hold_up_the_next_message(loop: Loop, opened: ControlDirectory) -> None:
    received = Box(loop, 2)

    def fail_first(message: dict[str, Any], identity: bytes) -> None:
        received.put(message, identity)
        if len(received) == 1:
            raise RuntimeError("first")

    with (
        contextlib.closing(workers_router(loop, opened, fail_first)),
        contextlib.closing(worker_dealer(loop, opened, b"worker-1", Box(loop).put)) as dealer,
    ):
        dealer.send({"type": "a"})
        dealer.send({"type": "b"})
        loop.run()
    assert [message["type"] for message, _ in received] == ["a", "b"]


@pytest.mark.parametrize("payload", [b"", b"\x80\x04K\x01.", b"[1]", b'{"type": 1}', b"[" * 100_000])
def test_what_is_no_message_is_dropped(loop: Loop, opened: ControlDirectory, payload: bytes) -> None:
    received = Box(loop)
    with (
        contextlib.closing(workers_router(loop, opened, received.put)),
        zmq.Context() as context,
        context.socket(zmq.DEALER) as dealer,
    ):
        dealer.linger = 0
        dealer.connect(opened.workers_address)
        dealer.send(payload)
        dealer.send(json.dumps({"type": "ready"}).encode())
        loop.run()
    assert [message for message, _ in received] == [{"type": "ready"}]


def test_a_process_of_another_user_is_not_heard(
    loop: Loop, opened: ControlDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    received = Box(loop)
    uids = iter([os.geteuid() + 1, os.geteuid()])
    monkeypatch.setattr(control, "_peer_uid", lambda payload: next(uids))
    with (
        contextlib.closing(workers_router(loop, opened, received.put)),
        contextlib.closing(worker_dealer(loop, opened, b"worker-1", Box(loop).put)) as dealer,
    ):
        dealer.send({"type": "first"})
        dealer.send({"type": "second"})
        loop.run()
    assert [message["type"] for message, _ in received] == ["second"]


def test_a_second_router_is_not_bound_without_the_directory(loop: Loop, path: Path) -> None:
    with pytest.raises(ControlError, match="cannot listen there"):
        cli_router(loop, ControlDirectory(path), Box(loop).put)


# The CLI's side


def test_request_and_answer(loop: Loop, opened: ControlDirectory) -> None:
    answers: list[dict[str, Any]] = []

    def answer(message: dict[str, Any], identity: bytes) -> None:
        router.send({"type": "done", "to": message["type"]}, identity)

    def ask() -> None:
        answers.append(request(opened.path, {"type": "status"}, PATIENCE))
        loop.call_from_thread(loop.stop)

    with contextlib.closing(cli_router(loop, opened, answer)) as router:
        asking = threading.Thread(target=ask)
        asking.start()
        loop.run()
        asking.join()
    assert answers == [{"type": "done", "to": "status"}]


def test_no_server_there(path: Path) -> None:
    with pytest.raises(NotRunning, match="no server runs there; start one"):
        request(path, {"type": "status"}, PATIENCE)
    opened = ControlDirectory.open(path)
    with pytest.raises(NotRunning, match="no server runs there any more"):
        request(path, {"type": "status"}, PATIENCE)
    opened.close()


def test_a_server_that_does_not_answer(loop: Loop, opened: ControlDirectory) -> None:
    with (
        contextlib.closing(cli_router(loop, opened, Box(loop).put)),
        pytest.raises(NotAnswering, match=r"did not answer within 0\.05 s"),
    ):
        request(opened.path, {"type": "status"}, 0.05)


def test_a_client_does_not_enter_an_unsafe_directory(path: Path) -> None:
    path.mkdir()
    path.chmod(0o777)
    with pytest.raises(UnsafeDirectory):
        request(path, {"type": "status"}, PATIENCE)
