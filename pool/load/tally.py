"""What was measured: latencies per phase, counts, and why something failed. Mergeable, and bytes to travel as.

Belongs here: what is counted and under which name. Not here: who counts it, or what it looks like to a person.

A latency is appended to a list when it is measured and recorded once a second: recording one by one costs 3 us, and
equal microseconds are many (40,000 latencies of one second have some 3,000 values).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from hdrh.histogram import HdrHistogram

CONNECT: Final = "connect"
TLS: Final = "tls"
ASSOCIATE: Final = "associate"
RELEASE: Final = "release"
ASSOCIATION: Final = "association"

# In the order in which they come; between `associate` and `release` the kinds of messages.
PHASES: Final = (CONNECT, TLS, ASSOCIATE, "echo", "store", "find", RELEASE, ASSOCIATION)

COUNTS: Final = {
    "associations_started": "associations asked for",
    "associations_accepted": "associations accepted",
    "associations_released": "associations that ended in order",
    "associations_failed": "associations that did not",
    "messages_sent": "messages sent",
    "messages_ok": "messages answered with success or a warning",
    "messages_failed": "messages answered with a failure, or not at all",
    "matches": "matches that C-FINDs brought",
    "starts_due": "starts that were due (open loop)",
    "starts_late": "starts more than 10 ms late (open loop)",
    "starts_dropped": "starts that were due and never came (open loop)",
    "unfinished": "associations that were cut off at the end of the run",
    "aborted_on_purpose": "associations aborted in the middle of a message, as was asked for",
}

LATE: Final = 0.01  # seconds

Cause = tuple[Any, ...]

LONGEST: Final = 3_600_000_000  # microseconds
DIGITS: Final = 3
_BINARY_DIGITS: Final = 11  # 2 x 10^3 values between two powers of two


def histogram() -> HdrHistogram:
    """Microseconds from 1 to an hour, three digits."""
    return HdrHistogram(1, LONGEST, DIGITS)


class Tally:
    """What was measured in some time by some processes."""

    __slots__ = (
        "bytes_received",
        "bytes_sent",
        "causes",
        "corrected",
        "counts",
        "cpu_seconds",
        "payload_bytes",
        "service",
    )

    def __init__(self) -> None:
        self.service: dict[str, HdrHistogram] = {}  # by phase; from when it really began
        self.corrected: dict[str, HdrHistogram] = {}  # open loop: from when it was to begin
        self.counts: Counter[str] = Counter()  # by the names of COUNTS
        self.causes: Counter[Cause] = Counter()  # what failed, and why
        self.payload_bytes = 0  # of data sets that were acknowledged
        self.bytes_sent = 0  # on the wire, below TLS
        self.bytes_received = 0
        self.cpu_seconds = 0.0  # of the generator

    @property
    def errors(self) -> int:
        """What failed: messages, and associations that failed between messages."""
        return self.counts["messages_failed"] + self.counts["associations_failed"]

    def add(self, other: Tally) -> None:
        """Count what `other` counted as well."""
        for mine, theirs in ((self.service, other.service), (self.corrected, other.corrected)):
            for phase, latencies in theirs.items():
                if phase not in mine:
                    mine[phase] = histogram()
                mine[phase].add(latencies)
        self.counts.update(other.counts)
        self.causes.update(other.causes)
        self.payload_bytes += other.payload_bytes
        self.bytes_sent += other.bytes_sent
        self.bytes_received += other.bytes_received
        self.cpu_seconds += other.cpu_seconds

    def to_bytes(self) -> bytes:
        """JSON; histograms are in HdrHistogram's own encoding."""
        return json.dumps(
            {
                "service": {phase: latencies.encode().decode() for phase, latencies in self.service.items()},
                "corrected": {phase: latencies.encode().decode() for phase, latencies in self.corrected.items()},
                "counts": self.counts,
                "causes": [[list(cause), count] for cause, count in self.causes.items()],
                "payload_bytes": self.payload_bytes,
                "bytes_sent": self.bytes_sent,
                "bytes_received": self.bytes_received,
                "cpu_seconds": self.cpu_seconds,
            }
        ).encode()

    @classmethod
    def from_bytes(cls, encoded: bytes | str) -> Tally:
        """The inverse."""
        values = json.loads(encoded)
        tally = cls()
        tally.service = {phase: HdrHistogram.decode(text) for phase, text in values["service"].items()}
        tally.corrected = {phase: HdrHistogram.decode(text) for phase, text in values["corrected"].items()}
        tally.counts = Counter(values["counts"])
        tally.causes = Counter({tuple(cause): count for cause, count in values["causes"]})
        for name in ("payload_bytes", "bytes_sent", "bytes_received", "cpu_seconds"):
            setattr(tally, name, values[name])
        return tally


class Recorder:
    """Where a generator notes what it measures. `take` gives all since the last time as a Tally."""

    __slots__ = ("causes", "corrected", "counts", "messages_ok", "messages_sent", "payload_bytes", "service")

    def __init__(self) -> None:
        self.service: Mapping[str, list[float]] = {phase: [] for phase in PHASES}  # seconds
        self.corrected: Mapping[str, list[float]] = {phase: [] for phase in PHASES}
        self.counts: Counter[str] = Counter()
        self.causes: Counter[Cause] = Counter()
        self.messages_sent = self.messages_ok = 0  # those of `counts` that nearly every message counts
        self.payload_bytes = 0

    def take(self) -> Tally:
        """Empty what was noted into a Tally; wire bytes and CPU are its taker's to add."""
        tally = Tally()
        tally.service = _record(self.service)
        tally.corrected = _record(self.corrected)
        tally.counts, self.counts = self.counts, Counter()
        tally.causes, self.causes = self.causes, Counter()
        tally.counts.update(messages_sent=self.messages_sent, messages_ok=self.messages_ok)
        self.messages_sent = self.messages_ok = 0
        tally.payload_bytes, self.payload_bytes = self.payload_bytes, 0
        return tally


def _record(samples: Mapping[str, list[float]]) -> dict[str, HdrHistogram]:
    recorded = {}
    for phase, seconds in samples.items():
        if seconds:
            recorded[phase] = latencies = histogram()
            for microseconds, count in _counted(seconds).items():
                latencies.record_value(min(max(microseconds, 1), LONGEST), count)
            seconds.clear()
    return recorded


def _counted(seconds: list[float]) -> Counter[int]:
    """How often each latency is there, in microseconds of as many binary digits as the histogram tells apart."""
    counted: Counter[int] = Counter()
    for microseconds, count in Counter([int(value * 1e6) for value in seconds]).items():
        spare = max(0, microseconds.bit_length() - _BINARY_DIGITS)
        counted[microseconds >> spare << spare] += count
    return counted


class Interval(NamedTuple):
    """About a second of a run; `start` and `end` are seconds from the start line."""

    start: float
    end: float
    tally: Tally  # of this interval alone
    background: Tally
    active: int  # associations at its end
    background_active: int
    cpu: tuple[float, ...]  # share of a core that each generator process used


class Acknowledged(NamedTuple):
    """An instance that the peer said it has: which of the plan's instances, and the serial numbers of its UIDs."""

    process: int
    template: int
    study: int
    series: int
    instance: int


class Run(NamedTuple):
    """What became of a plan."""

    seconds: float
    tally: Tally
    background: Tally
    cpu_seconds: float  # of all generator processes
    cpu_shares: tuple[float, ...]  # of a core, by process
    stopped: str = ""  # why it ended before its end
    failures: tuple[str, ...] = ()  # generators that died
    acknowledged: tuple[Acknowledged, ...] = ()  # with Plan.verify
