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
import signal
import socket
from collections import deque
from collections.abc import Callable
from typing import Final

from pool import events, logs, messages
from pool.acceptor import descriptors
from pool.acceptor.answers import MOST_WORKERS, Desk
from pool.acceptor.listeners import bound, open_listeners
from pool.acceptor.observation import Observation
from pool.acceptor.reception import Reception
from pool.acceptor.reload import Done, Reload
from pool.acceptor.resolution import Sources
from pool.acceptor.worker_process import WorkerProcess
from pool.acceptor.workforce import BEATS, Workforce
from pool.config import Settings, show_address, show_binds
from pool.control import Body, ControlDirectory, default_path, publisher
from pool.exit_status import ExitStatus
from pool.handoff import Record
from pool.loop import Loop, TimerHandle
from pool.messages import DRAINING, RECYCLED, RELOADING, RUNNING, STARTING, STOPPING, Reloaded
from pool.stats import Counters, Snapshot

_SNAPSHOTS: Final = 2 * BEATS  # one per beat: rates are those of the last two --timeout
_PROGRESS: Final = 5.0  # seconds between two lines about a stop that takes longer


class Server:
    """One server, from its first lock to its last worker. It is the `Employer` of its workforce."""

    def __init__(self, settings: Settings, sources: Sources | None = None) -> None:
        """Lock the control directory and bind. Raises ControlError, ListenError, and leaves nothing behind then.

        `sources` are those of `settings`, for a reload.
        """
        self.on_state: list[Callable[[str], object]] = []
        self.on_settings: list[Callable[[Settings], object]] = []
        self.on_beat: list[Callable[[], object]] = []
        with contextlib.ExitStack() as opened:
            self._directory = ControlDirectory.open(settings.control or default_path(settings.bind))
            opened.callback(self._directory.close)
            sockets = open_listeners(settings.bind, settings.backlog)
            for sock in sockets:
                opened.enter_context(sock)
            self.loop = loop = Loop()
            opened.callback(loop.close)
            self.settings = dataclasses.replace(
                settings, bind=bound(settings.bind, sockets), control=self._directory.path
            )
            self.workforce = Workforce(loop, self.settings, self._directory, self)
            opened.callback(self.workforce.close)
            self.reception = Reception(loop, self.settings, sockets, self.workforce)
            self._desk = Desk(loop, self._directory, self)
            opened.callback(self._desk.close)
            self._publisher = publisher(loop, self._directory, self._followed, self._deserted)
            opened.callback(self._publisher.close)
            self._observation = Observation(self)
            opened.pop_all()
        self.configured = settings  # as the sources had it, with control directory and ports not chosen yet
        self.sources = sources or Sources.of(settings)
        self.started_at = loop.now
        self.state = STARTING
        self._log_level: str | None = None  # where it was set apart from the settings
        self._reload: Reload | None = None
        self._reload_again = False  # SIGHUP came when it could not be heeded
        self._at_once = False  # we stop, and wait for nobody
        self._when_drained: list[Callable[[], object]] = []
        self._progress: TimerHandle | None = None
        self._of_the_gone = Counters()
        self._snapshots = deque([(loop.now, Counters().snapshot())], _SNAPSHOTS)

    def run(self) -> ExitStatus:
        """Serve until stopped by a signal or the command line."""
        try:
            self._heed_signals()
            descriptors.allow(self.settings)
            self.workforce.start()
            self.loop.run()
        finally:
            self.close()
        if self.state != STOPPING:
            logs.event(logs.FATAL, "server.failed", reason="no worker could start; what they said stands above")
            return ExitStatus.WORKERS_FAILED
        logs.event(logs.INFO, "server.stopped", seconds=self.loop.now - self.started_at)
        return ExitStatus.OK

    def close(self) -> None:
        """Give everything back. Workers that still live finish what they hold."""
        events.unfollow()
        self.reception.close()
        self.reception.free_space.close()
        self._desk.close()
        self._publisher.close()
        self._observation.close()
        self.workforce.close()
        self._directory.close()
        self.loop.close()

    def _enter(self, state: str) -> None:
        self.state = state
        if events.followed:
            events.tell(messages.SERVER_STATE, state=state)
        for told in self.on_state:
            told(state)
        if state == RUNNING and self._reload_again:
            self._reload_again = False
            self.loop.call_soon(self.hang_up)

    def _heed_signals(self) -> None:
        self.loop.on_signal(signal.SIGTERM, self.terminate)
        self.loop.on_signal(signal.SIGINT, self.stop_now)
        self.loop.on_signal(signal.SIGQUIT, self.stop_now)
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # as nohup has it
            self.loop.on_signal(signal.SIGHUP, self.hang_up)
        self.loop.on_signal(signal.SIGTTIN, lambda: self._scale_by(1))
        self.loop.on_signal(signal.SIGTTOU, lambda: self._scale_by(-1))
        self.loop.on_signal(signal.SIGUSR1, self.reopen_logs)

    # What the workforce tells

    def worker_ready(self, worker: WorkerProcess) -> None:
        """It can be handed connections; with the last one of the first ones, say that the server is ready."""
        if events.followed:
            self.workforce.tell(messages.FOLLOW(on=True), worker)
            events.tell(
                messages.WORKER_READY, worker=worker.number, pid=worker.process.pid, generation=worker.generation
            )
        if self._log_level is not None:
            self.workforce.tell(messages.LOG_LEVEL(level=self._log_level), worker)
        self.reception.take_in()
        if self.state == STARTING and self.workforce.complete:
            self._enter(RUNNING)
            _say_ready(self.settings)

    def worker_sent(self, worker: WorkerProcess, records: list[Record]) -> None:
        """Records came from it."""
        self.reception.worker_sent(worker, records)
        if not worker.serves:
            self.workforce.let_go_if_empty(worker)
        elif worker.quota and worker.served >= worker.quota:
            self.workforce.recycle(worker, RECYCLED)

    def worker_told(self, worker: WorkerProcess, message: Body) -> None:
        """Events came from it."""
        if message["type"] == messages.TOLD.type and events.followed:
            for event in message["events"]:
                self._publisher.publish(event)
            if message["dropped"]:
                events.tell(messages.EVENTS_DROPPED, count=message["dropped"])

    def worker_drained(self, worker: WorkerProcess) -> None:
        """Its hand-off socket has room again."""
        self.reception.take_in()

    def worker_gone(self, worker: WorkerProcess, how: str) -> None:
        """It is dead: what it counted still counts."""
        if events.followed:
            events.tell(
                messages.WORKER_GONE,
                worker=worker.number,
                pid=worker.process.pid,
                reason=worker.reason,
                how=how,
                connections=len(worker.connections),
            )
        self._of_the_gone.add(worker.counters)
        self.reception.worker_gone(worker)

    def workers_beat(self) -> None:
        """All counters are fresh. What found no descriptor free, here or in a worker, is tried again."""
        self._snapshots.append((self.loop.now, self.totals()))
        self.reception.try_again()
        for told in self.on_beat:
            told()

    def workforce_gone(self) -> None:
        """Nobody is left."""
        if self._progress is not None:
            self._progress.cancel()
        if self.state == DRAINING:
            logs.event(logs.INFO, "server.drained")
            for told in self._when_drained:
                told()
            self._when_drained.clear()
        else:
            self.loop.stop()

    # Stopping

    def terminate(self) -> None:
        """Stop gracefully; asked a second time, at once."""
        if self.state == STOPPING:
            self.stop_now()
        else:
            self.stop_gracefully()

    def stop_gracefully(self) -> None:
        """Let running operations finish, for --graceful-timeout, and end."""
        if self.state != STOPPING:
            self._leave(STOPPING)
            self.workforce.drain()
            self.loop.call_at(self.loop.now + self.settings.graceful_timeout, self.stop_now)

    def stop_now(self) -> None:
        """Abort the associations and end. Who asks again changes nothing."""
        if not self._at_once:
            self._at_once = True
            self._leave(STOPPING, now=True)
            self.workforce.stop()

    def drain(self, drained: Callable[[], object]) -> str | None:
        """Take nobody in any more, let everything end in its own time, and stay. Why that cannot be, or None."""
        if self.state == STOPPING:
            return "the server stops already"
        self._when_drained.append(drained)
        if self.state != DRAINING:
            self._leave(DRAINING)
            self.workforce.drain()
        elif not self.workforce.workers:
            self.workforce_gone()
        return None

    def _leave(self, state: str, now: bool = False) -> None:
        self._enter(state)
        self.reception.close()
        logs.event(logs.INFO, f"server.{state}", now=now or None, associations=self.reception.admission.associations)
        if self._reload is not None:
            self._reload.cancel()
        self._follow_progress()

    def _follow_progress(self) -> None:
        if self._progress is not None:
            self._progress.cancel()
        self._progress = self.loop.call_at(self.loop.now + _PROGRESS, self._say_progress)

    def _say_progress(self) -> None:
        logs.event(
            logs.INFO,
            "server.progress",
            associations=self.reception.admission.associations,
            workers=len(self.workforce.workers),
        )
        self._follow_progress()

    # Changing

    def scale(self, number: int) -> str | None:
        """Have so many workers. Why that cannot be, or None."""
        if self.state != RUNNING:
            return self._not_now()
        if not 1 <= number <= MOST_WORKERS:
            return f"scale to {number}: a server has 1 to {MOST_WORKERS} workers"
        logs.event(logs.INFO, "server.scaled", workers=number, before=len(self.workforce.generation.slots))
        self.workforce.scale(number)
        return None

    def _scale_by(self, change: int) -> None:
        fault = self.scale(len(self.workforce.generation.slots) + change)
        if fault is not None:
            logs.event(logs.WARNING, "server.not_scaled", reason=fault)

    def hang_up(self) -> None:
        """Reload; amid a start or a reload, afterwards: what is to be read may have been read before it was changed."""
        if self.state in (STARTING, RELOADING):
            self._reload_again = True
        else:
            self.reload(lambda reloaded, fault: None)

    def reload(self, done: Done) -> None:
        """Read all settings again, and serve with them and a fresh application if they will do."""
        if self.state != RUNNING:
            fault = self._not_now()
            logs.event(logs.WARNING, "server.not_reloaded", reason=fault)
            done(None, fault)
            return
        self._enter(RELOADING)
        logs.event(logs.INFO, "server.reloading")
        self._reload = Reload(self, done)

    def apply(self, configured: Settings, settings: Settings, sockets: list[socket.socket]) -> None:
        """From now on these settings hold, for newcomers; workers that were started with them take over now."""
        self.configured, self.settings = configured, settings
        self._log_level = None
        logs.set_level(settings.log_level)
        self.reception.apply(settings)
        if sockets:
            self.reception.listeners.replace(sockets)
        for told in self.on_settings:
            told(settings)

    def reloaded(self, reloaded: Reloaded | None, fault: str) -> None:
        """The reload came to its end."""
        self._reload = None
        if reloaded is None:
            logs.event(logs.ERROR, "server.not_reloaded", reason=fault)
        else:
            logs.event(
                logs.INFO,
                "server.reloaded",
                generation=reloaded["generation"],
                workers=reloaded["workers"],
                bind=show_binds(self.settings.bind),
                changed=",".join(reloaded["changed"]) or None,
            )
            if reloaded["ignored"]:
                logs.event(
                    logs.WARNING,
                    "server.restart_wanted",
                    settings=",".join(reloaded["ignored"]),
                    advice="these are as they were; they change with a restart",
                )
        if self.state == RELOADING:
            self._enter(RUNNING)

    def _not_now(self) -> str:
        soon = self.state in (STARTING, RELOADING)
        return f"the server is {self.state}; " + ("ask again when it is running" if soon else "start it anew")

    def set_log_level(self, level: str) -> None:
        """Log from this level on, until the next reload."""
        self._log_level = level
        logs.set_level(level)
        self.workforce.tell(messages.LOG_LEVEL(level=level))

    def reopen_logs(self) -> None:
        """The log file was moved away."""
        logs.reopen()
        self.workforce.tell(messages.REOPEN_LOGS())

    # Events

    def _followed(self, beginning: str) -> None:
        """One more follows, types that begin so: he is told how the server is, so he knows that he is heard.

        Others who want to know are told again: a publisher cannot speak to one alone.
        """
        if not events.followed:
            events.follow(self._publisher.publish)
            self.workforce.tell(messages.FOLLOW(on=True))
        if messages.SERVER_STATE.type.startswith(beginning):
            events.tell(messages.SERVER_STATE, state=self.state)

    def _deserted(self) -> None:
        events.unfollow()
        self.workforce.tell(messages.FOLLOW(on=False))

    # Counting

    @property
    def former_totals(self) -> tuple[float, Snapshot]:
        """A moment some beats ago, and the totals then."""
        return self._snapshots[0]

    def ask_totals(self, then: Callable[[Snapshot], object]) -> None:
        """Call `then` with totals for which every worker was asked anew."""
        self.workforce.ask_counters(lambda: then(self.totals()))

    def totals(self) -> Snapshot:
        """The counters of all processes together. What is open now is known here, whatever workers said last."""
        totals = Counters()
        for counted in (self._of_the_gone.snapshot(), self.reception.counters.snapshot()):
            totals.add(counted)
        for worker in self.workforce.workers.values():
            totals.add(worker.counters)
        totals.connections_pending = self.reception.admission.pending
        totals.associations_active = self.reception.admission.associations
        for reason, number in self.workforce.restarts.items():
            totals.add({"worker_restarts": number, "labelled": {"worker_restarts": {reason: number}}})
        return totals.snapshot()


def _say_ready(settings: Settings) -> None:
    """The one line a person waits for, and a program too."""
    where = ", ".join(f"{bind.ae_title or settings.aet}@{show_address(bind[:2])}" for bind in settings.bind)
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
        bind=show_binds(settings.bind),
        workers=settings.workers,
        **fields,
        pid=os.getpid(),
        stop=f"SIGTERM, or ulpool stop --control {settings.control}",
    )
