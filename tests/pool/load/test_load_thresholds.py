"""Thresholds: the grammar, what is measured for them, and what a script is told."""

from __future__ import annotations

import pytest
from made_up import OPEN_PLAN, PLAN, figures, run, tally

from pool.exit_status import ExitStatus
from pool.load.ending import hopeless, may_pass, status_of
from pool.load.reading import Misread
from pool.load.tally import PHASES
from pool.load.thresholds import COUNTS, METRICS, threshold, unmeasurable

MILLISECONDS = [n / 1000 for n in range(1, 101)]  # 1 ms to 100 ms


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("metric", ["p50", "p99.9", *METRICS])
def test_every_phase_and_metric_can_be_judged(phase: str, metric: str) -> None:
    unit = {"rate": "/s", "count": ""}.get(metric, "ms")
    row = threshold(f"{phase}.{metric}>1{unit}")
    assert (row.phase, row.metric) == (phase, metric)


@pytest.mark.parametrize("name", COUNTS)
def test_every_count_can_be_judged_as_a_number_and_as_a_share(name: str) -> None:
    assert threshold(f"{name}>3").limit == 3
    assert threshold(f"{name} >= 0.5 %").limit == pytest.approx(0.005)


@pytest.mark.parametrize(
    ("text", "value", "crossed"),
    [
        ("store.p50>51ms", 0.050, False),
        ("store.p50>=50ms", 0.050, True),
        ("store.p99>98000us", 0.099, True),
        ("store.max<1s", 0.100, True),
        ("store.min<1ms", 0.001, False),
        ("store.mean>0.06s", 0.0505, False),
        ("store.rate<10.5", 10.0, True),
        ("store.rate<10/s", 10.0, False),
        ("store.count<=100", 100, True),
        ("echo.count<1", 0, True),
    ],
)
def test_phases_are_judged(text: str, value: float, crossed: bool) -> None:
    verdict = threshold(text).judge(figures(10.0, service={"store": MILLISECONDS}))
    assert verdict.value == pytest.approx(value, rel=2e-3)
    assert verdict.crossed is crossed


CAUSES = {
    ("reject", 1, 1, 7): 2,
    ("abort", 2, 0): 1,
    ("timeout", "store"): 4,
    ("closed",): 1,
    ("connect", "Connection refused"): 1,
    ("status", "store", 0xA700): 3,
    ("status", "store", 0xB000): 50,  # a warning: no failure
}
COUNTED = {
    "messages_sent": 96,
    "messages_failed": 7,
    "associations_started": 20,
    "associations_failed": 4,
    "starts_due": 200,
    "starts_late": 10,
    "starts_dropped": 5,
}


@pytest.mark.parametrize(
    ("name", "number", "base"),
    [
        ("errors", 11, 100),
        ("rejected", 2, 20),
        ("aborted", 1, 20),
        ("lost", 2, 20),
        ("timeouts", 4, 100),
        ("late", 10, 200),
        ("dropped", 5, 200),
    ],
)
def test_counts_are_judged(name: str, number: int, base: int) -> None:
    measured = figures(causes=CAUSES, **COUNTED)
    assert threshold(f"{name}>0").judge(measured).value == number
    assert threshold(f"{name}>0%").judge(measured).value == pytest.approx(number / base)


def test_latency_counts_from_when_it_was_due_unless_the_service_time_is_asked_for() -> None:
    measured = figures(service={"store": [0.01] * 10}, corrected={"store": [0.5] * 10})
    assert threshold("store.p99>1ms").judge(measured).value == pytest.approx(0.5, rel=1e-3)
    assert threshold("store.service.p99>1ms").judge(measured).value == pytest.approx(0.01, rel=1e-3)


@pytest.mark.parametrize(
    ("text", "column", "advice"),
    [
        ("", 0, "a phase or count is missing"),
        ("stor.p99>250ms", 0, "did you mean store?"),
        ("store>250ms", 5, "such as store.p99"),
        ("store.p99", 9, "and a limit"),
        ("store.p0>1ms", 6, "above 0 and below 100"),
        ("store.p100>1ms", 6, "say max"),
        ("store.pp>1ms", 7, "a percentile"),
        ("store.man>1ms", 6, "did you mean"),
        ("store.service.count>1", 14, "no metric"),
        ("store.p99=250ms", 9, "and a limit"),
        ("store.p99>ms", 10, "give a number"),
        ("store.p99>250", 13, "give a unit: us, ms or s"),
        ("store.p99>250m", 13, "'m' is no unit"),
        ("store.p99>250ms!", 15, "nothing may follow"),
        ("errors>0.1ms", 10, "nothing may follow"),
        ("store.count>5%", 13, "nothing may follow"),
    ],
)
def test_what_makes_no_sense_is_marked(text: str, column: int, advice: str) -> None:
    with pytest.raises(Misread) as caught:
        threshold(text)
    assert advice in str(caught.value)
    assert caught.value.column == column


def test_what_was_never_measured_did_not_hold() -> None:
    verdict = threshold("store.p99>250ms").judge(figures())
    assert (verdict.value, verdict.crossed, verdict.is_failure) == (None, False, True)


def test_a_phase_that_is_not_in_the_load_is_found_before_it() -> None:
    assert unmeasurable([threshold("echo.p99>1s"), threshold("store.p99>1s")], PLAN) == threshold("store.p99>1s")
    assert unmeasurable([threshold("tls.p99>1s")], OPEN_PLAN) == threshold("tls.p99>1s")
    assert unmeasurable([threshold("connect.max>1s"), threshold("errors>0")], PLAN) is None
    assert unmeasurable([threshold("late>0")], PLAN) == threshold("late>0")  # nothing is ever due in a closed loop
    assert unmeasurable([threshold("late>0"), threshold("dropped>1%")], OPEN_PLAN) is None


# What a run means to a script


WORKED = {"messages_sent": 5, "messages_ok": 5, "associations_started": 1, "associations_accepted": 1}


@pytest.mark.parametrize(
    ("tallied", "status"),
    [
        ({**WORKED}, ExitStatus.OK),
        ({**WORKED, "messages_failed": 1, "causes": {("timeout", "echo"): 1}}, ExitStatus.OK),
        ({"associations_failed": 3, "causes": {("connect", "Connection refused"): 3}}, ExitStatus.UNREACHABLE),
        ({"associations_failed": 3, "causes": {("reject", 1, 1, 7): 3}}, ExitStatus.REJECTED),
        ({"causes": {("no-context", "1.2.840"): 1}, "associations_released": 1}, ExitStatus.REJECTED),
        ({"associations_failed": 1, "causes": {("timeout", "associate"): 1}}, ExitStatus.FAILED),
        ({}, ExitStatus.FAILED),
    ],
)
def test_the_exit_status_says_what_came_of_it(tallied: dict[str, object], status: ExitStatus) -> None:
    assert status_of(run([tally(**tallied)])) == status  # type: ignore[arg-type]


def test_a_crossed_threshold_has_a_status_of_its_own() -> None:
    work = tally({"echo": MILLISECONDS}, **WORKED)
    assert status_of(run([work], ["echo.p99>1ms"])) == ExitStatus.THRESHOLD_CROSSED == 99
    assert status_of(run([work], ["echo.p99>1s"])) == ExitStatus.OK


def test_a_server_that_is_full_is_worth_trying_again() -> None:
    full = figures(associations_failed=1, causes={("reject", 2, 3, 2): 1})
    unknown = figures(associations_failed=1, causes={("reject", 1, 1, 7): 1})
    assert hopeless(full) and may_pass(full)
    assert hopeless(unknown) and not may_pass(unknown)
