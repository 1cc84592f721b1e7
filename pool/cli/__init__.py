"""The command `ulpool`: the group of its verbs, how settings become options, how errors become exit statuses.

Each family of verbs is a module of its own, imported only when one of its verbs runs: `ulpool serve` is the acceptor
process and loads nothing that a sender or a table needs.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import click
from click.shell_completion import CompletionItem

from pool.acceptor.listeners import ListenError
from pool.config import SECTIONS, SETTINGS, Setting, SettingError
from pool.control import AlreadyRunning, ControlError, NotAnswering, NotRunning
from pool.declaration import ApplicationError
from pool.exit_status import ExitStatus

# Verb -> the module that defines it, in the order of --help.
VERBS: Final = {
    "serve": "pool.cli.serve",
    "status": "pool.cli.status",
    "workers": "pool.cli.status",
    "associations": "pool.cli.status",
    "top": "pool.cli.top",
    "events": "pool.cli.events",
    "scale": "pool.cli.orders",
    "reload": "pool.cli.orders",
    "drain": "pool.cli.orders",
    "stop": "pool.cli.orders",
    "abort": "pool.cli.orders",
    "log-level": "pool.cli.orders",
    "config": "pool.cli.config",
    "conformance": "pool.cli.conformance",
    "completion": "pool.cli.completion",
    "healthcheck": "pool.cli.healthcheck",
    "echo": "pool.cli.echo",
    "send": "pool.cli.send",
    "load": "pool.cli.load",
}

CONTEXT_SETTINGS: Final = {"help_option_names": ["-h", "--help"], "max_content_width": 110}

# The most specific first.
_STATUS_OF_ERROR: Final[Mapping[type[Exception], ExitStatus]] = {
    SettingError: ExitStatus.USAGE,
    ListenError: ExitStatus.CANNOT_LISTEN,
    ApplicationError: ExitStatus.APPLICATION_FAILED,
    AlreadyRunning: ExitStatus.ALREADY_RUNNING,
    NotRunning: ExitStatus.NOT_RUNNING,
    NotAnswering: ExitStatus.NOT_RUNNING,
    ControlError: ExitStatus.FAILED,
}


class _Verbs(click.Group):
    """The group of `VERBS`, each imported when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        verb: click.Command = getattr(importlib.import_module(VERBS[cmd_name]), cmd_name.replace("-", "_"))
        return verb

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Exit statuses"):
            formatter.write_dl([(str(int(status)), status.help) for status in ExitStatus])
        super().format_epilog(ctx, formatter)


@click.group(
    cls=_Verbs,
    context_settings=CONTEXT_SETTINGS,
    invoke_without_command=True,
    epilog="\b\nExamples:\n"
    "  ulpool serve                          store what comes to port 11112 into ./incoming\n"
    "  ulpool serve -aet ARCHIVE -od /data   under another title, to another directory\n"
    "  ulpool serve receiver:app             handle what comes with the app of receiver.py\n"
    "  ulpool status                         what the server is doing\n"
    "  ulpool top                            the same, live\n"
    "  ulpool reload                         serve with the settings and the application as they are now\n"
    "  ulpool stop                           let it finish its work and end\n"
    "  ulpool echo ULPOOL@127.0.0.1:11112    is somebody there?\n"
    "  ulpool send ULPOOL@127.0.0.1:11112 .  send all DICOM files of a folder\n"
    "  ulpool load ULPOOL@127.0.0.1:11112    how much can it take?\n"
    "\n"
    "ulpool VERB --help tells more about each.",
)
@click.version_option(package_name="ulpool", message="%(package)s %(version)s")
@click.pass_context
def verbs(ctx: click.Context) -> None:
    """A DICOM server that runs on every core."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


class SettingOption(click.Option):
    """A row of the table of settings as an option. It has no default and no variable: `pool.config` resolves those."""

    def __init__(self, row: Setting) -> None:
        self.section = row.section
        names = (f"{row.flag}/--no-{row.flag.removeprefix('--')}",) if row.is_switch else row.flags
        default = f"  [default: {row.default}]" if row.default else ""
        super().__init__(
            [row.name, *names],
            type=None if row.is_switch else click.STRING,
            metavar=row.metavar or None,
            multiple=row.is_list,
            default=None,
            help=row.help + default,
            shell_complete=_values_of(row),
        )


def _values_of(row: Setting) -> Callable[[click.Context, click.Parameter, str], list[CompletionItem]]:
    """What a shell may complete: the words of the metavar, files or folders."""
    words = row.metavar.split("|") if row.metavar.islower() and "|" in row.metavar else ()
    kind = {"FILE": "file", "DIR": "dir"}.get(row.metavar)

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        if kind is not None:
            return [CompletionItem(incomplete, type=kind)]
        return [CompletionItem(word) for word in words if word.startswith(incomplete)]

    return complete


class SettingArgument(click.Argument):
    """A row of the table of settings that stands alone on the command line."""

    def __init__(self, row: Setting) -> None:
        self.section = row.section
        self._help_record = (f"[{row.flag}]", row.help)
        super().__init__([row.name], required=False, default=None, metavar=f"[{row.flag}]")

    def get_help_record(self, ctx: click.Context) -> tuple[str, str]:
        """Listed beside the options: it is a setting like those."""
        return self._help_record


class SectionedCommand(click.Command):
    """A verb whose help has its options in sections; an option without one is among the "Options"."""

    sections: Sequence[str] = ()

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for section in (*self.sections, "Options"):
            params = [param for param in self.get_params(ctx) if getattr(param, "section", "Options") == section]
            records = [record for param in params if (record := param.get_help_record(ctx)) and record[1]]
            if records:
                with formatter.section(section):
                    formatter.write_dl(records)


class SettingsCommand(SectionedCommand):
    """A verb whose options are rows of the table, in the table's sections."""

    sections = SECTIONS

    def __init__(self, *args: Any, settings: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = [row for row in SETTINGS if not settings or row.name in settings]
        self.params += [SettingArgument(row) if row.is_argument else SettingOption(row) for row in rows]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a verb; its exit status. What goes wrong is one line, with a hint where there is one; never a traceback."""
    try:
        result = verbs.main(arguments, prog_name="ulpool", standalone_mode=False)
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else _asked_for(arguments)
        return _fail(f"{error.format_message()} Try {path} --help.", ExitStatus.USAGE)
    except click.ClickException as error:
        return _fail(error.format_message(), getattr(error, "status", ExitStatus.FAILED))
    except click.Abort:
        return _fail("interrupted", ExitStatus.FAILED)
    except tuple(_STATUS_OF_ERROR) as error:
        status = next(status for kind, status in _STATUS_OF_ERROR.items() if isinstance(error, kind))
        return _fail(str(error), status)
    return int(result or ExitStatus.OK)


def _asked_for(arguments: Sequence[str] | None) -> str:
    """The verb, where an error does not know it: click's of an option without its argument."""
    given = sys.argv[1:] if arguments is None else arguments
    return " ".join(["ulpool", *(verb for verb in given[:1] if verb in VERBS)])


def _fail(message: str, status: ExitStatus) -> int:
    print(f"ulpool: {message}", file=sys.stderr)  # noqa: T201
    return int(status)
