"""One line per event, whatever a peer put into it."""

from __future__ import annotations

import fcntl
import io
import json
import logging
import math
import os
import pty
import re
import select
import socket
import threading
import tty
import warnings
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from pool import logs
from ul.errors import StatusError

HOSTILE = 'A\nI: 2026-01-01T00:00:00.000Z server.stopped "x=1" \x1b[31m\x00\x7f\u2028é\\'


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    before = warnings.showwarning
    stream = io.StringIO()
    yield stream
    logs.setup("warning", "text")
    root = logging.getLogger()
    root.removeHandler(root.handlers[-1])
    warnings.showwarning = before


def as_json(stream: io.StringIO) -> dict[str, Any]:
    lines = stream.getvalue().splitlines()
    assert len(lines) == 1
    record: dict[str, Any] = json.loads(lines[0])
    return record


def test_text_is_for_people(stream: io.StringIO) -> None:
    logs.setup("info", "text", stream=stream)
    logs.event(logs.INFO, "association.closed", id=7, calling="STORESCU", called="MY SCP", seconds=0.1234567, gone=None)
    assert re.fullmatch(
        r'I: \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z association\.closed id=7 calling=STORESCU called="MY SCP" '
        r"seconds=0\.123457\n",
        stream.getvalue(),
    )


def test_json_is_for_machines(stream: io.StringIO) -> None:
    logs.setup("info", "json", stream=stream)
    logs.event(logs.WARNING, "association.closed", id=7, calling="A", seconds=0.5, clean=True, gone=None)
    record = as_json(stream)
    assert record.pop("ts").endswith("Z")
    assert record == {
        "level": "warning",
        "event": "association.closed",
        "id": 7,
        "calling": "A",
        "seconds": 0.5,
        "clean": True,
    }


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error"])
def test_the_level_is_the_least_severe_that_is_logged(stream: io.StringIO, level: str) -> None:
    logs.setup(level, "json", stream=stream)
    for name, number in logs.LEVELS.items():
        logs.event(number, name)
    names = [json.loads(line)["event"] for line in stream.getvalue().splitlines()]
    assert names == list(logs.LEVELS)[list(logs.LEVELS).index(level) :]


@pytest.mark.parametrize("format", ["text", "json"])
@pytest.mark.parametrize("value", [HOSTILE, HOSTILE.encode(), bytearray(b"\r\n\xff")])
def test_a_peer_cannot_forge_a_line_or_reach_the_terminal(stream: io.StringIO, format: str, value: object) -> None:
    logs.setup("info", format, stream=stream)
    logs.event(logs.INFO, "association.requested", calling=value, called="ULPOOL")
    line = stream.getvalue()
    assert line.endswith("\n") and line.count("\n") == 1
    assert line.isascii() and line[:-1].replace("\x7f", "" if format == "json" else "\x7f").isprintable()
    assert len(line.splitlines()) == 1


def test_json_gives_back_what_a_peer_sent(stream: io.StringIO) -> None:
    logs.setup("info", "json", stream=stream)
    logs.event(logs.INFO, "association.requested", calling=HOSTILE)
    assert as_json(stream)["calling"] == HOSTILE


def test_a_field_cannot_pass_for_one_of_ours(stream: io.StringIO) -> None:
    logs.setup("info", "json", stream=stream)
    logs.event(logs.INFO, "log.level", level="debug", event="other", ts=0)
    record = as_json(stream)
    assert (record["level"], record["event"]) == ("info", "log.level")


@pytest.mark.parametrize("value", [0.1234567891, -0.5, 0.0, 12345678.9, math.inf, -math.inf, math.nan])
def test_every_number_is_one_that_json_has(stream: io.StringIO, value: float) -> None:
    logs.setup("info", "json", stream=stream)
    logs.event(logs.INFO, "association.closed", seconds=value)
    record = json.loads(stream.getvalue(), parse_constant=pytest.fail)
    assert record["seconds"] == (round(value, 6) if math.isfinite(value) else str(value))


@pytest.mark.parametrize("format", ["text", "json"])
@pytest.mark.parametrize("value", ["x" * 1_000_000, b"x" * 1_000_000, ["x"] * 1_000_000])
def test_fields_are_bounded(stream: io.StringIO, format: str, value: object) -> None:
    logs.setup("info", format, stream=stream)
    logs.event(logs.INFO, "association.requested", version=value)
    assert len(stream.getvalue()) < 500
    assert "..." in stream.getvalue() or isinstance(value, bytes)


