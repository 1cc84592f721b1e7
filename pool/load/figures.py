"""What was measured, to be asked by name: latencies of phases, counts and causes, of a whole run or of an interval.

Belongs here: reading a `Tally`. Not here: what goes into a file (`result`), what is thought of it (`thresholds`), or
how it is shown.
"""

from __future__ import annotations

import base64
import itertools
import zlib
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from hdrh.codec import PayloadHeader, ext_header_size
from hdrh.histogram import HdrHistogram

from pool.load.causes import is_warning
from pool.load.plan import KINDS
from pool.load.tally import ASSOCIATE, ASSOCIATION, DIGITS, LONGEST, Cause, Tally

MICROSECONDS: Final = 1e6  # of a second; what histograms count in
SERVICE: Final = "service time"  # from the first byte sent
DUE: Final = "from when it was due"  # open loop only
SUMMARY_METRICS: Final = ("min", "mean", "p50", "p90", "p99", "p99.9", "max")
MOST_INFLATED: Final = 1 << 20  # bytes of a histogram in a file; the largest of ours has a quarter of it
CURVE_STEPS_PER_HALVING: Final = 8  # points on a curve from one 1 / (1 - p) to its double

Summary = dict[str, Any]  # "count", and each of SUMMARY_METRICS in seconds, or None


class Latencies:
    """The distribution of one duration. All in seconds; None where nothing was measured."""

    def __init__(self, histogram: HdrHistogram) -> None:
        self._histogram = histogram

    @property
    def count(self) -> int:
        return int(self._histogram.total_count)

    @property
    def minimum(self) -> float | None:
        return self._histogram.get_min_value() / MICROSECONDS if self.count else None

    @property
    def maximum(self) -> float | None:
        return self._histogram.get_max_value() / MICROSECONDS if self.count else None

    @property
    def mean(self) -> float | None:
        """As exact as the buckets are. The histogram's own sum takes ten milliseconds; this is asked every second."""
        histogram = self._histogram
        filled = ((count, histogram.get_value_from_index(n)) for n, count in enumerate(self._counts) if count)
        total = sum(count * (value + histogram.get_highest_equivalent_value(value)) / 2 for count, value in filled)
        return total / self.count / MICROSECONDS if self.count else None

    def percentile(self, percentile: float) -> float | None:
        """The value that so many percent do not exceed. 100 is the maximum."""
        return self._at(self._rank(percentile)) if self.count else None

    def metric(self, name: str) -> float | None:
        """min, mean, max, or a percentile such as p99.9."""
        if name in _METRICS:
            return _METRICS[name](self)
        return self.percentile(float(name.removeprefix("p")))

    def curve(self) -> Iterator[tuple[float, float]]:
        """(percentile, value) from 0 on and ever closer to 100, as far as there are values to tell them apart."""
        for step in itertools.count():
            beyond = 0.5 ** (step / CURVE_STEPS_PER_HALVING)
            if beyond * self.count < 1:
                return
            percentile = 100 * (1 - beyond)
            yield percentile, self._at(self._rank(percentile))

    def summary(self) -> Summary:
        """The numbers that tables show."""
        return {"count": self.count, **{name: self.metric(name) for name in SUMMARY_METRICS}}

    def encoded(self) -> str:
        """HdrHistogram's own form (V2, compressed, base64)."""
        return str(self._histogram.encode().decode("ascii"))

    @classmethod
    def decoded(cls, text: str) -> Latencies:
        """The inverse. Raises ValueError."""
        try:
            _check_size(text)
            return cls(HdrHistogram.decode(text))
        except Exception as error:  # the codec raises what it comes across: struct, zlib, binascii, its own
            raise ValueError(f"no HdrHistogram: {error or type(error).__name__}") from None

    def write_percentiles(self, out: Any) -> None:
        """HdrHistogram's text form, in milliseconds."""
        self._histogram.output_percentile_distribution(out, 1e-3 * MICROSECONDS)

    @cached_property
    def _reached(self) -> list[int]:
        """For each bucket how many values are in it or below. The histogram's own search takes milliseconds."""
        return list(itertools.accumulate(self._counts))

    @property
    def _counts(self) -> list[int]:
        """How many values each bucket has."""
        counts: list[int] = self._histogram.counts[: len(self._histogram.counts)]
        return counts

    def _rank(self, percentile: float) -> int:
        return int(self._histogram.get_target_count_at_percentile(percentile))

    def _at(self, rank: int) -> float:
        bucket = bisect_left(self._reached, rank)
        value = self._histogram.get_highest_equivalent_value(self._histogram.get_value_from_index(bucket))
        return float(min(value, self._histogram.get_max_value())) / MICROSECONDS


