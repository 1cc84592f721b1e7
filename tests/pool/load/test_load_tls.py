"""Load over TLS: the phase is measured, what is sent is what is sent without it, and what fails says so."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import peers
import pytest
from certificates import Authority
from serving import RunningServer, server, ulpool

from pool.exit_status import ExitStatus
from pool.load.result import Result


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def scp(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    store = tmp_path_factory.mktemp("store")
    with server(store, "--workers", 1, "--durability", "none", *authority.serve) as running:
        yield running


def load(port: int, *words: object) -> subprocess.CompletedProcess[str]:
    return ulpool("load", f"ULPOOL@localhost:{port}", "--processes", 1, *words)


def measured(port: int, folder: Path, *words: object) -> Result:
    path = folder / "run.json"
    ran = load(port, *words, "--json", path)
    assert ran.returncode == ExitStatus.OK, ran.stdout + ran.stderr
    return Result.from_json(path.read_bytes())


def test_the_handshake_is_a_phase_of_its_own_and_can_be_judged(
    scp: RunningServer, authority: Authority, tmp_path: Path
) -> None:
    work = ("--mix", "echo=1,store=1", "--size", "1KiB-300KiB", "--count", 60, "--messages-per-association", 10)
    judged = ("--fail-if", "tls.max>20s", "--fail-if", "errors>0", "--verify", scp.store)
    result = measured(scp.port, tmp_path, "--tls-ca", authority.certificate, *work, *judged)
    figures = result.figures
    assert figures.count("messages_ok") == 60
    assert figures.times("connect") == figures.times("tls") == figures.times("associate") >= 6
    assert figures.service["tls"].maximum > figures.service["connect"].maximum
    assert result.verification and result.verification["complete"]
    assert figures.count("payload_bytes") < figures.count("bytes_sent")
    assert result.plan["tls"]["authorities"] == str(authority.certificate)


def test_a_peer_whose_certificate_will_not_do_is_no_peer(scp: RunningServer) -> None:
    ran = load(scp.port, "--tls", "--duration", "1h", "-q")
    assert ran.returncode == ExitStatus.UNREACHABLE
    assert "not secured: the peer's certificate will not do" in ran.stderr.splitlines()[-1]


def test_whoever_the_peer_is(scp: RunningServer, tmp_path: Path) -> None:
    assert measured(scp.port, tmp_path, "--tls-insecure", "--count", 5).figures.times("tls") == 1


def test_files_that_will_not_do_are_refused_before_anything_is_sent(tmp_path: Path) -> None:
    ran = load(1, "--tls-ca", tmp_path / "nowhere.pem")
    assert ran.returncode == ExitStatus.USAGE
    assert "--tls-ca" in ran.stderr and "cannot read it" in ran.stderr


def test_no_phase_tls_without_it() -> None:
    ran = load(1, "--fail-if", "tls.p99>1s")
    assert ran.returncode == ExitStatus.USAGE
    assert "this load has no tls in it" in ran.stderr


def test_dcmtk_over_tls(authority: Authority, tmp_path: Path) -> None:
    port = peers.free_port()
    command = [peers.dcmtk("storescp"), *authority.dcmtk, "-od", tmp_path, str(port)]
    ours = ("--tls-ca", authority.certificate, "--tls-cert", authority.certificate, "--tls-key", authority.key)
    with peers.serving(command, port):
        result = measured(port, tmp_path, *ours, "--size", "100KiB", "--count", 6, "--messages-per-association", 3)
    assert result.figures.count("messages_ok") == 6 and result.figures.times("tls") >= 2
    assert len([path for path in tmp_path.iterdir() if path.suffix != ".json"]) == 6
