"""Scenarios: what senders are known to do, by name, each a row of what it sets in a plan.

What a person asks for beside a scenario stands; so does what no scenario says, such as how long it lasts. Those that
attack (`background`) are about what they do to others: the work goes on beside them and is tallied apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from pool.load.plan import ABORT, ECHO, FIXED, IDLE, SILENT, SLOW, STORE, Background, Size, StoreWork


class Scenario(NamedTuple):
    """A row: `plan` are fields of a Plan."""

    name: str
    help: str
    plan: Mapping[str, Any]


_CT: Final = Size(FIXED, 524288)


def _background(behaviour: str, connections: int) -> Mapping[str, Any]:
    return {"mix": {ECHO: 1.0}, "associations": 1, "background": Background(behaviour, connections)}


_ROWS: Final = (
    Scenario(
        "ct-burst",
        "Four scanners at a time, each sending a series of 300 CT images of 512 KiB on one association.",
        {
            "mix": {STORE: 1.0},
            "store": StoreWork(modality="CT", size=_CT, images_per_series=300),
            "associations": 4,
            "messages_per_association": 300,
        },
    ),
    Scenario(
        "one-per-series",
        "A new association for each series of 50 images.",
        {
            "mix": {STORE: 1.0},
            "store": StoreWork(modality="CT", size=_CT, images_per_series=50, series_per_study=4),
            "associations": 8,
            "messages_per_association": 50,
        },
    ),
    Scenario(
        "one-per-image",
        "A new association for each image, as some senders do.",
        {
            "mix": {STORE: 1.0},
            "store": StoreWork(modality="CT", size=_CT, images_per_series=50, series_per_study=4),
            "associations": 8,
            "messages_per_association": 1,
        },
    ),
    Scenario(
        "churn",
        "Associate, C-ECHO, release, and again: nothing but the cost of associations.",
        {"mix": {ECHO: 1.0}, "associations": 8, "messages_per_association": 1},
    ),
    Scenario(
        "idle-holders",
        "200 associations are held open and say nothing, beside one that sends C-ECHOs.",
        _background(IDLE, 200),
    ),
    Scenario(
        "slow-peers",
        "50 associations send a C-STORE at 2.5 kB/s each, and read as slowly, beside one that sends C-ECHOs.",
        _background(SLOW, 50),
    ),
    Scenario(
        "silent-peers",
        "100 connections never ask for an association, beside one association that sends C-ECHOs.",
        _background(SILENT, 100),
    ),
    Scenario(
        "abort-midway",
        "8 associations at a time abort in the middle of a data set, beside one that sends C-ECHOs.",
        _background(ABORT, 8),
    ),
)

SCENARIOS: Final[Mapping[str, Scenario]] = {row.name: row for row in _ROWS}
