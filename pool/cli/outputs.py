"""Outputs: the files that a verb writes its results to, looked at before it does what takes long."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click

STANDARD_OUTPUT: Final = "-"

Forms = Mapping[str, Callable[[], str]]  # by option, what goes into its file


def check_files(given: Mapping[str, str | None]) -> None:
    """By option. Raises UsageError for one that could not be written, and for two that are the same."""
    options: dict[str, str] = {}
    for option, path in given.items():
        if path == "":
            raise click.UsageError(f"--{option}: give the name of a file, or - for standard output.")
        if path is not None:
            place = path if path == STANDARD_OUTPUT else os.path.realpath(path)
            if place in options:
                raise click.UsageError(f"--{option}: {path}: --{options[place]} goes there already.")
            options[place] = option
            with _refused(option, path):
                _open_and_leave(path)


def check_folder(option: str, folder: Path | None) -> None:
    """It is made, if it is not there. Raises UsageError where nothing can be written into it."""
    if folder:
        with _refused(option, folder):
            folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()


@contextmanager
def _refused(option: str, path: object) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise click.UsageError(f"--{option}: {path}: there is no such folder.") from None
    except OSError as error:
        raise click.UsageError(f"--{option}: {path}: cannot be written: {error.strerror}.") from None


def _open_and_leave(path: str) -> None:
    """As it was. What is neither file nor folder, such as a pipe, is let be: to be opened may mean something to it."""
    file = Path(path)
    if path == STANDARD_OUTPUT or (file.exists() and not (file.is_file() or file.is_dir())):
        return
    is_new = not os.path.lexists(file)
    file.open("ab").close()
    if is_new:
        file.unlink()


def write_files(given: Mapping[str, str | None], forms: Forms) -> None:
    """What was asked for. Raises ClickException."""
    for option, form in forms.items():
        path = given[option]
        if path == STANDARD_OUTPUT:
            click.echo(form(), nl=False)
        elif path is not None:
            try:
                Path(path).write_text(form(), encoding="utf-8")
            except OSError as error:
                raise click.ClickException(f"{path}: cannot write it: {error.strerror}") from None
