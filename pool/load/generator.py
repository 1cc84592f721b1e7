"""Generator: one process's part of a plan, from the associations it prepares to the last that is closed.

Belongs here: what the associations of a process share, how a run begins and ends, and the tally of every second.
Not here: the process around it and how it talks to the fleet (`process`).
"""

from __future__ import annotations

from collections.abc import Callable
from time import process_time
from typing import Final, NamedTuple

from pool.connection import RECEIVE_BUFFER_LENGTH
from pool.load.background import Backdrop
from pool.load.lanes import Lane, Serials
from pool.load.pace import CONNECTING, ClosedLoop, OpenAssociations, OpenMessages
from pool.load.plan import MESSAGES, Plan, StoreWork
from pool.load.requestor import LoadAssociation
from pool.load.schedule import starts
from pool.load.speech import Message, Repertoire
from pool.load.tally import Acknowledged, Recorder, Tally
from pool.load.work import Work
from pool.loop import Loop
from ul.acse import Negotiated

INTERVAL: Final = 1.0  # seconds
GRACE: Final = 10.0  # seconds after the end for what is under way; then it is cut off
_GIVE_UP_AFTER: Final = 2.0  # seconds in which every association failed, at least this many of them:
_GIVE_UP_AT: Final = 10


class Measured(NamedTuple):
    """What a process has to tell about an interval, or about the rest of one at its end."""

    start: float
    end: float
    tally: Tally
    background: Tally
    active: int
    background_active: int
    acknowledged: list[Acknowledged]


class Company:
    """Associations that are counted together."""

    def __init__(self) -> None:
        self.recorder = Recorder()
        self.associations: set[LoadAssociation] = set()
        self._sent = self._received = 0  # bytes, of associations that are closed, less what was told

    def opened(self, association: LoadAssociation) -> None:
        """One more."""
        self.associations.add(association)

    def closed(self, association: LoadAssociation) -> None:
        """One less."""
        self.associations.discard(association)
        self._sent += association.bytes_sent
        self._received += association.bytes_received

    def take(self) -> Tally:
        """What was measured since the last time."""
        tally = self.recorder.take()
        sent = self._sent + sum(association.bytes_sent for association in self.associations)
        received = self._received + sum(association.bytes_received for association in self.associations)
        tally.bytes_sent, tally.bytes_received = sent, received
        self._sent -= sent
        self._received -= received
        return tally

    def cut(self) -> None:
        """End them now."""
        for association in list(self.associations):
            association.cut()


def share(number: int, process: int, processes: int) -> int:
    """One process's part of a number."""
    return number // processes + (process < number % processes)


