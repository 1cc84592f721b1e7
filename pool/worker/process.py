"""The worker process: associations handed over by the acceptor, on one loop.

It begins with its settings on stdin and its hand-off socket as an inherited descriptor. It leaves only at the end of
that socket, once its last connection is closed; so it does when the acceptor died, too. Here belongs the worker's side
of the hand-off and of control. What happens on a connection is `served`'s business.

Two orders matter. A connection is acknowledged before anything is read from it, because until then the acceptor may
hand it to another worker. And admission is asked of the acceptor, who alone knows the counts: once it is gone or has
let us go, nobody is admitted any more.
"""

from __future__ import annotations

import errno
import gc
import os
import signal
import socket
import sys
from collections.abc import Callable
from typing import Final, Protocol

from pool import events, logs, messages
from pool.admission import RULES
from pool.config import SettingError, Settings
from pool.control import Body, ControlDirectory, worker_dealer
from pool.declaration import ApplicationError
from pool.handoff import Ack, Admit, Admitted, Channel, Closed, Expire, Handoff, Nack, Record, Refused
from pool.loop import Loop
from pool.messages import AssociationDetails
from pool.stats import Counters, Snapshot
from pool.worker.scp import SCP
from pool.worker.sink import SinkSCP
from ul.acse import Rejection

# rejected-transient, DICOM UL service-provider (presentation related function), temporary-congestion
_LEAVING: Final = Rejection(2, 3, 1)
_LEAVING_RULE: Final = "stopping"

_LAST_WORDS: Final = 1.0  # seconds that peers have to close after the A-ABORTs of a stop; the acceptor waits longer

# A handler that computes holds the interpreter for this long at a time. While one does, p99 of an echo is 7 ms (25 at
# the default of 5 ms, 2 at 0.5 ms); handlers that decode for a millisecond each cost a third more CPU at 0.5 ms.
_SWITCH_INTERVAL: Final = 0.002  # seconds

# The parent decides when we leave. Handlers, not SIG_IGN, which programs started by an application would inherit.
_LEFT_TO_THE_PARENT: Final = (
    *(signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP),
    *(signal.SIGTTIN, signal.SIGTTOU, signal.SIGUSR1),
)


class Association(Protocol):
    """What the worker needs of a connection; `pool.worker.served.ServedAssociation` is one."""

    token: int
    peer_address: tuple[str, int]  # the requestor's, once its A-ASSOCIATE-RQ is there
    bytes_received: int
    bytes_sent: int
    is_health_check: bool  # at its end: it was a balancer's, and nothing more

    def start(self) -> None:
        """Begin: the connection is acknowledged."""

    def admitted(self) -> None:
        """The association may be."""

    def refused(self, rejection: Rejection, rule: str) -> None:
        """It may not; `rule` is for the log."""

    def expire_artim(self) -> None:
        """Close, unless an A-ASSOCIATE-RQ has come."""

    def dismiss(self) -> None:
        """The same, because we leave: read once more, for an A-ASSOCIATE-RQ that is there wants its answer."""

    def drain(self) -> None:
        """Finish what is under way, then end. Nothing, if no A-ASSOCIATE-RQ has come."""

    def abort(self, why: str) -> None:
        """A-ABORT, now. Nothing, if no A-ASSOCIATE-RQ has come."""

    def details(self) -> AssociationDetails:
        """How it is."""

    def close(self) -> None:
        """Close the transport connection, whatever state it is in."""


class Application(Protocol):
    """What the worker is for."""

    def open_association(self, sock: socket.socket, handoff: Handoff) -> Association:
        """An association on a new connection, not started yet."""

    def close(self) -> None:
        """The last association is closed."""


