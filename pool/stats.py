"""What the server counts: one row per statistic, and the object that holds the numbers.

`Counters` is the table: each field is one statistic with its kind and help. Counting is `counters.c_echo += 1` and
nothing else; who counts what is decided where it happens, what is shown is read from the rows.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

COUNTER: Final = "counter"  # only grows: has a rate
GAUGE: Final = "gauge"  # is what it is now

Snapshot = dict[str, Any]


@dataclass(frozen=True)
class Statistic:
    name: str
    kind: str
    help: str


def _statistic(kind: str, help: str) -> Any:
    return field(default=0, metadata={"kind": kind, "help": help})


@dataclass(slots=True)
class Counters:
    """The statistics of one process, or, added up, of several."""

    connections: int = _statistic(COUNTER, "TCP connections accepted")
    connections_pending: int = _statistic(GAUGE, "connections that have not sent an A-ASSOCIATE-RQ")
    connections_expired: int = _statistic(COUNTER, "connections pushed out before their A-ASSOCIATE-RQ, or timed out")
    handoff_retries: int = _statistic(
        COUNTER, "connections handed to another worker because the first did not take them"
    )
    worker_restarts: int = _statistic(COUNTER, "workers replaced because they died or hung")
    associations_active: int = _statistic(GAUGE, "associations open now")
    associations_accepted: int = _statistic(COUNTER, "associations accepted")
    associations_rejected: int = _statistic(COUNTER, "associations rejected")
    associations_released: int = _statistic(COUNTER, "associations ended by a release")
    associations_aborted: int = _statistic(COUNTER, "associations ended by an abort, a timeout or a lost connection")
    protocol_errors: int = _statistic(COUNTER, "breaches of the protocol by a peer")
    c_echo_requests: int = _statistic(COUNTER, "C-ECHO requests")
    c_store_requests: int = _statistic(COUNTER, "C-STORE requests")
    instances_stored: int = _statistic(COUNTER, "instances stored under a name of their own")
    instances_identical: int = _statistic(COUNTER, "instances received again, byte for byte")
    instances_conflicting: int = _statistic(COUNTER, "instances whose SOP Instance UID we had with other bytes")
    bytes_received: int = _statistic(COUNTER, "bytes received from peers")
    bytes_stored: int = _statistic(COUNTER, "bytes of stored data sets")
    failures: dict[str, int] = field(default_factory=dict)  # DIMSE status in hexadecimal -> responses sent with it

    def count_failure(self, status: int) -> None:
        """One response with a status that is neither Success nor Pending."""
        name = f"{status:04X}"
        self.failures[name] = self.failures.get(name, 0) + 1

    def snapshot(self) -> Snapshot:
        """The numbers as they are now: plain data, of its own."""
        values: Snapshot = {name: getattr(self, name) for name in _NAMES}
        values["failures"] = dict(self.failures)
        return values

    def add(self, other: Mapping[str, Any]) -> None:
        """Add a snapshot of another process."""
        for name in _NAMES:
            setattr(self, name, getattr(self, name) + other.get(name, 0))
        for status, count in other.get("failures", {}).items():
            self.failures[status] = self.failures.get(status, 0) + count


STATISTICS: Final = tuple(Statistic(f.name, **f.metadata) for f in dataclasses.fields(Counters) if f.metadata)
_NAMES: Final = tuple(row.name for row in STATISTICS)


def rates(before: Mapping[str, Any], after: Mapping[str, Any], seconds: float) -> dict[str, float]:
    """How fast each counter grew between two snapshots, per second."""
    return {
        row.name: (after[row.name] - before[row.name]) / seconds
        for row in STATISTICS
        if row.kind == COUNTER and seconds > 0
    }
