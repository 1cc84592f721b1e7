"""Counters are their table."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pool.stats import COUNTER, GAUGE, HISTOGRAMS, STATISTICS, Counters, calling_label, failures, rates, status_label

LABELLED = [row for row in STATISTICS if row.labels]


def test_every_row_is_complete() -> None:
    for row in STATISTICS:
        assert row.kind in (COUNTER, GAUGE)
        assert row.help
    for row in HISTOGRAMS:
        assert row.help and list(row.bounds) == sorted(set(row.bounds))
    names = [row.name for row in (*STATISTICS, *HISTOGRAMS)]
    assert len(names) == len(set(names))


def test_snapshots_add_up() -> None:
    total = Counters(c_echo_requests=1)
    for worker in (Counters(c_echo_requests=2, associations_active=3), Counters(associations_active=4)):
        worker.count("responses", "C-STORE-RQ", "A700", "other")
        worker.observe("operation_seconds", 0.25, "C-STORE-RQ")
        total.add(json.loads(json.dumps(worker.snapshot())))
    assert (total.c_echo_requests, total.associations_active, total.responses) == (3, 7, 2)
    assert total.snapshot()["labelled"] == {"responses": {"C-STORE-RQ,A700,other": 2}}
    (histogram,) = total.histograms["operation_seconds"].values()
    assert (sum(histogram.counts), histogram.sum) == (2, 0.5)


@pytest.mark.parametrize("row", LABELLED, ids=lambda row: row.name)
def test_a_labelled_statistic_is_the_sum_of_its_parts(row: object) -> None:
    counters = Counters()
    name, labels = row.name, row.labels  # type: ignore[attr-defined]
    for value in ("a", "b", "a"):
        counters.count(name, *(f"{label}-{value}" for label in labels))
    parts = counters.snapshot()["labelled"][name]
    assert sorted(parts.values()) == [1, 2]
    assert counters.snapshot()[name] == 3


@given(st.lists(st.floats(0, 1e6)))
def test_every_observation_has_its_bucket(observed: list[float]) -> None:
    counters = Counters()
    row = next(row for row in HISTOGRAMS if row.name == "association_seconds")
    for seconds in observed:
        counters.observe(row.name, seconds)
    if observed:
        counts = counters.snapshot()["histograms"][row.name][""]["counts"]
        assert len(counts) == len(row.bounds) + 1
        for index, bound in enumerate(row.bounds):
            assert sum(counts[: index + 1]) == sum(seconds <= bound for seconds in observed)
        assert sum(counts) == len(observed)


def test_a_snapshot_is_of_its_time() -> None:
    counters = Counters()
    counters.count("protocol_errors", "unexpected-pdu")
    counters.observe("association_seconds", 1.0)
    before = counters.snapshot()
    counters.count("protocol_errors", "unexpected-pdu")
    counters.observe("association_seconds", 1.0)
    assert before["labelled"] == {"protocol_errors": {"unexpected-pdu": 1}}
    assert before["histograms"]["association_seconds"][""]["sum"] == 1.0


def test_rates_are_of_counters_only() -> None:
    before = Counters(bytes_received=100).snapshot()
    after = Counters(bytes_received=300, associations_active=5).snapshot()
    per_second = rates(before, after, 4.0)
    assert per_second["bytes_received"] == 50
    assert "associations_active" not in per_second
    assert rates(before, after, 0) == {}


def test_failures_are_neither_success_nor_pending() -> None:
    counters = Counters()
    for command, status in (("C-STORE-RQ", 0xA700), ("C-FIND-RQ", 0xFF00), ("C-ECHO-RQ", 0), ("C-GET-RQ", 0xA700)):
        counters.count("responses", command, status_label(status), "other")
    assert failures(counters.snapshot()) == {"A700": 2}


def test_a_title_that_no_setting_names_is_no_label() -> None:
    """A peer cannot make up series."""
    assert calling_label("CT1", {"CT1"}) == "CT1"
    assert calling_label("ZZCANARY", {"CT1"}) == "other"
