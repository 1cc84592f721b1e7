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


# States of a server
STARTING: Final = "starting"  # no connection is taken yet
RUNNING: Final = "running"
RELOADING: Final = "reloading"  # running, while workers with new settings start
DRAINING: Final = "draining"  # nobody is let in any more; it stays until it is stopped
STOPPING: Final = "stopping"

# Why a worker is not there any more, and what that means
DIED: Final = "died"
STUCK: Final = "stuck"
RECYCLED: Final = "recycled"
MEMORY: Final = "memory"
RELOADED: Final = "reload"
SCALED: Final = "scaled"

REASONS: Final = {
    DIED: "it ended by itself, or somebody killed it",
    STUCK: "its loop did not answer for --timeout, and it was killed",
    RECYCLED: "it had served --max-requests associations",
    MEMORY: "it had grown beyond --max-memory",
    RELOADED: "a reload replaced it",
    SCALED: "fewer workers were asked for",
}

# Worker to acceptor
READY: Final = Message("ready", ("pid",), "Started: connections may come.")
PONG: Final = Message("pong", ("number", "counters"), "The loop runs; the worker's counters as they are now.")
DETAILS: Final = Message("details", ("number", "associations"), "An AssociationDetails of each association, by token.")
TOLD: Final = Message("told", ("events", "dropped"), "Events for who follows, and how many there was no room for.")

# Acceptor to worker
PING: Final = Message("ping", ("number",), "Answer with PONG and the same number.")
INQUIRE: Final = Message("inquire", ("number",), "Answer with DETAILS and the same number.")
FOLLOW: Final = Message("follow", ("on",), "From now on tell events, or do not: somebody follows, or nobody.")
REOPEN_LOGS: Final = Message("reopen-logs", (), "Open the log file again: the old one was moved away.")

# Acceptor to worker, and command line to acceptor
DRAIN: Final = Message("drain", (), "Finish the operations that run, then end the associations; take nobody in.")
STOP: Final = Message("stop", ("now",), "Stop; with `now` true, by aborting the associations at once.")
LOG_LEVEL: Final = Message("log-level", ("level",), "Log from this level on.")
ABORT: Final = Message("abort", ("association",), "Abort one association.")

# Command line to acceptor
STATUS: Final = Message("status", (), "Answer with SERVER_STATUS.")
ASSOCIATIONS: Final = Message("associations", (), "Answer with ASSOCIATION_LIST.")
SCALE: Final = Message("scale", ("workers",), "Have so many workers: N, +N or -N, as text. Answer with SCALED_TO.")
RELOAD: Final = Message("reload", (), "Read all settings again; answer with RELOADED_TO when they hold.")

# Its answers
SERVER_STATUS: Final = Message("server-status", ("status",), "A ServerStatus.")
ASSOCIATION_LIST: Final = Message("association-list", ("associations",), "Those of a ServerStatus, with details.")
SCALED_TO: Final = Message("scaled-to", ("workers",), "There will be so many.")
RELOADED_TO: Final = Message(
    "reloaded-to", ("generation", "workers", "changed", "ignored"), "Names of settings; ignored ones want a restart."
)
DONE: Final = Message("done", ("pid",), "The request is carried out, or under way; the acceptor's process id.")
FAILED: Final = Message("failed", ("message",), "The request cannot be carried out, and why. Nothing has changed.")

_FROM_WORKERS: Final = (READY, PONG, DETAILS, TOLD)
_TO_WORKERS: Final = (PING, INQUIRE, FOLLOW, REOPEN_LOGS)
_TO_BOTH: Final = (DRAIN, STOP, LOG_LEVEL, ABORT)
_REQUESTS: Final = (STATUS, ASSOCIATIONS, SCALE, RELOAD)
_ANSWERS: Final = (SERVER_STATUS, ASSOCIATION_LIST, SCALED_TO, RELOADED_TO, DONE, FAILED)

