"""`ulpool config`: what the settings are and where each came from, and whether a server could begin with them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click

from pool.acceptor.free_space import look
from pool.acceptor.resolution import Sources, settle
from pool.cli import CONTEXT_SETTINGS, SettingsCommand
from pool.config import SETTINGS, Setting, SettingError, Settings
from pool.control import UnsafeDirectory, require_private
from pool.exit_status import ExitStatus
from pool.tls import check as check_tls

_COMMENTS: Final = 48  # the column they begin in


@click.group(
    context_settings=CONTEXT_SETTINGS, epilog="\b\nExamples:\n  ulpool config show\n  ulpool config check --config FILE"
)
def config() -> None:
    """Show and check settings, as ulpool serve would find them."""


@config.command(
    cls=SettingsCommand,
    context_settings=CONTEXT_SETTINGS,
    epilog="\b\nExamples:\n"
    "  ulpool config show --config /etc/ulpool.toml\n"
    "  ulpool config show -aet ARCHIVE > ulpool.toml      what it prints is such a file",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object for programs: value and origin by name.")
def show(as_json: bool, **command_line: Any) -> int:
    """Print every setting and where its value came from."""
    settings = settle(Sources(command_line, dict(os.environ)))
    if as_json:
        rows = {
            row.name: {"value": row.show(getattr(settings, row.name)), "origin": settings.origins[row.name]}
            for row in SETTINGS
        }
        click.echo(json.dumps(rows, indent=2))
    else:
        click.echo("\n".join(_file(settings)))
    return ExitStatus.OK


def _file(settings: Settings) -> Iterator[str]:
    """A TOML file of these settings, each with its origin."""
    section = ""
    for row in SETTINGS:
        if row.section != section:
            yield f"{chr(10) if section else ''}# {row.section}"
            section = row.section
        line = f"{row.name} = {_toml(row.show(getattr(settings, row.name)))}"
        comment = "# " if row.name == "config" else ""  # a file cannot name another one
        yield f"{comment + line:<{_COMMENTS}}  # {settings.origins[row.name]}"


def _toml(text: str) -> str:
    """A number, a truth or a basic string; every escape of JSON's is one of TOML's."""
    if text in ("true", "false") or (text.isdecimal() and str(int(text)) == text):
        return text
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


@config.command(
    cls=SettingsCommand,
    context_settings=CONTEXT_SETTINGS,
    epilog="\b\nExamples:\n  ulpool config check --config /etc/ulpool.toml && ulpool reload",
)
def check(**command_line: Any) -> int:
    """Look whether a server could begin with these settings: files, certificates, directories, the application.

    Everything that is wrong is said; nothing is made, bound or changed.
    """
    settings = settle(Sources(command_line, dict(os.environ)))
    faults = list(_faults(settings))
    for fault in faults:
        click.echo(f"ulpool: {fault}", err=True)
    if faults:
        return ExitStatus.FAILED
    click.echo("a server could begin with these settings")
    return ExitStatus.OK


def _faults(settings: Settings) -> Iterator[str]:
    rows = {row.name: row for row in SETTINGS}

    def named(name: str) -> str:
        return _origin(rows[name], settings)

    stores = not settings.application or settings.origins["output_directory"] != "default"
    if stores and (fault := _cannot_make(settings.output_directory)):
        yield f"{named('output_directory')}: {fault}"
    if stores and _is_short(settings):
        yield f"{named('min_free')}: {settings.output_directory} has less free space than that: all would be rejected"
    try:
        check_tls(settings)
    except SettingError as error:
        yield str(error)
    if settings.log_file is not None and (fault := _cannot_write(settings.log_file)):
        yield f"{named('log_file')}: {fault}"
    if settings.control is not None and (fault := _cannot_control(settings.control)):
        yield f"{named('control')}: {fault}"


def _is_short(settings: Settings) -> bool:
    try:
        room = look(settings.output_directory)
    except OSError:  # what is wrong with the directory is said
        return False
    return room.free < settings.min_free.of(room.total)


def _origin(row: Setting, settings: Settings) -> str:
    origin = settings.origins[row.name]
    return row.flag if origin == "default" else origin


def _cannot_make(directory: Path) -> str:
    """Why a directory cannot be had and written to; empty where it can."""
    for path in (directory, *directory.parents):
        if path.is_dir():
            writable = os.access(path, os.W_OK | os.X_OK)
            return "" if writable else f"{path} cannot be written to by this user; change its owner or mode"
        if path.exists() or path.is_symlink():
            return f"{path} is not a directory; name another one"
    return ""


def _cannot_write(file: Path) -> str:
    if not file.exists():
        return f"{file.parent} is no directory" if not file.parent.is_dir() else _cannot_make(file.parent)
    if file.is_dir():
        return f"{file} is a directory; name a file"
    return "" if os.access(file, os.W_OK) else f"{file} cannot be written to by this user"


def _cannot_control(directory: Path) -> str:
    try:
        require_private(directory)
    except FileNotFoundError:
        if not directory.parent.is_dir():
            return f"{directory.parent} is no directory; make it"
        return _cannot_make(directory.parent)
    except (OSError, UnsafeDirectory) as error:
        return str(error)
    return ""
