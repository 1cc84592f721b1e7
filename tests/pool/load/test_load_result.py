"""A result as data, and as what other programs read: nothing is lost on the way, and what is broken is told."""

from __future__ import annotations

import base64
import csv
import io
import json
import random
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from hdrh.histogram import HdrHistogram
from made_up import OPEN_PLAN, PLAN, figures, run, second_of_work, tally

from pool import showing
from pool.cli.tables import console
from pool.load import comparison, exports, summary
from pool.load.causes import in_words
from pool.load.figures import SUMMARY_METRICS, Latencies
from pool.load.permission import AllowListError, allow_lists, is_permitted
from pool.load.result import SCHEMA, Result
from pool.load.tally import PHASES

# JSON


def test_a_result_survives_its_file() -> None:
    result = run([second_of_work()] * 3, ["store.p99>1ms", "errors>50%"], OPEN_PLAN, stopped="interrupted")
    text = result.to_json()
    again = Result.from_json(text)
    assert again.to_json() == text
    assert again.figures.causes == result.figures.causes
    assert again.crossed and again.warnings == result.warnings


def test_the_file_can_be_read_by_name() -> None:
    plain = json.loads(run([second_of_work()] * 2, ["store.p99>1ms"], OPEN_PLAN).to_json())
    assert plain["schema"] == SCHEMA
    assert plain["figures"]["phases"]["store"]["corrected"]["p99"] == pytest.approx(0.0615, rel=0.02)
    assert plain["figures"]["phases"]["store"]["service"]["count"] == 200
    assert plain["figures"]["counts"]["errors"] == 4
    assert plain["thresholds"][0]["crossed"] is True
    assert plain["plan"]["stages"] == [{"seconds": 10.0, "rate_from": 100.0, "rate_to": 100.0}]
    assert plain["seed"] == 7 and plain["versions"]["ulpool"] and plain["host"]["cores"] >= 1
    assert [moment["end"] for moment in plain["intervals"]] == [1.0, 2.0]


def test_histograms_from_files_can_be_added_up() -> None:
    one, two = (Result.from_json(run([second_of_work(spread)]).to_json()) for spread in (1.0, 3.0))
    together = HdrHistogram(1, 3_600_000_000, 3)
    for result in (one, two):
        together.decode_and_add(result.figures.service["store"].encoded())
    assert Latencies(together).count == 200
    assert Latencies(together).maximum == two.figures.service["store"].maximum


