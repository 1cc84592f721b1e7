"""Compare ulpool with its peers: the same work, one run, in turn.

    scripts/bench.py                          everything: about half an hour
    scripts/bench.py --quick                  a first impression: a few minutes
    scripts/bench.py --only echo store-1k     these rows
    scripts/bench.py --without orthanc        a peer that is not installed fails the run unless it is named here
    scripts/bench.py --markdown --json FILE   for the README; for programs

The load is `ulpool load`'s. Servers run one at a time; rounds are interleaved (A B C A B C) and a value is the median
over them. CPU figures are those of all processes of a server, with its store on tmpfs. Exit status: 0 done, 1 an
operation failed at ulpool, 2 the run could not be made.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NoReturn

from benchmark import page, peers, report, results
from benchmark.measures import Bounds, Measurement, Workload
from benchmark.peers import PEERS, MissingPeer, Peer, ServerFailed
from benchmark.results import Result, Results
from benchmark.workloads import WORKLOADS

from pool.load.fleet import FleetError

CHECKOUT: Final = Path(__file__).resolve().parent.parent
PAGE: Final = CHECKOUT / "build" / "bench.html"


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    rows, names = [row.name for row in WORKLOADS], [peer.name for peer in PEERS]
    parser.add_argument("--only", nargs="+", choices=rows, default=rows, metavar="ROW", help=", ".join(rows))
    parser.add_argument("--without", nargs="+", choices=names, default=[], metavar="PEER", help=", ".join(names))
    parser.add_argument("--seconds", type=float, default=3.0, help="of load, per server, row and round (%(default)s)")
    parser.add_argument("--count", type=int, help="operations at most instead of each row's own bound")
    parser.add_argument("--rounds", type=int, default=3, help="(%(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="of ulpool; ulpool-1 has one (%(default)s)")
    parser.add_argument("--generators", type=int, default=2, help="processes that make the load (%(default)s)")
    parser.add_argument("--max-pdu", type=int, help="the same maximum PDU length for every server, not its default")
    parser.add_argument("--tmpfs", type=Path, default=Path("/dev/shm"), metavar="DIR", help="(%(default)s)")
    parser.add_argument("--disk", type=Path, default=CHECKOUT, metavar="DIR", help="for durability (the checkout)")
    parser.add_argument("--quick", action="store_true", help="one round of one second, a shorter idle time")
    parser.add_argument("--markdown", action="store_true", help="print Markdown")
    parser.add_argument("--html", type=Path, default=PAGE, metavar="FILE", help="the page with the plots (%(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all values, those of every round too")
    return parser.parse_args(argv)


def _bounds(arguments: argparse.Namespace) -> Bounds:
    quick = arguments.quick
    return Bounds(
        seconds=min(arguments.seconds, 1.0) if quick else arguments.seconds,
        count=arguments.count,
        generators=arguments.generators,
        idle_seconds=5.0 if quick else 20.0,
    )


def _software(chosen: Sequence[Peer]) -> list[str]:
    """Name and version of each peer; the run fails here if one is missing."""
    found, missing = [], []
    for peer in chosen:
        try:
            found.append(peer.software())
        except MissingPeer as error:
            missing.append(f"{peer.name} ({error})")
    if missing:
        _fail(f"not installed: {', '.join(missing)}; install it, or leave it out with --without NAME")
    return found


def _fail(why: str) -> NoReturn:
    _tell(f"bench: {why}")
    raise SystemExit(2)


def _tell(what: str) -> None:
    sys.stderr.write(what + "\n")


@contextmanager
def _folders(arguments: argparse.Namespace, most_stored: int) -> Iterator[dict[bool, Path]]:
    """Where stores go, by whether they must be on disk."""
    for folder in (arguments.tmpfs, arguments.disk):
        if shutil.disk_usage(folder).free < 2 * most_stored:
            _fail(f"{folder} has less than {2 * most_stored >> 20:,} MiB free; name another with --tmpfs or --disk")
    with (
        tempfile.TemporaryDirectory(prefix="ulpool-bench-", dir=arguments.tmpfs) as memory,
        tempfile.TemporaryDirectory(prefix=".ulpool-bench-", dir=arguments.disk) as disk,
    ):
        yield {False: Path(memory), True: Path(disk)}


def _touch_memory(folder: Path, size: int) -> None:
    """Fill and empty tmpfs once, so that no server is the first to pay a hypervisor for fresh pages."""
    path, block = folder / "touch", bytes(1 << 20)
    with path.open("wb") as file:
        for _ in range(size // len(block)):
            file.write(block)
    path.unlink()


def _measure(row: Workload, peer: Peer, folder: Path, arguments: argparse.Namespace) -> Measurement:
    told = {
        "durability": row.durability,
        "workers": peer.workers or arguments.workers,
        "maximum_pdu": arguments.max_pdu,
        "associations": row.associations,
        "options": row.options,
        "application": row.application,
    }
    try:
        with peers.running(_server(row, peer), folder, **told) as server:
            return row.measure(row, peer, server, _bounds(arguments))
    except (ServerFailed, FleetError, subprocess.TimeoutExpired) as error:  # the others are measured all the same
        return Measurement({}, Counter({str(error): 1}))


def _server(row: Workload, peer: Peer) -> Peer:
    return next(candidate for candidate in PEERS if candidate.name == (row.served_by or peer.name))


def _is_done(row: Workload, peer: Peer, chosen: Sequence[Peer]) -> bool:
    return peer.name in row.peers and _server(row, peer) in chosen


def _rounds(row: Workload, arguments: argparse.Namespace) -> int:
    return 1 if arguments.quick else row.rounds or arguments.rounds


def _run(rows: Sequence[Workload], chosen: Sequence[Peer], arguments: argparse.Namespace) -> Results:
    measured = {
        (row.name, peer.name): Result(row, peer.name) for row in rows for peer in chosen if _is_done(row, peer, chosen)
    }
    most_stored = max(row.most_stored(arguments.count) for row in rows)
    with _folders(arguments, most_stored) as folders:
        _touch_memory(folders[False], most_stored)
        for row in rows:
            for turn in range(_rounds(row, arguments)):
                for peer in chosen:
                    if result := measured.get((row.name, peer.name)):
                        _tell(f"{row.name}, round {turn + 1}: {peer.name}")
                        result.rounds.append(_measure(row, peer, folders[row.on_disk], arguments))
    return measured


def _write(where: str, rows: Sequence[Workload], measured: Results, arguments: argparse.Namespace) -> None:
    lines = report.document(where, rows, measured, markdown=arguments.markdown)
    sys.stdout.writelines(f"{line}\n" for line in lines)
    if arguments.json:
        arguments.json.write_text(json.dumps(results.as_data(where, measured), indent=2) + "\n")
    arguments.html.parent.mkdir(parents=True, exist_ok=True)
    arguments.html.write_text(page.page(where, rows, measured), encoding="utf-8")
    _tell(f"the page with the plots: {arguments.html}")


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _arguments(argv)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    rows = [row for row in WORKLOADS if row.name in arguments.only]
    chosen = [peer for peer in PEERS if peer.name not in arguments.without]
    where = results.machine(_software(chosen))
    if not peers.enter_own_network():
        _tell("bench: no network namespace of our own: DCMTK and Orthanc listen on every address while they run")
    try:
        measured = _run(rows, chosen, arguments)
    except KeyboardInterrupt:
        return 130
    _write(where, rows, measured, arguments)
    ours = {peer.name for peer in chosen if peer.is_ours}
    return int(any(result.failures for result in measured.values() if result.peer in ours))


if __name__ == "__main__":
    sys.exit(main())
