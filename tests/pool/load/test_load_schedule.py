"""Starts of an open loop: as many as the rate's integral says, in order, however many processes share them."""

from __future__ import annotations

from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pool.load.plan import Stage
from pool.load.schedule import rate, starts, total

RATES = st.floats(0, 500)
STAGES = st.lists(st.builds(Stage, st.floats(0.01, 5), RATES, RATES), min_size=1, max_size=4)


def test_a_constant_rate() -> None:
    assert list(starts([Stage(2, 2, 2)])) == pytest.approx([0, 0.5, 1, 1.5])


def test_a_ramp() -> None:
    """0 to 10 a second in 2 s: 5 t^2 / 2 have been due at t."""
    times = list(starts([Stage(2, 0, 10)]))
    assert times == pytest.approx([(n / 2.5) ** 0.5 for n in range(10)])


def test_stages_go_on_where_the_last_one_ended() -> None:
    """Half a start is left over of the first stage; the other half is the second's."""
    times = list(starts([Stage(0.5, 1, 1), Stage(1, 4, 4)]))
    assert times == pytest.approx([0, 0.5 + 0.5 / 4, 0.5 + 1.5 / 4, 0.5 + 2.5 / 4, 0.5 + 3.5 / 4])


@given(STAGES, st.integers(1, 4))
def test_shares_are_a_partition_of_the_whole(stages: list[Stage], processes: int) -> None:
    whole = list(starts(stages))
    assert len(whole) == ceil(total(stages))
    assert whole == sorted(whole)
    assert not whole or 0 <= whole[0] <= whole[-1] <= sum(stage.seconds for stage in stages) * (1 + 1e-9)
    shares = [list(starts(stages, process, processes)) for process in range(processes)]
    assert sorted(time for share in shares for time in share) == whole


@given(STAGES, st.floats(0, 1))
def test_the_rate_lies_between_those_of_its_stage(stages: list[Stage], part: float) -> None:
    seconds = part * sum(stage.seconds for stage in stages)
    now = rate(stages, seconds)
    low = min(min(stage.rate_from, stage.rate_to) for stage in stages)
    high = max(max(stage.rate_from, stage.rate_to) for stage in stages)
    assert low - 1e-6 <= now <= high + 1e-6 or now == 0
