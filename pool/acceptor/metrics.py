"""Metrics and probes: what the server counts as Prometheus reads it, and whether it lives and is ready.

Names, kinds and labels derive from the rows of `pool.stats` and of `GAUGES` here; a new statistic is a new metric by
itself. Belongs here: paths and what stands behind them. Not here: HTTP (`web`), counting. Imported only where --metrics
asks for it.
"""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import partial
from http import HTTPStatus
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from prometheus_client import generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from pool import messages
from pool.acceptor.web import Answer, Reply, WebServer, listen
from pool.config import Address
from pool.stats import (
    COUNTER,
    GAUGE,
    HISTOGRAMS,
    OTHER,
    STATISTICS,
    Snapshot,
    Statistic,
    calling_label,
    configured_titles,
    split_labels,
)

if TYPE_CHECKING:
    from pool.acceptor.server import Server

METRICS: Final = "/metrics"
LIVE: Final = "/livez"
READY: Final = "/readyz"

PREFIX: Final = "ulpool_"
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

BUILD: Final = Statistic("build_info", GAUGE, "what runs here; always 1", ("version", "python"))
UP: Final = Statistic("ready", GAUGE, "whether /readyz says so")
WORKERS: Final = Statistic("workers", GAUGE, "worker processes", ("state",))
UPTIME: Final = Statistic("uptime_seconds", GAUGE, "since the server was started")
FREE: Final = Statistic("store_free_bytes", GAUGE, "free space of the output directory")
GAUGES: Final = (BUILD, UP, WORKERS, UPTIME, FREE)

_ACTIVE: Final = "associations_active"

Samples = Mapping[tuple[str, ...], float]


class MetricsServer:
    """Answers scrapes and probes. Scrapes that come together share one question to the workers."""

    def __init__(self, server: Server, address: Address) -> None:
        """Raises ListenError."""
        self._server = server
        self._scrapes: list[Reply] = []
        self._web = WebServer(server.loop, listen(address, "--metrics"), self._respond)

    @property
    def address(self) -> Address:
        """Where it listens, with the real port."""
        return self._web.address

    def close(self) -> None:
        """Answer nobody any more."""
        self._web.close()

    def _respond(self, path: str, reply: Reply) -> None:
        free_space = self._server.reception.free_space
        if path == METRICS:
            self._scrapes.append(reply)
            if len(self._scrapes) == 1:
                free_space.measure(partial(self._server.ask_totals, self._scraped))
        elif path == LIVE:
            reply(Answer(HTTPStatus.OK, "the acceptor's loop runs\n"))
        elif path == READY:
            free_space.judge(partial(self._say_ready, reply))
        else:
            reply(Answer(HTTPStatus.NOT_FOUND, f"there are {METRICS}, {LIVE} and {READY}\n"))

    def _say_ready(self, reply: Reply) -> None:
        why_not = unready(self._server)
        reply(Answer(HTTPStatus.SERVICE_UNAVAILABLE, f"{why_not}\n") if why_not else Answer(HTTPStatus.OK, "ready\n"))

    def _scraped(self, totals: Snapshot) -> None:
        scrapes, self._scrapes = self._scrapes, []
        text = exposition(totals, self._server)
        for reply in scrapes:
            reply(Answer(HTTPStatus.OK, text, CONTENT_TYPE))


def unready(server: Server) -> str:
    """Why no association would be accepted; empty where it would."""
    if server.state not in (messages.RUNNING, messages.RELOADING):
        return server.state
    if not any(worker.ready_at is not None for worker in server.workforce.workers.values()):
        return "no worker is ready"
    if server.reception.free_space.is_short:
        return "the output directory has less free space than --min-free"
    return ""


# The text


def metric_name(row: Statistic) -> str:
    """The name a row has in Prometheus."""
    return f"{PREFIX}{row.name}{'_total' if row.kind == COUNTER else ''}"


def series_names() -> set[str]:
    """Every name that a query can use."""
    names = {metric_name(row) for row in (*STATISTICS, *GAUGES)}
    return names | {metric_name(row) + end for row in HISTOGRAMS for end in ("_bucket", "_count", "_sum")}


def exposition(totals: Snapshot, server: Server) -> str:
    """Everything, in Prometheus' text format."""
    return generate_latest(_Families(totals, server)).decode()


class _Families:
    """What `generate_latest` asks for."""

    def __init__(self, totals: Snapshot, server: Server) -> None:
        self._totals = totals
        self._server = server

    def collect(self) -> Iterator[Metric]:
        labelled = {**self._totals["labelled"], _ACTIVE: active_by_title(self._server)}
        for row in STATISTICS:
            parts = {split_labels(text): number for text, number in labelled.get(row.name, {}).items()}
            yield _numbers(row, parts if row.labels else {(): self._totals[row.name]})
        for row in HISTOGRAMS:
            yield _histogram(row, self._totals["histograms"].get(row.name, {}))
        for row, samples in _gauges(self._server).items():
            yield _numbers(row, samples)


def active_by_title(server: Server) -> dict[str, int]:
    """Associations open now by the label of their calling title."""
    titles = configured_titles(server.settings)
    active = Counter(dict.fromkeys((*titles, OTHER), 0))
    for worker in server.workforce.workers.values():
        for connection in worker.connections.values():
            if connection.admitted_at is not None:
                active[calling_label(connection.calling_ae_title, titles)] += 1
    return dict(active)


def _gauges(server: Server) -> dict[Statistic, Samples]:
    free = server.reception.free_space.free
    states: dict[tuple[str, ...], float] = {}
    for worker in server.workforce.workers.values():
        states[(worker.state,)] = states.get((worker.state,), 0) + 1
    return {
        BUILD: {(version("ulpool"), platform.python_version()): 1},
        UP: {(): not unready(server)},
        WORKERS: states,
        UPTIME: {(): server.loop.now - server.started_at},
        FREE: {} if free is None else {(): free},
    }


def _numbers(row: Statistic, samples: Samples) -> Metric:
    kind = CounterMetricFamily if row.kind == COUNTER else GaugeMetricFamily
    family = kind(f"{PREFIX}{row.name}", row.help, labels=row.labels)
    for labels, value in samples.items():
        family.add_metric(labels, value)
    return family


def _histogram(row: Statistic, series: Mapping[str, Snapshot]) -> Metric:
    family = HistogramMetricFamily(f"{PREFIX}{row.name}", row.help, labels=row.labels)
    for text, histogram in series.items():
        bounds = [*map(str, row.bounds), "+Inf"]
        counts = histogram["counts"]
        buckets = [(bound, sum(counts[: index + 1])) for index, bound in enumerate(bounds)]
        family.add_metric(split_labels(text), buckets, histogram["sum"])
    return family
