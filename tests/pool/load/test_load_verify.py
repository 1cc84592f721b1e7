"""What was acknowledged is looked for, and what is not there is missed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from peers import dcmtk, free_port, orthanc
from peers import serving as peer_serving
from processes import children, peak_memory
from serving import server

from pool.load.fleet import OnInterval, run
from pool.load.plan import FindWork, Plan, Size, StoreWork
from pool.load.tally import Interval, Run
from pool.load.verify import CannotVerify, verify_by_find, verify_folder
from pool.scu import Peer
from ul.sop_class import ExplicitVRLittleEndian, ImplicitVRLittleEndian

WORK = StoreWork(
    size=Size("uniform", 500, 50_000),
    transfer_syntaxes=(ExplicitVRLittleEndian, ImplicitVRLittleEndian),
    images_per_series=5,
    series_per_study=2,
)


def stored(port: int, on_interval: OnInterval = lambda interval: None, **fields: object) -> tuple[Plan, Run]:
    peer = Peer("ULPOOL", "127.0.0.1", port)
    plan = Plan(
        **{  # type: ignore[arg-type]
            "peer": peer,
            "address": peer.resolve(),
            "associations": 3,
            "count": 40,
            "mix": {"store": 1.0},
            "store": WORK,
            "seed": 4711,
            "processes": 2,
            "verify": True,
            **fields,
        }
    )
    return plan, run(plan, on_interval)


def test_a_folder_has_it_or_not_and_byte_for_byte(tmp_path: Path) -> None:
    with server(tmp_path / "store", "--durability", "none") as ulpool:
        plan, done = stored(ulpool.port)
        files = ulpool.files()
    assert len(done.acknowledged) == len(set(done.acknowledged)) == len(files) == 40
    assert verify_folder(plan, done.acknowledged, tmp_path).is_complete
    files[3].unlink()
    data = bytearray(files[7].read_bytes())
    data[-1] ^= 1
    files[7].write_bytes(data)
    verification = verify_folder(plan, done.acknowledged, tmp_path)
    assert (verification.acknowledged, verification.found) == (40, 38)
    assert verification.missing == (files[3].stem,)
    assert verification.differing == (files[7].stem,)
    assert not verification.is_complete


def test_a_large_instance_arrives_whole_and_does_not_grow_the_generator(roomy: Path) -> None:
    """The first of the two is cut by the session, the other was beforehand."""

    def peak(size: int) -> int:
        peaks = [0]

        def on_interval(interval: Interval) -> None:
            peaks.extend(peak_memory(pid) for pid in children() - others)

        work = StoreWork(size=Size("fixed", size))
        plan, done = stored(running.port, on_interval, store=work, count=2, associations=1, processes=1)
        assert done.tally.payload_bytes == pytest.approx(2 * size, rel=0.01), done.tally.causes
        assert verify_folder(plan, done.acknowledged, running.store).is_complete
        return max(peaks)

    with server(roomy / "store", "--durability", "none", "--workers", 1, "--on-duplicate", "replace") as running:
        others = children()
        small = peak(1 << 20)
        assert 0 < small < peak(260 << 20) < small + (32 << 20)


def test_the_seed_says_what_is_sent(tmp_path: Path) -> None:
    def contents(name: str, seed: int) -> set[bytes]:
        with server(tmp_path / name, "--durability", "none", "--layout", "flat") as ulpool:
            stored(ulpool.port, seed=seed, associations=1, processes=1)
            return {path.read_bytes() for path in ulpool.files()}

    first = contents("first", 1)
    assert first == contents("again", 1)
    assert not first & contents("other", 2)


def dcmqrscp(folder: Path, port: int) -> list[str | Path]:
    """DCMTK's archive."""
    config = folder / "dcmqrscp.cfg"
    config.write_text(
        f"NetworkTCPPort = {port}\nMaxPDUSize = 16384\nMaxAssociations = 16\n"
        "HostTable BEGIN\nHostTable END\nVendorTable BEGIN\nVendorTable END\n"
        f"AETable BEGIN\nULPOOL {folder} RW (200, 1024mb) ANY\nAETable END\n"
    )
    return [dcmtk("dcmqrscp"), "-c", config]


ARCHIVES: dict[str, Callable[[Path, int], list[str | Path]]] = {
    "dcmqrscp": dcmqrscp,
    "Orthanc": partial(orthanc, ae_title="ULPOOL"),
}


@pytest.fixture(params=ARCHIVES)
def archive_port(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[int]:
    """One that keeps and finds."""
    port = free_port()
    with peer_serving(ARCHIVES[request.param](tmp_path, port), port):
        yield port


def test_a_peer_is_asked_for_what_it_has(archive_port: int) -> None:
    plan, done = stored(archive_port, associations=1, processes=1, count=12)
    assert done.tally.errors == 0, done.tally.causes
    assert verify_by_find(plan, done.acknowledged).is_complete
    beyond = done.acknowledged[-1]._replace(instance=99)
    verification = verify_by_find(plan, (*done.acknowledged, beyond))
    assert (verification.acknowledged, verification.found, len(verification.missing)) == (13, 12, 1)


def test_queries_bring_matches_and_are_timed(archive_port: int) -> None:
    stored(archive_port, associations=1, processes=1, count=11)  # of two studies
    work = FindWork(level="STUDY", keys=(("PatientID", "ULPLOAD-4711"), ("StudyInstanceUID", "")))
    _, done = stored(archive_port, mix={"find": 1.0}, find=work, store=None, verify=False, count=7, associations=1)
    assert done.tally.errors == 0, done.tally.causes
    assert done.tally.counts["messages_ok"] == done.tally.service["find"].get_total_count() == 7
    assert done.tally.counts["matches"] == 14


def test_a_peer_without_c_find_cannot_be_asked(tmp_path: Path) -> None:
    with server(tmp_path / "store", "--sink") as ulpool:
        plan, done = stored(ulpool.port, count=3)
        assert not (tmp_path / "store").exists()
        with pytest.raises(CannotVerify, match="C-FIND"):
            verify_by_find(plan, done.acknowledged)
