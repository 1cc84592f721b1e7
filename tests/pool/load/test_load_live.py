"""A run while it lasts: on a terminal one view drawn anew, elsewhere lines, few of them in a long run."""

from __future__ import annotations

import io
from collections.abc import Iterable

import pytest
from made_up import OPEN_PLAN, PEER, PLAN, second_of_work, tally
from rich.console import Console

from pool.load.live import LINES_OF_A_RUN, Progress, View
from pool.load.plan import Plan
from pool.load.tally import Interval, Tally


def interval(second: int, of: Tally) -> Interval:
    return Interval(float(second), second + 1.0, of, Tally(), 8, 0, (0.5, 0.25))


def shown(plan: Plan, intervals: Iterable[Interval], *, is_terminal: bool = False, quiet: bool = False) -> str:
    out = io.StringIO()
    with View(Console(file=out, width=120, force_terminal=is_terminal, quiet=quiet), plan) as view:
        for one in intervals:
            view.show(one)
    return out.getvalue()


def test_a_line_says_rate_percentiles_errors_and_associations() -> None:
    (line,) = shown(OPEN_PLAN, [interval(0, second_of_work())]).splitlines()
    assert line.startswith("   1.0 s  store 100/s, p50 36.")
    assert line.endswith("2 errors; 8 associations")


def test_a_long_run_prints_few_lines() -> None:
    plan = Plan(peer=PEER, address=PEER.resolve(), duration=600.0)
    lines = shown(plan, (interval(second, tally({"echo": [0.001]})) for second in range(600))).splitlines()
    assert LINES_OF_A_RUN * 0.9 <= len(lines) <= LINES_OF_A_RUN + 1


def test_a_terminal_shows_one_view_and_leaves_nothing() -> None:
    out = shown(PLAN, [interval(0, second_of_work()), interval(1, tally())], is_terminal=True)
    for part in ("store", "100/s", "50%", "10%", "20%"):
        assert part in out
    assert out.rstrip().endswith(("\x1b[2K", "\x1b[?25h"))  # erased, and the cursor is back


@pytest.mark.parametrize("is_terminal", [True, False])
def test_quiet_shows_nothing(is_terminal: bool) -> None:
    assert shown(PLAN, [interval(0, second_of_work())], is_terminal=is_terminal, quiet=True) == ""


def test_progress_is_by_time_or_by_count_whichever_is_further() -> None:
    progress = Progress(Plan(peer=PEER, address=PEER.resolve(), duration=10.0, count=200))
    progress.add(interval(0, tally(messages_ok=100, messages_sent=100)))
    assert progress.part == pytest.approx(0.5)
    for second in range(1, 8):
        progress.add(interval(second, tally()))
    assert progress.part == pytest.approx(0.8)


def test_the_curve_has_a_mark_for_each_interval() -> None:
    progress = Progress(PLAN)
    for second, count in enumerate((0, 4, 8)):
        progress.add(interval(second, tally({"echo": [0.001] * count})))
    assert progress.curve == " ▄█"
