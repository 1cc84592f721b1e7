"""What the server counts: one row per statistic, and the object that holds the numbers.

`Counters` is the table: each field is one statistic with its kind and help, and, where it is told apart further, the
names of its labels. Plain numbers are counted with `counters.connections += 1`, labelled ones with
`counters.count("protocol_errors", "unexpected-pdu")`, which counts the total too; times with `counters.observe`. Who
counts with every message keeps the `cell` and the `histogram` at hand, for finding them costs more than counting. Who
counts what is decided where it happens; what is shown, added up or scraped is read from the rows.

Values of labels come from us or from the settings, never from a peer: nobody outside can make up a new series.
"""

from __future__ import annotations

import dataclasses
from bisect import bisect_left
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from pool.config import Settings

COUNTER: Final = "counter"  # only grows: has a rate
GAUGE: Final = "gauge"  # is what it is now
HISTOGRAM: Final = "histogram"

OTHER: Final = "other"  # the label of every calling title that no setting names

Labels = tuple[str, ...]
Snapshot = dict[str, Any]

_BETWEEN_LABELS: Final = ","  # in a snapshot, whose keys are text; no title of a setting holds a comma


@dataclass(frozen=True)
class Statistic:
    """A row. `bounds` are the upper ends of a histogram's buckets, in seconds."""

    name: str
    kind: str
    help: str
    labels: Labels = ()
    bounds: tuple[float, ...] = ()


_OPERATION: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_ASSOCIATION: Final = (0.01, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 14400.0)

HISTOGRAMS: Final = (
    Statistic(
        "association_seconds", HISTOGRAM, "accepted associations, from their connection to its end", (), _ASSOCIATION
    ),
    Statistic(
        "operation_seconds", HISTOGRAM, "operations, from their command to the last response", ("command",), _OPERATION
    ),
    Statistic(
        "store_stage_seconds",
        HISTOGRAM,
        "stages of a kept instance: receive (command to the end of its data set), write (the part of that spent "
        "writing), commit (sync, name, sync of the folder)",
        ("stage",),
        _OPERATION,
    ),
)
_STAGES: Final = ("receive", "write", "commit")
_BOUNDS: Final = {row.name: row.bounds for row in HISTOGRAMS}


