"""Tables for people, as the verbs that show something have them in common."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

WIDTH_OF_A_FILE: Final = 120  # columns, where there is no terminal


def console(*, stderr: bool = False) -> Console:
    """Where tables go; what is no terminal is wide enough for them."""
    made = Console(stderr=stderr, highlight=False)
    if not made.is_terminal:
        made.width = max(made.width, WIDTH_OF_A_FILE)
    return made


def table(title: str, *columns: str) -> Table:
    """An empty one."""
    made = Table(title=title, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for column in columns:
        made.add_column(column, no_wrap=True)
    return made


def cells(*values: object) -> Iterator[Text]:
    """A row's."""
    for value in values:
        yield Text(plain(value))


def plain(value: object) -> str:
    """A title came from a peer: neither markup nor control characters of it reach the terminal."""
    text = str(value)
    return text if text.isascii() and text.isprintable() else ascii(text)[1:-1]
