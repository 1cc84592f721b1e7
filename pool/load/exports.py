"""The result for other programs: the time series as CSV, the distributions in HdrHistogram's text form."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pool.load.figures import SUMMARY_METRICS
from pool.load.result import Result
from pool.load.tally import PHASES

_COUNTS: Final = (
    *("errors", "messages_ok", "messages_failed", "associations_accepted", "associations_failed"),
    *("starts_due", "starts_late", "starts_dropped", "payload_bytes", "bytes_sent", "bytes_received"),
)


def time_series(result: Result) -> str:
    """CSV: a line per interval; durations in seconds; a column per phase, kind of latency and metric."""
    columns = list(_columns(result))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["start", "end", "active", "generator_cpu", *_COUNTS, *(".".join(column) for column in columns)])
    for moment in result.intervals:
        counts = (moment["counts"].get(name, 0) for name in _COUNTS)
        cells = (_cell(moment, *column) for column in columns)
        writer.writerow(
            [moment["start"], moment["end"], moment["active"], max(moment["cpu"], default=""), *counts, *cells]
        )
    return out.getvalue()


def _columns(result: Result) -> Iterator[tuple[str, str, str]]:
    for phase in PHASES:
        for kind in ("service", "corrected"):
            if phase in getattr(result.figures, kind):
                yield from ((phase, kind, metric) for metric in ("count", *SUMMARY_METRICS))


def _cell(moment: Mapping[str, Any], phase: str, kind: str, metric: str) -> object:
    return moment["phases"].get(phase, {}).get(kind, {}).get(metric, "")


def write_distributions(result: Result, folder: Path) -> None:
    """A file for each phase and kind of latency, such as store.corrected.hgrm; values in milliseconds."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind in ("service", "corrected"):
        for phase, latencies in getattr(result.figures, kind).items():
            with (folder / f"{phase}.{kind}.hgrm").open("wb") as file:
                latencies.write_percentiles(file)
