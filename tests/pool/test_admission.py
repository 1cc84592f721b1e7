"""Admission: exact counts whatever happens, and silent peers that only push each other out."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from pool.admission import (
    MAX_ASSOCIATIONS,
    MAX_PENDING,
    MAX_PENDING_PER_ADDRESS,
    MIN_FREE,
    PEER_FROM,
    PEER_MAX,
    PER_ADDRESS,
    PER_CALLING_TITLE,
    RULES,
    Admission,
    Limits,
)
from pool.config import KnownPeer, is_in
from pool.config.networks import networks

HERE = "192.0.2.1"
CT1 = KnownPeer("CT1", (ip_network("10.0.0.0/8"), ip_network("fd00::/8")), maximum=2)


def several(*known: KnownPeer) -> dict[str, KnownPeer]:
    return {peer.title: peer for peer in known}


def admitted(admission: Admission, token: int, address: str = HERE, title: str = "ANY") -> object:
    """Connect and ask: None, or the rule that forbids it."""
    admission.connected(token, address)
    return admission.request(token, address, title)


def test_associations_up_to_the_limit_and_again_after_one_closed():
    admission = Admission(Limits(2, 10, 10))
    for token in (1, 2, 3):
        assert admission.connected(token, HERE) == []
    assert admission.request(1, HERE, "A") is None
    assert admission.request(2, HERE, "B") is None
    assert admission.request(3, HERE, "C") == MAX_ASSOCIATIONS
    assert (admission.associations, admission.pending) == (2, 1)  # who is refused is pending until it closes
    admission.closed(3)
    admission.closed(1)
    assert (admission.associations, admission.pending) == (1, 0)
    assert admitted(admission, 4) is None


def test_at_the_bound_the_oldest_pending_connection_goes():
    admission = Admission(Limits(10, 3, 10))
    for token in (1, 2, 3):
        assert admission.connected(token, f"192.0.2.{token}") == []
    assert admission.request(1, "192.0.2.1", "ANY") is None
    assert admission.connected(4, "192.0.2.4") == []
    assert admission.connected(5, "192.0.2.5") == [(2, MAX_PENDING)]
    assert admission.connected(6, "192.0.2.6") == [(3, MAX_PENDING)]
    assert admission.pending == 3


def test_an_address_at_its_bound_pushes_out_only_its_own():
    admission = Admission(Limits(10, 10, 2))
    admission.connected(1, "192.0.2.9")
    for token in (2, 3):
        admission.connected(token, HERE)
    assert admission.connected(4, HERE) == [(2, MAX_PENDING_PER_ADDRESS)]
    assert admission.connected(5, HERE) == [(3, MAX_PENDING_PER_ADDRESS)]
    assert admission.connected(6, "192.0.2.9") == []


def test_a_balancer_may_have_as_many_pending_connections_as_it_has_clients():
    admission = Admission(Limits(10, 4, 2, balancers=(ip_network("192.0.2.0/24"),)))
    assert [admission.connected(token, HERE) for token in range(4)] == [[]] * 4
    assert admission.connected(4, HERE) == [(0, MAX_PENDING)]


def test_a_request_that_crosses_its_expiry_is_judged_like_any_other():
    admission = Admission(Limits(1, 1, 1))
    admission.connected(1, HERE)
    assert admission.connected(2, HERE) == [(1, MAX_PENDING_PER_ADDRESS)]
    assert admission.request(1, HERE, "ANY") is None  # it was under way
    assert (admission.associations, admission.pending) == (1, 1)
    assert admission.request(2, HERE, "ANY") == MAX_ASSOCIATIONS


def test_a_refused_connection_that_lingers_is_pushed_out_in_its_turn():
    admission = Admission(Limits(1, 2, 2))
    for token in (1, 2):
        admission.connected(token, HERE)
    admission.request(1, HERE, "ANY")
    assert admission.request(2, HERE, "ANY") == MAX_ASSOCIATIONS
    assert admission.connected(3, HERE) == []
    assert admission.connected(4, HERE) == [(2, MAX_PENDING_PER_ADDRESS)]


def test_the_address_that_counts_is_the_one_the_worker_knows_and_not_the_balancers():
    admission = Admission(Limits(9, 9, 9, max_associations_per_address=1, balancers=(ip_network("192.0.2.0/24"),)))
    for token in range(5):
        admission.connected(token, HERE)
    assert admission.request(0, "10.0.0.1", "ANY") is None
    assert admission.request(1, "10.0.0.1", "ANY") == PER_ADDRESS
    assert admission.request(2, "10.0.0.2", "ANY") is None
    assert [admission.request(token, HERE, "ANY") for token in (3, 4)] == [None, None]  # of the balancer itself
    admission.closed(0)
    assert admission.request(1, "10.0.0.1", "ANY") is None


@pytest.mark.parametrize("other", ["::ffff:10.0.0.1", "::ffff:a00:1"])
def test_one_address_is_one_however_it_is_written(other):
    admission = Admission(Limits(9, 9, 1, max_associations_per_address=1))
    assert admitted(admission, 1, "10.0.0.1") is None
    admission.connected(2, other)
    assert admission.connected(3, "10.0.0.1") == [(2, MAX_PENDING_PER_ADDRESS)]
    assert admission.request(2, other, "ANY") == PER_ADDRESS


@pytest.mark.parametrize("written", ["10.0.0.0/8", "::ffff:10.0.0.0/104", "::ffff:a00:0/104"])
def test_one_network_is_one_however_it_is_written(written):
    assert networks(written) == (ip_network("10.0.0.0/8"),)
    assert is_in("10.1.2.3", networks(written)) and is_in("::ffff:10.1.2.3", networks(written))
    assert not is_in("11.1.2.3", networks(written)) and networks("::/0") == (ip_network("::/0"),)


def test_a_title_is_bound_to_its_addresses():
    admission = Admission(Limits(9, 9, 9, peers=several(CT1)))
    assert admitted(admission, 1, "10.1.2.3", "CT1") is None
    assert admitted(admission, 2, "fd00::1%eth0", "CT1") is None
    admission.closed(2)
    for token, address in enumerate(("11.0.0.1", "fe80::1", "", "10.1.2.3.4"), 3):
        assert admitted(admission, token, address, "CT1") == PEER_FROM
    assert admitted(admission, 9, "11.0.0.1", "CT2") is None


def test_a_listed_title_has_its_own_maximum_and_others_the_general_one():
    admission = Admission(Limits(9, 9, 9, max_associations_per_calling_aet=1, peers=several(CT1, KnownPeer("MR1"))))
    answers = [admitted(admission, token, "10.0.0.1", "CT1") for token in range(3)]
    assert answers == [None, None, PEER_MAX]
    for token, title in enumerate(("MR1", "MR1", "ANY", "ANY"), 3):
        assert admitted(admission, token, HERE, title) == (PER_CALLING_TITLE if token % 2 == 0 else None)
    admission.closed(0)
    assert admission.request(2, "10.0.0.1", "CT1") is None


def test_without_space_nobody_comes_in_and_who_may_never_come_is_told_so_first():
    admission = Admission(Limits(9, 9, 9, peers=several(CT1)))
    admission.short_of_space = True
    assert admitted(admission, 1) == MIN_FREE
    assert admitted(admission, 2, HERE, "CT1") == PEER_FROM
    admission.short_of_space = False
    assert admission.request(1, HERE, "ANY") is None


def test_new_limits_hold_from_now_on_and_send_nobody_away():
    admission = Admission(Limits(9, 9, 9))
    assert [admitted(admission, token) for token in range(5)] == [None] * 5
    admission.limits = Limits(9, 9, 9, max_associations_per_address=3)
    assert admission.associations == 5
    assert admitted(admission, 5) == PER_ADDRESS
    for token in (0, 1):
        admission.closed(token)
        assert admission.request(5, HERE, "ANY") == PER_ADDRESS
    admission.closed(2)
    assert admission.request(5, HERE, "ANY") is None
    for token in range(6, 9):
        admission.connected(token, "192.0.2.9")
    admission.limits = Limits(9, 2, 9)
    assert admission.connected(9, "192.0.2.7") == [(6, MAX_PENDING), (7, MAX_PENDING)]


def test_every_rejection_is_one_of_table_9_21():
    assert {rule.rejection for rule in RULES} == {(1, 1, 3), (2, 3, 2)}
    assert len({rule.name for rule in RULES}) == len(RULES) < 256  # their number travels in a byte


# Any history, against an account in the dumbest possible words: rows that are looked through every time.

ADDRESSES = st.sampled_from(["10.0.0.1", "10.0.0.2", "172.16.0.1", "2001:db8::1"])
TITLES = st.sampled_from(["CT1", "MR1", "ANY"])
A_FEW = st.integers(1, 3)
NONE_OR_A_FEW = st.integers(0, 3)
NETWORKS = st.sampled_from([(), (ip_network("10.0.0.0/8"),), (ip_network("10.0.0.2/32"), ip_network("2001:db8::/32"))])
PEERS = st.lists(st.builds(KnownPeer, st.sampled_from(["CT1", "MR1"]), NETWORKS, NONE_OR_A_FEW), max_size=2).map(
    lambda peers: several(*peers)
)
LIMITS = st.builds(Limits, st.integers(1, 5), st.integers(1, 4), A_FEW, NONE_OR_A_FEW, NONE_OR_A_FEW, PEERS, NETWORKS)

PENDING, EXPIRED, ASSOCIATION = "pending", "expired", "association"


class Row:
    def __init__(self, token: int, accepted_from: str) -> None:
        self.token = token
        self.accepted_from = accepted_from
        self.stage = PENDING
        self.address = self.title = ""


class AnyHistory(RuleBasedStateMachine):
    rows = Bundle("rows")

    @initialize(limits=LIMITS)
    def begin(self, limits: Limits) -> None:
        self.admission = Admission(limits)
        self.account: list[Row] = []
        self.next_token = 0

    def pending(self, address: str | None = None) -> list[Row]:
        return [row for row in self.account if row.stage == PENDING and address in (None, row.accepted_from)]

    def associations(self, address: str | None = None, title: str | None = None) -> int:
        return sum(
            row.stage == ASSOCIATION and address in (None, row.address) and title in (None, row.title)
            for row in self.account
        )

    @rule(limits=LIMITS, short=st.booleans())
    def apply(self, limits: Limits, short: bool) -> None:
        self.admission.limits = limits
        self.admission.short_of_space = short

    @rule(target=rows, address=ADDRESSES)
    def connected(self, address: str) -> Row:
        limits = self.admission.limits
        expected = []
        while len(self.pending(address)) >= limits.max_pending_per_address and not is_in(address, limits.balancers):
            self.expire(self.pending(address)[0], MAX_PENDING_PER_ADDRESS, expected)
        while len(self.pending()) >= limits.max_pending:
            self.expire(self.pending()[0], MAX_PENDING, expected)
        assert self.admission.connected(self.next_token, address) == expected
        row = Row(self.next_token, address)
        self.account.append(row)
        self.next_token += 1
        return row

    def expire(self, row: Row, limit: str, expected: list[tuple[int, str]]) -> None:
        row.stage = EXPIRED
        expected.append((row.token, limit))

    @rule(row=rows, address=ADDRESSES, title=TITLES)
    def request(self, row: Row, address: str, title: str) -> None:
        if row.stage == ASSOCIATION:
            return  # one A-ASSOCIATE-RQ per connection
        expected = self.expected(address, title)
        assert self.admission.request(row.token, address, title) == expected
        if expected is None:
            row.stage, row.address, row.title = ASSOCIATION, address, title
        elif row.stage == EXPIRED:
            row.stage = PENDING
            self.account.remove(row)
            self.account.append(row)

    def expected(self, address: str, title: str) -> object:
        limits = self.admission.limits
        peer = limits.peers.get(title, KnownPeer(title))
        per_title, rule = limits.max_associations_per_calling_aet, PER_CALLING_TITLE
        if peer.maximum:
            per_title, rule = peer.maximum, PEER_MAX
        forbidden = {
            PEER_FROM: bool(peer.networks) and not is_in(address, peer.networks),
            MIN_FREE: self.admission.short_of_space,
            MAX_ASSOCIATIONS: self.associations() >= limits.max_associations,
            PER_ADDRESS: bool(limits.max_associations_per_address)
            and self.associations(address) >= limits.max_associations_per_address
            and not is_in(address, limits.balancers),
            rule: bool(per_title) and self.associations(title=title) >= per_title,
        }
        return next((rule for rule, holds in forbidden.items() if holds), None)

    @rule(row=consumes(rows))
    def closed(self, row: Row) -> None:
        self.admission.closed(row.token)
        self.account.remove(row)

    @invariant()
    def the_counts_are_those_of_the_account(self) -> None:
        if not hasattr(self, "admission"):
            return
        assert self.admission.associations == self.associations()
        assert self.admission.pending == len(self.pending())

    def teardown(self) -> None:
        if not hasattr(self, "admission"):
            return
        for row in self.account:
            self.admission.closed(row.token)
        left = {name: value for name, value in vars(self.admission).items() if isinstance(value, dict) and value}
        assert left == {}, "something of those who are gone is kept"


TestAnyHistory = AnyHistory.TestCase