def _check_size(text: str) -> None:
    """It may come from anywhere: neither what it inflates to nor what its header asks for may exceed ours."""
    inflated = zlib.decompressobj().decompress(base64.b64decode(text)[ext_header_size:], MOST_INFLATED)
    if len(inflated) == MOST_INFLATED:
        raise ValueError("larger than any of ulpool load")
    header = PayloadHeader.from_buffer_copy(inflated)
    if header.significant_figures > DIGITS or header.highest_trackable_value > LONGEST:
        raise ValueError("more buckets than any of ulpool load")


_METRICS: Final[Mapping[str, Callable[[Latencies], float | None]]] = {
    "min": lambda latencies: latencies.minimum,
    "mean": lambda latencies: latencies.mean,
    "max": lambda latencies: latencies.maximum,
}


@dataclass
class Figures:
    """What was measured in so many seconds."""

    seconds: float
    service: Mapping[str, Latencies] = field(default_factory=dict)  # from the first byte sent
    corrected: Mapping[str, Latencies] = field(default_factory=dict)  # from when it was due; open loop only
    counts: Mapping[str, int] = field(default_factory=dict)
    causes: Mapping[Cause, int] = field(default_factory=dict)

    @classmethod
    def of(cls, tally: Tally, seconds: float) -> Figures:
        return cls(
            seconds,
            _measured(tally.service),
            _measured(tally.corrected),
            {**tally.counts, "errors": tally.errors, **{name: getattr(tally, name) for name in BYTES}},
            dict(tally.causes),
        )

    def latencies(self, phase: str, *, service: bool = False) -> Latencies | None:
        """Of a phase, from when it was due where that is known, unless the service time is asked for."""
        return (None if service else self.corrected.get(phase)) or self.service.get(phase)

    def times(self, phase: str) -> int:
        """How often a phase was passed through."""
        found = self.service.get(phase)
        return found.count if found else 0

    def count(self, name: str) -> int:
        return self.counts.get(name, 0)

    def because(self, *sorts: str) -> int:
        """How many failures had a cause of one of these sorts."""
        return sum(count for cause, count in self.causes.items() if cause[0] in sorts and not is_warning(cause))

    @property
    def main_phase(self) -> str:
        """What the load was about: the kind of message there was most of; without messages, the association."""
        known = self.corrected or self.service
        kinds = [kind for kind in KINDS if kind in known]
        if kinds:
            return max(kinds, key=self.times)
        return ASSOCIATION if ASSOCIATION in known else ASSOCIATE

    @property
    def attempts(self) -> int:
        """Messages, and associations that failed before one of theirs could."""
        return self.count("messages_sent") + self.count("errors") - self.count("messages_failed")

    def rate(self, number: float) -> float:
        """So much in this time as so much per second."""
        return number / self.seconds if self.seconds else 0.0


BYTES: Final = ("payload_bytes", "bytes_sent", "bytes_received")


def _measured(histograms: Mapping[str, HdrHistogram]) -> dict[str, Latencies]:
    return {phase: Latencies(histogram) for phase, histogram in histograms.items() if histogram.total_count}