def spoilt_histogram(plain: Any, by: HdrHistogram | bytes) -> str:
    """A file with one that costs far more memory than the file has bytes."""
    if isinstance(by, bytes):
        deflated = zlib.compress(by)
        encoded = base64.b64encode(struct.pack(">II", 0x1C849314, len(deflated)) + deflated)
    else:
        encoded = by.encode()
    plain["figures"]["phases"]["store"]["service"]["histogram"] = encoded.decode()
    return json.dumps(plain)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda plain: "{", "not JSON"),
        (lambda plain: "[]", "not the result of ulpool load"),
        (lambda plain: json.dumps({**plain, "schema": "other/1"}), "its schema is 'other/1'"),
        (lambda plain: json.dumps({key: plain[key] for key in plain if key != "seed"}), "'seed' is missing"),
        (lambda plain: json.dumps({**plain, "figures": 5}), "not of the kinds"),
        (lambda plain: "[" * 100_000, "not JSON"),
        (lambda plain: json.dumps({**plain, "cpu_seconds": float("nan")}), "NaN is no number"),
        (lambda plain: json.dumps({**plain, "command": 5}), "'command' is not what ulpool load writes there"),
        (lambda plain: json.dumps({**plain, "seed": True}), "'seed' is not what"),
        (lambda plain: json.dumps({**plain, "plan": {}}), "'plan' is not what"),
        (lambda plain: json.dumps({**plain, "cpu_shares": ["x"]}), "'cpu_shares' is not what"),
        (lambda plain: json.dumps({**plain, "intervals": [{}]}), "'intervals' is not what"),
        (lambda plain: json.dumps(plain).replace('"count": 100', '"count": "many"'), "'intervals' is not what"),
        (lambda plain: json.dumps({**plain, "figures": {**plain["figures"], "counts": {"errors": "x"}}}), "not of the"),
        (lambda plain: json.dumps(plain).replace("HISTF", "XXXXX"), "no HdrHistogram"),
        (lambda plain: json.dumps({**plain, "plan": {**plain["plan"], "associations": "x"}}), "'plan' is not what"),
        (lambda plain: json.dumps({**plain, "plan": {**plain["plan"], "stages": [{"seconds": {}}]}}), "'plan' is not"),
        (lambda plain: json.dumps(plain).replace('"seconds": 1.0', '"seconds": "nan"'), "not of the"),
        (lambda plain: json.dumps(plain).replace('"cpu_seconds": 0.75', '"cpu_seconds": 1e999'), "'cpu_seconds' is"),
        (lambda plain: json.dumps(plain).replace('"min": ', '"least": '), "'intervals' is not what"),
        (lambda plain: json.dumps(plain).replace('"service": ', '"other": '), "'intervals' is not what"),
        (lambda plain: json.dumps({**plain, "intervals": []}).replace('"service": ', '"other": '), "'service' is"),
        (lambda plain: spoilt_histogram(plain, bytes(2 << 20)), "larger than any of ulpool load"),
        (lambda plain: spoilt_histogram(plain, HdrHistogram(1, 1 << 60, 5)), "more buckets than any"),
    ],
)
def test_a_file_that_is_no_result_is_told(spoil: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Result.from_json(spoil(json.loads(run([second_of_work()]).to_json())))


# Latencies


def test_percentiles_are_those_of_the_values() -> None:
    random.seed(3)
    seconds = sorted(random.lognormvariate(-6, 1) for _ in range(5000))
    latencies = figures(service={"echo": seconds}).service["echo"]
    for percentile in (1, 25, 50, 90, 99, 99.9):
        rank = max(round(percentile / 100 * len(seconds)), 1)
        assert latencies.percentile(percentile) == pytest.approx(seconds[rank - 1], rel=2e-3, abs=2e-6), percentile
    assert latencies.metric("min") == pytest.approx(seconds[0], rel=2e-3, abs=2e-6)
    assert latencies.metric("max") == latencies.percentile(100) == pytest.approx(seconds[-1], rel=2e-3)
    assert latencies.metric("mean") == pytest.approx(sum(seconds) / len(seconds), rel=2e-3)


def test_a_curve_rises_as_far_as_there_are_values() -> None:
    curve = list(figures(service={"echo": [n / 1000 for n in range(1, 1001)]}).service["echo"].curve())
    assert curve == sorted(curve)
    assert curve[0][0] == 0
    assert 99.8 < curve[-1][0] <= 99.9
    assert len(curve) > 50


# What is said of a run


def test_it_warns_when_the_generator_was_the_limit() -> None:
    assert not run([second_of_work()]).warnings
    (warning,) = run([second_of_work()], cpu_shares=(0.2, 0.97)).warnings
    assert "the generator was the limit" in warning and "97%" in warning


def test_it_warns_of_starts_that_came_late_or_never() -> None:
    late, dropped = run([tally(starts_due=1000, starts_late=20, starts_dropped=3)]).warnings
    assert late.startswith("20 of 1,000 starts came late")
    assert dropped.startswith("3 of 1,000 starts never came")
    assert not run([tally(starts_due=1000, starts_late=5)]).warnings


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (("connect", "Connection refused"), "not connected: Connection refused"),
        (("reject", 1, 1, 7), "rejected for good: called AE title not recognized (result 1, source 1, reason 7)"),
        (("reject", 2, 3, 2), "rejected for now: local limit exceeded (result 2, source 3, reason 2)"),
        (("reject", 9, 9, 9), "rejected: a reason that the standard reserves (result 9, source 9, reason 9)"),
        (("abort", 2, 1), "aborted by the peer's provider: unrecognized PDU (source 2, reason 1)"),
        (("abort", 0, 0), "aborted by the peer's user (source 0, reason 0)"),
        (("status", "store", 0xA700), "store: status A700H, failure: Refused: out of resources"),
        (("status", "find", 0x1234), "find: status 1234H, unknown"),
        (("closed",), "connection closed by the peer without a word"),
        (("breach", "\x1b[2J"), "the peer broke the protocol: \N{REPLACEMENT CHARACTER}[2J"),
        (("something", "else"), "something else"),
    ],
)
def test_causes_have_the_words_of_the_standard(cause: tuple[Any, ...], words: str) -> None:
    assert in_words(cause) == words


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (showing.latency(None), "-"),
        (showing.latency(0.0000005), "0.500 µs"),
        (showing.latency(0.000059), "59.0 µs"),
        (showing.latency(0.00099996), "1.00 ms"),
        (showing.latency(0.0123), "12.3 ms"),
        (showing.latency(1.5), "1.50 s"),
        (showing.latency(1234.5), "1,234 s"),
        (showing.size(0), "0 B"),
        (showing.size(1536), "1.5 KiB"),
        (showing.size(1 << 50), "1,024 TiB"),
        (showing.share(0, 0), "0 %"),
        (showing.share(1, 3), "33.3 %"),
        (showing.share(1, 10**7), "< 0.001 %"),
        (showing.per_second(0.5), "0.5/s"),
        (showing.per_second(12345.6), "12,346/s"),
        (showing.time(3725), "1 h 2 min"),
        (showing.time(2.24), "2.24 s"),
        (showing.time(61.2), "1 min 1 s"),
        (showing.time(90000), "25 h 0 min"),
    ],
)
def test_numbers_are_short_and_say_their_unit(shown: str, text: str) -> None:
    assert shown == text


