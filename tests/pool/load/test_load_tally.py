"""Tallies: what is noted is what is told, put together and carried over."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pool.load.tally import PHASES, Recorder, Tally

LATENCIES = st.lists(st.floats(0, 4000), max_size=60)


def tally_of(latencies: list[float], cause: tuple[object, ...] = ("closed",)) -> Tally:
    recorder = Recorder()
    recorder.service["echo"].extend(latencies)
    recorder.corrected["echo"].extend(latencies[:3])
    recorder.messages_ok = recorder.messages_sent = len(latencies)
    recorder.causes[cause] += 2
    recorder.counts["associations_failed"] += 2
    recorder.payload_bytes = 7
    tally = recorder.take()
    assert not recorder.take().service
    tally.bytes_sent, tally.cpu_seconds = 5, 0.25
    return tally


def facts(tally: Tally) -> object:
    return (
        {name: [*item.counts] for name, item in tally.service.items()},
        {name: [*item.counts] for name, item in tally.corrected.items()},
        {name: count for name, count in tally.counts.items() if count},
        dict(tally.causes),
        (tally.payload_bytes, tally.bytes_sent, tally.bytes_received, tally.cpu_seconds, tally.errors),
    )


@given(LATENCIES)
def test_it_travels_unchanged(latencies: list[float]) -> None:
    tally = tally_of(latencies, ("reject", 1, 2, 3))
    assert facts(Tally.from_bytes(tally.to_bytes())) == facts(tally)


@given(LATENCIES, LATENCIES)
def test_two_are_as_one(one: list[float], other: list[float]) -> None:
    both = tally_of(one)
    both.add(tally_of(other))
    counted = both.service["echo"].get_total_count() if "echo" in both.service else 0
    assert counted == both.counts["messages_ok"] == len(one) + len(other)
    assert both.causes == {("closed",): 4} and both.errors == 4
    assert (both.payload_bytes, both.bytes_sent, both.cpu_seconds) == (14, 10, 0.5)


@given(st.lists(st.floats(2e-6, 3500), min_size=1, max_size=60))
def test_three_digits_of_every_latency_are_kept(latencies: list[float]) -> None:
    histogram = tally_of(latencies).service["echo"]
    assert abs(histogram.get_value_at_percentile(100) / 1e6 - max(latencies)) <= max(latencies) / 1000 + 2e-6
    assert abs(histogram.get_min_value() / 1e6 - min(latencies)) <= min(latencies) / 1000 + 2e-6


def test_phases_are_in_the_order_in_which_they_come() -> None:
    assert PHASES[0] == "connect" and PHASES[-2:] == ("release", "association")
