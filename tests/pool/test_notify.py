"""What systemd is told, read from a notify socket as systemd has one."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import peers
import pytest

from pool import messages
from pool.acceptor.notify import Notifier
from pool.loop import Loop


@pytest.fixture
def loop() -> Iterator[Loop]:
    loop = Loop()
    yield loop
    loop.close()


@pytest.fixture(params=["path", "abstract"])
def systemd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, dict[str, str]]]:
    """The receiving end, and the environment that it gives a service."""
    name = str(tmp_path / "notify") if request.param == "path" else f"@ulpool-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiving:
        receiving.bind(name.replace("@", "\0"))
        receiving.settimeout(peers.DEADLINE)
        yield receiving, {"NOTIFY_SOCKET": name, "HOME": "/"}


def told(receiving: socket.socket) -> dict[str, str]:
    return dict(line.split("=", 1) for line in receiving.recv(4096).decode().split("\n"))


def test_the_states_of_a_server(loop: Loop, systemd: tuple[socket.socket, dict[str, str]]) -> None:
    receiving, environ = systemd
    notifier = Notifier(loop, lambda: True, environ)
    assert environ == {"HOME": "/"}, "workers must not inherit it"
    expected = {
        messages.STARTING: {},
        messages.RUNNING: {"READY": "1", "MAINPID": str(os.getpid())},
        messages.RELOADING: {"RELOADING": "1", "MONOTONIC_USEC": "?"},
        messages.DRAINING: {},
        messages.STOPPING: {"STOPPING": "1"},
    }
    for state, words in expected.items():
        notifier.state(state)
        said = told(receiving)
        if "MONOTONIC_USEC" in said:
            assert said["MONOTONIC_USEC"].isdecimal()
            said["MONOTONIC_USEC"] = "?"
        assert said == {**words, "STATUS": state}
    notifier.status("running: 2 workers")
    assert told(receiving) == {"STATUS": "running: 2 workers"}
    notifier.close()


def test_the_watchdog_is_fed_only_while_workers_are_live(
    loop: Loop, systemd: tuple[socket.socket, dict[str, str]]
) -> None:
    receiving, environ = systemd
    live = True
    asked = 0

    def is_live() -> bool:
        nonlocal asked
        asked += 1
        return live

    notifier = Notifier(loop, is_live, {**environ, "WATCHDOG_USEC": "20000", "WATCHDOG_PID": str(os.getpid())})
    while asked < 2:
        loop.turn()
    assert [told(receiving) for _ in range(2)] == [{"WATCHDOG": "1"}] * 2
    live = False
    while asked < 4:
        loop.turn()
    receiving.setblocking(False)
    with pytest.raises(BlockingIOError):
        receiving.recv(4096)
    notifier.close()


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"NOTIFY_SOCKET": ""},
        {"NOTIFY_SOCKET": "relative"},
        {"NOTIFY_SOCKET": "/nonexistent/notify"},
        {"NOTIFY_SOCKET": "/" + "x" * 200},
    ],
)
def test_without_systemd_nothing_is_said_and_nothing_fails(loop: Loop, environ: dict[str, str]) -> None:
    notifier = Notifier(loop, lambda: True, {**environ, "WATCHDOG_USEC": "1"})
    notifier.state(messages.RUNNING)
    loop.turn(0)
    notifier.close()


@pytest.mark.parametrize("given", [{"WATCHDOG_USEC": "0"}, {"WATCHDOG_USEC": "x"}, {"WATCHDOG_PID": "1"}])
def test_a_watchdog_that_is_none_or_another_process_s_is_not_fed(
    loop: Loop, systemd: tuple[socket.socket, dict[str, str]], given: dict[str, str]
) -> None:
    _, environ = systemd
    notifier = Notifier(loop, lambda: pytest.fail("asked"), {**environ, "WATCHDOG_USEC": "1", **given})
    loop.turn(0.01)
    notifier.close()


def test_a_systemd_that_does_not_read_is_not_waited_for(
    loop: Loop, systemd: tuple[socket.socket, dict[str, str]]
) -> None:
    _, environ = systemd
    notifier = Notifier(loop, lambda: True, environ)
    for _ in range(10_000):
        notifier.status("x" * 1000)
    notifier.close()


def test_a_state_is_told_once_there_is_room(loop: Loop, systemd: tuple[socket.socket, dict[str, str]]) -> None:
    receiving, environ = systemd
    notifier = Notifier(loop, lambda: True, environ)
    for number in range(1000):
        notifier.status(str(number))
    notifier.state(messages.RELOADING)
    notifier.state(messages.RUNNING)
    notifier.status("too late")
    said: list[str] = []
    while "READY" not in said:
        loop.turn(0)
        said += told(receiving)
    assert said.index("RELOADING") < said.index("READY")
    notifier.status("in time")
    assert told(receiving) == {"STATUS": "in time"}
    notifier.close()
