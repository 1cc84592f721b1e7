"""Outputs: the files that a verb writes its results to, looked at before it does what takes long."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
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


def check_kept(kept: Iterable[Path], given: Mapping[str, object], what: str) -> None:
    """Raises UsageError for an output, by option, that would take the place of a file that is read: of `what`."""
    places = {_place(path) for path in kept}
    for option, path in given.items():
        place = _place(Path(str(path))) if path not in (None, STANDARD_OUTPUT) else None
        if place is not None and place in places:
            raise click.UsageError(f"--{option}: {path}: that is one of {what}.")


def _place(path: Path) -> tuple[int, int] | None:
    """The same for all names of a file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def write_files(given: Mapping[str, str | None], forms: Forms) -> list[str]:
    """All that was asked for and can be written, standard output last; what could not, in words."""
    failures: list[str] = []
    for option in sorted(forms, key=lambda option: given[option] == STANDARD_OUTPUT):
        path = given[option]
        if path is not None:
            with _told(path, failures):
                _write(path, forms[option]())
    return failures


@contextmanager
def _told(path: str, failures: list[str]) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise  # whoever read our standard output wants no more of it
    except OSError as error:
        failures.append(f"{path}: cannot write it: {error.strerror}")


def raise_failures(failures: Iterable[str]) -> None:
    """Raises ClickException, if there are any: when all else is done."""
    words = "; ".join(failures)
    if words:
        raise click.ClickException(words)


def _write(path: str, text: str) -> None:
    if path == STANDARD_OUTPUT:
        click.echo(text, nl=False)
        return
    data, file = text.encode(), Path(path)
    if file.exists() and not file.is_file():  # a device or a pipe
        file.write_bytes(data)
    else:
        _replace(Path(os.path.realpath(file)), data)


def _replace(file: Path, data: bytes) -> None:
    """What was there before stays until all of the new is: a full disk costs nobody the last result."""
    written = file.with_name(f".ulpool-{secrets.token_hex(8)}")
    try:
        written.touch(exist_ok=False)
    except PermissionError:  # the file may be changed, but not the folder
        file.write_bytes(data)
        return
    try:
        if file.exists():
            written.chmod(file.stat().st_mode & 0o777)
        written.write_bytes(data)
        written.replace(file)
    finally:
        written.unlink(missing_ok=True)
