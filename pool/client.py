"""Control: a running server, asked and told from Python. The command line is made of the same object.

Belongs here: what can be asked, how long an answer may take, and which server is meant. How messages travel is
`control`'s business, what they are `messages`'.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, cast

import zmq

from pool import messages
from pool.control import Body, ControlDirectory, Refused, find, request, server_pidfd
from pool.messages import AssociationStatus, Reloaded, ServerStatus, WorkerStatus

ANSWER_TIMEOUT: Final = 5.0  # seconds; the acceptor's loop never does anything slow


class Control:
    """A running server.

        server = pool.Control()                 # the only one of this user's that runs here
        server.status()["counters"]["instances_stored"]
        server.scale("+2")
        for event in server.events("instance.stored"):
            print(event["path"])

    `directory` is what the server was given as --control. `timeout`: seconds that an answer may take; those that wait
    for something to happen (`reload`, `drain`, `stop`) take as long as that does. Every method raises NotRunning where
    no server is, NotAnswering, UnsafeDirectory, and Refused with the server's reason where it will not do what is
    asked; all are ControlErrors.
    """

    def __init__(self, directory: str | Path | None = None, *, timeout: float = ANSWER_TIMEOUT) -> None:
        """Raises NotRunning if there is no server, and ControlError if there are several to choose from."""
        self.directory = find(Path(directory) if directory is not None else None)
        self.timeout = timeout

    # What there is

    def status(self) -> ServerStatus:
        """The server, its workers, its associations, its counters and their rates."""
        return cast(ServerStatus, self._ask(messages.STATUS())["status"])

    def workers(self) -> list[WorkerStatus]:
        """The worker processes."""
        return self.status()["workers"]

    def associations(
        self, *, calling: str | None = None, peer: str | None = None, worker: int | None = None
    ) -> list[AssociationStatus]:
        """The open associations with details: all, or those of a calling AE title, of a peer (HOST or HOST:PORT), of a
        worker's number."""
        listed: list[AssociationStatus] = self._ask(messages.ASSOCIATIONS())["associations"]
        return [
            association
            for association in listed
            if calling in (None, association["calling_ae_title"])
            and worker in (None, association["worker"])
            and (peer is None or _is_of(peer, association["peer"]))
        ]

    # What is to be

    def scale(self, workers: int | str) -> int:
        """Have so many workers: a number, or a change such as "+1". Returns how many there will be."""
        return int(self._ask(messages.SCALE(workers=str(workers)))["workers"])

    def reload(self) -> Reloaded:
        """Have all settings read again and the application imported anew; returns when new workers serve with them."""
        answer = self._ask_and_wait(messages.RELOAD())
        return cast(Reloaded, {name: answer[name] for name in messages.RELOADED_TO.fields})

    def drain(self) -> None:
        """Have nobody let in any more; returns when the last association has ended. The server stays."""
        self._ask_and_wait(messages.DRAIN())

    def stop(self, *, now: bool = False) -> int:
        """Stop the server, `now` by aborting its associations; returns its process id when it is gone."""
        pid = int(self._ask(messages.STOP(now=now))["pid"])
        with contextlib.suppress(ProcessLookupError):
            pidfd = os.pidfd_open(pid)
            try:
                select.select([pidfd], [], [])  # the server itself bounds how long that takes
            finally:
                os.close(pidfd)
        return pid

    def abort(self, association: int) -> None:
        """Abort one association, by its `token`."""
        self._ask(messages.ABORT(association=association))

    def log_level(self, level: str) -> None:
        """Log from this level on, until the next reload."""
        self._ask(messages.LOG_LEVEL(level=level))

    # What happens

    def events(self, *types: str) -> Events:
        """Every event from now on, or those whose type begins with one of `types`; ends when the server does.

        Their types and fields are `pool.messages.EVENTS`. Without `types` the first one says how the server is, and
        who reads too slowly finds a gap in the events' `number`.
        """
        for wanted in types:
            if not any(name.startswith(wanted) for name in messages.EVENTS):
                raise Refused(f"{wanted}: no event's type begins so; there are {', '.join(messages.EVENTS)}")
        self.status()  # somebody is there
        return Events(self.directory, types or ("",))

    def _ask(self, message: Body) -> Body:
        return _granted(request(self.directory, message, self.timeout))

    def _ask_and_wait(self, message: Body) -> Body:
        """For as long as it takes, and as the server lives."""
        return _granted(request(self.directory, message, None))


class Events(Iterator[dict[str, Any]]):
    """What happens in a server, as it happens: iterating waits for it. Closed with `close`, or when nobody has it."""

    def __init__(self, directory: Path, types: tuple[str, ...]) -> None:
        self._opened = contextlib.ExitStack()
        with contextlib.ExitStack() as opened:
            context = opened.enter_context(zmq.Context())
            self._subscriber = opened.enter_context(context.socket(zmq.SUB))
            self._subscriber.setsockopt(zmq.LINGER, 0)
            for wanted in types:
                self._subscriber.subscribe(wanted)
            self._subscriber.connect(ControlDirectory(directory).events_address)
            self._poller = zmq.Poller()
            self._poller.register(self._subscriber, zmq.POLLIN)
            pidfd = server_pidfd(directory)
            if pidfd is not None:
                opened.callback(os.close, pidfd)
                self._poller.register(pidfd, zmq.POLLIN)
            self._opened = opened.pop_all()

    def __next__(self) -> dict[str, Any]:
        """The next one; there is none when the server has ended, or after `close`."""
        if self._subscriber.closed or self._subscriber not in dict(self._poller.poll()):
            self.close()
            raise StopIteration
        return self._receive()

    def waiting(self) -> list[dict[str, Any]]:
        """Those that are there already."""
        found = []
        while not self._subscriber.closed and self._subscriber.poll(0):
            found.append(self._receive())
        return found

    def close(self) -> None:
        """Hear nothing any more."""
        self._opened.close()

    def __del__(self) -> None:
        self.close()

    def _receive(self) -> dict[str, Any]:
        _, event = self._subscriber.recv_multipart()
        told: dict[str, Any] = json.loads(event)
        return told


def _granted(answer: Body) -> Body:
    if answer["type"] == messages.FAILED.type:
        raise Refused(str(answer["message"]))
    return answer


def _is_of(peer: str, address: str) -> bool:
    """Whether HOST:PORT is that of a peer, named with or without its port."""
    host = address.rpartition(":")[0]
    return peer in (address, host, host.strip("[]"))
