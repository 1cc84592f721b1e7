"""The memo: how much it holds."""

from __future__ import annotations

from ul.memo import Memo


def test_what_is_kept_is_bounded_in_number_and_length() -> None:
    memo: Memo[int, str] = Memo()
    for key in range(1000):
        assert memo.keep(key, "usual", 10_000) == "usual"
        assert memo[key] == "usual"
    assert len(memo) <= 64
    assert memo.keep(-1, "long", 65_537) == "long"
    assert -1 not in memo
