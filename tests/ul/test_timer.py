from __future__ import annotations

from ul.timer import Timer


def test_runs_out_after_its_duration() -> None:
    timer = Timer(30.0)
    assert timer.deadline is None
    assert not timer.expired(1e9)
    timer.start(100.0)
    assert timer.deadline == 130.0
    assert not timer.expired(129.9)
    assert timer.expired(130.0)


def test_stops() -> None:
    timer = Timer(30.0)
    timer.start(0.0)
    timer.stop()
    assert timer.deadline is None
    assert not timer.expired(1e9)
    timer.stop()


def test_starts_anew() -> None:
    timer = Timer(30.0)
    timer.start(0.0)
    timer.restart(20.0)
    assert timer.deadline == 50.0
    timer.start(30.0)
    assert timer.deadline == 60.0


def test_a_duration_of_none_never_runs_out() -> None:
    timer = Timer(None)
    timer.start(0.0)
    assert timer.deadline is None
    assert not timer.expired(1e9)


def test_is_limited_from_now_on() -> None:
    timer = Timer(30.0)
    timer.start(0.0)
    timer.limit(5.0, 10.0)
    assert timer.deadline == 15.0
    timer.limit(60.0, 10.0)
    assert timer.deadline == 15.0
    timer.start(20.0)
    assert timer.deadline == 25.0
    endless = Timer(None)
    endless.limit(5.0, 0.0)
    assert endless.deadline is None
    endless.start(1.0)
    assert endless.deadline == 6.0
