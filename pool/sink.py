"""The sink: an SCP that answers every C-STORE with Success and keeps nothing.

It is what a sender, a network or a load tester is measured against. All but the keeping is done as ever: negotiation,
limits, the protocol, and the checks of the C-STORE-RQ. Data sets are read and dropped, and not looked into.
"""

from __future__ import annotations

import socket

from pool.handoff import Handoff
from pool.scp import SCP
from pool.served import ServedAssociation
from ul.dimse import Buffer
from ul.session_events import Operation


class SinkSCP(SCP):
    """What the associations of one worker share."""

    def open_association(self, sock: socket.socket, handoff: Handoff) -> ServedAssociation:
        """An association on a new connection, not started yet."""
        return SinkAssociation(self, sock, handoff)


class SinkAssociation(ServedAssociation):
    """One association with the sink."""

    __slots__ = ()

    def open_instance(self, operation: Operation) -> Drain:
        """Where the data set goes."""
        return DRAIN

    def committed(self, operation: Operation, outcome: bool) -> None:  # type: ignore[override]
        """Nothing was stored and nothing is counted so; C-STORE requests are counted as they come."""


class Drain:
    """An instance on its way to nowhere; all of them share one."""

    __slots__ = ()

    def write(self, view: Buffer, /) -> None:
        """Let it go."""

    def flush(self) -> None:
        """Nothing is held."""

    def commit_at_once(self) -> bool:
        """Done: there was nothing to do."""
        return True

    def commit(self) -> bool:
        """The same."""
        return True

    def discard(self) -> None:
        """Nothing is left behind."""


DRAIN = Drain()
