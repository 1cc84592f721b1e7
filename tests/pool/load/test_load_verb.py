"""`ulpool load`: against real servers, from words to files and exit statuses; and what it refuses before it sends."""

from __future__ import annotations

import csv
import errno
import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import peers
import pytest
from made_up import run, second_of_work
from peers import DEADLINE
from pynetdicom import AE, evt
from pynetdicom.sop_class import CTImageStorage, Verification  # type: ignore[attr-defined]
from samples import encoded, write_file
from serving import RunningServer, server, ulpool, ulpool_command

from pool.cli import main
from pool.cli.outputs import write_files
from pool.exit_status import ExitStatus
from pool.load.result import Result
from pool.load.scenarios import SCENARIOS
from pool.load.tally import Run, Tally

NOBODY = "NOBODY@192.0.2.1:104"  # an address for documentation (RFC 5737): nothing may ever be sent there


@pytest.fixture(scope="module")
def scp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with server(tmp_path_factory.mktemp("store"), "--workers", 1, "--durability", "none") as running:
        yield running


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A port of this machine where nobody may call."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        yield listening
        with pytest.raises(BlockingIOError):
            listening.accept()


def name(port: int) -> str:
    return f"ULPOOL@127.0.0.1:{port}"


def load(port: int, *words: object) -> subprocess.CompletedProcess[str]:
    """Run it with one process, which is enough for a test."""
    return ulpool("load", name(port), "--processes", 1, *words)


# Against real servers


def test_what_was_done_is_in_every_output(scp: RunningServer, tmp_path: Path) -> None:
    files = {kind: tmp_path / f"run.{kind}" for kind in ("json", "html", "csv", "hdr")}
    outputs = [word for kind, path in files.items() for word in (f"--{kind}", path)]
    ran = load(
        *(scp.port, "--mix", "echo=1,store=1", "--size", "1KiB-8KiB", "--rate", 50, "--duration", "2s", "--seed", 5),
        *("--fail-if", "store.p99<1us", "--fail-if", "errors>0", "--verify", scp.store, *outputs),
    )
    assert (ran.returncode, "held" in ran.stdout) == (ExitStatus.OK, True), ran.stderr
    result = Result.from_json(files["json"].read_text())
    stored, echoed = (result.figures.times(kind) for kind in ("store", "echo"))
    assert stored + echoed == 100 == result.figures.count("messages_ok")
    assert result.verification and result.verification["found"] == stored == len(scp.files())
    assert result.command[:3] == ["ulpool", "load", name(scp.port)] and result.seed == 5
    assert "--seed 5" in files["html"].read_text()
    assert (files["hdr"] / "store.corrected.hgrm").is_file()
    rows = list(csv.DictReader(files["csv"].read_text().splitlines()))
    assert sum(int(row["store.service.count"] or 0) for row in rows) == stored


def test_a_crossed_threshold_is_an_exit_status(scp: RunningServer) -> None:
    ran = load(scp.port, "--count", 20, "--fail-if", "echo.max>1us", "-q")
    assert ran.returncode == ExitStatus.THRESHOLD_CROSSED
    assert ran.stdout == "" and ran.stderr.startswith("ulpool: crossed: echo.max>1us: ")


def test_it_can_stop_at_the_first_interval_that_crosses_one(scp: RunningServer) -> None:
    ran = load(scp.port, "--duration", "1h", "--fail-if", "echo.max>1us", "--abort-on-fail")
    assert ran.returncode == ExitStatus.THRESHOLD_CROSSED
    assert "stopped: crossed echo.max>1us" in ran.stdout


def test_quiet_means_quiet_and_a_dash_is_standard_output(scp: RunningServer) -> None:
    ran = load(scp.port, "--count", 5, "-q", "--json", "-")
    assert (ran.returncode, ran.stderr) == (ExitStatus.OK, "")
    assert json.loads(ran.stdout)["figures"]["counts"]["messages_ok"] == 5


def test_plain_lines_tell_where_there_is_no_terminal(scp: RunningServer) -> None:
    ran = load(scp.port, "--duration", "1500ms", "--associations", 3)
    assert "3 associations" in ran.stderr and "echo " in ran.stderr
    assert "\x1b" not in ran.stderr + ran.stdout


def test_interrupting_it_reports_what_was_done(scp: RunningServer) -> None:
    process = subprocess.Popen(
        ulpool_command("load", name(scp.port), "--duration", "1h", "--processes", 1),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert "echo" in process.stderr.readline()  # it runs
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=DEADLINE)
    assert process.returncode == ExitStatus.FAILED
    assert "stopped: interrupted" in out and "0 errors" in out


