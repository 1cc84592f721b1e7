"""`ulpool send`: DICOM files and folders to a peer, with progress, a summary, and an exit status that tells."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

from pool.cli import CONTEXT_SETTINGS
from pool.cli.peer import association_options, peer_argument, resolved, timeouts, tls_context
from pool.delivery import Delivery, Instance, Outcome, instances
from pool.exit_status import ExitStatus
from pool.scu import Peer


@click.command(
    context_settings=CONTEXT_SETTINGS,
    epilog="\b\nExamples:\n"
    "  ulpool send ARCHIVE@pacs.example:104 image.dcm\n"
    "  ulpool send ULPOOL@127.0.0.1:11112 --parallel 8 study/\n"
    "  ulpool send ULPOOL@127.0.0.1:11112 --json study/ | jq .failed\n"
    "\n"
    "Data sets are sent as they are: each SOP class is proposed in the transfer syntax its files have.",
)
@peer_argument
@click.argument("paths", type=click.Path(exists=True, path_type=Path), metavar="PATH...", nargs=-1, required=True)
@association_options
@click.option(
    "--parallel", type=click.IntRange(1, 1000), metavar="N", default=1, show_default=True, help="Associations at once."
)
@click.option("--json", "as_json", is_flag=True, help="The summary as one JSON object, with every failure in it.")
@click.option("-q", "--quiet", is_flag=True, help="Neither progress nor a summary; failures are still named.")
def send(
    peer: Peer,
    paths: tuple[Path, ...],
    calling_aet: str,
    acse_timeout: float,
    dimse_timeout: float | None,
    parallel: int,
    as_json: bool,
    quiet: bool,
    **tls: Any,
) -> int:
    """Send files, and all files in folders, to a peer (C-STORE).

    The exit status is 0 only if the peer took every one of them.
    """
    context = tls_context(**tls)
    address = resolved(peer)
    console = Console(stderr=True, highlight=False, quiet=quiet or as_json)
    report = Report(paths)
    if not report.files and not report.failed:
        raise click.ClickException(f"there is no file in {', '.join(map(str, paths))}")
    began = time.monotonic()
    with _progress(console) as progress:
        task = progress.add_task("sending", total=report.bytes_to_send)

        def on_outcome(outcome: Outcome) -> None:
            report.add(outcome)
            progress.update(task, advance=outcome.length)

        delivery = Delivery(
            peer,
            address,
            report.files,
            calling_ae_title=calling_aet,
            parallel=parallel,
            timeouts=timeouts(acse_timeout, dimse_timeout),
            on_outcome=on_outcome,
            tls=context,
        )
        delivery.run()
    report.seconds = time.monotonic() - began
    _show(report, peer, as_json, quiet)
    return _status(report, delivery)


class Report:
    """What is to be sent, and what became of it."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self.files: list[Instance] = []
        self.failed: list[Outcome] = []
        self.sent = 0
        self.bytes_sent = 0
        self.seconds = 0.0
        for found in instances(paths):
            if isinstance(found, Instance):
                self.files.append(found)
            else:
                self.failed.append(found)

    @property
    def bytes_to_send(self) -> int:
        return sum(file.length for file in self.files)

    def add(self, outcome: Outcome) -> None:
        if outcome.error:
            self.failed.append(outcome)
        else:
            self.sent += 1
            self.bytes_sent += outcome.length


def _progress(console: Console) -> Progress:
    return Progress(
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal or console.quiet,
    )


def _show(report: Report, peer: Peer, as_json: bool, quiet: bool) -> None:
    for outcome in report.failed:
        print(f"ulpool: {outcome.path}: {outcome.error}", file=sys.stderr)  # noqa: T201
    if as_json:
        failed = [{"path": str(o.path), "status": o.status, "error": o.error} for o in report.failed]
        summary = {"sent": report.sent, "bytes": report.bytes_sent, "seconds": report.seconds, "failed": failed}
        click.echo(json.dumps(summary, indent=2))
    elif not quiet:
        megabytes = report.bytes_sent / 1e6
        rate = megabytes / report.seconds if report.seconds else 0.0
        click.echo(
            f"{peer}: {report.sent} sent ({megabytes:.1f} MB in {report.seconds:.1f} s, {rate:.1f} MB/s), "
            f"{len(report.failed)} failed"
        )


def _status(report: Report, delivery: Delivery) -> ExitStatus:
    if not report.failed:
        return ExitStatus.OK
    if report.sent:
        return ExitStatus.FAILED
    if delivery.rejected:
        return ExitStatus.REJECTED
    return ExitStatus.FAILED if delivery.connected or not report.files else ExitStatus.UNREACHABLE