MESSAGES: Final = {row.type: row for row in (*_FROM_WORKERS, *_TO_WORKERS, *_TO_BOTH, *_REQUESTS, *_ANSWERS)}

# Events, for whoever follows. Each carries `number`, which grows by one, and `time`, seconds since 1970, too.
SERVER_STATE: Final = Message("server.state", ("state",), "The server is so now; told to newcomers too.")
WORKER_READY: Final = Message("worker.ready", ("worker", "pid", "generation"), "It takes connections.")
WORKER_GONE: Final = Message("worker.gone", ("worker", "pid", "reason", "how", "connections"), "A worker ended.")
_OF_ASSOCIATION: Final = ("association", "peer", "calling", "called")
ASSOCIATION_OPENED: Final = Message("association.opened", (*_OF_ASSOCIATION, "pid"), "It was admitted.")
ASSOCIATION_REFUSED: Final = Message(
    "association.refused",
    (*_OF_ASSOCIATION, "result", "source", "reason", "rule"),
    "It was not: the values of its A-ASSOCIATE-RJ, and the limit that forbade it.",
)
ASSOCIATION_CLOSED: Final = Message(
    "association.closed",
    (*_OF_ASSOCIATION, "messages", "bytes", "bytes_sent", "seconds", "end"),
    "Its connection is closed, and how it ended; `bytes` were received.",
)
INSTANCE_STORED: Final = Message(
    "instance.stored",
    (*_OF_ASSOCIATION, "sop_instance_uid", "transfer_syntax_uid", "bytes", "path"),
    "An instance is as safe as --durability promises; `path` is its file.",
)
OPERATION_FAILED: Final = Message(
    "operation.failed",
    (*_OF_ASSOCIATION, "operation", "message_id", "status"),
    "It was answered with neither Success nor Pending.",
)
EVENTS_DROPPED: Final = Message("events.dropped", ("count",), "There was no room for so many.")

EVENTS: Final = {
    row.type: row
    for row in (
        *(SERVER_STATE, WORKER_READY, WORKER_GONE),
        *(ASSOCIATION_OPENED, ASSOCIATION_REFUSED, ASSOCIATION_CLOSED),
        *(INSTANCE_STORED, OPERATION_FAILED, EVENTS_DROPPED),
    )
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
    generation: int  # 1 before the first reload
    state: str  # starting, ready, full, leaving
    reason: str  # why it is leaving, or is about to be replaced: one of REASONS; "" for the others
    connections: int  # all it holds, whether they have asked for an association or not
    served: int  # associations admitted on it so far
    memory: int  # bytes resident
    seconds: float  # since it was started
    counters: dict[str, Any]  # a pool.stats snapshot


class AssociationDetails(TypedDict, total=False):
    """What only its worker knows of an association. Absent where the worker did not answer in time."""

    state: str  # a session's: requested, established, releasing, ended
    operations: int  # of the peer's, being performed
    messages: int  # requests received
    bytes_received: int
    bytes_sent: int
    idle: float  # seconds since the peer last said something


class AssociationStatus(AssociationDetails):
    """One association in a ServerStatus or an ASSOCIATION_LIST; the former is without details."""

    token: int
    peer: str  # HOST:PORT
    calling_ae_title: str
    called_ae_title: str
    worker: int  # its number
    seconds: float  # since it was admitted


class ServerStatus(TypedDict):
    """The answer to STATUS."""

    pid: int
    state: str  # starting, running, reloading, draining, stopping
    aet: str
    bind: list[str]  # HOST:PORT, with the real ports
    seconds: float  # since the server was started
    generation: int  # of the workers: 1, and one more with every reload
    workers: list[WorkerStatus]
    associations: list[AssociationStatus]
    counters: dict[str, Any]  # of all processes together, those that are gone included
    rates: dict[str, float]  # per second, over the last `rate_seconds`
    rate_seconds: float


class Reloaded(TypedDict):
    """What a reload did."""

    generation: int
    workers: int
    changed: list[str]  # settings that are others now
    ignored: list[str]  # settings that would be others after a restart