def test_files_that_are_no_dicom_are_named_and_left_out(scp: RunningServer, tmp_path: Path) -> None:
    write_file(tmp_path / "image.dcm", encoded("1.2.3", b"pixels"))
    (tmp_path / "notes.txt").write_text("no image")
    ran = load(scp.port, tmp_path, "--count", 4)
    assert ran.returncode == ExitStatus.OK
    assert f"{tmp_path / 'notes.txt'}: " in ran.stderr and "; skipped" in ran.stderr
    assert "0 errors of 4" in ran.stdout


def test_nobody_there(tmp_path: Path) -> None:
    ran = load(peers.free_port(), "--duration", "1h", "-q")
    assert ran.returncode == ExitStatus.UNREACHABLE
    (line,) = ran.stderr.splitlines()
    assert "Connection refused" in line


def test_an_unwanted_title_is_rejected(tmp_path: Path) -> None:
    with server(tmp_path, "--workers", 1, "--require-called-aet", "--aet", "OTHER") as running:
        ran = load(running.port, "--duration", "1h", "-q")
    assert ran.returncode == ExitStatus.REJECTED
    assert "called AE title not recognized (result 1, source 1, reason 7)" in ran.stderr.splitlines()[-1]


def pynetdicom_scp(context: Any, **handlers: Any) -> Any:
    ae = AE("ULPOOL")
    ae.add_supported_context(context)
    bound = [(getattr(evt, event), handler) for event, handler in handlers.items()]
    return ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=bound)


def test_a_peer_that_accepts_nothing_of_it() -> None:
    scp = pynetdicom_scp(CTImageStorage)
    try:
        ran = load(scp.socket.getsockname()[1], "--duration", "1h", "-q")
    finally:
        scp.shutdown()
    assert ran.returncode == ExitStatus.REJECTED
    assert "no presentation context" in ran.stderr.splitlines()[-1]


def test_pynetdicom_under_load_and_its_failures() -> None:
    scp = pynetdicom_scp(Verification, EVT_C_ECHO=lambda event: 0x0122)
    try:
        ran = load(scp.socket.getsockname()[1], "--count", 10, "--associations", 2, "--fail-if", "errors>=100%")
    finally:
        scp.shutdown()
    assert ran.returncode == ExitStatus.THRESHOLD_CROSSED, ran.stderr
    assert "echo: status 0122H" in ran.stdout


def test_dcmtk_under_load(tmp_path: Path) -> None:
    port = peers.free_port()
    with peers.serving([peers.dcmtk("storescp"), "-od", tmp_path, str(port)], port):
        ran = load(port, "--scenario", "one-per-image", "--size", "8KiB", "--associations", 1, "--duration", "1s")
    assert ran.returncode == ExitStatus.OK, ran.stderr
    assert " 0 errors of " in ran.stdout


def test_orthanc_under_load_is_asked_for_what_it_has(tmp_path: Path) -> None:
    port = peers.free_port()
    work = ("--mix", "store=2,find=1", "--size", "8KiB", "--find-key", "PatientID=ULPLOAD*", "--associations", 2)
    with peers.serving(peers.orthanc(tmp_path, port, "ULPOOL"), port):
        ran = load(port, *work, "--count", 30, "--seed", 3, "--verify", "find", "--fail-if", "find.count<1")
    assert ran.returncode == ExitStatus.OK, ran.stdout + ran.stderr
    assert " 0 errors of 30" in ran.stdout and "acknowledged instances are there" in ran.stdout


