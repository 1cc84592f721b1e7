"""Counters are their table."""

from __future__ import annotations

import json

from pool.stats import COUNTER, GAUGE, STATISTICS, Counters, rates


def test_every_row_is_complete() -> None:
    for row in STATISTICS:
        assert row.kind in (COUNTER, GAUGE)
        assert row.help


def test_snapshots_add_up() -> None:
    total = Counters(c_echo_requests=1)
    for worker in (Counters(c_echo_requests=2, associations_active=3), Counters(associations_active=4)):
        worker.count_failure(0xA700)
        total.add(json.loads(json.dumps(worker.snapshot())))
    assert total == Counters(c_echo_requests=3, associations_active=7, failures={"A700": 2})


def test_a_snapshot_is_of_its_time() -> None:
    counters = Counters()
    counters.count_failure(0x0110)
    before = counters.snapshot()
    counters.count_failure(0x0110)
    assert before["failures"] == {"0110": 1}


def test_rates_are_of_counters_only() -> None:
    before = Counters(bytes_received=100).snapshot()
    after = Counters(bytes_received=300, associations_active=5).snapshot()
    per_second = rates(before, after, 4.0)
    assert per_second["bytes_received"] == 50
    assert "associations_active" not in per_second
    assert rates(before, after, 0) == {}