class Worker:
    """One worker's associations, and their gate to the acceptor."""

    def __init__(
        self,
        settings: Settings,
        handoff_socket: socket.socket,
        make_application: Callable[[Settings, Loop, Counters, Worker], Application],
    ) -> None:
        self._loop = Loop()
        self._counters = Counters()
        self._associations: dict[int, Association] = {}
        self._asking: dict[int, Association] = {}  # those of them that wait to be admitted
        self._once_acknowledged: list[Callable[[], None]] = []  # what new ones are told, in order
        self._leaving = False
        self._draining = False
        self._application = make_application(settings, self._loop, self._counters, self)
        self._channel = Channel(self._loop, handoff_socket, self._received, self._let_go, self._begin)
        assert settings.control is not None
        directory = ControlDirectory(settings.control)
        self._control = worker_dealer(self._loop, directory, b"%d" % os.getpid(), self._told)
        self._events = events.Gathered(self._loop, self._tell)

    def run(self) -> None:
        """Serve until let go."""
        self._control.send(messages.READY(pid=os.getpid()))
        self._loop.run()
        for association in list(self._associations.values()):
            association.close()  # the peer had its time to close after our last words
        self._channel.flush()
        self._application.close()
        self._events.flush()
        self._control.close()
        self._channel.close()
        self._loop.close()

    # The gate, for the associations

    def request_admission(self, association: Association, calling_ae_title: str, called_ae_title: str) -> None:
        """Ask the acceptor; `admitted` or `refused` comes in a later turn."""
        if self._leaving:
            self._loop.call_soon(association.refused, _LEAVING, _LEAVING_RULE)
        else:
            self._asking[association.token] = association
            host, port = association.peer_address
            self._channel.send(Admit(association.token, port, calling_ae_title, called_ae_title, host))

    def association_closed(self, association: Association) -> None:
        """Give its place back."""
        self._closed(association.token, association.is_health_check)

    def _closed(self, token: int, was_health_check: bool = False) -> None:
        self._associations.pop(token, None)
        self._asking.pop(token, None)
        self._channel.send(Closed(token, was_health_check))
        if self._leaving and not self._associations:
            self._loop.stop()

    # From the acceptor: connections, and what belongs to one of them

    def _received(self, records: list[Record], fds: list[int]) -> None:
        arrived = iter(fds)
        call_soon = self._loop.call_soon  # one by one: the fault of an association is its own, not its neighbour's
        for record in records:
            if type(record) is Handoff:
                self._take(record, next(arrived, None))
            elif type(record) is Admitted:
                if (association := self._asking.pop(record.token, None)) is not None:
                    call_soon(association.admitted)
                    if self._draining:
                        call_soon(association.drain)
            elif type(record) is Refused:
                if (association := self._asking.pop(record.token, None)) is not None:
                    rule = RULES[record.rule]
                    call_soon(association.refused, Rejection(*rule.rejection), rule.name)
            elif type(record) is Expire and (association := self._associations.get(record.token)) is not None:
                self._once_acknowledged.append(association.expire_artim)  # it may have come in this very packet
        if self._once_acknowledged:
            self._begin()

    def _take(self, handoff: Handoff, fd: int | None) -> None:
        if fd is None:
            self._channel.send(Nack(handoff.token, errno.EMFILE))
            return
        self._channel.send(Ack(handoff.token))
        sock = socket.socket(fileno=fd)
        try:
            association = self._application.open_association(sock, handoff)
        except Exception as error:
            logs.event(logs.ERROR, "association.fault", association=handoff.token, error=error)
            sock.close()
            self._closed(handoff.token)
            return
        self._associations[handoff.token] = association
        self._once_acknowledged.append(association.start)

    def _begin(self) -> None:
        """Not before the acknowledgements have left: until then each connection could be another worker's as well."""
        self._channel.flush()
        if self._channel.full:
            return
        calls, self._once_acknowledged = self._once_acknowledged, []
        for call in calls:
            self._loop.call_soon(call)

    def _let_go(self) -> None:
        """The end of the hand-off socket: nobody comes any more, and nobody answers any more.

        So this, not DRAIN or STOP, which may overtake connections that are handed over, is the end of the pending ones.
        Of the others DRAIN says it too, unless it is the acceptor's death that we see.
        """
        self._leaving = True
        for association in list(self._asking.values()):
            self._loop.call_soon(association.refused, _LEAVING, _LEAVING_RULE)
        self._asking.clear()
        for association in self._associations.values():
            self._once_acknowledged += association.drain, association.dismiss
        self._begin()
        if not self._associations:
            self._loop.stop()

    # From the acceptor: what concerns the process

    def _snapshot(self) -> Snapshot:
        """The counters as they are now: an association adds the bytes that it moved at its end."""
        snapshot = self._counters.snapshot()
        for association in self._associations.values():
            snapshot["bytes_received"] += association.bytes_received
            snapshot["bytes_sent"] += association.bytes_sent
        return snapshot

    def _told(self, message: Body, identity: bytes) -> None:
        kind = message["type"]
        if kind == messages.PING.type:
            self._control.send(messages.PONG(number=message["number"], counters=self._snapshot()))
        elif kind == messages.INQUIRE.type:
            self._events.flush()  # who is not listed any more was told of before
            details = {token: association.details() for token, association in self._associations.items()}
            self._control.send(messages.DETAILS(number=message["number"], associations=details))
        elif kind == messages.DRAIN.type:
            self._draining = True
            for association in self._associations.values():
                self._loop.call_soon(association.drain)
        elif kind == messages.STOP.type:
            for association in self._associations.values():
                self._loop.call_soon(association.abort, "the server stops")
            self._loop.call_at(self._loop.now + _LAST_WORDS, self._loop.stop)
        elif kind == messages.ABORT.type:
            if (aborted := self._associations.get(message["association"])) is not None:
                aborted.abort("aborted by the operator")
        elif kind == messages.FOLLOW.type:
            self._follow(message["on"])
        elif kind == messages.LOG_LEVEL.type:
            logs.set_level(message["level"])
        elif kind == messages.REOPEN_LOGS.type:
            logs.reopen()

    def _follow(self, on: bool) -> None:
        if on:
            events.follow(self._events.add)
        else:
            events.unfollow()

    def _tell(self, told: list[events.Event], dropped: int) -> bool:
        return self._control.send(messages.TOLD(events=told, dropped=dropped))


