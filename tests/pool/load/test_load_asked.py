"""From what was asked for to a plan: defaults, scenarios, and what cannot go together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from made_up import PEER

from pool.cores import usable_cores
from pool.load.asked import DEFAULT_DURATION, MOST_AT_A_TIME, plan_of
from pool.load.plan import FIXED, FindWork, Plan, Size, Stage, StoreWork
from pool.load.scenarios import SCENARIOS


def plan(*files: Path, **asked: Any) -> Plan:
    return plan_of(asked, files, peer=PEER, address=PEER.resolve())


def test_nothing_asked_for_is_a_closed_loop_of_echoes() -> None:
    made = plan()
    assert (made.mix, made.duration, made.associations, made.is_open) == ({"echo": 1.0}, DEFAULT_DURATION, 1, False)


def test_files_and_what_is_stored_make_a_store() -> None:
    assert plan(Path("a.dcm")).store == StoreWork(files=("a.dcm",))
    made = plan(size=Size(FIXED, 1024))
    assert (made.mix, made.store) == ({"store": 1.0}, StoreWork(size=Size(FIXED, 1024)))


def test_keys_make_a_find() -> None:
    made = plan(keys=(("PatientID", "X*"),), level="STUDY")
    assert (made.mix, made.find) == ({"find": 1.0}, FindWork(keys=(("PatientID", "X*"),)))


def test_a_mix_says_what_for_itself() -> None:
    made = plan(Path("a.dcm"), mix={"echo": 1.0, "store": 3.0, "find": 1.0})
    assert made.mix == {"echo": 1.0, "store": 3.0, "find": 1.0}
    assert made.find == FindWork()


def test_a_rate_is_an_open_loop() -> None:
    made = plan(rate=50.0, ramp=2.0, duration=5.0)
    assert made.stages == (Stage(2.0, 0.0, 50.0), Stage(3.0, 50.0, 50.0))
    assert made.associations == MOST_AT_A_TIME
    assert plan(rate=50.0).seconds == DEFAULT_DURATION


def test_processes_are_as_many_as_are_of_use() -> None:
    assert plan().processes == 1
    assert plan(associations=1000).processes == usable_cores()
    assert plan(associations=3, processes=8).processes == 3


def test_a_count_ends_a_run_without_a_duration() -> None:
    assert (plan(count=5).count, plan(count=5).duration) == (5, None)
    assert plan(count=5, duration=3.0).duration == 3.0


def test_seeds_are_new_unless_given() -> None:
    assert plan(seed=4).seed == 4
    assert plan().seed != plan().seed


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_scenario_is_a_plan(name: str) -> None:
    made = plan(scenario=name)
    assert made.scenario == name
    assert made.seconds or made.count


def test_what_is_asked_for_stands_before_a_scenario() -> None:
    made = plan(scenario="one-per-image", associations=3, size=Size(FIXED, 1024), duration=2.0)
    assert (made.associations, made.duration, made.messages_per_association) == (3, 2.0, 1)
    assert made.store and made.store.size == Size(FIXED, 1024)


@pytest.mark.parametrize(
    ("files", "asked", "says"),
    [
        ([Path("a.dcm")], {"size": Size(FIXED, 1)}, "either files, or"),
        ([Path("a.dcm")], {"mix": {"echo": 1.0}}, "no store in it"),
        ([], {"mix": {"echo": 1.0}, "keys": (("PatientID", ""),)}, "no find in it"),
        ([], {"stages": (Stage(1, 1, 1),), "rate": 5.0}, "leave --rate"),
        ([], {"stages": (Stage(1, 1, 1),), "duration": 5.0}, "leave --rate, --ramp and --duration out"),
        ([], {"ramp": 5.0}, "give one"),
        ([], {"rate": 5.0, "ramp": 20.0, "duration": 10.0}, "longer than"),
        ([], {"rate": 5.0, "count": 10}, "leave --count out"),
        ([], {"unit": "associations"}, "give --rate or --stages"),
        ([], {"rate": 5.0, "think_time": 1.0}, "of a closed loop"),
        ([], {"stages": (Stage(1, 1, 1),), "think_time": 1.0}, "of a closed loop"),
        ([], {"scenario": "churn", "size": Size(FIXED, 1)}, "no store in it: add it to --mix"),
        *(
            ([], {"patient_id_prefix": prefix}, "patient id")
            for prefix in ("X" * 49, "", "A B", "A*", "A?", "A\\B", "é")
        ),
    ],
)
def test_what_cannot_go_together_is_refused(files: list[Path], asked: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        plan(*files, **asked)
