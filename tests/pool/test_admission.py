"""Admission: exact counts whatever happens, and silent peers that only push each other out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pool.admission import LOCAL_LIMIT_EXCEEDED, Admission


def test_associations_up_to_the_limit_and_again_after_one_closed():
    admission = Admission(2, 10, 10)
    for token in (1, 2, 3):
        assert admission.connected(token, "a") == []
    assert admission.request(1) is None
    assert admission.request(2) is None
    assert admission.request(3) == LOCAL_LIMIT_EXCEEDED == (2, 3, 2)
    assert (admission.associations, admission.pending) == (2, 1)  # who is refused is pending until it closes
    admission.closed(3)
    admission.closed(1)
    assert (admission.associations, admission.pending) == (1, 0)
    admission.connected(4, "a")
    assert admission.request(4) is None


def test_at_the_bound_the_oldest_pending_connection_goes():
    admission = Admission(10, 3, 10)
    for token in (1, 2, 3):
        assert admission.connected(token, f"address {token}") == []
    assert admission.request(1) is None
    assert admission.connected(4, "address 4") == []
    assert admission.connected(5, "address 5") == [2]
    assert admission.connected(6, "address 6") == [3]
    assert admission.pending == 3


def test_an_address_at_its_bound_pushes_out_only_its_own():
    admission = Admission(10, 10, 2)
    admission.connected(1, "other")
    for token in (2, 3):
        admission.connected(token, "crowd")
    assert admission.connected(4, "crowd") == [2]
    assert admission.connected(5, "crowd") == [3]
    assert admission.connected(6, "other") == []


def test_a_request_that_crosses_its_expiry_is_judged_like_any_other():
    admission = Admission(1, 1, 1)
    admission.connected(1, "a")
    assert admission.connected(2, "a") == [1]
    assert admission.request(1) is None  # it was under way
    assert (admission.associations, admission.pending) == (1, 1)
    assert admission.request(2) == LOCAL_LIMIT_EXCEEDED


def test_a_refused_connection_that_lingers_is_pushed_out_in_its_turn():
    admission = Admission(1, 2, 2)
    for token in (1, 2):
        admission.connected(token, "a")
    admission.request(1)
    assert admission.request(2) == LOCAL_LIMIT_EXCEEDED
    assert admission.connected(3, "a") == []
    assert admission.connected(4, "a") == [2]


LIMITS = st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(1, 4))
STEPS = st.lists(st.tuples(st.sampled_from(["connected", "request", "closed"]), st.integers(0, 11)), max_size=60)


@given(LIMITS, STEPS)
def test_the_counts_are_those_of_a_plain_account_after_any_history(limits, steps):
    """A model in the dumbest possible words: a list of (token, address, stage), looked through every time."""
    max_associations, max_pending, max_per_address = limits
    admission = Admission(*limits)
    account: list[list] = []
    next_token = 0

    def pending(address: str | None = None) -> list[list]:
        return [row for row in account if row[2] == "pending" and address in (None, row[1])]

    for step, choice in steps:
        if step == "connected":
            address = f"address {choice % 3}"
            expected = []
            while len(pending(address)) >= max_per_address:
                expected.append(pending(address)[0])
                expected[-1][2] = "expired"
            while len(pending()) >= max_pending:
                expected.append(pending()[0])
                expected[-1][2] = "expired"
            assert admission.connected(next_token, address) == [row[0] for row in expected]
            account.append([next_token, address, "pending"])
            next_token += 1
        elif account:
            row = account[choice % len(account)]
            if step == "closed":
                admission.closed(row[0])
                account.remove(row)
            elif row[2] != "association":
                full = sum(row[2] == "association" for row in account) >= max_associations
                assert (admission.request(row[0]) is None) is not full
                if not full:
                    row[2] = "association"
                elif row[2] == "expired":
                    row[2] = "pending"
                    account.remove(row)
                    account.append(row)
        assert admission.associations == sum(row[2] == "association" for row in account) <= max_associations
        assert admission.pending == len(pending())

    for row in account:
        admission.closed(row[0])
    assert (admission.associations, admission.pending) == (0, 0)
    assert not admission._addresses
    assert not admission._pending_by_address
