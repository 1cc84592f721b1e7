"""The acceptor: the server's parent process, put together.

It opens the control directory and the listen sockets, has the workforce start, and then answers signals and the
command line. Each of these rooms does its own work; here is only who is told of what, and in which order things begin
and end: the control directory is locked before anything is bound, and the listeners are closed before anybody is
asked to leave. This process imports neither pydicom nor an application, and cannot be taken down by them.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import resource
import signal
from collections import deque
from typing import Final

from pool import logs, messages
from pool.config import Settings, show_address, show_addresses
from pool.control import Body, ControlDirectory, cli_router, default_path
from pool.exit_status import ExitStatus
from pool.handoff import Record
from pool.listeners import open_listeners
from pool.loop import Loop
from pool.messages import AssociationStatus, ServerStatus, WorkerStatus
from pool.reception import Reception
from pool.stats import Counters, Snapshot, rates
from pool.workforce import BEATS, HeldConnection, WorkerProcess, Workforce

STARTING: Final = "starting"
RUNNING: Final = "running"
STOPPING: Final = "stopping"

_SNAPSHOTS: Final = 2 * BEATS  # one per beat: rates are those of the last two --timeout
# What one process may need: a store in progress holds a socket and a file, and one worker may be left with all of them.
_PER_ASSOCIATION: Final = 2
_PER_PENDING: Final = 1
_OPEN_FOLDERS: Final = 256  # `storage.folders` keeps as many
_SPARE_DESCRIPTORS: Final = 256  # for commits, listeners, pipes, libraries, and what handlers open


class Server:
    """One server, from its first lock to its last worker. It is the `Employer` of its workforce."""

    def __init__(self, settings: Settings) -> None:
        """Lock the control directory and bind. Raises ControlError, ListenError, and leaves nothing behind then."""
        with contextlib.ExitStack() as opened:
            self._directory = ControlDirectory.open(settings.control or default_path(settings.bind))
            opened.callback(self._directory.close)
            sockets = open_listeners(settings.bind, settings.backlog)
            for sock in sockets:
                opened.enter_context(sock)
            self._loop = loop = Loop()
            opened.callback(loop.close)
            bound = tuple((host, port) for host, port, *_ in (sock.getsockname() for sock in sockets))
            self._settings = dataclasses.replace(settings, bind=bound, control=self._directory.path)
            self._workforce = Workforce(loop, self._settings, self._directory, self)
            opened.callback(self._workforce.close)
            self._reception = Reception(loop, self._settings, sockets, self._workforce)
            self._cli = cli_router(loop, self._directory, self._requested)
            opened.pop_all()
        self._started_at = loop.now
        self._state = STARTING
        self._of_the_gone = Counters()
        self._snapshots = deque([(loop.now, Counters().snapshot())], _SNAPSHOTS)

    def run(self) -> ExitStatus:
        """Serve until stopped by a signal or the command line."""
        try:
            self._heed_signals()
            _allow_descriptors(self._settings)
            self._workforce.start()
            self._loop.run()
        finally:
            self.close()
        if self._state != STOPPING:
            logs.event(logs.FATAL, "server.failed", reason="no worker could start; what they said stands above")
            return ExitStatus.WORKERS_FAILED
        logs.event(logs.INFO, "server.stopped", seconds=self._loop.now - self._started_at)
        return ExitStatus.OK

    def close(self) -> None:
        """Give everything back. Workers that still live finish what they hold."""
        self._reception.close()
        self._cli.close()
        self._workforce.close()
        self._directory.close()
        self._loop.close()

    # What the workforce tells

    def worker_ready(self, worker: WorkerProcess) -> None:
        """It can be handed connections; with the last one of the first ones, say that the server is ready."""
        self._reception.take_in()
        if self._state == STARTING and self._workforce.complete:
            self._state = RUNNING
            _say_ready(self._settings)

    def worker_sent(self, worker: WorkerProcess, records: list[Record]) -> None:
        """Records came from it."""
        self._reception.worker_sent(worker, records)

    def worker_drained(self, worker: WorkerProcess) -> None:
        """Its hand-off socket has room again."""
        self._reception.take_in()

    def worker_gone(self, worker: WorkerProcess) -> None:
        """It is dead: what it counted still counts."""
        self._of_the_gone.add(worker.counters)
        self._reception.worker_gone(worker)

    def workers_beat(self) -> None:
        """All counters are fresh. What found no descriptor free, here or in a worker, is tried again."""
        self._snapshots.append((self._loop.now, self._totals()))
        self._reception.try_again()

    def workforce_gone(self) -> None:
        """Nobody is left."""
        self._loop.stop()

    # Stopping

    def _heed_signals(self) -> None:
        self._loop.on_signal(signal.SIGTERM, self._terminate)
        self._loop.on_signal(signal.SIGINT, self._stop_now)
        self._loop.on_signal(signal.SIGQUIT, self._stop_now)
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # as nohup has it
            self._loop.on_signal(signal.SIGHUP, self._stop_gracefully)

    def _terminate(self) -> None:
        if self._state == STOPPING:  # asked a second time
            self._stop_now()
        else:
            self._stop_gracefully()

    def _stop_gracefully(self) -> None:
        if self._state != STOPPING:
            self._stop(now=False)

    def _stop_now(self) -> None:
        self._stop(now=True)

    def _stop(self, now: bool) -> None:
        self._state = STOPPING
        self._reception.close()
        logs.event(logs.INFO, "server.stopping", now=now, associations=self._reception.admission.associations)
        if now:
            self._workforce.stop()
        else:
            self._workforce.drain()

    # What the command line asks

    def _requested(self, message: Body, identity: bytes) -> None:
        fault = messages.fault_of(message)
        kind = message["type"]
        if fault is not None:
            self._cli.send(messages.FAILED(message=fault), identity)
        elif kind == messages.STATUS.type:
            self._workforce.ask_counters(lambda: self._answer_status(identity))
        elif kind == messages.STOP.type:
            self._cli.send(messages.DONE(pid=os.getpid()), identity)
            self._stop_now() if message["now"] else self._stop_gracefully()
        elif kind == messages.LOG_LEVEL.type and message["level"] in logs.LEVELS:
            logs.set_level(message["level"])
            self._workforce.tell(message)
            self._cli.send(messages.DONE(pid=os.getpid()), identity)
        else:
            self._cli.send(messages.FAILED(message=f"{kind}: not a request that can be carried out"), identity)

    def _answer_status(self, identity: bytes) -> None:
        totals = self._totals()
        since, before = self._snapshots[0]
        now = self._loop.now
        status = ServerStatus(
            pid=os.getpid(),
            state=self._state,
            aet=self._settings.aet,
            bind=[show_address(address) for address in self._settings.bind],
            seconds=now - self._started_at,
            workers=[_worker_status(worker, now) for worker in self._workforce.workers.values()],
            associations=[
                _association_status(connection, connection.admitted_at, now)
                for connection in self._reception.connections.values()
                if connection.admitted_at is not None
            ],
            counters=totals,
            rates=rates(before, totals, now - since),
            rate_seconds=now - since,
        )
        self._cli.send(messages.SERVER_STATUS(status=status), identity)

    def _totals(self) -> Snapshot:
        """The counters of all processes together. What is open now is known here, whatever workers said last."""
        totals = Counters()
        for counted in (self._of_the_gone.snapshot(), self._reception.counters.snapshot()):
            totals.add(counted)
        for worker in self._workforce.workers.values():
            totals.add(worker.counters)
        totals.connections_pending = self._reception.admission.pending
        totals.associations_active = self._reception.admission.associations
        totals.worker_restarts = self._workforce.restarts
        return totals.snapshot()


def _worker_status(worker: WorkerProcess, now: float) -> WorkerStatus:
    return WorkerStatus(
        number=worker.number,
        pid=worker.process.pid,
        state=worker.state,
        connections=len(worker.connections),
        seconds=now - worker.started_at,
        counters=worker.counters,
    )


def _association_status(connection: HeldConnection, admitted_at: float, now: float) -> AssociationStatus:
    return AssociationStatus(
        token=connection.token,
        peer=show_address((connection.host, connection.port)),
        calling_ae_title=connection.calling_ae_title,
        called_ae_title=connection.called_ae_title,
        worker=connection.worker.number if connection.worker is not None else 0,
        seconds=now - admitted_at,
    )


def _say_ready(settings: Settings) -> None:
    """The one line a person waits for, and a program too."""
    where = ", ".join(f"{settings.aet}@{show_address(address)}" for address in settings.bind)
    workers = "1 worker" if settings.workers == 1 else f"{settings.workers} workers"
    if settings.application:
        what = f"handled by {settings.application}"
        fields = {"application": settings.application}
    elif settings.sink:
        what, fields = "keeping nothing of what comes", {"store": ""}
    else:
        what = f"storing to {settings.output_directory} (durability {settings.durability})"
        fields = {"store": str(settings.output_directory), "durability": settings.durability}
    logs.announce(
        f"ulpool: ready: {where}, {workers}, {what}; Ctrl-C stops",
        "server.ready",
        aet=settings.aet,
        bind=show_addresses(settings.bind),
        workers=settings.workers,
        **fields,
        pid=os.getpid(),
        stop=f"SIGTERM, or ulpool stop --control {settings.control}",
    )


def _allow_descriptors(settings: Settings) -> None:
    """Raise the soft limit, which workers inherit, to what the limits on connections may need, as far as we may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = (
        settings.max_associations * _PER_ASSOCIATION
        + settings.max_pending * _PER_PENDING
        + _OPEN_FOLDERS
        + _SPARE_DESCRIPTORS
    )
    if resource.RLIM_INFINITY != hard < needed:
        logs.event(
            logs.WARNING,
            "server.descriptors",
            needed=needed,
            allowed=hard,
            advice="raise the hard limit (ulimit -Hn, LimitNOFILE=), or lower --max-associations or --max-pending",
        )
        needed = hard
    if resource.RLIM_INFINITY != soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
