"""The free space: when it is looked at, what it is held against, and a file system that does not answer."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from house import built_house as built_house
from peers import DEADLINE

from pool import logs
from pool.acceptor import free_space
from pool.acceptor.free_space import FreeSpace
from pool.config import Space


class Turns:
    """A loop whose time a test tells."""

    def __init__(self) -> None:
        self.now = 0.0
        self._posted: queue.SimpleQueue[tuple[Callable[..., object], tuple[Any, ...]]] = queue.SimpleQueue()
        self._timers: list[Timer] = []

    def call_at(self, when: float, callback: Callable[[], object]) -> Timer:
        self._timers.append(Timer(when, callback))
        return self._timers[-1]

    def call_soon(self, callback: Callable[[], object]) -> None:
        callback()

    def call_from_thread(self, callback: Callable[..., object], *args: Any) -> None:
        self._posted.put((callback, args))

    def turn(self) -> None:
        """Have what a thread brings done, once it brings it."""
        callback, args = self._posted.get(timeout=DEADLINE)
        callback(*args)

    def pass_to(self, now: float) -> None:
        self.now = now
        for timer in [timer for timer in self._timers if timer.when <= now]:
            self._timers.remove(timer)
            if not timer.cancelled:
                timer.callback()


class Timer:
    def __init__(self, when: float, callback: Callable[[], object]) -> None:
        self.when = when
        self.callback = callback
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Disk:
    """A file system of 1000 blocks of 1 KiB, and who looks at it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.loop = Turns()
        self.free = 1000
        self.looks = 0
        self.error: OSError | None = None
        self.answers = threading.Event()
        self.answers.set()
        self.logged: list[tuple[str, Any]] = []
        monkeypatch.setattr(free_space.os, "statvfs", self.statvfs)  # type: ignore[attr-defined]
        monkeypatch.setattr(
            logs, "event", lambda level, name, **fields: self.logged.append((name, fields.get("reason")))
        )

    def statvfs(self, path: Path) -> os.statvfs_result:
        self.looks += 1
        assert self.answers.wait(DEADLINE)
        if self.error is not None:
            raise self.error
        return os.statvfs_result((1024, 1024, 1000, self.free, self.free, 1, 1, 1, 0, 255))

    def space(self, directory: Path, floor: Space) -> FreeSpace:
        return FreeSpace(self.loop, directory, floor)  # type: ignore[arg-type]

    def is_short(self, space: FreeSpace, now: float) -> bool:
        """What is known at that time, looked at where nothing is."""
        self.loop.pass_to(now)
        looks, answered = self.looks, []
        space.judge(lambda: answered.append(space.is_short))
        if not answered:
            self.loop.turn()
            assert self.looks == looks + 1
        return answered[0]

    @contextmanager
    def hung(self) -> Any:
        self.answers.clear()
        try:
            yield
        finally:
            self.answers.set()


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


def test_it_is_looked_at_when_asked_and_not_more_often_than_every_two_seconds(disk: Disk, tmp_path: Path) -> None:
    space = disk.space(tmp_path / "not" / "there", Space(bytes=100 * 1024))
    assert not any(disk.is_short(space, now) for now in (0.0, 0.5, 1.9))
    assert disk.looks == 1 and space.free == 1000 * 1024
    disk.free = 99
    assert not disk.is_short(space, 1.9) and disk.is_short(space, 2.0)
    assert disk.looks == 2


def test_who_asks_meanwhile_waits_for_the_same_look(disk: Disk, tmp_path: Path) -> None:
    space = disk.space(tmp_path, Space(bytes=1))
    answered: list[str] = []
    with disk.hung():
        space.judge(lambda: answered.append("judge"))
        space.measure(lambda: answered.append("measure"))
        assert answered == []
    disk.loop.turn()
    assert answered == ["judge", "measure"] and disk.looks == 1


def test_at_the_edge_it_does_not_flutter_and_says_each_crossing_once(disk: Disk, tmp_path: Path) -> None:
    space = disk.space(tmp_path, Space(percent=10))
    told = []
    for now, disk.free in enumerate((101, 99, 101, 99, 109, 110, 101, 99, 98)):
        told.append(disk.is_short(space, now * 2.0))
    assert told == [False, True, True, True, True, False, False, True, True]
    assert [name for name, _ in disk.logged] == ["space.short", "space.enough", "space.short"]


