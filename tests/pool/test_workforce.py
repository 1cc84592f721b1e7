"""The workforce with real processes: started, replaced, watched, let go."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from time import monotonic
from typing import Any

import fakes
import pytest
from turning import turn_until

from pool import workforce
from pool.config import Settings
from pool.control import ControlDirectory
from pool.handoff import Record
from pool.loop import Loop
from pool.workforce import BEATS, WorkerProcess, Workforce, respawn_delay


class Employer:
    def __init__(self) -> None:
        self.ready: list[WorkerProcess] = []
        self.gone: list[WorkerProcess] = []
        self.beats = 0
        self.nobody_left = False

    def worker_ready(self, worker: WorkerProcess) -> None:
        self.ready.append(worker)

    def worker_sent(self, worker: WorkerProcess, records: list[Record]) -> None:
        raise AssertionError("these workers have no connections")

    def worker_drained(self, worker: WorkerProcess) -> None:
        pass

    def worker_gone(self, worker: WorkerProcess) -> None:
        self.gone.append(worker)

    def workers_beat(self) -> None:
        self.beats += 1

    def workforce_gone(self) -> None:
        self.nobody_left = True


class House:
    """A workforce, its loop and its employer."""

    def __init__(self, tmp_path: Path, **settings: Any) -> None:
        self.loop = Loop()
        self.directory = ControlDirectory.open(tmp_path / "control")
        self.employer = Employer()
        self.workforce = Workforce(
            self.loop, Settings(control=self.directory.path, **settings), self.directory, self.employer
        )

    def until(self, condition: Callable[[], object]) -> None:
        turn_until(self.loop, condition)

    def start(self) -> None:
        self.workforce.start()
        self.until(lambda: self.workforce.complete)

    def beat(self) -> None:
        """A beat that is on time, now."""
        self.workforce._beat_due = self.loop.now
        self.workforce._beat()

    def close(self) -> None:
        for worker in self.workforce.workers.values():
            worker.kill()
        self.workforce.stop()
        self.until(lambda: not self.workforce.workers)
        self.workforce.close()
        self.directory.close()
        self.loop.close()


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., House]]:
    monkeypatch.setattr(workforce, "_WORKER_CODE", fakes.PROGRAM)
    with ExitStack() as houses:
        yield lambda **settings: houses.enter_context(closing(House(tmp_path, **settings)))


def test_a_killed_worker_is_replaced_within_a_second(house):
    built = house(workers=2)
    built.start()
    victim, other = built.employer.ready
    victim.kill()
    built.until(lambda: built.employer.gone)
    started = monotonic()
    built.until(lambda: len(built.workforce.workers) == 2)
    assert monotonic() - started < 1
    built.until(lambda: built.workforce.complete)
    assert built.employer.gone == [victim]
    assert built.employer.ready[-1].number == 3
    assert other.number in built.workforce.workers
    assert built.workforce.restarts == 1


def test_workers_are_not_touched_by_signals_meant_for_the_server(house):
    """A terminal sends Ctrl-C, and systemd SIGTERM, to everybody; the parent decides."""
    built = house(workers=1)
    built.start()
    (worker,) = built.employer.ready
    assert os.getsid(worker.process.pid) != os.getsid(0)
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP):
        os.kill(worker.process.pid, signum)
    answered = []
    built.workforce.ask_counters(lambda: answered.append(True), timeout=60)
    built.until(lambda: answered)
    assert not built.employer.gone


def test_a_stuck_worker_is_killed_and_replaced(house):
    """The beats are the test's: how busy the machine is does not matter."""
    built = house(workers=1, timeout=3600.0)
    built.start()
    (worker,) = built.employer.ready
    os.kill(worker.process.pid, signal.SIGSTOP)
    for _ in range(BEATS):
        built.beat()
    built.loop.turn(0)
    assert not built.employer.gone
    built.beat()
    built.until(lambda: built.employer.gone == [worker])
    built.until(lambda: built.workforce.complete)
    assert worker.process.returncode == -signal.SIGKILL


def test_a_worker_that_starts_has_longer_than_one_that_runs(house):
    built = house(workers=1, timeout=0.6)
    built.workforce.start()
    for _ in range(2 * BEATS):
        built.beat()
    built.until(lambda: built.employer.ready)
    assert not built.employer.gone


