"""The options of `ulpool load`: a row each, in the sections of its help, and the examples that teach them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click

from pool.config.values import LARGEST_PDU, whole_number
from pool.cores import usable_cores
from pool.exit_status import ExitStatus
from pool.load import values
from pool.load.identifiers import FIND_MODELS
from pool.load.instances import MODALITIES
from pool.load.plan import ASSOCIATIONS, LARGEST_SEED, MESSAGES, MOST_PROCESSES, SYNTHETIC_TRANSFER_SYNTAXES
from pool.load.reading import Misread
from pool.load.scenarios import SCENARIOS
from pool.load.tally import PHASES
from pool.load.thresholds import COUNTS, METRICS, threshold

LOAD: Final = "Load"
WORK: Final = "Work"
JUDGEMENT: Final = "Judgement"
RESULTS: Final = "Results"
CARE: Final = "Care"
SECTIONS: Final = (LOAD, WORK, JUDGEMENT, RESULTS, CARE)

EXAMPLES: Final = (
    "\b\nExamples:\n"
    "  ulpool load PACS@127.0.0.1:11112 --associations 8\n"
    "  ulpool load PACS@127.0.0.1:11112 --rate 200 --duration 1m --size 512KiB --html report.html\n"
    "  ulpool load PACS@127.0.0.1:11112 --stages 30s:100,2m:100,1m:500 --mix echo=1,store=3 --json run.json\n"
    "  ulpool load PACS@127.0.0.1:11112 --count 1000 study/ --fail-if 'store.p99>250ms' --fail-if 'errors>0.1%'\n"
    "  ulpool load PACS@127.0.0.1:11112 --scenario ct-burst\n"
    "  ulpool load compare before.json after.json\n"
    "\n\b\nScenarios:\n" + "".join(f"  {row.name:15} {row.help}\n" for row in SCENARIOS.values()) + "\n"
    "A threshold is PHASE.METRIC or a count, compared with a limit: store.p99>250ms, echo.rate<1000, errors>0.1%, "
    "dropped>0; in an open loop PHASE.service.METRIC is of the service time. "
    f"Phases: {', '.join(PHASES)}. Metrics: p50 to p99.999, {', '.join(METRICS)}. "
    f"Counts, as numbers or in percent: {', '.join(COUNTS)}."
)
_SYNTAXES: Final = dict(zip(("explicit", "implicit"), SYNTHETIC_TRANSFER_SYNTAXES, strict=True))


class WholeNumber(click.IntRange):
    """By a name that says what it is."""

    name = "whole number"


class MisreadOption(click.ClickException):
    """An option's value cannot be read; its place is marked."""

    status = ExitStatus.USAGE

    def __init__(self, flag: str, error: Misread) -> None:
        super().__init__(f"{flag}: {error}\n{error.marked}")


