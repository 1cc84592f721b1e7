"""The names of events are a table: what the sources log is in it, and nothing else is; the README shows it."""

from __future__ import annotations

import ast
import fnmatch
import re
from collections.abc import Iterator
from pathlib import Path

from pool.log_events import EVENTS

ROOT = Path(__file__).parent.parent.parent
NAME = re.compile(r"[a-z]+\.[a-z_]+|application|library")


def logged() -> Iterator[tuple[str, str]]:
    """Where something is logged, and under which name; `*` stands for what is filled in there."""
    for path in sorted((ROOT / "pool").rglob("*.py")):
        tree = ast.parse(path.read_text())
        for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
            for call in (node for node in ast.walk(function) if isinstance(node, ast.Call)):
                text = ast.unparse(call.func)
                if text in ("logs.event", "logs.announce") or (
                    path.name == "logs.py" and text in ("event", "_log.format")
                ):
                    for name in names(call.args[1], function):
                        yield f"{path.name}:{call.lineno}", name


def names(argument: ast.expr, function: ast.FunctionDef) -> list[str]:
    if isinstance(argument, ast.JoinedStr):
        return ["".join(part.value if isinstance(part, ast.Constant) else "*" for part in argument.values)]
    within = function if isinstance(argument, ast.Name) else argument
    found = [node.value for node in ast.walk(within) if isinstance(node, ast.Constant)]
    return [value for value in found if isinstance(value, str) and NAME.fullmatch(value)]


def test_what_is_logged_is_a_row() -> None:
    strangers = [(where, name) for where, name in logged() if not fnmatch.filter(EVENTS, name)]
    assert not strangers


def test_every_row_is_logged() -> None:
    said = {name for _, name in logged()}
    assert not [name for name in EVENTS if not any(fnmatch.fnmatch(name, pattern) for pattern in said)]


def test_names_are_names() -> None:
    assert all(NAME.fullmatch(name) and EVENTS[name].endswith(".") for name in EVENTS)


def test_the_readme_shows_them() -> None:
    table = "\n".join(["| event | when |", "|---|---|", *(f"| `{name}` | {help} |" for name, help in EVENTS.items())])
    assert table in (ROOT / "README.md").read_text(encoding="utf-8"), f"put this into README.md:\n{table}"
