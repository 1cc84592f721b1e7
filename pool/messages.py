"""The control messages: what acceptor, workers and command line say to each other over ZeroMQ.

One row per message; its fields are plain JSON values. Here belong names and shapes. How messages travel is `control`'s
business, and what belongs to a single connection travels with it (`handoff`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, TypedDict


class Message(NamedTuple):
    """A row. Calling it makes the message: `PING(number=7)`."""

    type: str
    fields: tuple[str, ...]
    help: str

    def __call__(self, **values: Any) -> dict[str, Any]:
        return {"type": self.type, **values}


# Worker to acceptor
READY: Final = Message("ready", ("pid",), "Started: connections may come.")
PONG: Final = Message("pong", ("number", "counters"), "The loop runs; the worker's counters as they are now.")

# Acceptor to worker
PING: Final = Message("ping", ("number",), "Answer with PONG and the same number.")
DRAIN: Final = Message("drain", (), "Finish the operations that run, then end the associations.")

# Acceptor to worker, and command line to acceptor
STOP: Final = Message("stop", ("now",), "Stop; with `now` true, by aborting the associations at once.")
LOG_LEVEL: Final = Message("log-level", ("level",), "Log from this level on.")

# Command line to acceptor, and its answers
STATUS: Final = Message("status", (), "Answer with SERVER_STATUS.")
SERVER_STATUS: Final = Message("server-status", ("status",), "A ServerStatus.")
DONE: Final = Message("done", ("pid",), "The request is carried out, or under way; the acceptor's process id.")
FAILED: Final = Message("failed", ("message",), "The request cannot be carried out, and why.")

MESSAGES: Final = {
    row.type: row for row in (READY, PONG, PING, DRAIN, STOP, LOG_LEVEL, STATUS, SERVER_STATUS, DONE, FAILED)
}


def fault_of(message: Mapping[str, Any]) -> str | None:
    """Why a message will not do, or None: its type must be a row's and its fields must be there."""
    row = MESSAGES.get(str(message.get("type")))
    if row is None:
        return f"unknown type {message.get('type')!r}"
    missing = [name for name in row.fields if name not in message]
    return f"{row.type} without {', '.join(missing)}" if missing else None


class WorkerStatus(TypedDict):
    """One worker process in a ServerStatus."""

    number: int  # workers are numbered as they are started; a replacement has a new number
    pid: int
    state: str  # starting, ready, full, leaving
    connections: int  # all it holds, whether they have asked for an association or not
    seconds: float  # since it was started
    counters: dict[str, Any]  # a pool.stats snapshot


class AssociationStatus(TypedDict):
    """One association in a ServerStatus."""

    token: int
    peer: str  # HOST:PORT
    calling_ae_title: str
    called_ae_title: str
    worker: int  # its number
    seconds: float  # since it was admitted


class ServerStatus(TypedDict):
    """The answer to STATUS."""

    pid: int
    state: str  # starting, running, stopping
    aet: str
    bind: list[str]  # HOST:PORT, with the real ports
    seconds: float  # since the server was started
    workers: list[WorkerStatus]
    associations: list[AssociationStatus]
    counters: dict[str, Any]  # of all processes together, those that are gone included
    rates: dict[str, float]  # per second, over the last `rate_seconds`
    rate_seconds: float
