"""`ulpool load compare`: results of several runs beside each other, on the terminal, as a page or as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from pool.cli import CONTEXT_SETTINGS
from pool.cli.outputs import STANDARD_OUTPUT, check_files, check_kept, raise_failures, write_files
from pool.cli.tables import console, plain
from pool.exit_status import ExitStatus
from pool.load import comparison, comparison_page, summary
from pool.load.result import Result

EXAMPLES: Final = (
    "\b\nExamples:\n"
    "  ulpool load compare before.json after.json\n"
    "  ulpool load compare before.json after.json --html compare.html"
)


@click.command("compare", context_settings=CONTEXT_SETTINGS, epilog=EXAMPLES)
@click.argument("paths", type=click.Path(path_type=Path), metavar="A.json B.json [...]", nargs=-1, required=True)
@click.option("--html", metavar="FILE", help="A page with both in each plot, which needs nothing else.")
@click.option("--json", metavar="FILE", help="Figures, ratios and what differs, for programs; - for standard output.")
def compare(paths: tuple[Path, ...], **outputs: str | None) -> int:
    """Put the results of several runs beside each other, with their ratios to the first.

    A.json and the others are what ulpool load --json wrote. Latencies count from when messages were due where all of
    the runs are open loops; otherwise service times are compared.
    """
    if len(paths) < 2:
        raise click.UsageError("give two results or more, as ulpool load --json wrote them.")
    check_files(outputs)
    check_kept(paths, outputs, "the results that are compared")
    runs = comparison.runs(paths, [_read(path) for path in paths])
    failures = write_files(
        outputs,
        {"html": lambda: comparison_page.page(runs), "json": lambda: comparison.to_json(runs) + "\n"},
    )
    if STANDARD_OUTPUT not in outputs.values():
        console().print(summary.comparison(runs, plain))
    raise_failures(failures)
    return ExitStatus.OK


def _read(path: Path) -> Result:
    try:
        return Result.from_json(path.read_bytes())
    except OSError as error:
        raise click.ClickException(f"{path}: cannot read it: {error.strerror}") from None
    except ValueError as error:
        raise click.ClickException(f"{path}: {error}") from None
