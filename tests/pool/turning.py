"""Turning a loop until something is so: tests wait for conditions, never for time."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from pool.loop import Loop

PATIENCE = 10.0  # seconds: only ever reached by a test that fails


def turn_until(loop: Loop, condition: Callable[[], object], patience: float = PATIENCE) -> None:
    """Turn the loop until `condition()` holds; fail if it takes too long."""
    deadline = monotonic() + patience
    while not condition():
        remaining = deadline - monotonic()
        assert remaining > 0, "waited in vain"
        loop.turn(min(remaining, 0.2))
