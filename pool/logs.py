"""The log: one line per event, a stable name per event, text for people or JSON for machines.

What a peer sent (titles, names, versions) is escaped and bounded here and nowhere else, so no caller can forget it: a
title with a newline must not forge a line. No event carries values of a data set. Records of other libraries that
use `logging` pass through the same format. A line leaves in one write, so that those of several processes do not mix.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any, Final, TextIO

DEBUG: Final = logging.DEBUG
INFO: Final = logging.INFO
WARNING: Final = logging.WARNING
ERROR: Final = logging.ERROR
FATAL: Final = logging.CRITICAL

LEVELS: Final = {"debug": DEBUG, "info": INFO, "warning": WARNING, "error": ERROR, "fatal": FATAL}
_LEVEL_NAMES: Final = {number: name for name, number in LEVELS.items()}
_PREFIXES: Final = {DEBUG: "D: ", INFO: "I: ", WARNING: "W: ", ERROR: "E: ", FATAL: "F: "}  # DCMTK's

LONGEST_VALUE: Final = 256  # characters of one field
LONGEST_EXCEPTION: Final = 1024
LONGEST_TRACEBACK: Final = 12  # frames, the innermost ones

_encode: Final = json.JSONEncoder().encode

# What stands in a text line as it is: printable ASCII without space, quote, equals sign and backslash.
_is_plain: Final = re.compile(rf"[!#-<>-\[\]-~]{{1,{LONGEST_VALUE}}}").fullmatch


class _Log:
    """Where lines go; a process has one."""

    def __init__(self) -> None:
        self.threshold = WARNING
        self.format: Callable[[int, str, dict[str, Any]], str] = _text_line
        self.stream: TextIO | None = None
        self.second = 0
        self.second_text = ""
        self.included: set[str] = set()  # loggers that are no library's

    def timestamp(self) -> str:
        """ISO 8601, UTC, milliseconds. The part down to the second is made once a second."""
        milliseconds = time.time_ns() // 1_000_000
        second, rest = divmod(milliseconds, 1000)
        if second != self.second:
            self.second_text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
            self.second = second
        return f"{self.second_text}.{rest:03d}Z"


class _FromLogging(logging.Handler):
    """Brings the records of other libraries into our format."""

    def emit(self, record: logging.LogRecord) -> None:
        level = max((level for level in _PREFIXES if level <= record.levelno), default=DEBUG)
        fields: dict[str, Any] = {"logger": record.name, "message": record.getMessage()}
        if record.exc_info and record.exc_info[1]:
            fields["error"] = record.exc_info[1]
        event(level, "application" if _is_included(record.name) else "library", **fields)


def setup(level: str = "info", format: str = "text", stream: TextIO | None = None) -> None:
    """Log events of `level` and above to `stream` (standard error if None). May be called again."""
    _log.stream = stream
    _log.format = _json_line if format == "json" else _text_line
    set_level(level)
    root = logging.getLogger()
    for handler in root.handlers[:]:
        if isinstance(handler, _FromLogging):
            root.removeHandler(handler)
    root.addHandler(_FromLogging())
    logging.captureWarnings(True)


def set_level(level: str) -> None:
    _log.threshold = LEVELS[level]
    # Libraries chatter at debug and info; of theirs, an operator sees what may matter to him.
    logging.getLogger().setLevel(max(_log.threshold, WARNING))
    for logger in _log.included:
        logging.getLogger(logger).setLevel(_log.threshold)


def include(logger: str) -> None:
    """What this logger of `logging` and those below it say is the server's own: all of it from our level on."""
    _log.included.add(logger)
    logging.getLogger(logger).setLevel(_log.threshold)


def _is_included(logger: str) -> bool:
    return any(f"{logger}.".startswith(f"{name}.") for name in _log.included)


def is_enabled(level: int) -> bool:
    """Whether it is worth gathering the fields of an event."""
    return level >= _log.threshold


def event(level: int, name: str, /, **fields: Any) -> None:
    """Log one event.

    `name` is stable and dotted, such as "association.closed"; `ts`, `level` and `event` are not names of fields. A
    field that is None is left out; an exception tells its type, message and where it was raised.
    """
    if level < _log.threshold:
        return
    line = _log.format(level, name, fields)
    stream = _log.stream or sys.stderr
    try:
        stream.write(line)
        stream.flush()
    except (OSError, ValueError):
        pass  # nobody reads any more (a closed pipe): no reason to stop serving


def _text_line(level: int, name: str, fields: dict[str, Any]) -> str:
    parts = [f"{_PREFIXES[level]}{_log.timestamp()} {name}"]
    for key, value in fields.items():
        kind = value.__class__
        if kind is int or (kind is str and _is_plain(value)):
            parts.append(f"{key}={value}")
        elif value is not None:
            parts.append(f"{key}={_quoted(value)}")
    return " ".join(parts) + "\n"


def _quoted(value: Any) -> str:
    plain = _bounded(value)
    if plain.__class__ is str and _is_plain(plain):
        return plain
    return _encode(plain).replace("\x7f", "\\u007f")


def _json_line(level: int, name: str, fields: dict[str, Any]) -> str:
    record: dict[str, Any] = {"ts": _log.timestamp(), "level": _LEVEL_NAMES[level], "event": name}
    for key, value in fields.items():
        if value is not None:
            record.setdefault(key, value if value.__class__ is int else _bounded(value))
    return _encode(record) + "\n"


def _bounded(value: Any) -> str | int | float | bool:
    """A field's value: numbers stay numbers, everything else is text of a bounded length."""
    if value.__class__ is str:
        return _cut(value, LONGEST_VALUE)
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, int):  # bool too
        return value
    if isinstance(value, BaseException):
        return _cut(_exception_text(value), LONGEST_EXCEPTION)
    if isinstance(value, (bytes, bytearray, memoryview)):
        value = str(bytes(value[: LONGEST_VALUE + 1]), "latin-1")
    return _cut(str(value), LONGEST_VALUE)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 3] + "..."


def _exception_text(error: BaseException) -> str:
    """`KeyError: 'a' at loop.py:10 run > connection.py:20 pump`: a traceback that keeps to its line."""
    text = "".join(traceback.format_exception_only(type(error), error)).strip()[:LONGEST_VALUE]
    frames = traceback.extract_tb(error.__traceback__)[-LONGEST_TRACEBACK:]
    where = " > ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames)
    return f"{text} at {where}" if where else text


_log: Final = _Log()