class Generator:
    """One process's part of `plan`. `on_prepared`, `on_measured` and `on_done` are told of its way.

    `on_hopeless` is called with the reason if the peer takes no association at all.
    """

    def __init__(
        self,
        plan: Plan,
        process: int,
        loop: Loop,
        *,
        on_prepared: Callable[[], object],
        on_measured: Callable[[Measured], object],
        on_done: Callable[[], object],
        on_hopeless: Callable[[str], object],
    ) -> None:
        self.plan = plan
        self.process = process
        self.loop = loop
        self.buffer = memoryview(bytearray(RECEIVE_BUFFER_LENGTH))
        self._on_prepared = on_prepared
        self._on_measured = on_measured
        self._on_done = on_done
        self._on_hopeless = on_hopeless
        self.tls = plan.tls.context() if plan.tls else None
        self._company = Company()
        self.recorder = self._company.recorder
        self._work = Work(plan, process)
        self.contexts = self._work.contexts
        self._repertoires: dict[int, tuple[Negotiated, Repertoire]] = {}
        self._acknowledged: list[Acknowledged] = []
        self._pace = self._make_pace()
        self.answered = self._pace.answered  # told with every message: no call between
        self._background_company = Company()
        self._background = self._make_background()
        self._prepared = self._ending = self._done = False
        self._began = 0.0  # the start line; while it is not reached, when this was made
        self._told = 0.0
        self._cpu = 0.0
        self._failed = 0
        self._hopeful = False  # an association was accepted

    def _make_pace(self) -> ClosedLoop | OpenMessages | OpenAssociations:
        plan, process, processes = self.plan, self.process, self.plan.processes
        serials = Serials(plan.seed, process)
        store = plan.store or StoreWork()
        lanes = [
            Lane(process + number * processes, serials, store)
            for number in range(share(plan.associations, process, processes))
        ]
        at_a_time = max(1, CONNECTING // processes)
        if not plan.is_open:
            count = None if plan.count is None else share(plan.count, process, processes)
            return ClosedLoop(self, lanes, count, at_a_time)
        times = starts(plan.stages, process, processes)
        if plan.unit == MESSAGES:
            return OpenMessages(self, lanes, times, at_a_time)
        return OpenAssociations(self, lanes, times)

    def _make_background(self) -> Backdrop | None:
        background = self.plan.background
        if background is None:
            return None
        number = share(background.connections, self.process, self.plan.processes)
        return Backdrop(self, self._background_company, background, number, self.process)

    # -- its way

    def prepare(self) -> None:
        """Open what is to be open at the start line; `on_prepared` tells when."""
        self._began = self.loop.now
        self._pace.prepare()
        self._look_if_prepared()

    def _look_if_prepared(self) -> None:
        if not self._prepared and self._pace.is_prepared:
            self._prepared = True
            self._on_prepared()

    def begin(self, start: float) -> None:
        """The start line, a moment on the monotonic clock."""
        self.loop.call_at(start, lambda: self._begin(start))

    def _begin(self, start: float) -> None:
        if self._ending:
            return
        self._began, self._told = start, 0.0
        self._cpu = process_time()
        if self._background is not None:
            self._background.begin()
        self._pace.begin(start)
        self._wait_for_interval()
        seconds = self.plan.seconds
        if seconds is not None:
            self.loop.call_at(start + seconds, self.end)

    def _wait_for_interval(self) -> None:
        self.loop.call_at(self._began + self._told + INTERVAL, self._interval_over)

    def _interval_over(self) -> None:
        if not self._done:
            self._tell(self._told + INTERVAL)
            self._wait_for_interval()

    def _tell(self, end: float) -> None:
        cpu, self._cpu = self._cpu, process_time()
        tally = self._company.take()
        tally.cpu_seconds = self._cpu - cpu
        background = self._background_company.take()
        background_active = len(self._background_company.associations)
        background_active += self._background.silent if self._background is not None else 0
        acknowledged, self._acknowledged = self._acknowledged, []
        active = len(self._company.associations)
        self._on_measured(Measured(self._told, end, tally, background, active, background_active, acknowledged))
        self._told = end

    def over(self) -> None:
        """All messages of the plan were begun."""
        self.loop.call_soon(self.end)

    def end(self) -> None:
        """Begin nothing new; what is under way may finish."""
        if self._ending:
            return
        self._ending = True
        self._pace.end()
        for association in list(self._company.associations):
            if association.is_idle:
                association.leave()
                association.pump()
        self.loop.call_at(self.loop.now + GRACE, self.stop)
        self._look_if_done()

    def stop(self) -> None:
        """End at once."""
        if not self._ending:
            self._ending = True
            self._pace.end()
        self._company.cut()
        self._look_if_done()

    def _look_if_done(self) -> None:
        if self._ending and not self._done and not self._company.associations:
            self._done = True
            if self._background is not None:
                self._background.end()
            self._background_company.cut()
            self._tell(max(self._told, self.loop.now - self._began))
            self._on_done()

    # -- for paces and associations

    def associate(self, lane: Lane, due: float | None = None) -> None:
        """Begin an association."""
        LoadAssociation(self, self._company, self, lane, due)

    def repertoire(self, negotiated: Negotiated) -> Repertoire:
        """What can be said where this was negotiated: the same for all that negotiated the same."""
        known = self._repertoires.get(id(negotiated))
        if known is None or known[0] is not negotiated:
            known = self._repertoires[id(negotiated)] = negotiated, self._work.repertoire(negotiated)
        return known[1]

    def acknowledged(self, message: Message) -> None:
        """The peer said that it has an instance."""
        if self.plan.verify and message.acknowledges is not None:
            self._acknowledged.append(message.acknowledges)

    def ready(self, association: LoadAssociation) -> None:
        """It was accepted."""
        self._hopeful = True
        self._pace.ready(association)
        self._look_if_prepared()

    def closed(self, association: LoadAssociation) -> None:
        """It is over."""
        self._pace.closed(association)
        if not self._hopeful:
            self._failed += 1
            if self._failed >= _GIVE_UP_AT and self.loop.now >= self._began + _GIVE_UP_AFTER and not self._ending:
                self._on_hopeless(association.end or association.lost or "closed by the peer")
        self._look_if_prepared()
        if self._ending:
            self.loop.call_soon(self._look_if_done)
