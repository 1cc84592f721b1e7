"""`ulpool load`: put load on a peer, show what comes of it, judge it. Several results are `load_compare`'s."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console

from pool.cli import CONTEXT_SETTINGS, SectionedCommand
from pool.cli.load_compare import compare
from pool.cli.load_options import EXAMPLES, OPTIONS, SECTIONS
from pool.cli.outputs import STANDARD_OUTPUT, check_files, check_folder, check_kept, raise_failures, write_files
from pool.cli.peer import PeerFailed, association_options, peer_argument, resolved, tls_context
from pool.cli.tables import console
from pool.delivery import Instance, instances
from pool.load import exports, fleet, html, summary
from pool.load.asked import plan_of, tls_of
from pool.load.ending import hopeless, may_pass, status_of
from pool.load.figures import Figures
from pool.load.live import View
from pool.load.permission import AllowListError, advice, allow_lists, is_permitted
from pool.load.plan import STORE, Plan
from pool.load.result import Result, moment, plan_to_plain, result_of, verification_in_words, verification_to_plain
from pool.load.tally import Interval, Run
from pool.load.thresholds import Threshold, Verdict, judge, unmeasurable
from pool.load.verify import CannotVerify, verify_by_find, verify_folder
from pool.scu import Address, Peer

OUTPUTS: Final = ("json", "csv", "html")  # options that name a file
BY_FIND: Final = "find"
SHORTEST_JUDGED: Final = 0.5  # seconds; the last interval of a run may be a moment of nothing


class _Load(SectionedCommand):
    """`load`, and `load compare`: a peer has an @ in it, so neither is taken for the other."""

    sections = SECTIONS

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        if args[:1] == [compare.name]:
            return compare.make_context(f"{info_name} {compare.name}", args[1:], parent, **extra)
        command = ["ulpool", "load", *args]
        ctx = super().make_context(info_name, args, parent, **extra)
        ctx.meta[_COMMAND] = command
        return ctx


_COMMAND: Final = "pool.cli.load.command"


@click.command(cls=_Load, context_settings=CONTEXT_SETTINGS, epilog=EXAMPLES, params=OPTIONS)
@peer_argument
@click.argument("files", type=click.Path(exists=True, path_type=Path), metavar="[FILES]...", nargs=-1)
@association_options
@click.pass_context
def load(
    ctx: click.Context,
    /,
    peer: Peer,
    files: tuple[Path, ...],
    calling_aet: str,
    acse_timeout: float,
    dimse_timeout: float | None,
    **asked: Any,
) -> int:
    """Put load on a peer and measure it: C-ECHO; C-STORE of FILES or of synthetic instances; C-FIND.

    Without a rate it is a closed loop: every association sends its next message when the last one was answered. With
    --rate or --stages it is an open loop: messages are due by the clock, and their latency counts from then, also while
    the peer keeps everything waiting.

    What is sent has a Patient ID that begins with ULPLOAD, so that it can be found and removed.

    ulpool load compare A.json B.json puts results beside each other.
    """
    address = resolved(peer)
    _permit(peer, address, asked["yes_really"])
    _check_outputs(asked)
    tls_options = {name: asked.pop(name) for name in list(asked) if name.startswith("tls")}
    tls = tls_of(**tls_options) if tls_context(**tls_options) else None
    sent = _readable(files, asked["strict"])
    check_kept(sent, {option: asked[option] for option in OUTPUTS}, "the files that are to be sent")
    try:
        plan = plan_of(
            asked,
            sent,
            peer=peer,
            address=address,
            calling_ae_title=calling_aet,
            acse_timeout=acse_timeout,
            dimse_timeout=dimse_timeout,
            verify=asked["verify"] is not None,
            tls=tls,
        )
    except ValueError as error:
        raise click.UsageError(f"{error}.") from None
    _check_judgement(asked, plan)
    shown_on = console(stderr=True)
    shown_on.quiet = asked["quiet"]
    result = _Session(plan, asked, shown_on).run(ctx.meta[_COMMAND])
    failures = _write(result, asked)
    found = hopeless(result.figures)
    _tell(result, asked, is_told=bool(found) and not failures)
    raise_failures(failures)
    if found:
        raise PeerFailed(f"{peer}: {found.why}", found.status)
    return status_of(result)


# Before anything is sent


def _permit(peer: Peer, address: Address, yes_really: bool) -> None:
    host = address.address[0]
    try:
        if not yes_really and not is_permitted(host, allow_lists(os.environ)):
            raise click.UsageError(f"{peer} is at {host}, which is not this machine: {advice(os.environ)}.")
    except (AllowListError, OSError) as error:
        raise click.ClickException(str(error)) from None


def _check_outputs(asked: dict[str, Any]) -> None:
    """What cannot be written is found now, and not when an hour of results is to go there."""
    check_files({option: asked[option] for option in OUTPUTS})
    check_folder("hdr", asked["hdr"])
    if asked["verify"] not in (None, BY_FIND) and not Path(asked["verify"]).is_dir():
        raise click.UsageError(f"--verify: {asked['verify']}: give {BY_FIND}, or the folder that the peer stores into.")


def _readable(paths: Iterable[Path], strict: bool) -> list[Path]:
    """The DICOM files; others are named."""
    found, others = [], 0
    for file in instances(paths):
        if isinstance(file, Instance):
            found.append(file.path)
        else:
            others += 1
            _say(f"{file.path}: {file.error}" + ("" if strict else "; skipped"))
    if others and strict:
        raise click.ClickException(f"{others} of {others + len(found)} files cannot be sent")
    if paths and not found:
        raise click.ClickException("there is no DICOM file to send")
    return found


def _check_judgement(asked: Mapping[str, Any], plan: Plan) -> None:
    row = unmeasurable(asked["fail_if"], plan)
    if row:
        why = f"this load has no {row.phase} in it" if row.phase else "that is counted in an open loop only"
        raise click.UsageError(f"--fail-if {row.text}: {why}.")
    if asked["abort_on_fail"] and not asked["fail_if"]:
        raise click.UsageError("--abort-on-fail: say on what, with --fail-if.")
    if asked["verify"] and STORE not in plan.mix:
        raise click.UsageError("--verify: this load stores nothing that could be looked for.")


# The run


class _Session:
    """One run: what is shown and judged of each interval, and its result."""

    def __init__(self, plan: Plan, asked: Mapping[str, Any], console: Console) -> None:
        self._plan = plan
        self._thresholds: Sequence[Threshold] = asked["fail_if"]
        self._aborts_on_fail = asked["abort_on_fail"]
        self._verify: str | None = asked["verify"]
        self._view = View(console, plan)
        self._moments: list[dict[str, Any]] = []
        self._crossed: list[Verdict] = []  # by an interval, which ended the run
        self._came_through = False

    def run(self, command: Sequence[str]) -> Result:
        began = datetime.now(timezone.utc).isoformat(timespec="seconds")
        try:
            with self._view:
                run = fleet.run(self._plan, self._on_interval)
        except fleet.FleetError as error:
            raise click.ClickException(str(error)) from None
        verdicts = judge(self._thresholds, Figures.of(run.tally, run.seconds))
        return result_of(
            run,
            verification=self._verified(run),
            intervals=self._moments,
            verdicts=self._worst(verdicts),
            command=command,
            peer=str(self._plan.peer),
            seed=self._plan.seed,
            began=began,
            plan=plan_to_plain(self._plan),
        )

    def _verified(self, run: Run) -> dict[str, Any] | None:
        """Nothing can be looked for where nothing was acknowledged."""
        if not self._verify or not run.acknowledged:
            return None
        try:
            if self._verify == BY_FIND:
                found = verify_by_find(self._plan, run.acknowledged)
            else:
                found = verify_folder(self._plan, run.acknowledged, Path(self._verify))
        except (CannotVerify, ValueError, OSError) as error:
            return verification_to_plain(self._verify, None, str(error))
        return verification_to_plain(self._verify, found)

    def _on_interval(self, interval: Interval) -> str | None:
        self._moments.append(moment(interval))
        self._view.show(interval)
        figures = Figures.of(interval.tally, interval.end - interval.start)
        return self._no_use(figures) or self._too_bad(figures)

    def _no_use(self, figures: Figures) -> str | None:
        found = None if self._came_through else hopeless(figures)
        self._came_through = self._came_through or bool(figures.count("associations_accepted"))
        return found.why if found and not may_pass(figures) else None

    def _too_bad(self, figures: Figures) -> str | None:
        if self._aborts_on_fail and figures.seconds >= SHORTEST_JUDGED:
            self._crossed = [verdict for verdict in judge(self._thresholds, figures) if verdict.crossed]
        return f"crossed {self._crossed[0]}" if self._crossed else None

    def _worst(self, verdicts: Iterable[Verdict]) -> list[Verdict]:
        """What an interval crossed stays crossed."""
        crossed = {verdict.threshold: verdict for verdict in self._crossed}
        return [verdict if verdict.is_failure else crossed.get(verdict.threshold, verdict) for verdict in verdicts]


# After it


def _write(result: Result, asked: dict[str, Any]) -> list[str]:
    """What could not be written, in words."""
    failures = _write_distributions(result, asked["hdr"]) if asked["hdr"] else []
    forms = {
        "json": lambda: result.to_json() + "\n",
        "csv": lambda: exports.time_series(result),
        "html": lambda: html.page(result),
    }
    return failures + write_files(asked, forms)


def _write_distributions(result: Result, folder: Path) -> list[str]:
    try:
        exports.write_distributions(result, folder)
    except OSError as error:
        return [f"{error.filename or folder}: cannot write it: {error.strerror}"]
    return []


def _tell(result: Result, asked: dict[str, Any], *, is_told: bool) -> None:
    """The summary, where nothing else is asked for on standard output; otherwise only what went wrong."""
    if not asked["quiet"] and STANDARD_OUTPUT not in [asked[option] for option in OUTPUTS]:
        console().print(summary.summary(result))
        return
    for row in result.thresholds:
        if row["crossed"]:
            _say(f"crossed: {row['text']}: {row['shown']}")
    if result.verification and not result.verification["complete"]:
        _say(verification_in_words(result.verification))
    if result.stopped and not is_told:
        _say(f"stopped after {result.seconds:.1f} s: {result.stopped}")


def _say(line: str) -> None:
    print(f"ulpool: {line}", file=sys.stderr)  # noqa: T201