def scp_of(settings: Settings, loop: Loop, counters: Counters, gate: Worker) -> SCP:
    """The built-in store's SCP, the sink, or that of the application which the settings name."""
    if settings.sink:
        return SinkSCP(settings, loop, counters, gate, stores=False)
    if not settings.application:
        return SCP(settings, loop, counters, gate)
    from pool.application.application import load
    from pool.worker.handled import ApplicationSCP

    return ApplicationSCP(load(settings.application, settings.app_dir), settings, loop, counters, gate)


def serve(make_application: Callable[[Settings, Loop, Counters, Worker], Application]) -> int:
    """Be a worker process: arguments, stdin and signals as the workforce arranged them. Returns the exit status."""
    for signum in _LEFT_TO_THE_PARENT:
        signal.signal(signum, lambda signum, frame: None)
    sys.setswitchinterval(_SWITCH_INTERVAL)
    handoff_socket = socket.socket(fileno=int(sys.argv[1]))
    handoff_socket.set_inheritable(False)  # what an application starts must not keep it open
    settings = Settings.from_json(sys.stdin.buffer.read())
    try:
        logs.setup(settings.log_level, settings.log_format, settings.log_file)
        worker = Worker(settings, handoff_socket, make_application)
    except Exception as error:
        expected = isinstance(error, (OSError, ApplicationError, SettingError))  # what it says is for the operator
        logs.event(logs.FATAL, "worker.failed", error=str(error) if expected else logs.in_full(error))
        return 1
    gc.freeze()  # what was imported stays: the collector need not look at it again
    worker.run()
    return 0


def main() -> int:
    """The worker process of `ulpool serve`."""
    return serve(scp_of)
