"""The command: what it teaches, what it refuses, and how it says so."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from pool import messages
from pool.acceptor.resolution import Sources
from pool.cli import VERBS, main, verbs
from pool.config import SETTINGS, Bind, Settings
from pool.control import ControlDirectory, ControlError, cli_router
from pool.exit_status import ExitStatus
from pool.loop import Loop
from pool.stats import STATISTICS, Counters

PATIENCE = 10.0  # seconds until a test that waits for a condition has failed


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("ULPOOL_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "200")


def verb(name: str) -> click.Command:
    command = verbs.get_command(click.Context(verbs), name)
    assert command is not None
    return command


# What it teaches


def test_alone_it_shows_its_verbs_and_exit_statuses(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == ExitStatus.OK
    shown = capsys.readouterr().out
    for name in VERBS:
        assert f"  {name} " in shown
    for status in ExitStatus:
        assert f"{int(status)} " in shown and status.help in shown


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_teaches_with_examples(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--help"]) == ExitStatus.OK
    shown = capsys.readouterr().out
    assert "Examples:" in shown and f"  ulpool {name}" in shown


@pytest.mark.parametrize("name", VERBS)
def test_no_option_is_undocumented(name: str) -> None:
    for option in verb(name).params:
        if isinstance(option, click.Option):
            assert option.help, option.name


@pytest.mark.parametrize("row", SETTINGS, ids=lambda row: row.name)
def test_every_setting_is_an_option_of_serve_with_its_default(row: Any, capsys: pytest.CaptureFixture[str]) -> None:
    main(["serve", "--help"])
    shown = "".join(capsys.readouterr().out.split())  # lines are broken at spaces and hyphens
    for flag in row.flags:
        assert flag in shown
    assert "".join(row.help.split()) in shown
    if row.default:
        assert f"[default:{row.default}]" in shown


def test_options_have_no_default_and_no_variable_of_their_own() -> None:
    command = verb("serve")
    parsed = command.make_context("serve", []).params
    assert not any(parsed.values())
    assert all(parameter.envvar is None for parameter in command.params)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == ExitStatus.OK
    assert capsys.readouterr().out.startswith("ulpool ")


def test_serve_loads_neither_pydicom_nor_tables() -> None:
    code = "import sys, pool.cli.serve; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert not {"pydicom", "rich", "asyncio", "numpy"} & set(loaded)


# serve: from words to settings


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """The settings that servers were made with; they stop at once."""
    made: list[Settings] = []

    class Server:
        def __init__(self, settings: Settings, sources: Sources) -> None:
            assert sources.resolve() == settings
            made.append(settings)

        def run(self) -> int:
            return ExitStatus.OK

    monkeypatch.setattr("pool.serving.Server", Server)
    monkeypatch.setattr("pool.logs.setup", lambda level, format, file: None)
    return made


@pytest.mark.parametrize(
    ("words", "name", "value"),
    [
        ("-aet ARCHIVE", "aet", "ARCHIVE"),
        ("--aet ARCHIVE", "aet", "ARCHIVE"),
        ("--bind 127.0.0.1:1 --bind [::1]:2", "bind", (Bind("127.0.0.1", 1), Bind("::1", 2))),
        ("--bind 127.0.0.1:1,[::1]:2", "bind", (Bind("127.0.0.1", 1), Bind("::1", 2))),
        ("-o /data", "output_directory", Path("/data")),
        ("-od /data", "output_directory", Path("/data")),
        ("--output-directory /data", "output_directory", Path("/data")),
        ("-pdu 16384", "max_pdu", 16384),
        ("-ta 5", "acse_timeout", 5.0),
        ("-td 0", "dimse_timeout", None),
        ("--accept-unknown", "accept_unknown", True),
        ("--no-accept-unknown", "accept_unknown", False),
    ],
)
def test_words_of_the_command_line(served: list[Settings], words: str, name: str, value: object) -> None:
    assert main(["serve", *words.split()]) == ExitStatus.OK
    assert getattr(served[0], name) == value


def test_the_server_s_exit_status_is_ours(served: list[Settings], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pool.serving.Server.run", lambda self: ExitStatus.CANNOT_LISTEN)
    assert main(["serve"]) == ExitStatus.CANNOT_LISTEN


# What it refuses


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (["--nonsense"], ExitStatus.USAGE, "--nonsense"),
        (["stats"], ExitStatus.USAGE, "'stats'"),
        (["serve", "receiver", "extra"], ExitStatus.USAGE, "Try ulpool serve --help."),
        (["load", "--scenario"], ExitStatus.USAGE, "Try ulpool load --help."),
        (["serve", "--workers", "none"], ExitStatus.USAGE, "--workers: 'none' will not do: give a whole number"),
        (["serve", "--config", "/nonexistent.toml"], ExitStatus.USAGE, "/nonexistent.toml: cannot read it"),
        (["status", "--control", "/nonexistent"], ExitStatus.NOT_RUNNING, "start one with ulpool serve"),
        (["stop", "--control", "/nonexistent"], ExitStatus.NOT_RUNNING, "start one with ulpool serve"),
        (["status", "--control", "/dev/null"], ExitStatus.FAILED, "not a directory"),
    ],
)
def test_faults_are_one_line(
    words: list[str], status: ExitStatus, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == status
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("ulpool: ") and captured.err.count("\n") == 1
    assert says in captured.err


def test_a_directory_that_another_server_holds(
    served: list[Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "control"
    monkeypatch.setattr("pool.serving.Server.run", lambda self: ControlDirectory.open(path))
    with contextlib.closing(ControlDirectory.open(path)):
        assert main(["serve", "--control", str(path)]) == ExitStatus.ALREADY_RUNNING
    assert "another server runs there" in capsys.readouterr().err


def test_every_error_of_control_has_an_exit_status() -> None:
    with pytest.MonkeyPatch.context() as patched:
        for kind in (ControlError, *ControlError.__subclasses__()):
            patched.setattr(verbs, "main", raiser(kind("said")))
            assert main([]) in list(ExitStatus)[1:]


def raiser(error: Exception) -> Callable[..., None]:
    def fail(*args: object, **kwargs: object) -> None:
        raise error

    return fail


# status and stop, against a loop that answers for a server


class FakeServer:
    """Answers each request with the next of `answers`."""

    def __init__(self, path: Path) -> None:
        self.answers: list[dict[str, Any]] = []
        self.requests: list[dict[str, Any]] = []
        self.loop = Loop()
        self.directory = ControlDirectory.open(path)
        self.router = cli_router(self.loop, self.directory, self.answer)
        self.thread = threading.Thread(target=self.loop.run)

    def answer(self, message: dict[str, Any], identity: bytes) -> None:
        self.requests.append(message)
        self.router.send(self.answers.pop(0), identity)

    def close(self) -> None:
        self.loop.call_from_thread(self.loop.stop)
        self.thread.join()
        self.router.close()
        self.directory.close()
        self.loop.close()


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeServer]:
    path = tmp_path / "control"
    monkeypatch.setenv("ULPOOL_CONTROL", str(path))
    server = FakeServer(path)
    server.thread.start()
    yield server
    server.close()


def server_status() -> messages.ServerStatus:
    counted = Counters(c_store_requests=1234, bytes_received=3 << 20)
    counted.count("responses", "C-STORE-RQ", "A700", "other")
    counters = counted.snapshot()
    return messages.ServerStatus(
        pid=4711,
        state="running",
        aet="ARCHIVE",
        bind=["127.0.0.1:104", "[::1]:104"],
        seconds=3725.0,
        generation=2,
        workers=[
            messages.WorkerStatus(
                number=3,
                pid=4712,
                generation=2,
                state="leaving",
                reason="memory",
                connections=2,
                served=17,
                memory=5 << 20,
                seconds=61.0,
                counters=counters,
            )
        ],
        associations=[
            messages.AssociationStatus(
                token=9,
                peer="10.0.0.7:50123",
                calling_ae_title="[red]X\x1b[2J\n",
                called_ae_title="ARCHIVE",
                worker=3,
                seconds=2.25,
            )
        ],
        counters=counters,
        rates={"c_store_requests": 12.5},
        rate_seconds=10.0,
    )


def test_status_for_people(server: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    server.answers = [messages.SERVER_STATUS(status=server_status())]
    assert main(["status"]) == ExitStatus.OK
    shown = capsys.readouterr().out
    assert shown.startswith("ARCHIVE on 127.0.0.1:104, [::1]:104: running for 1 h 2 min (pid 4711)\n")
    assert server.requests == [messages.STATUS()]
    for row in STATISTICS:
        assert row.help in shown
    for words in (
        "4712",
        "leaving (memory)",
        "5 MiB",
        "1 min 1 s",
        "10.0.0.7:50123",
        "2.25 s",
        "3 MiB",
        "1,234",
        "12.5",
        "A700H",
    ):
        assert words in shown, words
    assert "[red]X" in shown and "\x1b" not in shown


def test_status_for_machines(server: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    server.answers = [messages.SERVER_STATUS(status=server_status())]
    assert main(["status", "--json"]) == ExitStatus.OK
    assert json.loads(capsys.readouterr().out) == server_status()


@pytest.mark.parametrize(("words", "now"), [(["stop"], False), (["stop", "--now"], True)])
def test_stop_waits_until_the_server_is_gone(
    server: FakeServer, words: list[str], now: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """The process that stands for the server ends when its standard input does."""
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        server.answers = [messages.DONE(pid=process.pid)]
        statuses: list[int] = []
        stopping = threading.Thread(target=lambda: statuses.append(main(words)))
        stopping.start()
        process.stdin.close()
        stopping.join(PATIENCE)
    assert statuses == [ExitStatus.OK]
    assert server.requests == [messages.STOP(now=now)]
    assert capsys.readouterr().out == f"stopped (pid {process.pid})\n"


def test_who_follows_too_slowly_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    class Told:
        def events(self, *types: str) -> Iterator[dict[str, Any]]:
            return iter(
                [{**messages.SERVER_STATE(state="running"), "time": 0, "number": number} for number in (1, 2, 7)]
            )

    monkeypatch.setattr("pool.cli.events.control", lambda command_line: Told())
    monkeypatch.setattr("pool.cli.events.signal.signal", lambda signum, handler: None)
    assert main(["events"]) == 0
    told = capsys.readouterr()
    assert (told.out.count("server.state state=running"), told.err) == (3, "missed 4 events: reading was too slow\n")
    assert main(["events", "server."]) == 0
    assert capsys.readouterr().err == ""


def test_a_request_the_server_refuses(server: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    server.answers = [messages.FAILED(message="it is stopping already")]
    assert main(["stop"]) == ExitStatus.FAILED
    assert capsys.readouterr().err == "ulpool: it is stopping already\n"
