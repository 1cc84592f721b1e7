"""Who may stay: the counts that the limits are held against, exact because only the acceptor has them.

Two bounds. Connections that have not become an association are *pending*: at that bound, in total or per peer address,
a newcomer still enters and the oldest pending connection has to go; silent peers only push each other out. Connections
past their A-ASSOCIATE-RQ are *associations*: at that bound, and where a rule about their calling AE title forbids it,
the request is refused. A refused connection is pending again until it is closed: it waits for its peer on the same
ARTIM. Pure: no sockets, no time.

`limits` may be replaced at any time. The counts stay what they are: who is there stays, and nobody comes before there
is room below the new limits.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Final, NamedTuple

from pool.config import KnownPeer, Network, Settings, is_in, plain_host


class Rule(NamedTuple):
    """Why an association is refused, and the values of its A-ASSOCIATE-RJ (PS3.8 Table 9-21)."""

    name: str  # the setting's, or the setting's and its key's
    rejection: tuple[int, int, int]  # result, source, reason


# 1,1: rejected-permanent, DICOM UL service-user; 3: calling-AE-title-not-recognized, 7: called-AE-title-not-recognized
# 2,3: rejected-transient, DICOM UL service-provider (presentation related); 2: local-limit-exceeded
PEER_FROM: Final = Rule("peer-from", (1, 1, 3))
MIN_FREE: Final = Rule("min-free", (2, 3, 2))
MAX_ASSOCIATIONS: Final = Rule("max-associations", (2, 3, 2))
PER_ADDRESS: Final = Rule("max-associations-per-address", (2, 3, 2))
PER_CALLING_TITLE: Final = Rule("max-associations-per-calling-aet", (2, 3, 2))
PEER_MAX: Final = Rule("peer-max", (2, 3, 2))

# Those that are decided here; their places in this table are their names between processes.
RULES: Final = (PEER_FROM, MIN_FREE, MAX_ASSOCIATIONS, PER_ADDRESS, PER_CALLING_TITLE, PEER_MAX)

# Names of the limits on pending connections, which are not rejected: nobody has asked for anything yet.
MAX_PENDING: Final = "max-pending"
MAX_PENDING_PER_ADDRESS: Final = "max-pending-per-address"


class Limits(NamedTuple):
    """What the counts are held against; of those that may be 0, that is no limit."""

    max_associations: int
    max_pending: int
    max_pending_per_address: int
    max_associations_per_address: int = 0
    max_associations_per_calling_aet: int = 0
    peers: Mapping[str, KnownPeer] = {}  # by calling AE title
    balancers: tuple[Network, ...] = ()  # whose connections are other hosts': no limit per address holds for them

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        """Those that the settings set."""
        return cls(
            settings.max_associations,
            settings.max_pending,
            settings.max_pending_per_address,
            settings.max_associations_per_address,
            settings.max_associations_per_calling_aet,
            {peer.title: peer for peer in settings.peer},
            settings.proxy_allow_from if settings.proxy_protocol != "off" else (),
        )


class Expiry(NamedTuple):
    """A pending connection that has to go, and the name of the limit that wants its place."""

    token: int
    limit: str


class Admission:
    """Every connection from its accept to its end, by token."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.short_of_space = False  # told by who looks: there is no room for what new associations would send
        self._addresses: dict[int, str] = {}  # of all connections, as they were accepted
        self._associations: dict[int, tuple[str, str]] = {}  # where they come from in truth, and their calling titles
        self._of_address: dict[str, int] = {}
        self._of_title: dict[str, int] = {}
        # Oldest first. Ordered dictionaries: the first key of a plain one costs a walk over the deleted ones.
        self._pending: OrderedDict[int, None] = OrderedDict()
        self._pending_by_address: dict[str, OrderedDict[int, None]] = {}

    @property
    def associations(self) -> int:
        return len(self._associations)

    @property
    def pending(self) -> int:
        return len(self._pending)

    def connected(self, token: int, address: str) -> list[Expiry]:
        """A newcomer enters. Returns whose ARTIM has to expire now: no longer counted, they are on their way out."""
        limits = self.limits
        expired = []
        address = plain_host(address)
        of_address = self._pending_by_address.get(address)
        if of_address is not None and not is_in(address, limits.balancers):
            while len(of_address) >= limits.max_pending_per_address:
                expired.append(Expiry(self._expire_oldest(of_address), MAX_PENDING_PER_ADDRESS))
        while len(self._pending) >= limits.max_pending:
            expired.append(Expiry(self._expire_oldest(self._pending), MAX_PENDING))
        self._addresses[token] = address
        self._enter_pending(token)
        return expired

    def request(self, token: int, address: str, calling_ae_title: str) -> Rule | None:
        """The connection's A-ASSOCIATE-RQ is there, from `address`. None: it is an association now."""
        address = plain_host(address)
        rule = self._rule_against(address, calling_ae_title)
        if rule is not None:
            if token not in self._pending:
                self._enter_pending(token)
            return rule
        if token in self._pending:
            self._leave_pending(token)
        self._associations[token] = address, calling_ae_title
        self._of_address[address] = self._of_address.get(address, 0) + 1
        self._of_title[calling_ae_title] = self._of_title.get(calling_ae_title, 0) + 1
        return None

    def _rule_against(self, address: str, title: str) -> Rule | None:
        """Who it is comes first: trying again later does not help against that."""
        limits = self.limits
        peer = limits.peers.get(title)
        if peer is not None and peer.networks and not is_in(address, peer.networks):
            return PEER_FROM
        if self.short_of_space:
            return MIN_FREE
        if len(self._associations) >= limits.max_associations:
            return MAX_ASSOCIATIONS
        full = 0 < limits.max_associations_per_address <= self._of_address.get(address, 0)
        if full and not is_in(address, limits.balancers):
            return PER_ADDRESS
        if peer is not None and peer.maximum:
            return PEER_MAX if self._of_title.get(title, 0) >= peer.maximum else None
        if 0 < limits.max_associations_per_calling_aet <= self._of_title.get(title, 0):
            return PER_CALLING_TITLE
        return None

    def closed(self, token: int) -> None:
        """The connection is gone."""
        if token in self._pending:
            self._leave_pending(token)
        association = self._associations.pop(token, None)
        if association is not None:
            address, title = association
            _count_down(self._of_address, address)
            _count_down(self._of_title, title)
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


def _count_down(counts: dict[str, int], key: str) -> None:
    left = counts[key] - 1
    if left:
        counts[key] = left
    else:
        del counts[key]
