"""The benchmark: in its smallest form it runs, and what it says of a run that never was is right in every form."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Container, Iterator
from pathlib import Path
from typing import Any

import pytest
from benchmark import instances, page, report, results
from benchmark.load import Loaded, plan
from benchmark.measures import METRICS, NEVER, Measurement, Workload, lost
from benchmark.peers import PEERS, Server
from benchmark.results import Result, Results
from benchmark.workloads import TARGETS, WORKLOADS
from browser import PHONE, opened, rendered
from looks import assert_fits_and_is_seen
from pydicom import dcmread

from pool.load.figures import Latencies
from pool.load.tally import Run, Tally, histogram

BENCH = Path(__file__).parent.parent / "scripts" / "bench.py"
DEADLINE = 120.0  # seconds: only ever reached by a test that fails
ROWS = ("echo", "store-1k", "associate-3")


def bench(folder: Path, peers: Container[str], *more: str, status: int = 0) -> subprocess.CompletedProcess[str]:
    """Run it on these peers for a moment."""
    others = [peer.name for peer in PEERS if peer.name not in peers]
    files = ("--html", str(folder / "bench.html"), "--json", str(folder / "bench.json"))
    command = [sys.executable, str(BENCH), "--quick", "--seconds", "0.3", "--count", "100", "--without", *others]
    done = subprocess.run([*command, *files, *more], capture_output=True, text=True, timeout=DEADLINE, check=False)
    assert done.returncode == status, done.stderr
    assert str(folder / "bench.html") in done.stderr.splitlines()[-1]
    return done


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A run of ulpool alone: where its files are, and what it printed."""
    folder = tmp_path_factory.mktemp("bench")
    return folder, bench(folder, ["ulpool"], "--markdown", "--only", *ROWS).stdout


def test_it_measures_every_row_that_it_was_asked_for(ran: tuple[Path, str]) -> None:
    told = json.loads((ran[0] / "bench.json").read_text())
    measured = {(row["workload"], row["peer"]): row for row in told["rows"]}
    assert measured.keys() == {(name, "ulpool") for name in ROWS}
    for row in measured.values():
        assert row["failures"] == {}
        assert min(row["values"][name] for name in ("rate", "p50", "p95", "p99", "cpu")) > 0
        assert Latencies.decoded(row["histogram"]).count > 0


def test_what_it_prints_is_markdown(ran: tuple[Path, str]) -> None:
    lines = [line for line in ran[1].splitlines() if line.startswith("|")]
    assert "|  | ulpool |" in lines
    titles = {row.title for row in WORKLOADS if row.name in ROWS}
    assert all(any(line.startswith(f"| {title}: ") for line in lines) for title in titles)


def test_its_page_renders(ran: tuple[Path, str]) -> None:
    shown, console = rendered(ran[0] / "bench.html")
    assert console == []
    assert shown.figures.keys() == {f"latencies {name}" for name in ROWS}
    assert all(figure["data-series"] == "ulpool" for figure in shown.figures.values())


def test_a_server_that_does_not_start_is_a_failure_of_its_row_and_ends_nothing(tmp_path: Path) -> None:
    told = bench(tmp_path, ["ulpool", "ulpool-1"], "--only", "echo", "--workers", "0", status=1).stdout
    assert "echo: ulpool: 1 x ulpool did not start" in told
    shown = {row["peer"]: row for row in json.loads((tmp_path / "bench.json").read_text())["rows"]}
    assert shown["ulpool"]["values"] == {} and shown["ulpool-1"]["values"]["rate"] > 0


# What is measured


def test_what_was_acknowledged_and_is_not_in_the_store_is_a_failure(tmp_path: Path) -> None:
    server = Server(pid=0, port=104, store=tmp_path / "store")
    made = plan(server, row_of("store-1k").work, count=3)
    written = instances.write(server.store, made, 3)
    assert lost(server, made, written) == {}
    gone, changed, _ = sorted(server.store.iterdir())
    gone.unlink()
    changed.write_bytes(changed.read_bytes()[:-1] + b"!")
    assert lost(server, made, written) == {"acknowledged, not stored": 1, "acknowledged, stored with other bytes": 1}


def test_a_large_instance_is_a_hole_behind_its_head(tmp_path: Path) -> None:
    server = Server(pid=0, port=104, store=tmp_path)
    path, size = tmp_path / "large.dcm", 1 << 26
    instances.write_large(path, plan(server, row_of("store-1k").work, count=1), size)
    assert path.stat().st_blocks * 512 < size // 100
    read = dcmread(path, defer_size="1 MB")
    assert len(read.PixelData) == size == read.Rows * read.Columns * 2


@pytest.mark.parametrize(("shares", "server_cpu", "limited"), [((0.9, 0.1), 0.5, True), ((0.1, 0.1), 0.3, False)])
def test_a_generator_that_was_the_limit_is_told(shares: tuple[float, ...], server_cpu: float, limited: bool) -> None:
    run = Run(1.0, Tally(), Tally(), cpu_seconds=sum(shares), cpu_shares=shares)
    assert Loaded(run, server_cpu).generator_limited is limited


