"""Runs beside each other: like is compared with like, as data, on a terminal, and as a page in a real browser."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from browser import PHONE, opened, rendered
from looks import assert_fits_and_is_seen
from made_up import OPEN_PLAN, PLAN, run, second_of_work, tally

from pool.load import comparison
from pool.load.circumstances import differences
from pool.load.comparison import Row, Run
from pool.load.comparison_page import page, page_data
from pool.load.figures import DUE, SERVICE
from pool.load.result import Result

PLOTS = {"throughput", "errors", "over-time", "by-percentile"}
HOSTILE = "</script><img src=x onerror=alert(1)>"


def runs(*results: Result) -> list[Run]:
    return comparison.runs([Path(f"{number}.json") for number in range(len(results))], results)


def two() -> list[Run]:
    """The second is half as quick, and longer."""
    return runs(run([second_of_work()] * 2, plan=OPEN_PLAN), run([second_of_work(2.0)] * 3, plan=OPEN_PLAN))


def closed_loop() -> Result:
    """It knows of no time at which anything was due."""
    return run([tally({"echo": [0.001] * 10, "find": [0.2]}, messages_ok=11, messages_sent=11)])


def row(compared: Sequence[Run], heading: str) -> Row:
    return next(found for found in comparison.rows(compared) if found.heading == heading)


# What is compared


def test_figures_have_their_ratio_to_the_first_run() -> None:
    found = row(two(), "store p50")
    before, after = found.values
    assert before and after and found.clock == DUE
    assert found.ratios == (1.0, after / before)
    assert found.shown[0].endswith(" ms") and found.shown[1].endswith(f"  {after / before:.2f} x")
    judged = [found.is_better(value) for value in (after, 1.01 * before, 0.5 * before, None)]
    assert judged == [False, None, True, None]
    per_second = row(two(), "store per second")
    assert per_second.values[0] and per_second.is_better(1.5 * per_second.values[0]) is True


def test_some_are_worse_than_none_though_they_have_no_ratio() -> None:
    errors = row(runs(closed_loop(), run([second_of_work()]), closed_loop()), "errors")
    assert errors.values[0] == 0 and errors.ratios[1] is None
    assert [errors.is_better(value) for value in errors.values] == [None, False, None]
    assert 'class="bad"' in page(runs(closed_loop(), run([second_of_work()])))


def test_service_times_are_compared_where_one_run_knows_nothing_else() -> None:
    mixed = runs(run([second_of_work()], plan=OPEN_PLAN), closed_loop())
    found = row(mixed, "echo p50, service time")
    opened_loop = mixed[0].result.figures.service["echo"].metric("p50")
    assert found.clock == SERVICE and found.values[0] == opened_loop
    assert row(mixed, "store p50").values[1] is None  # there is only one that stores
    assert row(mixed, "store p50").shown[1].strip() == "-"
    assert row(mixed, "find p50").ratios == (None, None)  # the first has none


def test_files_of_one_name_are_told_apart_by_their_folders() -> None:
    paths = [Path("before/run.json"), Path("after/run.json")]
    assert [one.name for one in comparison.runs(paths, [closed_loop()] * 2)] == ["before/run.json", "after/run.json"]


def test_what_differs_is_told_part_by_part() -> None:
    before, after = run([second_of_work()]), run([second_of_work()])
    after.command = [*after.command, "--associations", "9"]
    after.plan = {**after.plan, "associations": 9, "think_time": 0.5}
    after.versions = {**after.versions, "pydicom": "9.9"}
    found = {row.name: row.words for row in differences([before, after])}
    assert found.keys() == {"Command", "Associations", "Think time", "Versions, pydicom"}
    assert found["Associations"] == ("8", "9") and found["Think time"] == ("0", "0.5")
    assert found["Versions, pydicom"][1] == "9.9" and found["Command"][1].endswith("--associations 9")
    assert not differences([before, before])


def test_json_has_all_of_it() -> None:
    plain = json.loads(comparison.to_json(two()))
    assert plain["schema"] == comparison.SCHEMA
    assert [one["name"] for one in plain["runs"]] == ["0.json", "1.json"]
    (p99,) = (one for one in plain["figures"] if (one["subject"], one["metric"]) == ("store", "p99"))
    assert p99["ratios"] == [1.0, p99["values"][1] / p99["values"][0]] and p99["clock"] == DUE


# The page


def written(folder: Path, compared: Sequence[Run]) -> Path:
    path = folder / "compare.html"
    path.write_text(page(compared), encoding="utf-8")
    return path


def test_every_plot_has_the_data_of_every_run(tmp_path: Path) -> None:
    shown, console = rendered(written(tmp_path, two()))
    assert console == []
    drawn = {name: int(figure["data-points"]) for name, figure in shown.figures.items()}
    series = page_data(two())["runs"]
    assert drawn == {
        "throughput": sum(len(one["throughput"]["store"]) for one in series),
        "over-time": sum(len(one["latency"]["store"]) for one in series),
        "by-percentile": sum(len(one["curves"]["store"]) for one in series),
        "errors": sum(len(one["errors"]) for one in series),
    }
    assert all(figure["data-series"] == "0.json,1.json" for figure in shown.figures.values())
    assert drawn["throughput"] == 5 and drawn["by-percentile"] > 20
    for words in ("store p99.9", "The runs", "What differs", "open loop of messages · 8 associations"):
        assert words in shown.text


def test_another_phase_is_plotted_when_it_is_chosen(tmp_path: Path) -> None:
    with opened(written(tmp_path, runs(run([second_of_work()]), closed_loop()))) as tab:
        assert tab.page().figures["by-percentile"]["data-series"] == "0.json"  # of storing, which only one does
        tab.evaluate("[...document.querySelectorAll('nav button')].find((b) => b.textContent === 'echo').click()")
        assert tab.page().figures["by-percentile"]["data-series"] == "0.json,1.json"
        assert tab.console == []


@pytest.mark.parametrize("is_phone", [False, True], ids=["desktop", "phone"])
@pytest.mark.parametrize("is_dark", [False, True], ids=["light", "dark"])
def test_it_fits_and_is_seen(is_dark: bool, is_phone: bool, tmp_path: Path) -> None:
    before, after = run([second_of_work()], plan=PLAN), run([second_of_work(2.0)], stopped="interrupted", plan=PLAN)
    after.command = [*after.command, "--a-word-that-is-longer-than-any-phone-is-wide" * 5]
    path = written(tmp_path, comparison.runs([Path("a" * 80), Path("b.json")], [before, after]))
    with opened(path, width=PHONE if is_phone else 1280, is_dark=is_dark) as tab:
        assert_fits_and_is_seen(tab, is_dark=is_dark, is_phone=is_phone)


@pytest.mark.parametrize("results", [[run([]), run([])], [closed_loop()] * 9])
def test_nothing_and_a_lot_are_pages_too(results: list[Any], tmp_path: Path) -> None:
    shown, console = rendered(written(tmp_path, runs(*results)))
    assert console == []
    assert shown.figures.keys() == PLOTS
    assert "NaN" not in shown.text and "undefined" not in shown.text


def test_nothing_in_a_file_becomes_markup(tmp_path: Path) -> None:
    hostile = run([second_of_work(), tally(causes={("fault", HOSTILE): 1}, associations_failed=1)], stopped=HOSTILE)
    hostile.peer, hostile.began, hostile.command = HOSTILE, HOSTILE, [HOSTILE]
    hostile.plan = {**hostile.plan, "scenario": HOSTILE, HOSTILE: HOSTILE}
    hostile.versions = {HOSTILE: HOSTILE}
    compared = comparison.runs([Path(HOSTILE), Path("b")], [hostile, closed_loop()])
    shown, console = rendered(written(tmp_path, compared))
    assert console == []
    assert not [tag for tag, _ in shown.tags if tag == "img"]
    assert sum(tag == "script" for tag, _ in shown.tags) == 2 and HOSTILE in shown.text
