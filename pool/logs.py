"""The log: one line per event, a stable name per event, text for people or JSON for machines.

What a peer sent (titles, names, versions) is escaped and bounded here and nowhere else, so no caller can forget it: a
title with a newline must not forge a line. Records of other libraries that use `logging` pass through the same format.
A line leaves in one write, so that those of several processes do not mix. `log_events` tells what events there are.

No line carries values of a data set. They would come in what others say: so of an exception that is none of ours the
type and the place are told and not its message, and the same of libraries that read data sets, and of warnings.

Nobody waits for who reads the log: what a stalled reader does not take is held up to a bound, then dropped and counted.
"""

from __future__ import annotations

import json
import logging
import os
import re
import select
import stat
import sys
import threading
import time
import traceback
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from json.encoder import encode_basestring_ascii
from math import isfinite
from pathlib import Path
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
MOST_HELD: Final = 256  # lines that nobody has read yet, besides what a pipe holds

_encode: Final = json.JSONEncoder().encode

# Whose exceptions never quote a value, by the first part of their module; an OSError tells its error number's meaning.
_OURS: Final = ("pool", "ul", "zmq")
# Libraries whose messages quote values of data sets.
_QUOTE_VALUES: Final = ("pydicom", "pynetdicom", "highdicom", "pylibjpeg")

# What stands in a text line as it is: printable ASCII without space, quote, equals sign and backslash.
_is_plain: Final = re.compile(rf"[!#-<>-\[\]-~]{{1,{LONGEST_VALUE}}}").fullmatch


class _Log:
    """Where lines go; a process has one."""

    def __init__(self) -> None:
        self.threshold = WARNING
        self.format: Callable[[int, str, dict[str, Any]], str] = _text_line
        self.output = _Output()
        self.second = ""
        self.second_text = ""
        self.included: set[str] = set()  # loggers that are no library's

    def timestamp(self) -> str:
        """ISO 8601, UTC, milliseconds. The part down to the second is made once a second."""
        milliseconds = str(time.time_ns() // 1_000_000)
        second = milliseconds[:-3]
        if second != self.second:
            self.second_text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(int(second)))
            self.second = second
        return f"{self.second_text}.{milliseconds[-3:]}Z"


class _Output:
    """The stream or file that lines are written to, never waiting for its reader. Several threads may use it."""

    def __init__(self, stream: TextIO | None = None, file: Path | None = None) -> None:
        self._stream = stream  # None: whatever standard error is at the moment
        self._file = file  # instead of a stream
        self._written_to: TextIO | None = None
        self._write: Callable[[bytes], int] = len
        self._held: deque[bytes] = deque()
        self._dropped = 0
        self._lock = threading.RLock()  # a destructor that runs amid a line may have something to say

    def open(self) -> None:
        """Be ready for lines; no descriptor may be free when there are some."""
        if self._file is not None:
            if self._write is len:
                self.reopen()
            return
        stream = self._stream or sys.stderr
        if stream is not self._written_to:
            self._written_to, self._write = stream, _writer(stream)

    def reopen(self) -> None:
        """Go on in a new file of the same name: the old one was moved away. Raises OSError, and keeps the old one."""
        if self._file is not None:
            descriptor = _Descriptor(os.open(self._file, _OWN_FLAGS | os.O_CREAT | os.O_APPEND, _FILE_MODE))
            with self._lock:
                self._write = descriptor.write

    def is_terminal(self) -> bool:
        """Whether somebody looks on."""
        stream = self._stream or sys.stderr
        try:
            return self._file is None and stream is not None and stream.isatty()
        except ValueError:  # closed
            return False

    def say(self, line: str) -> None:
        """Write a line, hold it or drop it. The order is kept, and what is missing is told where it would be."""
        with self._lock:
            self.open()
            if self._held:
                self._push()
            if self._dropped and not self._held:
                self._held.append(_log.format(WARNING, "log.dropped", {"lines": self._dropped}).encode())
                self._dropped = 0
            if self._dropped or len(self._held) > MOST_HELD:
                self._dropped += 1
                return
            self._held.append(line.encode())
            self._push()

    def _push(self) -> None:
        """Line by line, for a pipe takes one whole or not at all."""
        try:
            while self._held:
                line = self._held.popleft()
                taken = self._write(line)
                if taken < len(line):
                    self._held.appendleft(line[taken:])
        except BlockingIOError:
            self._held.appendleft(line)
        except (OSError, ValueError):  # nobody reads any more (a closed pipe): no reason to stop serving
            self._held.clear()


def _writer(stream: TextIO | None) -> Callable[[bytes], int]:
    """What writes as much to `stream` as is taken at once, and raises BlockingIOError where that is nothing."""
    if stream is None:
        return len
    try:
        fd = stream.fileno()
        kind = os.fstat(fd).st_mode
        if stat.S_ISREG(kind):
            return _Descriptor(os.dup(fd)).write
        if stat.S_ISFIFO(kind) or stat.S_ISCHR(kind):
            try:
                return _Descriptor(os.open(f"/proc/self/fd/{fd}", _OWN_FLAGS)).write
            except OSError:
                pass  # it belongs to another user, as where a container's log is a pipe of root's
        return _Descriptor(os.dup(fd)).write_if_ready
    except (OSError, ValueError):  # nothing of the kernel's
        return partial(_write_text, stream)


_OWN_FLAGS: Final = os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_FILE_MODE: Final = 0o640


