"""Runs that never were: tallies with latencies that are known, for what reads, judges and shows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pool.load.figures import Figures
from pool.load.plan import Plan, Stage
from pool.load.result import Result, moment, plan_to_plain, result_of
from pool.load.tally import Cause, Interval, Recorder, Run, Tally
from pool.load.thresholds import judge, threshold
from pool.scu import Peer

Phases = Mapping[str, Iterable[float]]

PEER = Peer.parse("PEER@127.0.0.1:11112")
PLAN = Plan(peer=PEER, address=PEER.resolve(), associations=8, duration=10.0, seed=7)
OPEN_PLAN = Plan(peer=PEER, address=PEER.resolve(), associations=8, stages=(Stage(10.0, 100.0, 100.0),), seed=7)


def tally(
    service: Phases | None = None,
    corrected: Phases | None = None,
    causes: Mapping[Cause, int] | None = None,
    **counts: int,
) -> Tally:
    """What so many latencies, in seconds, would be as a Tally."""
    recorder = Recorder()
    for samples, found in ((recorder.service, service), (recorder.corrected, corrected)):
        for phase, seconds in (found or {}).items():
            samples[phase].extend(seconds)
    recorder.causes.update(causes or {})
    recorder.counts.update(counts)
    return recorder.take()


def figures(seconds: float = 10.0, **of: Any) -> Figures:
    return Figures.of(tally(**of), seconds)


def run(tallies: Iterable[Tally], thresholds: Iterable[str] = (), plan: Plan = PLAN, **of_result: Any) -> Result:
    """A result of an interval of a second per tally."""
    total = Tally()
    moments = []
    for second, part in enumerate(tallies):
        total.add(part)
        moments.append(moment(Interval(float(second), second + 1.0, part, Tally(), 8, 0, (0.5, 0.25))))
    seconds = float(len(moments))
    verdicts = judge([threshold(text) for text in thresholds], Figures.of(total, seconds))
    return result_of(
        Run(
            seconds,
            total,
            Tally(),
            0.75 * seconds,
            of_result.pop("cpu_shares", (0.5, 0.25)),
            of_result.pop("stopped", ""),
        ),
        intervals=moments,
        verdicts=verdicts,
        command=["ulpool", "load", str(PEER)],
        peer=str(PEER),
        seed=plan.seed,
        began="2026-11-22T00:40:12+00:00",
        plan=plan_to_plain(plan),
        **of_result,
    )


def second_of_work(spread: float = 1.0) -> Tally:
    """Echoes and stores, with a failure now and then."""
    echoes = [0.001 + 0.0001 * n * spread for n in range(50)]
    stores = [0.010 + 0.0005 * n * spread for n in range(100)]
    return tally(
        {"connect": [0.0002], "associate": [0.0004], "echo": echoes, "store": stores, "release": [0.0003]},
        {"echo": [value + 0.001 for value in echoes], "store": [value + 0.002 for value in stores]},
        {("status", "store", 0xA700): 1, ("reject", 2, 3, 2): 1},
        messages_sent=151,
        messages_ok=150,
        messages_failed=1,
        associations_started=2,
        associations_accepted=1,
        associations_failed=1,
        starts_due=151,
    )