def _read_by(parse: Callable[[str], Any]) -> Callable[[click.Context, click.Parameter, Any], Any]:
    """A callback for one value, or for each of several."""

    def callback(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
        if value is None:
            return None
        try:
            return tuple(parse(text) for text in value) if param.multiple else parse(value)
        except Misread as error:
            raise MisreadOption(param.opts[-1], error) from None
        except ValueError as error:
            raise click.BadParameter(f"{value!r}: {error}.", ctx, param) from None

    return callback


def _option(section: str, *names: str, parse: Callable[[str], Any] | None = None, **more: Any) -> click.Option:
    option = click.Option(names, callback=_read_by(parse) if parse else None, **more)
    option.section = section  # type: ignore[attr-defined]
    return option


OPTIONS: Final[list[click.Parameter]] = [
    _option(
        *(LOAD, "--associations"),
        type=WholeNumber(min=1),
        metavar="N",
        help="At one time. Closed loop: so many all the time [default: 1]. Open loop: at most [default: 100].",
    ),
    _option(
        LOAD, "--duration", parse=values.duration, metavar="TIME", help=f"{values.SYNTAX['duration']}  [default: 10s]"
    ),
    _option(
        LOAD,
        "--count",
        type=WholeNumber(min=1),
        metavar="N",
        help="End after so many answered messages (closed loop); with --duration, at whichever comes first.",
    ),
    _option(
        LOAD, "--rate", parse=values.rate, metavar="RATE", help=f"Open loop: starts per second. {values.SYNTAX['rate']}"
    ),
    _option(
        *(LOAD, "--rate-of", "unit"),
        type=click.Choice([MESSAGES, ASSOCIATIONS]),
        help=f"What a rate counts.  [default: {MESSAGES}]",
    ),
    _option(
        LOAD,
        "--ramp",
        parse=values.duration,
        metavar="TIME",
        help="Reach the rate evenly in this first part of the duration.",
    ),
    _option(LOAD, "--stages", parse=values.stages, metavar="STAGES", help=f"Open loop: {values.SYNTAX['stages']}"),
    _option(
        LOAD,
        "--think-time",
        parse=values.pause,
        metavar="TIME",
        help="Between a response and the next message (closed loop).",
    ),
    _option(
        LOAD,
        "--scenario",
        type=click.Choice(list(SCENARIOS)),
        metavar="NAME",
        help="Begin with what one of those below presets.",
    ),
    _option(
        *(LOAD, "--processes"),
        type=WholeNumber(1, MOST_PROCESSES),
        metavar="N",
        default=None,
        help="Processes that generate load, no more than associations.  "
        f"[default: one per usable core, here {usable_cores()}]",
    ),
    _option(
        *(LOAD, "--seed"),
        type=WholeNumber(0, LARGEST_SEED),
        metavar="N",
        help="UIDs and the choice of work follow from it; the same seed sends the same again.  [default: a new one]",
    ),
    _option(
        WORK,
        "--mix",
        parse=values.mix,
        metavar="MIX",
        help=f"{values.SYNTAX['mix']}  [default: what FILES and options speak of, else echo]",
    ),
    _option(
        WORK, "--modality", type=click.Choice(list(MODALITIES)), help="Store synthetic instances of it.  [default: CT]"
    ),
    _option(
        WORK,
        "--size",
        parse=values.size,
        metavar="SIZE",
        help=f"Of synthetic instances: {values.SYNTAX['size']}  [default: 512KiB]",
    ),
    _option(
        WORK,
        "--transfer-syntax",
        "transfer_syntaxes",
        parse=_SYNTAXES.__getitem__,
        type=click.Choice(list(_SYNTAXES)),
        multiple=True,
        help="Of synthetic instances (little endian); several are sent in turn.  [default: explicit]",
    ),
    _option(WORK, "--images-per-series", type=WholeNumber(min=1), metavar="N", help="[default: 100]"),
    _option(WORK, "--series-per-study", type=WholeNumber(min=1), metavar="N", help="[default: 1]"),
    _option(
        WORK,
        "--find-key",
        "keys",
        parse=values.key,
        multiple=True,
        metavar="KEYWORD=VALUE",
        help="Ask for it by C-FIND, such as PatientID='ULPLOAD*'; several are given one by one.",
    ),
    _option(
        WORK,
        "--find-level",
        "level",
        type=click.Choice(["PATIENT", "STUDY", "SERIES", "IMAGE"]),
        help="[default: STUDY]",
    ),
    _option(WORK, "--find-model", "model", type=click.Choice(list(FIND_MODELS)), help="[default: study]"),
    _option(
        WORK,
        "--messages-per-association",
        type=WholeNumber(min=0),
        metavar="N",
        help="Then it is released, and another one begins; 0: it stays to the end.  [default: 0]",
    ),
    _option(
        WORK,
        "--contexts",
        type=WholeNumber(0, 128),
        metavar="N",
        help="Propose at least so many presentation contexts.",
    ),
    _option(
        WORK,
        "--max-pdu",
        "-pdu",
        "max_pdu",
        parse=whole_number(1024, LARGEST_PDU),
        metavar="BYTES",
        help="The largest PDU that the peer may send.  [default: 131072]",
    ),
    _option(
        *(JUDGEMENT, "--fail-if"),
        parse=threshold,
        multiple=True,
        metavar="THRESHOLD",
        help=f"Exit with {ExitStatus.THRESHOLD_CROSSED:d} if it is crossed, as below; several are given one by one.",
    ),
    _option(
        JUDGEMENT,
        "--abort-on-fail",
        is_flag=True,
        help="Stop at the first interval, of about a second, that crosses one.",
    ),
    _option(
        JUDGEMENT,
        "--verify",
        metavar="find|DIR",
        help="Afterwards look for all that was acknowledged: ask the peer by C-FIND, or read the files below DIR.",
    ),
    _option(
        RESULTS,
        "--json",
        metavar="FILE",
        help="All that was measured, for compare and for programs; - for standard output.",
    ),
    _option(RESULTS, "--html", metavar="FILE", help="A page with plots that needs nothing else."),
    _option(RESULTS, "--csv", metavar="FILE", help="The time series, a line per interval; - for standard output."),
    _option(
        RESULTS,
        "--hdr",
        type=click.Path(file_okay=False, path_type=Path),
        metavar="DIR",
        help="Percentiles in HdrHistogram's text form, a file per phase.",
    ),
    _option(RESULTS, "--quiet", "-q", is_flag=True, help="Neither live view nor summary; failures are still told."),
    _option(
        CARE, "--strict", is_flag=True, help="Send nothing if one of FILES is no DICOM file, instead of leaving it out."
    ),
    _option(CARE, "--patient-id-prefix", metavar="TEXT", help="What Patient IDs begin with.  [default: ULPLOAD]"),
    _option(
        CARE, "--yes-really", is_flag=True, help="Put load on another machine than this one. Have its owner's word."
    ),
]
