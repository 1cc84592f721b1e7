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

from pool import messages
from pool.acceptor import worker_process, workforce
from pool.acceptor.worker_process import WorkerProcess
from pool.acceptor.workforce import BEATS, Workforce, respawn_delay
from pool.config import Settings
from pool.control import Body, ControlDirectory
from pool.handoff import Record
from pool.loop import Loop


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

    def worker_told(self, worker: WorkerProcess, message: Body) -> None:
        pass

    def worker_gone(self, worker: WorkerProcess, how: str) -> None:
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
    monkeypatch.setattr(worker_process, "_WORKER_CODE", fakes.PROGRAM)
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
    assert built.workforce.restarts == {messages.DIED: 1}


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
    monkeypatch.setattr(worker_process, "_WORKER_CODE", "import signal; signal.pause()")
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
    (slot,) = built.workforce.generation.slots
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
    (slot,) = built.workforce.generation.slots
    with monkeypatch.context() as patch:
        patch.setattr(worker_process.subprocess, "Popen", no_descriptors)
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
    assert not built.workforce.restarts


def test_drained_workers_without_connections_leave_by_themselves(house):
    built = house(workers=2)
    built.start()
    built.workforce.drain()
    built.until(lambda: built.employer.nobody_left)
    assert [worker.process.returncode for worker in built.employer.gone] == [0, 0]


def test_a_worker_that_does_not_heed_the_stop_is_killed(house, monkeypatch):
    monkeypatch.setattr(workforce, "STOP_TIMEOUT", 0.1)
    built = house(workers=1)
    built.start()
    os.kill(built.employer.ready[0].process.pid, signal.SIGSTOP)
    built.workforce.stop()
    built.until(lambda: built.employer.nobody_left)
    assert built.employer.gone[0].process.returncode == -signal.SIGKILL


def test_who_asks_again_for_the_stop_does_not_put_the_kill_off(house):
    built = house(workers=1)
    built.start()
    built.workforce.drain()
    built.workforce.stop()
    due = built.workforce._kill_timer
    built.workforce.stop()
    assert due is not None and built.workforce._kill_timer is due
    built.until(lambda: built.employer.nobody_left)


def test_a_stray_module_in_the_folder_of_the_start_is_not_loaded(house, tmp_path, monkeypatch):
    monkeypatch.undo()  # the real program
    (tmp_path / "pool.py").write_text("raise SystemExit('stray')")
    (tmp_path / "json.py").write_text("raise SystemExit('stray')")
    monkeypatch.chdir(tmp_path)
    built = house(workers=1, output_directory=tmp_path / "incoming")
    built.start()
    assert not built.employer.gone


# Recycling, scaling, the next generation


def serving(built: House) -> list[WorkerProcess]:
    return [slot.worker for slot in built.workforce.generation.slots if slot.worker is not None]


def test_a_recycled_worker_serves_until_its_successor_is_ready(house):
    built = house(workers=2)
    built.start()
    old, other = serving(built)
    built.workforce.recycle(old, messages.RECYCLED)
    built.workforce.recycle(old, messages.MEMORY)  # it is on its way already
    assert len(built.workforce.workers) == 3
    assert old.serves
    built.until(lambda: len(built.employer.ready) == 3)
    assert not old.serves
    assert serving(built) == [built.employer.ready[-1], other]
    built.until(lambda: built.employer.gone)
    assert (built.employer.gone, old.process.returncode) == ([old], 0)
    assert built.workforce.restarts == {messages.RECYCLED: 1}
    assert built.workforce.generation.slots[0].early_deaths == 0


def test_a_worker_whose_successors_do_not_start_goes_on_serving(house, monkeypatch):
    built = house(workers=1)
    built.start()
    (old,) = serving(built)
    (slot,) = built.workforce.generation.slots
    monkeypatch.setenv("MISCHIEF", "do not start")
    built.workforce.recycle(old, messages.RECYCLED)
    built.until(lambda: slot.retry is not None)  # as in any crash loop
    assert old.serves
    assert built.workforce.complete
    monkeypatch.delenv("MISCHIEF")
    built.until(lambda: old in built.employer.gone)
    assert serving(built) == [built.employer.ready[-1]]


