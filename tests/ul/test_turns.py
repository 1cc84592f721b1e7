"""Turns: one thread's from its start on, whoever stands in before, and never those of two at a time."""

from __future__ import annotations

import select
import threading

from ul.turns import Turns


class Waiting(Turns):
    """Each turn waits to be woken, and says who took it; two at a time would be found out."""

    def __init__(self) -> None:
        super().__init__(name="Waiting")
        self.daemon = True
        self.takers: list[int] = []
        self.waits = threading.Event()
        self.is_amid = self.over = self.had_two = False
        self._poll = select.poll()
        self._poll.register(self._wakeup, select.POLLIN)

    def _turn(self, deadline: float | None = None) -> None:
        self.had_two = self.had_two or self.is_amid
        self.is_amid = True
        self.takers.append(threading.get_ident())
        self.waits.set()
        self._turning.release()
        try:
            self._poll.poll()
        finally:
            self._turning.acquire()
        self._wakeup.clear()
        self.is_amid = False

    def _is_over(self) -> bool:
        return self.over

    def _end(self) -> None:
        self._wakeup.close()

    def finish(self) -> None:
        self.over = True
        self._wake()


def test_whoever_stands_in_comes_back_as_the_thread_starts() -> None:
    turns = Waiting()
    stood_in: list[bool] = []
    stand_in = threading.Thread(target=lambda: stood_in.append(turns.turn()), daemon=True)
    stand_in.start()
    assert turns.waits.wait(10)
    turns.waits.clear()
    turns.start()
    stand_in.join(10)
    assert stood_in == [True]
    assert turns.waits.wait(10)
    assert not turns.turn()
    turns.finish()
    turns.join(10)
    assert not turns.is_alive()
    assert turns.takers == [stand_in.ident, turns.ident] and not turns.had_two


def test_only_one_stands_in() -> None:
    turns = Waiting()
    stand_in = threading.Thread(target=turns.turn, daemon=True)
    stand_in.start()
    assert turns.waits.wait(10)
    assert not turns.turn()
    turns.interrupt()
    stand_in.join(10)
    assert not stand_in.is_alive()


def test_after_the_end_nobody_is_amid_a_turn() -> None:
    """Nor is the thread that is given the identifier of the one whose turns they were."""
    turns = Waiting()
    turns.over = True
    turns.run()
    assert not turns.is_amid_turn
    assert not turns.turn()


def test_there_is_no_turn_behind_the_last_one() -> None:
    turns = Waiting()
    turns.finish()
    assert turns.turn()
    assert not turns.takers
