"""Markup: what pages of ours are made of, so that one looks and behaves as the other.

Belongs here: elements, the escaping of what enters them, and the frame around them, which needs nothing else: its own
policy allows the one script and the one style sheet that it was made with, and no request at all. Not here: what a page
is about (`html`, `comparison_page`), or how a plot is drawn (plot.js in the folder beside this).
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, NamedTuple

PARTS: Final = Path(__file__).parent / "page"

Cell = str | tuple[str, str]  # its text, or that and a class of the style sheet


class Head(NamedTuple):
    """What a page begins with."""

    kind: str  # the command that made it
    name: str
    line: str
    notices: Iterable[str] = ()  # markup already


def page(content: Path, script: Path, data: Any, head: Head, *, notes: Iterable[str] = (), **parts: str) -> str:
    """A page of `content`, with `parts` in it, which are markup already; its plots `script` draws from `data`.

    `notes` are small print.
    """
    style = _read(PARTS / "page.css")
    both = _read(PARTS / "plot.js") + _read(script)
    return _read(PARTS / "frame.html").format(
        style=style,
        style_digest=_digest(style),
        script=both,
        script_digest=_digest(both),
        data=embedded(data),
        kind=text(head.kind),
        name=text(head.name),
        line=text(head.line),
        notices="\n".join(head.notices),
        content=_read(content).format(**parts),
        notes=_list(notes),
        version=text(version("ulpool")),
    )


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _digest(part: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(part.encode()).digest()).decode()


def text(value: object) -> str:
    """Whatever came from a peer, a file or the command line enters through this, also what is not UTF-8 (PEP 383)."""
    return html.escape(str(value).encode("utf-8", "replace").decode())


def embedded(value: object) -> str:
    """JSON in which nothing can be taken for the end of its element."""
    encoded = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return encoded.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def notice(kind: str, words: str) -> str:
    """A line that is to be seen: success, warning or failure."""
    return f'<p class="notice {kind}">{text(words[:1].upper() + words[1:])}</p>'


def _list(items: Iterable[str]) -> str:
    rows = "".join(f"<li>{text(item)}</li>" for item in items)
    return f"<ul>{rows}</ul>" if rows else ""


def tile(name: str, value: str, more: str, *, is_bad: bool = False) -> str:
    """A number that matters."""
    bad = " bad" if is_bad else ""
    return f'<div class="tile{bad}"><p>{text(name)}</p><strong>{text(value)}</strong><small>{text(more)}</small></div>'


def sheet(title: str, content: str) -> str:
    """A part of the page; wide content scrolls in it."""
    return f'<section class="sheet"><h2>{text(title)}</h2><div class="scroll">{content}</div></section>'


def table(heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """Heads and rows of text."""
    head = "".join(f"<th>{text(name)}</th>" for name in heads)
    body = "\n".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table>"


def _cell(cell: Cell) -> str:
    words, kind = (cell, "") if isinstance(cell, str) else cell
    return f'<td class="{kind}">{text(words)}</td>' if kind else f"<td>{text(words)}</td>"


def definitions(items: Iterable[tuple[str, str]]) -> str:
    """Values are markup already."""
    return "<dl>" + "\n".join(f"<dt>{text(name)}</dt><dd>{value}</dd>" for name, value in items) + "</dl>"