def text_of(renderable: Any) -> str:
    out = console()
    with out.capture() as capture:
        out.print(renderable)
    return capture.get()


def test_the_summary_says_all_that_matters() -> None:
    shown = text_of(summary.summary(run([second_of_work()] * 2, ["store.p99>1ms", "errors>50%"], OPEN_PLAN)))
    for part in ("store, service time", "4 errors of 304 (1.32 %)", "A700H", "local limit exceeded", "held", "crossed"):
        assert part in shown, shown


AB = (Path("a"), Path("b"))


def test_results_stand_beside_each_other_with_ratios() -> None:
    slow, fast = run([second_of_work(2.0)]), run([second_of_work(1.0)])
    lines = text_of(summary.comparison(comparison.runs(AB, [slow, fast]), str)).splitlines()
    rows = {line.split("  ")[0]: line for line in lines}
    assert rows["store p50"].endswith(" x")
    before, after = (result.figures.latencies("store") for result in (slow, fast))
    assert before and after
    assert f"{after.metric('p50') / before.metric('p50'):.2f} x" in rows["store p50"]  # type: ignore[operator]
    assert rows["echo per second"].endswith("1.00 x")


# For other programs


def test_the_time_series_has_a_line_per_interval() -> None:
    result = run([second_of_work(), tally(), second_of_work()], plan=OPEN_PLAN)
    rows = list(csv.DictReader(io.StringIO(exports.time_series(result))))
    assert [row["end"] for row in rows] == ["1.0", "2.0", "3.0"]
    assert rows[0]["store.service.count"] == "100" and rows[1]["store.service.count"] == ""
    assert float(rows[2]["store.corrected.p99"]) == pytest.approx(0.0615, rel=0.02)
    assert {f"echo.service.{metric}" for metric in SUMMARY_METRICS} <= rows[0].keys()


def test_distributions_are_in_hdrhistograms_text_form(tmp_path: Path) -> None:
    exports.write_distributions(run([second_of_work()], plan=OPEN_PLAN), tmp_path / "hdr")
    names = {path.name for path in (tmp_path / "hdr").iterdir()}
    assert {"store.service.hgrm", "store.corrected.hgrm", "connect.service.hgrm"} <= names
    assert {name.split(".")[0] for name in names} <= set(PHASES)
    lines = (tmp_path / "hdr" / "store.service.hgrm").read_text().splitlines()
    assert lines[0].split() == ["Value", "Percentile", "TotalCount", "1/(1-Percentile)"]
    assert float(lines[2].split()[0]) == pytest.approx(10, rel=0.01)  # milliseconds


# Whom load may be put on


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
def test_this_machine_may_be_put_under_load(host: str) -> None:
    assert is_permitted(host, [])


@pytest.mark.parametrize("host", ["10.0.0.1", "192.168.1.1", "0.0.0.0", "8.8.8.8", "fe80::1%eth0", "::ffff:10.0.0.1"])
def test_others_may_not(host: str, tmp_path: Path) -> None:
    assert not is_permitted(host, [tmp_path / "absent"])


def test_who_is_in_an_allow_list_may(tmp_path: Path) -> None:
    path = tmp_path / "load-allow"
    path.write_text("# the test archive\n10.1.2.0/24\n\n192.168.7.7  # and its neighbour\n")
    assert is_permitted("10.1.2.200", [tmp_path / "absent", path])
    assert is_permitted("192.168.7.7", [path])
    assert not is_permitted("10.1.3.1", [path])
    path.write_text("pacs.example\n")
    with pytest.raises(AllowListError, match="line 1"):
        is_permitted("10.0.0.1", [path])


def test_the_users_allow_list_comes_before_the_systems() -> None:
    assert allow_lists({"HOME": "/home/me"})[0] == Path("/home/me/.config/ulpool/load-allow")
    assert allow_lists({"XDG_CONFIG_HOME": "/cfg", "HOME": "/home/me"})[0] == Path("/cfg/ulpool/load-allow")


def test_the_plans_of_the_tests_are_of_this_machine() -> None:
    assert is_permitted(PLAN.address.address[0], [])