def test_an_exception_keeps_to_its_line_and_says_where(stream: io.StringIO) -> None:
    logs.setup("info", "json", stream=stream)
    try:
        raise StatusError(0xA700, "two\nlines")
    except StatusError as error:
        logs.event(logs.ERROR, "loop.callback_failed", error=error)
    text = as_json(stream)["error"]
    assert text.startswith("ul.errors.StatusError: A700H two\nlines at test_logs.py:")
    assert text.endswith("test_an_exception_keeps_to_its_line_and_says_where")


def test_other_libraries_and_warnings_pass_through_the_same_format(stream: io.StringIO) -> None:
    logs.setup("info", "json", stream=stream)
    logging.getLogger("urllib3").info("chatter")
    logging.getLogger("urllib3").error("bad %s", "thing")
    record = as_json(stream)
    assert (record["event"], record["logger"], record["message"]) == ("library", "urllib3", "bad thing")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logs.setup("info", "json", stream=stream)
        warnings.warn("old fashioned", DeprecationWarning, stacklevel=1)
    assert "old fashioned" in stream.getvalue()


def test_nobody_who_reads_is_no_reason_to_fail(stream: io.StringIO) -> None:
    closed = io.StringIO()
    closed.close()
    logs.setup("info", "text", stream=closed)
    logs.event(logs.INFO, "server.ready")


# A reader that stalls.