def test_nothing_that_failed_is_left_out() -> None:
    tally = Tally()
    tally.causes.update({("closed",): 2, ("status", "store", 0xB000): 1})
    tally.counts.update(unfinished=3)
    run = Run(1.0, tally, Tally(), 0.0, (0.0,), stopped="the peer is gone")
    assert sorted(Loaded(run, 0.0).failures.values()) == [1, 2, 3]  # and a warning is none


# A run that never was

HOSTILE = "</script><script>document.title='had'</script><b>"


def made_up() -> Results:
    """Every row at every peer: ours are in the middle, one peer never answers, one fails."""
    return {(row.name, peer): Result(row, peer, list(_rounds(peer))) for row in WORKLOADS for peer in row.peers}


def _rounds(peer: str) -> Iterator[Measurement]:
    factor = {"pynetdicom": 0.1, "dcmtk": 2.0, "dcmtk-fork": 0.5}.get(peer, 1.0)
    for noise in (1.0, 100.0, 1.1):
        latencies = histogram()
        for microseconds in (1000, 2000, 5000):
            latencies.record_value(microseconds, 100)
        values = dict.fromkeys(METRICS, factor * noise) | ({"worst": NEVER} if peer == "orthanc" else {})
        yield Measurement(values, Counter({HOSTILE: 1} if peer == "dcmtk" else {}), peer == "ulpool-1", latencies)


def row_of(name: str) -> Workload:
    (row,) = (row for row in WORKLOADS if row.name == name)
    return row


def cells(lines: list[list[str]], beginning: str) -> dict[str, str]:
    """A line of a table, by its heads."""
    (line,) = (line for line in lines if line[0].startswith(beginning))
    return dict(zip(lines[0], line, strict=True))


def test_a_value_is_the_median_of_its_rounds() -> None:
    shown = cells(report.table(row_of("echo"), made_up()), "ulpool-1 *")
    assert shown["per s"] == "1" and shown["p50 ms"] == "1.10"
    assert cells(report.table(row_of("silent-500"), made_up()), "orthanc")["worst of 20 ms"] == "never"


def test_where_a_peer_is_ahead_it_is_said() -> None:
    found = {
        (one.workload.name, one.name, one.peer): one.advantage for one in results.comparisons(WORKLOADS, made_up())
    }
    assert found["echo", "rate", "dcmtk"] == pytest.approx(0.5)
    assert found["echo", "cpu", "dcmtk"] == pytest.approx(2.0)
    assert found["echo", "rate", "pynetdicom"] == pytest.approx(10.0)
    assert found["silent-500", "worst", "orthanc"] == NEVER  # it never answered
    assert not any(peer.startswith("ul") for _, _, peer in found)


def test_targets_are_held_against_what_was_measured() -> None:
    lines = {line[0]: line[1:] for line in report.targets(made_up())}
    assert lines["echo: CPU us each of ulpool, ratio to dcmtk"] == ["0.5 x", "2 x", report.MET, "1 x", report.MET]
    assert lines["echo: CPU us each of ulpool, ratio to pynetdicom"] == ["10 x", "0.025 x", report.MISSED, "", ""]


def test_every_target_is_of_a_row_and_a_metric_that_there_is() -> None:
    rows = {row.name: row for row in WORKLOADS}
    for target in TARGETS:
        row = rows[target.workload]
        assert target.metric in row.columns
        assert {target.ours, *([target.peer] if target.peer else [])} <= set(row.peers)


def test_what_never_came_is_null_in_json() -> None:
    told = json.loads(json.dumps(results.as_data("here", made_up()), allow_nan=False))
    (row,) = (row for row in told["rows"] if (row["workload"], row["peer"]) == ("silent-500", "orthanc"))
    assert row["values"]["worst"] is None


@pytest.mark.parametrize("is_phone", [False, True], ids=["desktop", "phone"])
@pytest.mark.parametrize("is_dark", [False, True], ids=["light", "dark"])
def test_the_page_of_every_row_and_peer_renders(is_dark: bool, is_phone: bool, tmp_path: Path) -> None:
    path = tmp_path / "bench.html"
    path.write_text(page.page("here", WORKLOADS, made_up()), encoding="utf-8")
    with opened(path, width=PHONE if is_phone else 1280, is_dark=is_dark) as tab:
        assert_fits_and_is_seen(tab, is_dark=is_dark, is_phone=is_phone)
        shown, console = tab.page(), tab.console
    assert console == []
    data = page.page_data(WORKLOADS, made_up())
    drawn = {name: int(figure["data-points"]) for name, figure in shown.figures.items()}
    assert drawn == expected_points(data)
    assert all(drawn.values())
    assert sum(tag == "script" for tag, _ in shown.tags) == 2
    assert HOSTILE in shown.text  # and did nothing
    for row in WORKLOADS:
        assert row.title in shown.text


def expected_points(data: dict[str, Any]) -> dict[str, int]:
    return {
        f"{kind} {name}": sum(map(len, rows.values()))
        for kind in ("associations", "latencies")
        for name, rows in data[kind].items()
    }
