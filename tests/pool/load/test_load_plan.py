"""Plans: what makes no sense is refused, and what does travels unchanged."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pool.load.plan import Background, FindWork, Plan, Size, Stage, StoreWork, TLSWork
from pool.load.scenarios import SCENARIOS
from pool.scu import Peer

PEER = Peer("ULPOOL", "127.0.0.1", 11112)
PLAN = Plan(peer=PEER, address=PEER.resolve(), count=1)


@pytest.mark.parametrize(
    "plan",
    [
        PLAN,
        replace(
            PLAN,
            count=None,
            stages=(Stage(1, 2, 3), Stage(4.5, 0, 1)),
            unit="associations",
            mix={"store": 1, "find": 0.5},
            store=StoreWork(files=("/a", "/b"), size=Size("uniform", 1, 2)),
            find=FindWork(keys=(("PatientID", "A*"),)),
            background=Background("slow", 3),
            tls=TLSWork("/x", insecure=True),
            dimse_timeout=None,
            verify=True,
        ),
    ],
)
def test_a_plan_travels_as_one_line(plan: Plan) -> None:
    text = plan.to_json()
    assert "\n" not in text
    assert Plan.from_json(text) == plan


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mix": {}}, "mix"),
        ({"mix": {"move": 1}}, "mix"),
        ({"mix": {"echo": 0}}, "weights"),
        ({"mix": {"store": 1}}, "stored"),
        ({"mix": {"find": 1}}, "found"),
        ({"unit": "images"}, "unit"),
        ({"count": None}, "duration, a count"),
        ({"count": 0}, "count"),
        ({"duration": 0.0}, "duration"),
        ({"stages": (Stage(1, 1, 1),)}, "stages end by themselves"),
        ({"count": None, "stages": (Stage(0, 1, 1),)}, "seconds are above 0"),
        ({"count": None, "stages": (Stage(1, -1, 1),)}, "not negative"),
        ({"count": None, "stages": (Stage(1, 0, 0),)}, "a rate above 0"),
        ({"associations": 0}, "associations"),
        ({"messages_per_association": -1}, "messages per association"),
        ({"think_time": -0.1}, "think time"),
        ({"processes": 0}, "processes"),
        ({"seed": 10**15}, "seed"),
        ({"contexts": 129}, "contexts"),
        ({"background": Background("loud", 1)}, "background"),
        ({"store": StoreWork(size=Size("normal", 1))}, "size"),
        ({"store": StoreWork(size=Size("uniform", 2, 2))}, "upper bound"),
        ({"store": StoreWork(transfer_syntaxes=("1.2.840.10008.1.2.4.50",))}, "give files"),
        ({"store": StoreWork(images_per_series=0)}, "images per series"),
        ({"patient_id_prefix": "X" * 70}, "patient id"),
    ],
)
def test_nonsense_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(PLAN, **changes)


def test_every_scenario_makes_a_plan() -> None:
    for name, scenario in SCENARIOS.items():
        plan = replace(PLAN, scenario=name, **scenario.plan)
        assert scenario.name == plan.scenario and scenario.help.endswith(".")
        assert Plan.from_json(plan.to_json()) == plan
