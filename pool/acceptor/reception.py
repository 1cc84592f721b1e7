"""Reception: every connection from its accept to the worker that has it, and what the workers say about it.

Here belongs who gets a connection (the least active worker, ties in turn), who gets it when that fails (the next one),
and the answers of `admission`. Not a byte of a peer is read. While no worker can take a connection, those that are
accepted wait here and the listeners are parked.
"""

from __future__ import annotations

import os
import socket
from collections import deque
from functools import partial
from itertools import count

from pool import logs
from pool.acceptor.free_space import FreeSpace
from pool.acceptor.listeners import Listeners
from pool.acceptor.worker_process import HeldConnection, WorkerProcess
from pool.acceptor.workforce import Workforce
from pool.admission import RULES, Admission, Expiry, Limits
from pool.config import Settings
from pool.handoff import Ack, Admit, Admitted, Closed, Expire, Handoff, Nack, Record, Refused
from pool.loop import Loop
from pool.stats import Counters


class Reception:
    """All connections of the server."""

    def __init__(self, loop: Loop, settings: Settings, sockets: list[socket.socket], workforce: Workforce) -> None:
        self.counters = Counters()  # what only this process knows
        self.connections: dict[int, HeldConnection] = {}
        self.listeners = Listeners(loop, sockets, self._accepted)
        self._bind = settings.bind
        self._loop = loop
        self._workforce = workforce
        self.admission = Admission(Limits.of(settings))
        self.free_space = FreeSpace(loop, settings.output_directory, settings.min_free)
        self._waiting: deque[HeldConnection] = deque()  # for a worker
        self._tokens = count(1)
        self._choices = count(1)
        self._closing = False

    def apply(self, settings: Settings) -> None:
        """From now on these limits hold. Nobody who is there is sent away for them."""
        self._bind = settings.bind
        self.admission.limits = Limits.of(settings)
        self.free_space.apply(settings.output_directory, settings.min_free)

    def take_in(self) -> None:
        """Something became free: hand over who waits, then accept again."""
        if self._closing or not self.listeners.parked:
            return
        while self._waiting and (worker := self._pick()) is not None:
            self._hand_over(self._waiting.popleft(), worker)
        if not self._waiting and self._pick() is not None:
            self.listeners.resume()

    def try_again(self) -> None:
        """Descriptors may have become free where nobody tells us."""
        for worker in self._workforce.workers.values():
            worker.table_full = False
        self.take_in()

    def close(self) -> None:
        """Accept nothing any more, and let go who was not handed over."""
        self._closing = True
        self.listeners.close()
        while self._waiting:
            self._forget(self._waiting.popleft())

    # In

    def _accepted(self, listener: int, fd: int, host: str, port: int) -> None:
        bind = self._bind[listener]
        connection = HeldConnection(next(self._tokens), bind, fd, host, port, self._loop.now)
        self.connections[connection.token] = connection
        self.counters.connections += 1
        for expiry in self.admission.connected(connection.token, host):
            self._expire(expiry)
        self._receive(connection)

    def _receive(self, connection: HeldConnection) -> None:
        """Give a connection to a worker; with none to take it, have it wait."""
        worker = self._pick()
        if worker is not None:
            self._hand_over(connection, worker)
        elif self._closing:
            self._forget(connection)
        else:
            self._waiting.append(connection)
            self.listeners.park("no worker can take a connection")

    def _pick(self) -> WorkerProcess | None:
        able = [worker for worker in self._workforce.workers.values() if worker.can_take]
        return min(able, key=_load) if able else None

    def _hand_over(self, connection: HeldConnection, worker: WorkerProcess) -> None:
        bind = worker.slot.generation.settings.bind
        if connection.listener not in bind:  # accepted before a reload that ended what held there: its title, its TLS
            self._forget(connection)
            return
        worker.picked = next(self._choices)
        worker.connections[connection.token] = connection
        connection.worker = worker
        number = bind.index(connection.listener)
        handoff = Handoff(connection.token, number, connection.port, connection.accepted_at, connection.host)
        worker.channel.send(handoff, connection.fd)

    def _expire(self, expiry: Expiry) -> None:
        self.counters.connections_expired += 1
        self.counters.count("limits_reached", expiry.limit)
        connection = self.connections[expiry.token]
        connection.expired = True
        if connection.worker is not None:
            connection.worker.channel.send(Expire(connection.token))
        else:
            self._waiting.remove(connection)
            self._forget(connection)

    # What workers say

    def worker_sent(self, worker: WorkerProcess, records: list[Record]) -> None:
        for record in records:
            connection = worker.connections.get(record.token)
            if connection is None:  # a fault of ours; the other records are about others
                logs.event(logs.ERROR, "handoff.unknown_token", worker=worker.number, record=record)
            elif type(record) is Ack:
                self._acknowledged(connection)
            elif type(record) is Admit:
                self._admit(worker, connection, record)
            elif type(record) is Closed:
                worker.served -= record.was_health_check
                self._closed(worker, connection)
            elif type(record) is Nack:
                self._refused(worker, connection, record)

    def _acknowledged(self, connection: HeldConnection) -> None:
        assert connection.fd is not None
        os.close(connection.fd)
        connection.fd = None
        self.take_in()

    def _refused(self, worker: WorkerProcess, connection: HeldConnection, record: Nack) -> None:
        """The worker's descriptor table is full: it gets nothing until one of its connections is closed."""
        if not worker.table_full:
            worker.table_full = True
            logs.event(logs.WARNING, "worker.full", worker=worker.number, reason=os.strerror(record.errno))
        self._hand_on(worker, connection)

    def _hand_on(self, worker: WorkerProcess, connection: HeldConnection) -> None:
        """To another worker: this one has not read a byte of it, so the client notices nothing."""
        del worker.connections[connection.token]
        connection.worker = None
        if connection.expired:  # the next one would not know, and nobody counts it any more
            self._forget(connection)
            return
        self.counters.handoff_retries += 1
        self._receive(connection)

    def _admit(self, worker: WorkerProcess, connection: HeldConnection, record: Admit) -> None:
        """Judge the request once it is known whether there is room for what it would send."""
        self.free_space.judge(partial(self._answer, worker, connection, record))

    def _answer(self, worker: WorkerProcess, connection: HeldConnection, record: Admit) -> None:
        if self.connections.get(connection.token) is not connection:
            return  # it was closed meanwhile
        self.admission.short_of_space = self.free_space.is_short
        rule = self.admission.request(connection.token, record.host, record.calling_ae_title)
        if rule is not None:
            self.counters.count("limits_reached", rule.name)
            worker.channel.send(Refused(connection.token, RULES.index(rule)))
            return
        connection.calling_ae_title = record.calling_ae_title
        connection.called_ae_title = record.called_ae_title
        connection.host, connection.port = record.host, record.port
        connection.admitted_at = self._loop.now
        worker.served += 1
        worker.channel.send(Admitted(connection.token))

    def _closed(self, worker: WorkerProcess, connection: HeldConnection) -> None:
        worker.table_full = False
        del worker.connections[connection.token]
        self._forget(connection)
        self.take_in()

    def worker_gone(self, worker: WorkerProcess) -> None:
        """What it had acknowledged died with it; the rest is handed on."""
        for connection in list(worker.connections.values()):
            if connection.fd is not None:
                self._hand_on(worker, connection)
            else:
                self._forget(connection)
        self.take_in()

    def _forget(self, connection: HeldConnection) -> None:
        if connection.fd is not None:
            os.close(connection.fd)
        self.admission.closed(connection.token)
        del self.connections[connection.token]


def _load(worker: WorkerProcess) -> tuple[int, int]:
    return len(worker.connections), worker.picked