class Histogram:
    """How many observations fell into each bucket, the last one being open, and their sum."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, seconds: float) -> None:
        """One more observation."""
        bounds = self.bounds
        self.counts[bisect_left(bounds, seconds) if seconds > bounds[0] else 0] += 1
        self.sum += seconds

    def snapshot(self) -> Snapshot:
        """Plain data, of its own."""
        return {"counts": list(self.counts), "sum": self.sum}

    def add(self, other: Mapping[str, Any]) -> None:
        """Add a snapshot."""
        self.counts = [mine + theirs for mine, theirs in zip(self.counts, other["counts"], strict=True)]
        self.sum += other["sum"]


class Cell:
    """The part of a labelled statistic that one combination of labels has. Who counts here counts the total too."""

    __slots__ = ("number",)

    def __init__(self) -> None:
        self.number = 0


def _statistic(kind: str, help: str, *labels: str) -> Any:
    return field(default=0, metadata={"kind": kind, "help": help, "labels": labels})


@dataclass(slots=True)
class Counters:
    """The statistics of one process, or, added up, of several."""

    connections: int = _statistic(COUNTER, "TCP connections accepted")
    connections_pending: int = _statistic(GAUGE, "connections that have not sent an A-ASSOCIATE-RQ")
    connections_expired: int = _statistic(COUNTER, "connections pushed out before their A-ASSOCIATE-RQ, or timed out")
    handoff_retries: int = _statistic(
        COUNTER, "connections handed to another worker because the first did not take them"
    )
    worker_restarts: int = _statistic(COUNTER, "workers replaced", "reason")
    associations_active: int = _statistic(GAUGE, "associations open now", "calling")
    associations_accepted: int = _statistic(COUNTER, "associations accepted", "calling")
    associations_rejected: int = _statistic(COUNTER, "associations rejected", "result", "source", "reason")
    limits_reached: int = _statistic(
        COUNTER, "associations rejected or aborted, data sets refused and connections expired by a limit", "limit"
    )
    associations_released: int = _statistic(COUNTER, "associations ended by a release")
    associations_aborted: int = _statistic(COUNTER, "associations ended by an abort, a timeout or a lost connection")
    health_checks: int = _statistic(
        COUNTER, "associations that a balancer has on its own behalf, for nothing but a C-ECHO at most"
    )
    protocol_errors: int = _statistic(COUNTER, "breaches of the protocol by a peer", "kind")
    c_echo_requests: int = _statistic(COUNTER, "C-ECHO requests")
    c_store_requests: int = _statistic(COUNTER, "C-STORE requests")
    responses: int = _statistic(COUNTER, "responses sent to requests", "command", "status", "calling")
    instances_stored: int = _statistic(COUNTER, "instances stored under a name of their own")
    instances_identical: int = _statistic(COUNTER, "instances received again, byte for byte")
    instances_conflicting: int = _statistic(COUNTER, "instances whose SOP Instance UID we had with other bytes")
    bytes_received: int = _statistic(COUNTER, "bytes received from peers")
    bytes_sent: int = _statistic(COUNTER, "bytes sent to peers")
    bytes_stored: int = _statistic(COUNTER, "bytes of stored data sets")
    labelled: dict[str, dict[Labels, Cell]] = field(default_factory=dict)  # name -> labels -> part of the number
    histograms: dict[str, dict[Labels, Histogram]] = field(default_factory=dict)
    # Where responses are counted and operations timed: by the label of who called, then by command and status.
    answers: dict[str, dict[tuple[str, int], tuple[Cell, Histogram]]] = field(default_factory=dict)
    _stages: tuple[Histogram, ...] = ()

    def count(self, name: str, *labels: str) -> None:
        """One more of a labelled statistic."""
        setattr(self, name, getattr(self, name) + 1)
        self.cell(name, labels).number += 1

    def observe(self, name: str, seconds: float, *labels: str) -> None:
        """One more observation of a histogram."""
        self.histogram(name, labels).observe(seconds)

    def cell(self, name: str, labels: Labels) -> Cell:
        """Where a part of a labelled statistic is counted."""
        try:
            return self.labelled[name][labels]
        except KeyError:
            cell = self.labelled.setdefault(name, {})[labels] = Cell()
            return cell

    def histogram(self, name: str, labels: Labels) -> Histogram:
        """Where the observations with these labels are counted."""
        try:
            return self.histograms[name][labels]
        except KeyError:
            histogram = self.histograms.setdefault(name, {})[labels] = Histogram(_BOUNDS[name])
            return histogram

    @property
    def stages(self) -> tuple[Histogram, ...]:
        """Where the stages of a kept instance are timed: receive, write, commit."""
        if not self._stages:
            self._stages = tuple(self.histogram("store_stage_seconds", (stage,)) for stage in _STAGES)
        return self._stages

    def snapshot(self) -> Snapshot:
        """The numbers as they are now: plain data, of its own."""
        values: Snapshot = {name: getattr(self, name) for name in _NAMES}
        values["labelled"] = {
            name: {_BETWEEN_LABELS.join(labels): cell.number for labels, cell in cells.items()}
            for name, cells in self.labelled.items()
        }
        values["histograms"] = {
            name: {_BETWEEN_LABELS.join(labels): histogram.snapshot() for labels, histogram in series.items()}
            for name, series in self.histograms.items()
        }
        return values

    def add(self, other: Mapping[str, Any]) -> None:
        """Add a snapshot of another process."""
        for name in _NAMES:
            setattr(self, name, getattr(self, name) + other.get(name, 0))
        for name, parts in other.get("labelled", {}).items():
            for text, number in parts.items():
                self.cell(name, split_labels(text)).number += number
        for name, series in other.get("histograms", {}).items():
            for text, histogram in series.items():
                self.histogram(name, split_labels(text)).add(histogram)


STATISTICS: Final = tuple(Statistic(f.name, **f.metadata) for f in dataclasses.fields(Counters) if f.metadata)
_NAMES: Final = tuple(row.name for row in STATISTICS)


def split_labels(text: str) -> Labels:
    """The labels of a key of a snapshot."""
    return tuple(text.split(_BETWEEN_LABELS)) if text else ()


@lru_cache(maxsize=1024)
def status_label(status: int) -> str:
    """A DIMSE status as it is written: four hexadecimal digits."""
    return f"{status:04X}"


def configured_titles(settings: Settings) -> frozenset[str]:
    """The calling AE titles that settings name."""
    return frozenset((*settings.require_calling_aet, *(peer.title for peer in settings.peer)))


def calling_label(title: str, configured: Collection[str]) -> str:
    """The label of a calling AE title: itself where a setting names it, else `other`."""
    return title if title in configured else OTHER


def failures(snapshot: Mapping[str, Any]) -> dict[str, int]:
    """The responses that were neither Success nor Pending, by status in hexadecimal."""
    found: dict[str, int] = {}
    for text, number in snapshot.get("labelled", {}).get("responses", {}).items():
        _, status, _ = split_labels(text)
        if status not in _FINE:
            found[status] = found.get(status, 0) + number
    return found


_FINE: Final = ("0000", "FF00", "FF01")  # PS3.7 Annex C: Success and Pending


def rates(before: Mapping[str, Any], after: Mapping[str, Any], seconds: float) -> dict[str, float]:
    """How fast each counter grew between two snapshots, per second."""
    return {
        row.name: (after[row.name] - before[row.name]) / seconds
        for row in STATISTICS
        if row.kind == COUNTER and seconds > 0
    }
