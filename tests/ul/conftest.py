"""Fixtures of the library's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from two_aes import Destination


@pytest.fixture(scope="module")
def destination() -> Iterator[Destination]:
    made = Destination()
    yield made
    made.ae.shutdown()