class _Descriptor:
    """Our own descriptor of the log: the one we inherited stays as it is, for O_NONBLOCK would be set for all."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._poll = select.poll()
        self._poll.register(fd, select.POLLOUT)

    def __del__(self) -> None:
        os.close(self._fd)

    def write(self, data: bytes) -> int:
        """For what never blocks."""
        return os.write(self._fd, data)

    def write_if_ready(self, data: bytes) -> int:
        """For what might: PIPE_BUF bytes do not where poll(2) sees room."""
        if not self._poll.poll(0):
            raise BlockingIOError
        return os.write(self._fd, data[: select.PIPE_BUF])


def _write_text(stream: TextIO, data: bytes) -> int:
    stream.write(data.decode())
    stream.flush()
    return len(data)


class _FromLogging(logging.Handler):
    """Brings the records of other libraries into our format."""

    def emit(self, record: logging.LogRecord) -> None:
        level = max((level for level in _PREFIXES if level <= record.levelno), default=DEBUG)
        fields: dict[str, Any] = {"logger": record.name, "message": record.getMessage()}
        if record.exc_info and record.exc_info[1]:
            fields["error"] = record.exc_info[1]
        if record.name.partition(".")[0] in _QUOTE_VALUES:
            fields["message"] = None
            fields["where"] = f"{record.filename}:{record.lineno} {record.funcName}"
        event(level, "application" if _is_included(record.name) else "library", **fields)


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Instead of `warnings.showwarning`. A UserWarning is what pydicom gives for an odd value, which it quotes."""
    told = None if issubclass(category, UserWarning) else str(message)
    where = f"{filename.rpartition('/')[2]}:{lineno}"
    event(WARNING, "library", logger="py.warnings", category=category.__name__, message=told, where=where)


def setup(level: str = "info", format: str = "auto", file: Path | None = None, *, stream: TextIO | None = None) -> None:
    """Log events of `level` and above to `file`, or to `stream` (standard error if None). May be called again.

    `format` is text, json, or auto: text on a terminal. Raises OSError where the file cannot be written.
    """
    output = _Output(stream, file)
    output.open()
    _log.output = output
    as_text = output.is_terminal() if format == "auto" else format == "text"
    _log.format = _text_line if as_text else _json_line
    set_level(level)
    root = logging.getLogger()
    for handler in root.handlers[:]:
        if isinstance(handler, _FromLogging):
            root.removeHandler(handler)
    root.addHandler(_FromLogging())
    warnings.showwarning = _show_warning


def reopen() -> None:
    """Go on in a new log file of the same name, after the old one was moved away. Nothing, where the log is no file."""
    try:
        _log.output.reopen()
    except OSError as error:
        event(ERROR, "log.not_reopened", error=error)


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


def event(level: int, name: str, /, **fields: Any) -> None:
    """Log one event.

    `name` is stable and dotted, such as "association.closed"; `ts`, `level` and `event` are not names of fields. A
    field that is None is left out; an exception tells its type, message and where it was raised.
    """
    if level < _log.threshold:
        return
    if _thread.subject:
        fields = {**_thread.subject, **fields}
    _log.output.say(_log.format(level, name, fields))


@contextmanager
def about(**subject: Any) -> Iterator[None]:
    """What this thread logs meanwhile is about `subject`: fields that each of its events has."""
    before = _thread.subject
    _thread.subject = subject
    try:
        yield
    finally:
        _thread.subject = before


def announce(text: str, name: str, /, **fields: Any) -> None:
    """What must be said at any level: in a log for people these very words, for machines an event."""
    _log.output.say(f"{text}\n" if _log.format is _text_line else _log.format(INFO, name, fields))


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
    """Put together here: an encoder made for each line would cost more than all of the line."""
    line = f'{{"ts": "{_log.timestamp()}", "level": "{_LEVEL_NAMES[level]}", "event": "{name}"'
    if not _IN_EACH_LINE.isdisjoint(fields):
        fields = {key: value for key, value in fields.items() if key not in _IN_EACH_LINE}
    for key, value in fields.items():
        kind = value.__class__
        if kind is int:
            line += f', "{key}": {value}'
        elif kind is str and len(value) <= LONGEST_VALUE:
            line += f', "{key}": {encode_basestring_ascii(value)}'
        elif kind is float and isfinite(value):
            line += f', "{key}": {value:.6f}'
        elif value is not None:
            line += f', "{key}": {_encode(_bounded(value))}'
    return line + "}\n"


_IN_EACH_LINE: Final = frozenset({"ts", "level", "event"})


def _bounded(value: Any) -> str | int | float | bool:
    """A field's value: numbers stay numbers, everything else is text of a bounded length."""
    if value.__class__ is str:
        return _cut(value, LONGEST_VALUE)
    if isinstance(value, float):
        return round(value, 6) if isfinite(value) else str(value)  # JSON has no other numbers
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
    """`KeyError at loop.py:10 run > connection.py:20 pump`: a traceback that keeps to its line."""
    return _with_place(_named(error), error)


def in_full(error: BaseException) -> str:
    """An exception with its message: of what failed before any data set was received."""
    return _with_place("".join(traceback.format_exception_only(type(error), error)).strip(), error)


def _with_place(text: str, error: BaseException) -> str:
    text = text[:LONGEST_VALUE]
    frames = traceback.extract_tb(error.__traceback__)[-LONGEST_TRACEBACK:]
    where = " > ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames)
    return f"{text} at {where}" if where else text


def _named(error: BaseException) -> str:
    """The type, and the message where it cannot hold a value of a data set."""
    kind = type(error)
    name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
    if isinstance(error, OSError):
        return f"{name}: {error.strerror}" if error.strerror else name
    return f"{name}: {error}" if kind.__module__.partition(".")[0] in _OURS else name


class _Thread(threading.local):
    """What a thread's events are about."""

    subject: Mapping[str, Any] | None = None


_thread: Final = _Thread()
_log: Final = _Log()
