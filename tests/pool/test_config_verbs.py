"""`ulpool config` and `ulpool completion`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import peers
import pytest
from certificates import Authority
from serving import server, ulpool, ulpool_command

from pool.cli import VERBS, main
from pool.config import SETTINGS, resolve
from pool.exit_status import ExitStatus

FULL = """
aet = "ARCHIVE"
bind = ["0.0.0.0:104", "WEST@[::1]:2762"]
require_calling_aet = ["CT1", "MY SCP"]
max_pdu = 65536
accept_unknown = true
network_timeout = 0
layout = "flat"
min_free = "5%"

[[peer]]
title = "MR 1"
max = 4
from = ["10.0.0.0/8"]
"""


def test_what_is_shown_is_a_file_of_the_same_settings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, shown = tmp_path / "ulpool.toml", tmp_path / "shown.toml"
    file.write_text(FULL)
    assert main(["config", "show", "--config", str(file), "-td", "7"]) == ExitStatus.OK
    shown.write_text(capsys.readouterr().out)
    expected = resolve({"config": str(file), "dimse_timeout": "7"}, {})
    again = resolve({"config": str(shown)}, {})
    for row in SETTINGS:
        if row.name != "config":
            assert getattr(again, row.name) == getattr(expected, row.name), row.name


def test_where_a_value_came_from(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "handlers.py").write_text(
        "import pool\nfrom ul import AE\nae = AE('BY AE')\nae.maximum_associations = 3\n"
        "ae.add_supported_context('1.2.840.10008.1.1')\napp = pool.Application(ae)\n"
    )
    file = tmp_path / "ulpool.toml"
    file.write_text("backlog = 7\n")
    monkeypatch.setenv("ULPOOL_TIMEOUT", "11")
    options = ["handlers", "--app-dir", str(tmp_path), "--config", str(file), "--layout", "flat"]
    assert main(["config", "show", "--json", *options]) == ExitStatus.OK
    rows = json.loads(capsys.readouterr().out)
    assert set(rows) == {row.name for row in SETTINGS}
    assert rows["layout"] == {"value": "{SOPInstanceUID}.dcm", "origin": "--layout"}
    assert rows["timeout"] == {"value": "11", "origin": "ULPOOL_TIMEOUT"}
    assert rows["backlog"] == {"value": "7", "origin": f"{file}: backlog"}
    assert rows["max_associations"] == {"value": "3", "origin": "handlers:app: max_associations"}
    assert rows["durability"] == {"value": "disk", "origin": "default"}


def test_no_setting_holds_a_secret(tmp_path: Path) -> None:
    """A password is named by where it is; a password in its place is refused and not repeated."""
    (tmp_path / "password").write_text("s3cret\n")
    shown = ulpool("config", "show", "--tls-key-password", f"file:{tmp_path / 'password'}")
    assert shown.returncode == 0 and "s3cret" not in shown.stdout and "password" in shown.stdout
    refused = ulpool("config", "show", "--tls-key-password", "s3cret")
    assert refused.returncode == 2 and "s3cret" not in refused.stderr and "give file:FILE" in refused.stderr


def test_a_configuration_that_will_do(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    before = sorted(path.name for path in tmp_path.iterdir())
    options = ("-od", tmp_path / "incoming" / "deep", "--control", tmp_path / "control", "--log-file", tmp_path / "log")
    tls = ("--tls-cert", authority.certificate, "--tls-key", authority.key)
    checked = ulpool("config", "check", *options, *tls)
    assert (checked.returncode, checked.stderr) == (0, "")
    assert sorted(path.name for path in tmp_path.iterdir()) == before, "nothing is made"


def test_everything_that_is_wrong_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "open").mkdir(mode=0o755)
    options = ("-od", tmp_path / "file" / "incoming", "--log-file", tmp_path / "absent" / "log")
    others = ("--control", tmp_path / "open", "--tls-cert", tmp_path / "none.pem", "--min-free", "99.99%")
    checked = ulpool("config", "check", *options, *others)
    assert checked.returncode == 1 and checked.stdout == ""
    said = checked.stderr.splitlines()
    for words in (
        f"ulpool: -od: {tmp_path / 'file'} is not a directory",
        f"ulpool: --log-file: {tmp_path / 'absent'} is no directory",
        f"ulpool: --control: {tmp_path / 'open'}: others may enter it",
        f"ulpool: --tls-cert: {tmp_path / 'none.pem'}: cannot read it",
    ):
        assert any(line.startswith(words.replace("-od:", "--output-directory:")) for line in said), (words, said)


@pytest.mark.parametrize(
    ("options", "status", "says"),
    [
        (["--max-pdu", "7"], ExitStatus.USAGE, "--max-pdu: '7' will not do"),
        (["--config", "/nonexistent"], ExitStatus.USAGE, "/nonexistent: cannot read it"),
        (["no_such_module"], ExitStatus.APPLICATION_FAILED, "there is no module no_such_module"),
    ],
)
def test_what_ends_a_check_at_once(
    options: list[str], status: ExitStatus, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["config", "check", *options]) == status
    assert says in capsys.readouterr().err


def test_what_passes_the_check_begins(tmp_path: Path) -> None:
    file = tmp_path / "ulpool.toml"
    file.write_text('aet = "CHECKED"\nworkers = 1\nlayout = "flat"\n')
    assert ulpool("config", "check", "--config", file).returncode == 0
    with server(tmp_path / "incoming", "--config", file) as running:
        assert running.status()["aet"] == "CHECKED"


# Completion


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_reads_its_script(shell: str, tmp_path: Path) -> None:
    script = ulpool("completion", shell).stdout
    assert "_ULPOOL_COMPLETE" in script
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    (tmp_path / "script").write_text(script)
    checked = subprocess.run([program, "-n", str(tmp_path / "script")], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("", set(VERBS)),
        ("sta", {"status"}),
        ("config ", {"check", "show"}),
        ("serve --dur", {"--durability"}),
        ("serve --durability ", {"disk", "none"}),
        ("serve --log-format j", {"json"}),
        ("completion z", {"zsh"}),
    ],
)
def test_what_is_completed(typed: str, completed: set[str]) -> None:
    words = f"ulpool {typed}".split(" ")
    environ = {
        **os.environ,
        "_ULPOOL_COMPLETE": "bash_complete",
        "COMP_WORDS": " ".join(words),
        "COMP_CWORD": str(len(words) - 1),
    }
    ran = subprocess.run(
        ulpool_command(), capture_output=True, text=True, env=environ, timeout=peers.DEADLINE, check=False
    )
    assert {line.partition(",")[2] for line in ran.stdout.splitlines()} == completed