@pytest.fixture(params=["pipe", "pipe of somebody else's", "terminal", "socket"])
def unread(request: pytest.FixtureRequest, stream: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The log goes to something that nobody reads but the test, by this descriptor."""
    with ExitStack() as stack:
        if request.param == "socket":
            reading, writing = (end.detach() for end in socket.socketpair())
        elif request.param == "terminal":
            reading, writing = pty.openpty()
            tty.setraw(writing)
        else:
            reading, writing = os.pipe()
        stack.callback(os.close, reading)
        stack.callback(logs.setup, "warning", "text", stream=stream)
        with monkeypatch.context() as patched:
            if request.param == "pipe of somebody else's":
                patched.setattr(os, "open", lambda *args: os.close(-1))
            logs.setup("info", "json", stream=stack.enter_context(os.fdopen(writing, "w")))
        yield reading
        assert not fcntl.fcntl(writing, fcntl.F_GETFL) & os.O_NONBLOCK  # others write to the same, and want to wait


def read_from(reading: int) -> bytes:
    """What is there to read."""
    text = b""
    while select.select([reading], [], [], 0)[0]:
        text += os.read(reading, 65536)
    return text


def say_on_a_thread(count: int) -> None:
    def say() -> None:
        for number in range(count):
            logs.event(logs.INFO, "association.closed", number=number, end="x" * 200)

    saying = threading.Thread(target=say, daemon=True)
    saying.start()
    saying.join(10)
    assert not saying.is_alive(), "the log is waited for"


def test_nobody_waits_for_who_reads_the_log(unread: int) -> None:
    say_on_a_thread(5000)
    text = b""
    stops = 0
    while b"server.stopped" not in text:  # what was held comes as soon as there is room
        text += read_from(unread)
        logs.event(logs.INFO, "server.stopped")
        stops += 1
        assert stops < 100
    text += read_from(unread)
    seen = [json.loads(line) for line in text.splitlines()]
    numbers = [line["number"] for line in seen if "number" in line]
    assert numbers == list(range(len(numbers)))
    (dropped,) = [line for line in seen if line["event"] == "log.dropped"]
    assert (dropped["level"], seen.index(dropped)) == ("warning", len(numbers))
    assert len(seen) - 1 + dropped["lines"] == 5000 + stops


def test_a_log_that_is_read_in_time_is_whole(unread: int) -> None:
    for _ in range(100):
        say_on_a_thread(10)
        assert [json.loads(line)["number"] for line in read_from(unread).splitlines()] == list(range(10))


def test_a_file_is_appended_to_where_others_left_it(stream: io.StringIO, tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as file:
        logs.setup("info", "text", stream=file)
        os.write(file.fileno(), b"one\n")
        logs.event(logs.INFO, "two")
        os.write(file.fileno(), b"three\n")
    lines = (tmp_path / "log").read_text().splitlines()
    assert [line.split()[-1] for line in lines] == ["one", "two", "three"]


def test_a_server_may_have_no_standard_error(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", None)
    logs.setup("info", "text")
    logs.event(logs.INFO, "server.ready")


# What would quote values of data sets.


def raised(kind: type[BaseException], *args: object) -> BaseException:
    try:
        raise kind(*args)
    except BaseException as error:
        return error


@pytest.mark.parametrize(
    "error",
    [
        raised(KeyError, "ZZCANARY"),
        raised(ValueError, "invalid value ZZCANARY"),
        raised(FileNotFoundError, 2, "No such file or directory", "/ZZCANARY.dcm"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_the_message_of_a_strange_exception_is_withheld(stream: io.StringIO, error: BaseException) -> None:
    """A handler's `patients[event.dataset.PatientID]`: the KeyError is the patient's id."""
    logs.setup("debug", "json", stream=stream)
    logs.event(logs.ERROR, "handler.failed", error=error)
    text = as_json(stream)["error"]
    assert text.startswith(type(error).__name__) and "test_logs.py" in text and "ZZCANARY" not in text


def test_libraries_that_read_data_sets_do_not_quote_them(stream: io.StringIO) -> None:
    logs.setup("debug", "json", stream=stream)
    logging.getLogger("pydicom").warning("Invalid value for VR DA: 'ZZCANARY'")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logs.setup("debug", "json", stream=stream)
        warnings.warn("Invalid value for VR DA: 'ZZCANARY'", UserWarning, stacklevel=1)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 2 and all("test_logs.py" in line for line in lines)
    assert "ZZCANARY" not in stream.getvalue()


# Where it goes.


def test_text_for_a_terminal_and_json_for_the_rest(stream: io.StringIO, capfd: pytest.CaptureFixture[str]) -> None:
    reading, writing = pty.openpty()
    with os.fdopen(writing, "w") as terminal:
        logs.setup("info", "auto", stream=terminal)
        logs.event(logs.INFO, "server.stopped")
        assert os.read(reading, 1000).startswith(b"I: ")
    os.close(reading)
    logs.setup("info", "auto", stream=stream)
    logs.event(logs.INFO, "server.stopped")
    assert as_json(stream)["event"] == "server.stopped"


def test_a_log_file_is_reopened_where_it_was_moved_away(stream: io.StringIO, tmp_path: Path) -> None:
    file, moved = tmp_path / "log", tmp_path / "log.1"
    logs.setup("info", "auto", file)
    logs.event(logs.INFO, "one")
    file.rename(moved)
    logs.event(logs.INFO, "two")
    logs.reopen()
    logs.event(logs.INFO, "three")
    assert [json.loads(line)["event"] for line in moved.read_text().splitlines()] == ["one", "two"]
    assert [json.loads(line)["event"] for line in file.read_text().splitlines()] == ["three"]
    assert file.stat().st_mode & 0o777 == 0o640


def test_a_log_file_that_cannot_be_reopened_is_gone_on_with(stream: io.StringIO, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    logs.setup("info", "json", folder / "log")
    folder.rename(tmp_path / "moved")
    logs.reopen()
    assert json.loads((tmp_path / "moved" / "log").read_text())["event"] == "log.not_reopened"


def test_a_log_file_that_cannot_be_written_is_said_at_once(stream: io.StringIO, tmp_path: Path) -> None:
    logs.setup("info", "text", stream=stream)
    with pytest.raises(OSError):
        logs.setup("info", "json", tmp_path / "absent" / "log")
    logs.event(logs.INFO, "still.here")
    assert "still.here" in stream.getvalue()


def test_what_a_thread_logs_is_about_its_subject(stream: io.StringIO) -> None:
    """What a handler says with `logging` is a line of its association, too."""
    logs.setup("info", "json", stream=stream)
    logs.include("receiver")
    with logs.about(association=7):
        logging.getLogger("receiver").info("kept")
    assert as_json(stream)["association"] == 7
    logging.getLogger("receiver").info("idle")
    assert "association" not in json.loads(stream.getvalue().splitlines()[1])
