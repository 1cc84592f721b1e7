"""The page in a real browser: it renders, nothing goes wrong, every plot has its data, nothing is injected."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from browser import PHONE, opened, rendered
from looks import assert_fits_and_is_seen
from made_up import OPEN_PLAN, PLAN, run, second_of_work, tally

from pool.load.html import page, page_data
from pool.load.plotted import MOST_POINTS
from pool.load.result import Result, verification_to_plain
from pool.load.verify import Verification

PLOTS = {"throughput", "errors", "over-time", "by-percentile"}


def written(folder: Path, result: Result) -> Path:
    path = folder / "report.html"
    path.write_text(page(result), encoding="utf-8")
    return path


def points(values: Any) -> int:
    return sum(value is not None for series in values.values() for value in series)


@pytest.mark.parametrize(("plan", "width"), [(PLAN, 1280), (OPEN_PLAN, PHONE)], ids=["closed", "open, on a phone"])
def test_every_plot_has_its_data(plan: Any, width: int, tmp_path: Path) -> None:
    work = [second_of_work(spread) for spread in (1.0, 2.0, 1.5)]
    result = run(work, ["store.p99>1ms"], plan)
    shown, console = rendered(written(tmp_path, result), width=width)
    assert console == []
    data = page_data(result)
    assert shown.figures.keys() == PLOTS
    drawn = {name: int(figure["data-points"]) for name, figure in shown.figures.items()}
    assert drawn == {
        "throughput": points(data["throughput"]),
        "errors": points(data["errors"]),
        "over-time": points(data["latency"]["store"]),
        "by-percentile": sum(len(curve) for curve in data["curves"]["store"].values()),
    }
    assert all(drawn.values())
    series = sum(len(figure["data-series"].split(",")) for figure in shown.figures.values())
    assert shown.paths >= series


@pytest.mark.parametrize("tallies", [[], [tally({"echo": [0.001]}, messages_sent=1, messages_ok=1)]])
def test_a_run_of_almost_nothing_is_a_page_too(tallies: list[Any], tmp_path: Path) -> None:
    shown, console = rendered(written(tmp_path, run(tallies)))
    assert console == []
    assert shown.figures.keys() == PLOTS
    assert "NaN" not in shown.text and "undefined" not in shown.text


def test_what_goes_wrong_in_a_page_is_seen_here(tmp_path: Path) -> None:
    path = written(tmp_path, run([second_of_work()]))
    path.write_text(path.read_text().replace("JSON.parse(", "JSON.pars("))
    _, console = rendered(path)  # its policy does not even let it run
    assert console


POINT = """
for (const svg of document.querySelectorAll("figure svg")) {
  const { left, top, width } = svg.getBoundingClientRect();
  svg.dispatchEvent(new PointerEvent("pointermove", { clientX: left + width, clientY: top + 20 }));
}"""


def test_pointing_at_a_plot_shows_its_values(tmp_path: Path) -> None:
    with opened(written(tmp_path, run([second_of_work()] * 3))) as tab:
        tab.evaluate(POINT)
        shown = tab.page()
        assert tab.console == []
    tips = [attributes for tag, attributes in shown.tags if attributes.get("class") == "tip"]
    assert len(tips) == len(PLOTS) and not any("hidden" in attributes for attributes in tips)
    assert re.search(r"p99  [\d.]+ ms", shown.text) and re.search(r"store  [\d.]+", shown.text)


@pytest.mark.parametrize("is_phone", [False, True], ids=["desktop", "phone"])
@pytest.mark.parametrize("is_dark", [False, True], ids=["light", "dark"])
def test_it_fits_and_is_seen(is_dark: bool, is_phone: bool, tmp_path: Path) -> None:
    """With notices of every kind, values that are pointed at, and words that are longer than a phone is wide."""
    missing = verification_to_plain("find", Verification(2, 1, ("1.2.3",)))
    long = tally({"echo": [0.001]}, causes={("fault", "long" * 50): 1})
    result = run([second_of_work()] * 3 + [long], ["store.p99>1ms"], OPEN_PLAN, cpu_shares=[0.99], verification=missing)
    result.peer, result.command = "PEER" * 50, ["ulpool", "load", "word" * 50]
    with opened(written(tmp_path, result), width=PHONE if is_phone else 1280, is_dark=is_dark) as tab:
        tab.evaluate(POINT)
        assert_fits_and_is_seen(tab, is_dark=is_dark, is_phone=is_phone)


HOSTILE = "</script><script>document.title='had'</script><img src=x onerror=\"document.title='had'\">&amp;'\"<b>"


def test_nothing_that_came_from_elsewhere_becomes_markup(tmp_path: Path) -> None:
    hostile = tally(causes={("fault", HOSTILE): 1, ("connect", HOSTILE): 2}, associations_failed=3)
    result = run([second_of_work(), hostile], stopped=HOSTILE)
    result.command = ["ulpool", "load", HOSTILE]
    result.peer = HOSTILE
    result.plan = {**result.plan, "scenario": HOSTILE, HOSTILE: HOSTILE}
    result.versions = {HOSTILE: HOSTILE}
    result.intervals[0]["failures"][HOSTILE] = 1  # type: ignore[index]
    shown, console = rendered(written(tmp_path, result))
    assert console == []
    assert [attributes for tag, attributes in shown.tags if tag in ("img", "b")] == []
    assert sum(tag == "script" for tag, _ in shown.tags) == 2
    assert HOSTILE in shown.text


def test_a_name_that_is_not_utf_8_is_no_end_of_a_page() -> None:
    result = run([second_of_work()])
    result.command = ["ulpool", "load", "image\udcff.dcm"]  # as the interpreter hands it on (PEP 383)
    assert "image?.dcm" in page(result).encode().decode()


def test_nothing_is_loaded_from_elsewhere() -> None:
    document = page(run([second_of_work()]))
    assert not re.search(r"""(?:src|href)\s*=|url\(|@import|https?://(?!www\.w3\.org/2000/svg)""", document)
    assert "default-src 'none'" in document


def test_the_data_cannot_end_its_element() -> None:
    result = run([second_of_work()])
    result.intervals[0]["failures"]["</script>"] = 1  # type: ignore[index]
    document = page(result)
    data = re.search(r'id="data">(.*?)</script>', document, re.DOTALL)
    assert data and "</script>" in json.loads(data[1])["errors"]


def test_a_long_run_is_thinned_to_its_worst() -> None:
    result = run([tally({"echo": [0.001]}), tally({"echo": [0.5, 0.5]})])
    calm, busy = result.intervals
    moments = [busy if second == 1001 else calm for second in range(2 * MOST_POINTS)]
    result.intervals = [{**of, "start": second, "end": second + 1} for second, of in enumerate(moments)]
    data = page_data(result)
    assert len(data["time"]) == MOST_POINTS
    assert max(data["latency"]["echo"]["p50"]) == pytest.approx(0.5, rel=1e-3)
    assert max(data["throughput"]["echo"]) == 1.5
    assert sum(rate * 2 for rate in data["throughput"]["echo"]) == 2 * MOST_POINTS + 1


def test_a_moment_at_the_end_shows_no_rate_that_is_none() -> None:
    result = run([tally({"echo": [0.001] * 100}), tally({"echo": [0.001]})])
    result.intervals[1]["end"] = 1.01  # type: ignore[index]
    assert page_data(result)["throughput"]["echo"] == [pytest.approx(100, rel=0.01)]
