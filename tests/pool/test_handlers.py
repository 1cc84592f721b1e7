"""Handler threads and lanes: order, one thread while held, and none while there is nothing to do."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from pool import logs
from pool.application.handlers import HandlerThreads, Lane

PATIENCE = 10.0


@pytest.fixture
def threads() -> Iterator[HandlerThreads]:
    made = HandlerThreads(2)
    yield made
    made.close()


class Gate:
    """A call that begins when it is made and ends when it is let."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.may_end = threading.Event()

    def __call__(self) -> None:
        self.begun.set()
        assert self.may_end.wait(PATIENCE)


def wait_for(lane: Lane, seen: list[Any] | None = None) -> int:
    """Until all that was asked of a lane is done; the thread that did it."""
    done = threading.Event()
    thread: list[int] = []
    lane.call(lambda: (thread.append(threading.get_ident()), done.set()))
    assert done.wait(PATIENCE)
    return thread[0]


def test_calls_are_made_in_order(threads: HandlerThreads) -> None:
    lane = threads.lane()
    seen: list[int] = []
    for number in range(100):
        lane.call(seen.append, number)
    wait_for(lane)
    assert seen == list(range(100))


def test_one_after_the_other_and_lanes_beside_each_other(threads: HandlerThreads) -> None:
    first, second = threads.lane(), threads.lane()
    gate, other = Gate(), threading.Event()
    first.call(gate)
    first.call(other.set)
    assert gate.begun.wait(PATIENCE)
    wait_for(second)
    assert not other.is_set()
    gate.may_end.set()
    assert other.wait(PATIENCE)


def test_a_lane_that_is_held_keeps_its_thread(threads: HandlerThreads) -> None:
    lane, other = threads.lane(), threads.lane()
    lane.call(lambda: None, hold=True)
    mine = wait_for(lane)
    gate = Gate()
    other.call(gate)  # has the other thread
    assert gate.begun.wait(PATIENCE)
    assert wait_for(lane) == mine
    gate.may_end.set()
    lane.let_go()


def test_a_lane_that_was_let_go_gives_its_thread_back(threads: HandlerThreads) -> None:
    lanes = [threads.lane() for _ in range(5)]  # of which two can be held at a time
    for lane in lanes:
        lane.call(lambda: None, hold=True)
        wait_for(lane)
        lane.let_go()
    assert wait_for(lanes[0])


def test_letting_go_does_not_lose_what_was_asked_for(threads: HandlerThreads) -> None:
    lane = threads.lane()
    gate = Gate()
    done = threading.Event()
    lane.call(gate, hold=True)
    lane.call(done.set)
    lane.let_go()
    gate.may_end.set()
    assert done.wait(PATIENCE)


def test_a_fault_is_logged_and_harms_no_other_call(threads: HandlerThreads, monkeypatch: pytest.MonkeyPatch) -> None:
    logged: list[tuple[str, Any]] = []
    monkeypatch.setattr(logs, "event", lambda level, name, **fields: logged.append((name, fields["error"])))
    lane = threads.lane()
    lane.call(lambda: [][0])
    wait_for(lane)
    [(name, error)] = logged
    assert name == "handler.fault" and isinstance(error, IndexError)