# Where results go


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every run is over at once."""
    ran = Run(1.0, second_of_work(), Tally(), 0.5, (0.5,))
    monkeypatch.setattr("pool.load.fleet.run", lambda *_: ran)


def test_an_output_that_cannot_be_written_costs_no_other_one(
    done: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outputs = ["--json", "/dev/full", "--csv", str(tmp_path / "ok.csv"), "--html", str(tmp_path / "ok.html")]
    assert main(["load", name(1), *outputs]) == ExitStatus.FAILED
    shown = capsys.readouterr()
    assert "p99" in shown.out and "/dev/full: cannot write it: No space left on device" in shown.err
    assert "</html>" in (tmp_path / "ok.html").read_text() and (tmp_path / "ok.csv").read_text()


def test_the_former_file_stays_until_the_new_one_is_whole(
    done: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = tmp_path / "last.json"
    last.write_text("of the last time")
    last.chmod(0o640)
    (tmp_path / "link.json").symlink_to(last)
    words = ["load", name(1), "-q", "--json", str(tmp_path / "link.json")]

    def full(path: Path, data: bytes) -> None:
        with path.open("wb") as file:
            file.write(data[:100])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", full)
        assert main(words) == ExitStatus.FAILED
    assert last.read_text() == "of the last time"
    assert main(words) == ExitStatus.OK
    assert Result.from_json(last.read_text()).seed is not None
    assert last.stat().st_mode & 0o777 == 0o640 and (tmp_path / "link.json").is_symlink()
    assert {path.name for path in tmp_path.iterdir()} == {"last.json", "link.json"}


def test_an_output_whose_folder_takes_no_new_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "run.json"
    path.write_text("of the last time")

    def refused(path: Path, **_: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(Path, "touch", refused)
    assert write_files({"json": str(path)}, {"json": lambda: "new"}) == []
    assert path.read_text() == "new"


# What is refused before anything is sent


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--fail-if", "stor.p99>250ms"], "--fail-if: 'stor' is no phase or count: did you mean store?\n  stor.p99"),
        (["--stages", "30s:100,1x:5"], "  30s:100,1x:5\n           ^\n"),
        (["--size", "12XB"], "  12XB\n    ^\n"),
        (["--mix", "echo=1,bake=2"], "  echo=1,bake=2\n         ^\n"),
        (["--duration", "soon"], "  soon\n  ^\n"),
        (["--find-key", "Nonsense=1"], "  Nonsense=1\n  ^\n"),
        (["--fail-if", "store.p99>250ms"], "this load has no store in it"),
        (["--rate", "5", "--count", "5"], "leave --count out"),
        (["--scenario", "nonsense"], "'nonsense' is not one of"),
        (["--verify", "find"], "stores nothing"),
        (["--size", "1KiB", "--verify", "/nowhere"], "the folder that the peer stores into"),
        (["--json", "/nowhere/run.json"], "--json: /nowhere/run.json: there is no such folder"),
        (["--html", "/tmp"], "--html: /tmp: cannot be written: Is a directory"),
        (["--csv", ""], "--csv: give the name of a file"),
        (["--hdr", "/proc/hdr"], "--hdr: /proc/hdr: there is no such folder"),
        (["--json", "-", "--csv", "-"], "--csv: -: --json goes there already"),
        (["--associations", "0"], "0 is not in the range x>=1"),
        (["--associations", "many"], "'many' is not a valid whole number"),
        (["--processes", "0"], "0 is not in the range"),
        (["--count", "-1"], "-1 is not in the range"),
        (["--rate", "0"], "--rate: a rate is above 0"),
        (["--rate", "5", "--think-time", "1s"], "--think-time is of a closed loop"),
        (["--ramp", "0"], "--ramp: a duration is above 0"),
        (["--fail-if", "errors>200%"], "a share is at most 100 %\n  errors>200%\n         ^"),
        (["--fail-if", "late>0"], "counted in an open loop only"),
        (["--abort-on-fail"], "--abort-on-fail: say on what, with --fail-if"),
        (["--find-key", "Rows=abc"], "--find-key: Rows is a number (VR US)\n  Rows=abc\n       ^"),
        (["--scenario", "churn", "--size", "1KiB"], "has no store in it: add it to --mix"),
        (["--size", "1KiB", "--patient-id-prefix", "A*"], "without spaces, wildcards (* ?) and backslashes"),
    ],
)
def test_nonsense(words: list[str], says: str, listener: socket.socket, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["load", name(listener.getsockname()[1]), *words]) == ExitStatus.USAGE
    assert says in capsys.readouterr().err


def test_looking_at_outputs_leaves_them_as_they_are(tmp_path: Path, listener: socket.socket) -> None:
    """What is not measured in the end does not cost the results of the last time."""
    last, new = tmp_path / "last.json", tmp_path / "new.html"
    last.write_text("of the last time")
    outputs = ("--json", str(last), "--html", str(new))
    assert main(["load", name(listener.getsockname()[1]), *outputs, "--verify", "/nowhere"]) == ExitStatus.USAGE
    assert last.read_text() == "of the last time" and not new.exists()


@pytest.mark.parametrize("given", ["image.dcm", "."])
def test_no_result_takes_the_place_of_what_is_sent(
    given: str, listener: socket.socket, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = write_file(tmp_path / "image.dcm", encoded("1.2.3", b"pixels"))
    contents = image.read_bytes()
    (tmp_path / "link.json").symlink_to(image)
    words = ["load", name(listener.getsockname()[1]), str(tmp_path / given), "--json", str(tmp_path / "link.json")]
    assert main(words) == ExitStatus.USAGE
    assert "link.json: that is one of the files that are to be sent" in capsys.readouterr().err
    assert image.read_bytes() == contents


def test_strict_refuses_what_is_no_dicom(
    listener: socket.socket, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_file(tmp_path / "image.dcm", encoded("1.2.3", b"pixels"))
    (tmp_path / "notes.txt").write_text("no image")
    assert main(["load", name(listener.getsockname()[1]), str(tmp_path), "--strict"]) == ExitStatus.FAILED
    assert "1 of 2 files cannot be sent" in capsys.readouterr().err


def test_no_load_on_other_machines(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pool.load.fleet.run", lambda *_: pytest.fail("it would have been sent"))
    assert main(["load", NOBODY]) == ExitStatus.USAGE
    said = capsys.readouterr().err
    assert "192.0.2.1, which is not this machine" in said and "--yes-really" in said and "load-allow" in said


def test_other_machines_that_were_allowed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def stopped(plan: Any, _: Any) -> Any:
        asked.append(plan.address.address)
        raise fleet.FleetError("nothing is sent in a test")

    from pool.load import fleet

    monkeypatch.setattr("pool.load.fleet.run", stopped)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "ulpool").mkdir()
    (tmp_path / "ulpool/load-allow").write_text("192.0.2.0/24\n")
    assert main(["load", NOBODY]) == ExitStatus.FAILED
    (tmp_path / "ulpool/load-allow").write_text("")
    assert main(["load", NOBODY, "--yes-really"]) == ExitStatus.FAILED
    assert asked == [("192.0.2.1", 104)] * 2


# What it teaches


def test_help_lists_the_scenarios(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["load", "--help"]) == ExitStatus.OK
    shown = " ".join(capsys.readouterr().out.split())
    for row in SCENARIOS.values():
        assert f"{row.name} " in shown and " ".join(row.help.split()) in shown


# Results beside each other


@pytest.fixture
def before_and_after(tmp_path: Path) -> list[str]:
    """Results of two runs."""
    for file, spread in (("before.json", 2.0), ("after.json", 1.0)):
        (tmp_path / file).write_text(run([second_of_work(spread)]).to_json())
    return [str(tmp_path / file) for file in ("before.json", "after.json")]


def test_compare(before_and_after: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["load", "compare", *before_and_after]) == ExitStatus.OK
    shown = capsys.readouterr().out
    for part in ("before.json", "after.json", "store p99", " x", "Nothing differs"):
        assert part in shown, shown


def test_nothing_in_a_file_reaches_the_terminal_raw(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before, hostile = run([second_of_work()]), run([second_of_work()])
    hostile.command, hostile.versions = ["\x1b]0;pwned\x07"], {"\x1b[2J": "\x9b2J"}
    paths = [tmp_path / "before.json", tmp_path / "\x1b[2J.json"]
    for path, result in zip(paths, (before, hostile), strict=True):
        path.write_text(result.to_json())
    assert main(["load", "compare", *map(str, paths)]) == ExitStatus.OK
    shown = capsys.readouterr().out
    assert "pwned" in shown
    assert not {"\x1b", "\x07", "\x9b"} & set(shown)


def test_compare_writes_a_page_and_json(
    before_and_after: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "compare.html"
    assert main(["load", "compare", *before_and_after, "--html", str(page), "--json", "-"]) == ExitStatus.OK
    plain = json.loads(capsys.readouterr().out)  # and no table beside it
    assert [one["name"] for one in plain["runs"]] == ["before.json", "after.json"]
    assert "before.json" in page.read_text() and "What differs" in page.read_text()


def test_compare_writes_nowhere_it_cannot(before_and_after: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    contents = Path(before_and_after[0]).read_bytes()
    for path, says in ((before_and_after[0], "one of the results"), ("/nowhere/x.html", "no such folder")):
        assert main(["load", "compare", *before_and_after, "--html", path]) == ExitStatus.USAGE
        assert says in capsys.readouterr().err
    assert Path(before_and_after[0]).read_bytes() == contents


@pytest.mark.parametrize(
    ("contents", "status", "says"),
    [
        ([], ExitStatus.USAGE, "Missing argument"),
        (["{}"], ExitStatus.USAGE, "two results or more"),
        (["{}", "{}"], ExitStatus.FAILED, "it has no schema"),
        (["nonsense", "{}"], ExitStatus.FAILED, "0.json: not JSON"),
        (
            [run([]).to_json().replace('"command": [', '"command": 5, "other": ['), "{}"],
            ExitStatus.FAILED,
            "'command' is",
        ),
    ],
)
def test_compare_refuses_what_is_no_result(
    contents: list[str], status: ExitStatus, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [tmp_path / f"{number}.json" for number in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_text(content)
    assert main(["load", "compare", *map(str, paths)]) == status
    assert says in capsys.readouterr().err
