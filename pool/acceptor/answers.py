"""What the command line asks of a server, and the answers.

One method per request; what it says is carried out by the server, and a request that will not do changes nothing and
is told why. Who asks may be gone before the answer is there: nobody minds.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from pool import logs, messages
from pool.acceptor.worker_process import HeldConnection, WorkerProcess
from pool.acceptor.workforce import Answers
from pool.config import show_address, show_bind
from pool.control import Body, ControlDirectory, cli_router
from pool.loop import Loop
from pool.messages import AssociationStatus, Reloaded, ServerStatus, WorkerStatus
from pool.stats import rates

if TYPE_CHECKING:
    from pool.acceptor.server import Server

MOST_WORKERS: Final = 1024
_IS_SCALE: Final = re.compile(r"([+-]?)(\d{1,4})", re.ASCII).fullmatch

Answer = Callable[[Body], object]


class Desk:
    """Takes the requests of the command line."""

    def __init__(self, loop: Loop, directory: ControlDirectory, server: Server) -> None:
        self._server = server
        self._router = cli_router(loop, directory, self._requested)
        self._requests: dict[str, Callable[[Body, Answer], str | None]] = {
            messages.STATUS.type: self._status,
            messages.ASSOCIATIONS.type: self._associations,
            messages.SCALE.type: self._scale,
            messages.RELOAD.type: self._reload,
            messages.DRAIN.type: self._drain,
            messages.STOP.type: self._stop,
            messages.ABORT.type: self._abort,
            messages.LOG_LEVEL.type: self._log_level,
        }

    def close(self) -> None:
        """Nobody is answered any more."""
        self._router.close()

    def _requested(self, message: Body, identity: bytes) -> None:
        fault = messages.fault_of(message)
        answer = partial(self._send, identity)
        if fault is None:
            request = self._requests.get(message["type"])
            fault = request(message, answer) if request else f"{message['type']}: not a request"
        if fault is not None:
            answer(messages.FAILED(message=fault))

    def _send(self, identity: bytes, message: Body) -> None:
        self._router.send(message, identity)

    # What there is

    def _status(self, message: Body, answer: Answer) -> None:
        server = self._server
        server.workforce.ask_counters(lambda: answer(messages.SERVER_STATUS(status=status_of(server))))

    def _associations(self, message: Body, answer: Answer) -> None:
        def answered(answers: Answers) -> None:
            details = {
                int(token): association
                for told in answers.values()
                for token, association in told["associations"].items()
            }
            listed = [status | details.get(status["token"], {}) for status in _association_statuses(self._server)]
            answer(messages.ASSOCIATION_LIST(associations=listed))

        self._server.workforce.ask(messages.INQUIRE, answered)

    # What is to be

    def _scale(self, message: Body, answer: Answer) -> str | None:
        match = _IS_SCALE(str(message["workers"]))
        if match is None:
            return f"scale {message['workers']}: give a number of workers, such as 4, or a change, such as +1 or -1"
        change = {"": 0, "+": 1, "-": -1}[match[1]]
        workforce = self._server.workforce
        number = len(workforce.generation.slots) + change * int(match[2]) if change else int(match[2])
        fault = self._server.scale(number)
        if fault is None:
            answer(messages.SCALED_TO(workers=number))
        return fault

    def _reload(self, message: Body, answer: Answer) -> None:
        def done(reloaded: Reloaded | None, fault: str) -> None:
            if reloaded is None:
                answer(messages.FAILED(message=f"not reloaded: {fault}; the server goes on as it was"))
            else:
                answer(messages.RELOADED_TO(**reloaded))

        self._server.reload(done)

    def _drain(self, message: Body, answer: Answer) -> str | None:
        return self._server.drain(lambda: answer(messages.DONE(pid=os.getpid())))

    def _stop(self, message: Body, answer: Answer) -> None:
        answer(messages.DONE(pid=os.getpid()))
        if message["now"]:
            self._server.stop_now()
        else:
            self._server.stop_gracefully()

    def _abort(self, message: Body, answer: Answer) -> str | None:
        token = message["association"]
        connection = self._server.reception.connections.get(token) if type(token) is int else None
        if connection is None or connection.admitted_at is None or connection.worker is None:
            return f"abort {token}: there is no such association; ulpool associations shows those that are open"
        self._server.workforce.tell(message, connection.worker)
        answer(messages.DONE(pid=os.getpid()))
        return None

    def _log_level(self, message: Body, answer: Answer) -> str | None:
        level = message["level"]
        if level not in logs.LEVELS:
            return f"log-level {level}: give one of {', '.join(logs.LEVELS)}"
        self._server.set_log_level(level)
        answer(messages.DONE(pid=os.getpid()))
        return None


def status_of(server: Server) -> ServerStatus:
    """The server as it is known here, the workers' counters as they told them last."""
    now, totals = server.loop.now, server.totals()
    since, before = server.former_totals
    return ServerStatus(
        pid=os.getpid(),
        state=server.state,
        aet=server.settings.aet,
        bind=[show_bind(bind) for bind in server.settings.bind],
        seconds=now - server.started_at,
        generation=server.workforce.generation.number,
        workers=[_worker_status(worker, now) for worker in server.workforce.workers.values()],
        associations=_association_statuses(server),
        counters=totals,
        rates=rates(before, totals, now - since),
        rate_seconds=now - since,
    )


def _worker_status(worker: WorkerProcess, now: float) -> WorkerStatus:
    return WorkerStatus(
        number=worker.number,
        pid=worker.process.pid,
        generation=worker.generation,
        state=worker.state,
        reason=worker.reason,
        connections=len(worker.connections),
        served=worker.served,
        memory=worker.memory,
        seconds=now - worker.started_at,
        counters=worker.counters,
    )


def _association_statuses(server: Server) -> list[AssociationStatus]:
    now = server.loop.now
    return [
        _association_status(connection, connection.admitted_at, now)
        for connection in server.reception.connections.values()
        if connection.admitted_at is not None
    ]


def _association_status(connection: HeldConnection, admitted_at: float, now: float) -> AssociationStatus:
    return AssociationStatus(
        token=connection.token,
        peer=show_address((connection.host, connection.port)),
        calling_ae_title=connection.calling_ae_title,
        called_ae_title=connection.called_ae_title,
        worker=connection.worker.number if connection.worker is not None else 0,
        seconds=now - admitted_at,
    )