def test_a_floor_near_the_top_can_be_reached_again(disk: Disk, tmp_path: Path) -> None:
    space = disk.space(tmp_path, Space(percent=99))
    disk.free = 980
    assert disk.is_short(space, 0.0)
    disk.free = 1000
    assert not disk.is_short(space, 2.0)


def test_what_the_system_does_not_tell_is_not_short(disk: Disk, tmp_path: Path) -> None:
    space = disk.space(tmp_path, Space(bytes=1 << 40))
    assert disk.is_short(space, 0.0)
    disk.error = PermissionError(13, "Permission denied")
    assert not disk.is_short(space, 2.0) and not disk.is_short(space, 4.0)
    assert space.free is None
    assert disk.logged == [("space.short", None), ("space.unknown", "Permission denied")]


def test_a_file_system_that_does_not_answer_holds_nobody_up_and_has_no_room(disk: Disk, tmp_path: Path) -> None:
    space = disk.space(tmp_path, Space(bytes=1024))
    assert not disk.is_short(space, 0.0)
    answered: list[bool] = []
    with disk.hung():
        disk.loop.pass_to(10.0)
        space.judge(lambda: answered.append(space.is_short))
        disk.loop.pass_to(11.9)
        assert answered == []
        disk.loop.pass_to(12.0)
        assert answered == [True] and space.free is None
        space.judge(lambda: answered.append(space.is_short))  # nobody waits for it a second time
        assert answered == [True, True]
        assert disk.logged == [("space.unknown", "no answer for 2 s")]
    disk.loop.turn()
    assert not disk.is_short(space, 12.0) and disk.looks == 2
    assert disk.logged[1:] == [("space.enough", None)]


def test_another_directory_is_not_held_up_by_the_one_before(disk: Disk, tmp_path: Path) -> None:
    space = disk.space(tmp_path, Space(bytes=1024))
    answered: list[bool] = []
    with disk.hung():
        space.judge(lambda: answered.append(space.is_short))
        space.apply(tmp_path / "other", Space(bytes=1 << 40))
    disk.loop.turn()
    disk.loop.turn()  # what the two looks bring: one of them is nobody's
    assert answered == [True]


def test_a_new_floor_holds_at_once_and_none_is_never_looked_for(disk: Disk, tmp_path: Path) -> None:
    space = disk.space(tmp_path, Space())
    assert not disk.is_short(space, 0.0) and disk.looks == 0
    space.apply(tmp_path, Space(bytes=1 << 40))
    assert disk.is_short(space, 0.1)
    space.apply(tmp_path, Space())
    assert not disk.is_short(space, 0.2) and disk.looks == 1


def test_after_its_end_nobody_is_called(disk: Disk, tmp_path: Path) -> None:
    space = disk.space(tmp_path, Space(bytes=1))
    with disk.hung():
        space.judge(lambda: pytest.fail("called"))
        (thread,) = [thread for thread in threading.enumerate() if thread.name == "space"]
        space.close()
    thread.join(DEADLINE)
    with pytest.raises(queue.Empty):
        disk.loop._posted.get_nowait()


def test_a_server_whose_file_system_hangs_takes_connections_and_turns_requests_away(house: Any, disk: Disk) -> None:
    built = house(workers=1, min_free=Space(bytes=1))
    built.start()
    first, gone, second = (built.connect() for _ in range(3))
    with disk.hung():
        for client in (first, gone):
            client.sock.send(b"RQ\n")
        built.until(lambda: len(built.reception.free_space._asking) == 2)
        gone.sock.close()
        assert second.ask("PID").isdecimal() and first.listen() == ""
        built.until(lambda: len(built.reception.connections) == 2)
        assert len(built.reception.free_space._asking) == 2
        built.until(lambda: first.listen().strip() == "RJ 2 3 2")
        assert second.ask("RQ") == "RJ 2 3 2"
        assert ("space.unknown", "no answer for 2 s") in disk.logged
    built.until(lambda: not built.reception.free_space.is_short)
    assert built.connect().ask("RQ") == "AC"
    assert built.reception.admission.associations == 1
    assert {name for name, _ in disk.logged if name.startswith("loop.")} == set()
