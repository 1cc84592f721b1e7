"""Who may stay: the counts that the limits are held against, exact because only the acceptor has them.

Two bounds. Connections that have not become an association are *pending*: at that bound, in total or per peer address,
a newcomer still enters and the oldest pending connection has to go; silent peers only push each other out. Connections
past their A-ASSOCIATE-RQ are *associations*: at that bound the request is refused. A refused connection is pending
again until it is closed: it waits for its peer on the same ARTIM. Pure: no sockets, no time.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, NamedTuple


class Refusal(NamedTuple):
    """The values of an A-ASSOCIATE-RJ (PS3.8 Table 9-21). `ul.acse.Rejection` again: the acceptor imports no `ul`."""

    result: int
    source: int
    reason: int


# rejected-transient, DICOM UL service-provider (presentation related function), local-limit-exceeded
LOCAL_LIMIT_EXCEEDED: Final = Refusal(2, 3, 2)


class Admission:
    """Every connection from its accept to its end, by token."""

    def __init__(self, max_associations: int, max_pending: int, max_pending_per_address: int) -> None:
        self._max_associations = max_associations
        self._max_pending = max_pending
        self._max_pending_per_address = max_pending_per_address
        self._addresses: dict[int, str] = {}  # of all connections
        self._associations: set[int] = set()
        # Oldest first. Ordered dictionaries: the first key of a plain one costs a walk over the deleted ones.
        self._pending: OrderedDict[int, None] = OrderedDict()
        self._pending_by_address: dict[str, OrderedDict[int, None]] = {}

    @property
    def associations(self) -> int:
        return len(self._associations)

    @property
    def pending(self) -> int:
        return len(self._pending)

    def connected(self, token: int, address: str) -> list[int]:
        """A newcomer enters. Returns whose ARTIM has to expire now: no longer counted, they are on their way out."""
        expired = []
        while len(self._pending_by_address.get(address, ())) >= self._max_pending_per_address:
            expired.append(self._expire_oldest(self._pending_by_address[address]))
        while len(self._pending) >= self._max_pending:
            expired.append(self._expire_oldest(self._pending))
        self._addresses[token] = address
        self._enter_pending(token)
        return expired

    def request(self, token: int) -> Refusal | None:
        """The connection's A-ASSOCIATE-RQ is there. None: it is an association now."""
        if len(self._associations) >= self._max_associations:
            if token not in self._pending:
                self._enter_pending(token)
            return LOCAL_LIMIT_EXCEEDED
        if token in self._pending:
            self._leave_pending(token)
        self._associations.add(token)
        return None

    def closed(self, token: int) -> None:
        """The connection is gone."""
        if token in self._pending:
            self._leave_pending(token)
        self._associations.discard(token)
        del self._addresses[token]

    def _expire_oldest(self, pending: OrderedDict[int, None]) -> int:
        oldest = next(iter(pending))
        self._leave_pending(oldest)
        return oldest

    def _enter_pending(self, token: int) -> None:
        self._pending[token] = None
        self._pending_by_address.setdefault(self._addresses[token], OrderedDict())[token] = None

    def _leave_pending(self, token: int) -> None:
        del self._pending[token]
        address = self._addresses[token]
        of_address = self._pending_by_address[address]
        del of_address[token]
        if not of_address:
            del self._pending_by_address[address]