def test_a_worker_that_grew_beyond_its_bound_is_recycled_with_the_beat(house):
    built = house(workers=1, timeout=3600.0, max_memory=1 << 40)
    built.start()
    (worker,) = serving(built)
    assert 1 << 20 < worker.memory < 1 << 30
    built.beat()
    assert not worker.reason
    object.__setattr__(built.workforce.generation.settings, "max_memory", 1 << 20)
    built.beat()
    assert worker.reason == messages.MEMORY
    object.__setattr__(built.workforce.generation.settings, "max_memory", 0)
    built.until(lambda: worker in built.employer.gone)
    assert built.workforce.restarts == {messages.MEMORY: 1}


def test_a_worker_has_a_quota_of_its_own(house):
    built = house(workers=8, max_requests=100, max_requests_jitter=1000)
    built.workforce.start()
    quotas = {worker.quota for worker in built.workforce.workers.values()}
    assert all(100 <= quota <= 1100 for quota in quotas)
    assert len(quotas) > 1


def test_scaling_makes_the_number_right(house):
    built = house(workers=1)
    built.start()
    built.workforce.scale(3)
    built.until(lambda: built.workforce.complete)
    assert len(serving(built)) == 3
    built.workforce.scale(1)
    built.until(lambda: len(built.employer.gone) == 2)
    assert [worker.process.returncode for worker in built.employer.gone] == [0, 0]
    assert built.workforce.restarts == {messages.SCALED: 2}
    assert len(built.workforce.workers) == 1
    built.employer.ready.clear()
    serving(built)[0].kill()  # and it stays right
    built.until(lambda: built.employer.ready)
    assert len(built.workforce.workers) == 1


def test_a_worker_that_starts_and_is_not_wanted_any_more_never_serves(house):
    built = house(workers=1)
    built.start()
    built.workforce.scale(2)
    built.workforce.scale(1)
    built.until(lambda: built.employer.gone)
    assert len(built.employer.ready) == 1
    assert built.workforce.complete


class Renewal:
    """What a renewal is asked for and tells."""

    def __init__(self, built: House, **settings: Any) -> None:
        self.enacted: list[list[WorkerProcess]] = []
        self.faults: list[str] = []
        built.workforce.renew(
            Settings(control=built.directory.path, **settings),
            lambda: self.enacted.append(serving(built)),
            self.faults.append,
        )


def test_the_next_generation_takes_over_as_a_whole(house):
    built = house(workers=2)
    built.start()
    old = serving(built)
    renewal = Renewal(built, workers=3)
    built.until(lambda: len(built.workforce.workers) == 5 and renewal.faults)
    assert renewal.enacted == [old]  # until then nothing had changed
    assert renewal.faults == [""]
    assert [worker.generation for worker in serving(built)] == [2, 2, 2]
    built.until(lambda: len(built.employer.gone) == 2)
    assert [worker.process.returncode for worker in old] == [0, 0]
    assert built.workforce.restarts == {messages.RELOADED: 2}


def test_when_one_of_the_next_generation_does_not_start_nothing_has_changed(house, monkeypatch):
    built = house(workers=2)
    built.start()
    old = serving(built)
    monkeypatch.setenv("MISCHIEF", "do not start")
    renewal = Renewal(built, workers=2)
    built.until(lambda: renewal.faults)
    assert "did not start: exit status 7" in renewal.faults[0]
    assert not renewal.enacted
    built.until(lambda: len(built.workforce.workers) == 2)
    assert serving(built) == old
    assert built.workforce.generation.number == 1
    assert not built.workforce.restarts
    monkeypatch.delenv("MISCHIEF")
    old[0].kill()
    built.until(lambda: built.employer.ready[2:])  # and who serves is replaced as ever
    assert built.employer.ready[-1].generation == 1


def test_a_stop_amid_a_renewal_ends_both_generations(house):
    built = house(workers=1)
    built.start()
    renewal = Renewal(built, workers=1)
    built.workforce.drain()
    built.until(lambda: built.employer.nobody_left)
    assert renewal.faults == ["the server stops"]
    assert not renewal.enacted


def test_a_worker_that_dies_while_it_is_replaced_died(house):
    built = house(workers=1)
    built.start()
    (worker,) = serving(built)
    built.workforce.recycle(worker, messages.RECYCLED)
    worker.kill()
    built.until(lambda: built.employer.gone)
    assert built.workforce.restarts == {messages.DIED: 1}
    built.until(lambda: built.workforce.complete)
    assert len(built.workforce.workers) == 1
