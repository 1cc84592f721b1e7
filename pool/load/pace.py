"""Pace: when associations begin and messages leave.

Belongs here: closed loop (the next message when the last was answered), open loop (by the clock, whatever the peer
does), and how either ends. Not here: what is sent or measured (`requestor`), or when starts are due (`schedule`).

In an open loop what is due waits for a free association and is never skipped while the run lasts, so the latencies from
the moment at which it was due tell what a caller would have seen: a peer that stalls cannot slow its own measurement
down.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Final, Protocol

from pool.load.lanes import Lane
from pool.load.plan import Plan
from pool.load.requestor import LoadAssociation
from pool.load.tally import LATE, Recorder
from pool.load.timerfd import PunctualTimer
from pool.loop import Loop

CONNECTING: Final = 100  # associations that are being established at a time, by all processes, unless the clock says so
RETRY_PAUSE: Final = 0.1  # seconds before an association takes the place of one that failed before its first answer


class Starter(Protocol):
    """The generator, as a pace sees it."""

    plan: Plan
    loop: Loop
    recorder: Recorder

    def associate(self, lane: Lane, due: float | None = None) -> None:
        """Begin an association."""

    def over(self) -> None:
        """Everything is done."""


class Lanes:
    """The lanes that want an association: opened a few at a time, and again when one has ended."""

    def __init__(self, starter: Starter, lanes: list[Lane], at_a_time: int) -> None:
        self._starter = starter
        self._waiting = deque(lanes)
        self._at_a_time = at_a_time
        self._opening = 0
        self._count = len(lanes)
        self.unsettled = len(lanes)  # that were neither accepted nor failed yet
        self.closing = False

    def open(self) -> None:
        """Open as many as may be."""
        while self._waiting and self._opening < self._at_a_time and not self.closing:
            self._opening += 1
            self._starter.associate(self._waiting.popleft())

    def accepted(self, association: LoadAssociation) -> None:
        """One is open."""
        self._settled(association)
        self.open()

    def closed(self, association: LoadAssociation) -> None:
        """One has ended: its lane wants another."""
        if not association.was_accepted:
            self._settled(association)
        if self.closing:
            return
        if association.answered:
            self._again(association.lane)
        else:
            loop = self._starter.loop
            loop.call_at(loop.now + RETRY_PAUSE, lambda: self._again(association.lane))

    def _settled(self, association: LoadAssociation) -> None:
        self._opening -= 1
        self.unsettled = max(0, self.unsettled - 1)

    def _again(self, lane: Lane) -> None:
        self._waiting.append(lane)
        # Not from within the end of the last one: a peer that refuses at once would have us recurse.
        self._starter.loop.call_soon(self.open)


class ClosedLoop:
    """Every lane sends its next message when its last was answered, and thought about."""

    def __init__(self, starter: Starter, lanes: list[Lane], count: int | None, at_a_time: int) -> None:
        self._starter = starter
        self._think_time = starter.plan.think_time
        self.answered = self._think if self._think_time else self._next
        self._most = starter.plan.messages_per_association
        self._lanes = Lanes(starter, lanes, at_a_time)
        self._left = count  # messages to begin
        self._idle: list[LoadAssociation] = []  # ready before the start line
        self._runs = False

    @property
    def is_prepared(self) -> bool:
        """All lanes have shown what comes of them; where associations come and go, none are needed before."""
        return bool(self._most) or not self._lanes.unsettled

    def prepare(self) -> None:
        """Before the start line."""
        if not self._most:
            self._lanes.open()

    def begin(self, start: float) -> None:
        """The start line."""
        self._runs = True
        self._lanes.open()
        idle, self._idle = self._idle, []
        for association in idle:
            self._next(association)
            association.pump()

    def ready(self, association: LoadAssociation) -> None:
        """Its first message."""
        self._lanes.accepted(association)
        if self._runs or self._lanes.closing:
            self._next(association)
        else:
            self._idle.append(association)

    def _think(self, association: LoadAssociation) -> None:
        if self._lanes.closing:
            self._next(association)
        else:
            loop = self._starter.loop
            loop.call_at(loop.now + self._think_time, lambda: self._thought(association))

    def _thought(self, association: LoadAssociation) -> None:
        if association.is_idle:
            self._next(association)
            association.pump()

    def _next(self, association: LoadAssociation) -> None:
        if self._lanes.closing or (self._most and association.answered >= self._most):
            association.leave()
        elif self._left is None:
            association.say()
        elif self._left:
            self._left -= 1
            association.say()
        else:
            association.leave()
            self._starter.over()

    def closed(self, association: LoadAssociation) -> None:
        """Another one takes its place."""
        if association in self._idle:
            self._idle.remove(association)
        if self._left is not None and not association.answered:
            self._left = max(0, self._left - 1)  # so that a peer that takes nothing ends the run as well
            if not self._left:
                self._starter.over()
        self._lanes.closed(association)

    def end(self) -> None:
        """Nothing new."""
        self._lanes.closing = True


class _Clock:
    """The starts that are due."""

    def __init__(self, starter: Starter, times: Iterator[float]) -> None:
        self._starter = starter
        self._times = times
        self._start = 0.0
        self._next: float | None = None
        self._timer = PunctualTimer(starter.loop, self._tick)
        self._ended = False
        self.due: deque[float] = deque()

    def begin(self, start: float) -> None:
        self._start = start
        self._advance()
        self._wait()

    def _advance(self) -> None:
        seconds = next(self._times, None)
        self._next = None if seconds is None else self._start + seconds

    def _wait(self) -> None:
        if self._next is not None:
            self._timer.set(self._next)

    def _tick(self) -> None:
        now, counts = self._starter.loop.now, self._starter.recorder.counts
        while self._next is not None and self._next <= now:
            counts["starts_due"] += 1
            self.due.append(self._next)
            self._advance()
        self._wait()
        self.start_due()

    def start_due(self) -> None:
        """Begin what is due, as far as may be."""
        raise NotImplementedError

    def take(self) -> float:
        """The first that is due."""
        due = self.due.popleft()
        if self._starter.loop.now - due > LATE:
            self._starter.recorder.counts["starts_late"] += 1
        return due

    def end(self) -> None:
        """Nothing new."""
        self._ended = True
        self._timer.close()
        self._starter.recorder.counts["starts_dropped"] += len(self.due)
        self.due.clear()


class OpenMessages(_Clock):
    """Messages by the clock, each on an association that is free."""

    def __init__(self, starter: Starter, lanes: list[Lane], times: Iterator[float], at_a_time: int) -> None:
        super().__init__(starter, times)
        self._most = starter.plan.messages_per_association
        self._lanes = Lanes(starter, lanes, at_a_time)
        self._free: deque[LoadAssociation] = deque()

    @property
    def is_prepared(self) -> bool:
        """All lanes have shown what comes of them."""
        return not self._lanes.unsettled

    def prepare(self) -> None:
        """Before the start line."""
        self._lanes.open()

    def ready(self, association: LoadAssociation) -> None:
        """Its first message, if one is due."""
        self._lanes.accepted(association)
        self._go_on(association)

    def answered(self, association: LoadAssociation) -> None:
        """Its next message, if one is due."""
        self._go_on(association)

    def _go_on(self, association: LoadAssociation) -> None:
        if self._ended or (self._most and association.answered >= self._most):
            association.leave()
        elif self.due:
            association.say(self.take())
        else:
            self._free.append(association)

    def start_due(self) -> None:
        """On whatever association is free."""
        while self.due and self._free:
            association = self._free.popleft()
            if association.is_idle:
                association.say(self.take())
                association.pump()

    def closed(self, association: LoadAssociation) -> None:
        """Another one takes its place."""
        self._lanes.closed(association)

    def end(self) -> None:
        """Nothing new."""
        super().end()
        self._lanes.closing = True


class OpenAssociations(_Clock):
    """Associations by the clock, each with its messages one after the other."""

    is_prepared = True

    def __init__(self, starter: Starter, lanes: list[Lane], times: Iterator[float]) -> None:
        super().__init__(starter, times)
        self._most = starter.plan.messages_per_association or 1
        self._free = deque(lanes)

    def prepare(self) -> None:
        """Nothing: associations are what is measured."""

    def start_due(self) -> None:
        """As many as there may be at a time."""
        while self.due and self._free:
            self._starter.associate(self._free.popleft(), self.take())

    def ready(self, association: LoadAssociation) -> None:
        """Its first message."""
        association.say()

    def answered(self, association: LoadAssociation) -> None:
        """Its next message."""
        if association.answered >= self._most:
            association.leave()
        elif think_time := self._starter.plan.think_time:
            loop = self._starter.loop
            loop.call_at(loop.now + think_time, lambda: self._thought(association))
        else:
            association.say()

    def _thought(self, association: LoadAssociation) -> None:
        if association.is_idle:
            association.say()
            association.pump()

    def closed(self, association: LoadAssociation) -> None:
        """Its lane is free."""
        self._free.append(association.lane)
        if self.due:
            self._starter.loop.call_soon(self.start_due)
