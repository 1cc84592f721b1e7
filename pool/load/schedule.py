"""When an open loop's starts are due, whatever the peer does. Pure: numbers in, numbers out.

The n-th start of a run is due when the integral of the rate over time has reached n. So it does not depend on how many
processes there are: each takes every n-th one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import sqrt

from pool.load.plan import Stage


def starts(stages: Sequence[Stage], first: int = 0, step: int = 1) -> Iterator[float]:
    """Seconds from the start line for the starts number `first`, `first + step`, ... of these stages."""
    number = first
    began, behind = 0.0, 0.0  # of the present stage: when, and after how many starts
    for stage in stages:
        ahead = behind + _starts_of(stage)
        while number < ahead:
            yield began + _time_of(stage, number - behind)
            number += step
        began += stage.seconds
        behind = ahead


def total(stages: Sequence[Stage]) -> float:
    """How many starts there are."""
    return sum(map(_starts_of, stages))


def rate(stages: Sequence[Stage], seconds: float) -> float:
    """Starts per second at a moment."""
    for stage in stages:
        if seconds < stage.seconds:
            return stage.rate_from + (stage.rate_to - stage.rate_from) * seconds / stage.seconds
        seconds -= stage.seconds
    return 0.0


def _starts_of(stage: Stage) -> float:
    return stage.seconds * (stage.rate_from + stage.rate_to) / 2


def _time_of(stage: Stage, number: float) -> float:
    """When the rate's integral, a t + s t^2 / 2, has reached `number`; in the form that does not cancel at s near 0."""
    slope = (stage.rate_to - stage.rate_from) / stage.seconds
    root = sqrt(max(0.0, stage.rate_from**2 + 2 * slope * number))
    return 2 * number / (stage.rate_from + root) if number else 0.0