def test_a_worker_that_never_becomes_ready_is_killed(house, monkeypatch):
    monkeypatch.setattr(workforce, "_WORKER_CODE", "import signal; signal.pause()")
    monkeypatch.setattr(workforce, "_START_TIMEOUT", 0.3)
    built = house(workers=1, timeout=0.3)
    built.workforce.start()
    built.until(lambda: built.employer.nobody_left)
    assert built.employer.ready == []


def test_a_parent_that_was_itself_late_asks_again_before_it_kills(house):
    built = house(workers=1, timeout=30.0)
    built.start()
    (worker,) = built.employer.ready
    worker.unanswered = BEATS
    built.workforce._beat_due = built.loop.now - 100
    built.workforce._beat()
    built.until(lambda: worker.unanswered == 0)
    assert not built.employer.gone


def test_one_answer_less_delays_the_others_only_so_long(house):
    built = house(workers=2)
    built.start()
    silent, other = built.employer.ready
    os.kill(silent.process.pid, signal.SIGSTOP)
    answered = []
    built.workforce.ask_counters(lambda: answered.append(True), timeout=0.3)
    built.until(lambda: answered)
    assert other.counters
    assert not silent.counters


def test_nobody_waits_for_the_answer_of_a_worker_that_died(house):
    built = house(workers=1)
    built.start()
    (worker,) = built.employer.ready
    os.kill(worker.process.pid, signal.SIGSTOP)
    answered = []
    built.workforce.ask_counters(lambda: answered.append(True), timeout=3600)
    worker.kill()
    built.until(lambda: answered)


def test_delays_between_starts_grow_and_are_bounded():
    delays = [respawn_delay(deaths) for deaths in range(1, 100)]
    assert delays[:3] == [0, 0, 0]
    assert delays == sorted(delays)
    assert delays[3:6] == [0.5, 1, 2]
    assert delays[-1] == 30


def test_a_slot_whose_workers_keep_dying_has_to_wait(house, monkeypatch):
    monkeypatch.setenv("MISCHIEF", "crash when ready")
    built = house(workers=1)
    built.workforce.start()
    (slot,) = built.workforce._slots
    built.until(lambda: slot.retry is not None)
    assert slot.early_deaths == 4
    assert len(built.employer.gone) == 4
    assert not built.employer.nobody_left
    monkeypatch.delenv("MISCHIEF")
    built.until(lambda: built.workforce.complete)  # the next one is better


def test_a_worker_that_cannot_be_spawned_for_want_of_descriptors_is_spawned_later(house, monkeypatch):
    monkeypatch.setattr(workforce, "_SPAWN_RETRY", 0.05)
    built = house(workers=1)
    built.start()
    (slot,) = built.workforce._slots
    with monkeypatch.context() as patch:
        patch.setattr(workforce.subprocess, "Popen", no_descriptors)
        built.employer.ready[0].kill()
        built.until(lambda: slot.retry is not None)
    built.until(lambda: built.workforce.complete)


def no_descriptors(*args: Any, **kwargs: Any) -> None:
    raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))


def test_when_no_worker_can_start_it_is_over(house, monkeypatch):
    monkeypatch.setenv("MISCHIEF", "do not start")
    built = house(workers=2)
    built.workforce.start()
    built.until(lambda: built.employer.nobody_left)
    assert [worker.process.returncode for worker in built.employer.gone] == [7, 7]
    assert built.workforce.restarts == 0


def test_drained_workers_without_connections_leave_by_themselves(house):
    built = house(workers=2)
    built.start()
    built.workforce.drain()
    built.until(lambda: built.employer.nobody_left)
    assert [worker.process.returncode for worker in built.employer.gone] == [0, 0]


def test_a_worker_that_does_not_heed_the_stop_is_killed(house, monkeypatch):
    monkeypatch.setattr(workforce, "STOP_TIMEOUT", 0.1)
    built = house(workers=1, graceful_timeout=0.1)
    built.start()
    os.kill(built.employer.ready[0].process.pid, signal.SIGSTOP)
    built.workforce.drain()
    built.until(lambda: built.employer.nobody_left)
    assert built.employer.gone[0].process.returncode == -signal.SIGKILL


def test_a_stray_module_in_the_folder_of_the_start_is_not_loaded(house, tmp_path, monkeypatch):
    monkeypatch.undo()  # the real program
    (tmp_path / "pool.py").write_text("raise SystemExit('stray')")
    (tmp_path / "json.py").write_text("raise SystemExit('stray')")
    monkeypatch.chdir(tmp_path)
    built = house(workers=1, output_directory=tmp_path / "incoming")
    built.start()
    assert not built.employer.gone
