"""One line per event, whatever a peer put into it."""

from __future__ import annotations

import io
import json
import logging
import re
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from pool import logs

HOSTILE = 'A\nI: 2026-01-01T00:00:00.000Z server.stopped "x=1" \x1b[31m\x00\x7f\u2028é\\'


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    yield stream
    logs.setup("warning", "text")
    root = logging.getLogger()
    root.removeHandler(root.handlers[-1])
    logging.captureWarnings(False)


def as_json(stream: io.StringIO) -> dict[str, Any]:
    lines = stream.getvalue().splitlines()
    assert len(lines) == 1
    record: dict[str, Any] = json.loads(lines[0])
    return record


def test_text_is_for_people(stream: io.StringIO) -> None:
    logs.setup("info", "text", stream)
    logs.event(logs.INFO, "association.closed", id=7, calling="STORESCU", called="MY SCP", seconds=0.1234567, gone=None)
    assert re.fullmatch(
        r'I: \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z association\.closed id=7 calling=STORESCU called="MY SCP" '
        r"seconds=0\.123457\n",
        stream.getvalue(),
    )


def test_json_is_for_machines(stream: io.StringIO) -> None:
    logs.setup("info", "json", stream)
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
    logs.setup(level, "json", stream)
    for name, number in logs.LEVELS.items():
        logs.event(number, name)
    names = [json.loads(line)["event"] for line in stream.getvalue().splitlines()]
    assert names == list(logs.LEVELS)[list(logs.LEVELS).index(level) :]
    assert logs.is_enabled(logs.DEBUG) == (level == "debug")


@pytest.mark.parametrize("format", ["text", "json"])
@pytest.mark.parametrize("value", [HOSTILE, HOSTILE.encode(), bytearray(b"\r\n\xff")])
def test_a_peer_cannot_forge_a_line_or_reach_the_terminal(stream: io.StringIO, format: str, value: object) -> None:
    logs.setup("info", format, stream)
    logs.event(logs.INFO, "association.requested", calling=value, called="ULPOOL")
    line = stream.getvalue()
    assert line.endswith("\n") and line.count("\n") == 1
    assert line.isascii() and line[:-1].replace("\x7f", "" if format == "json" else "\x7f").isprintable()
    assert len(line.splitlines()) == 1


def test_json_gives_back_what_a_peer_sent(stream: io.StringIO) -> None:
    logs.setup("info", "json", stream)
    logs.event(logs.INFO, "association.requested", calling=HOSTILE)
    assert as_json(stream)["calling"] == HOSTILE


def test_a_field_cannot_pass_for_one_of_ours(stream: io.StringIO) -> None:
    logs.setup("info", "json", stream)
    logs.event(logs.INFO, "log.level", level="debug", event="other", ts=0)
    record = as_json(stream)
    assert (record["level"], record["event"]) == ("info", "log.level")


@pytest.mark.parametrize("format", ["text", "json"])
@pytest.mark.parametrize("value", ["x" * 1_000_000, b"x" * 1_000_000, ["x"] * 1_000_000])
def test_fields_are_bounded(stream: io.StringIO, format: str, value: object) -> None:
    logs.setup("info", format, stream)
    logs.event(logs.INFO, "association.requested", version=value)
    assert len(stream.getvalue()) < 500
    assert "..." in stream.getvalue() or isinstance(value, bytes)


def test_an_exception_keeps_to_its_line_and_says_where(stream: io.StringIO) -> None:
    logs.setup("info", "json", stream)
    try:
        raise ValueError("two\nlines")
    except ValueError as error:
        logs.event(logs.ERROR, "loop.callback_failed", error=error)
    text = as_json(stream)["error"]
    assert text.startswith("ValueError: two\nlines at test_logs.py:")
    assert text.endswith("test_an_exception_keeps_to_its_line_and_says_where")


def test_other_libraries_and_warnings_pass_through_the_same_format(stream: io.StringIO) -> None:
    logs.setup("info", "json", stream)
    logging.getLogger("pydicom").info("chatter")
    logging.getLogger("pydicom").error("bad %s", "thing")
    record = as_json(stream)
    assert (record["event"], record["logger"], record["message"]) == ("library", "pydicom", "bad thing")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("odd value", UserWarning, stacklevel=1)
    assert "odd value" in stream.getvalue()


def test_nobody_who_reads_is_no_reason_to_fail(stream: io.StringIO) -> None:
    closed = io.StringIO()
    closed.close()
    logs.setup("info", "text", closed)
    logs.event(logs.INFO, "server.ready")
