"""The SCP of a worker: what all of its associations share.

Belongs here: what is offered, where instances go, the ways in, the threads that commit. Not here: what an association
does with its events (`served`), how a file becomes durable (`pool.storage`), who may associate (the acceptor, asked
through `Gate`).
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Protocol

from pool import logs
from pool.config import Settings
from pool.connection import RECEIVE_BUFFER_LENGTH
from pool.handoff import Handoff
from pool.loop import Loop
from pool.pace import Pace
from pool.stats import Counters, configured_titles
from pool.storage import Store, store_from
from pool.worker.entrance import entrances
from pool.worker.offers import offer_from
from pool.worker.served import ServedAssociation
from ul.acse import Offer
from ul.services.performance import Then
from ul.session_events import Timeouts

# Several fsyncs at a time share one journal commit of the file system; more threads than that only wait.
_COMMIT_THREADS: Final = 16
# Seconds that --min-rate is averaged over where --dimse-timeout is none.
_RATE_WINDOW: Final = 30.0


class Gate(Protocol):
    """The worker, as its associations see it: the way to the acceptor."""

    def request_admission(self, association: ServedAssociation, calling_ae_title: str, called_ae_title: str) -> None:
        """Ask whether the association may be; `admitted` or `refused` is called later."""

    def association_closed(self, association: ServedAssociation) -> None:
        """The connection is gone."""


class SCP:
    """What the associations of one worker share."""

    def __init__(
        self,
        settings: Settings,
        loop: Loop,
        counters: Counters,
        gate: Gate,
        offer: Offer | None = None,
        *,
        stores: bool = True,
    ) -> None:
        """Without `offer`, what the built-in store takes; without `stores` there is none."""
        self.loop = loop
        self.counters = counters
        self.gate = gate
        self.offer = offer or offer_from(settings)
        self.configured_titles = configured_titles(settings)
        self.drain_idle = settings.drain_idle  # seconds without a message that an association has when we are to leave
        self.maximum_data_set = settings.max_object
        self._min_rate = settings.min_rate
        self.timeouts = Timeouts(settings.acse_timeout, settings.dimse_timeout, settings.network_timeout)
        self.buffer = memoryview(bytearray(RECEIVE_BUFFER_LENGTH))
        self.entrances = entrances(settings, self.offer)
        self.store: Store | None = store_from(settings) if stores else None
        self._threads = ThreadPoolExecutor(_COMMIT_THREADS, "commit")

    def new_pace(self) -> Pace | None:
        """What the messages of one association have to keep."""
        return Pace(self._min_rate, self.timeouts.dimse or _RATE_WINDOW) if self._min_rate else None

    def open_association(self, sock: socket.socket, handoff: Handoff) -> ServedAssociation:
        """An association on a new connection, not started yet."""
        return ServedAssociation(self, sock, handoff)

    def run_blocking(self, association: ServedAssociation, call: Callable[[], Any], then: Then) -> None:
        """Run `call` on a thread, then `association.resume(then, result, error)` on the loop."""
        self._threads.submit(self.block, association, call, then)

    def block(self, association: ServedAssociation, call: Callable[[], Any], then: Then) -> None:
        """What `run_blocking` does on the thread."""
        with logs.about(association=association.token):
            try:
                result, error = call(), None
            except BaseException as raised:
                result, error = None, raised
        self.loop.call_from_thread(association.resume, then, result, error)

    def close(self) -> None:
        """Wait for what is being committed."""
        self._threads.shutdown()
