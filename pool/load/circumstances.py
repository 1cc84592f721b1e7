"""Circumstances: how a run was run (command, seed, plan, versions, machine), and in what two of them differ."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from pool.load.result import Result

COMMAND: Final = "Command"
SEED: Final = "Seed"
ALIKE: Final = "Nothing differs: command, seed, plan, versions and machine are the same."
MOST_LISTED: Final = 10  # files of a load, say: more would hide the rest


class Difference(NamedTuple):
    """What was not the same in all runs, in words; empty where a run has none of it."""

    name: str
    words: tuple[str, ...]


def circumstances(result: Result) -> dict[str, Any]:
    """By name, as a result has them."""
    plan = {_title(name): value for name, value in result.plan.items() if name not in ("peer", "seed")}
    return {
        COMMAND: shlex.join(result.command),
        SEED: str(result.seed),
        **plan,
        "Versions": result.versions,
        "Machine": result.host,
    }


def differences(results: Sequence[Result]) -> list[Difference]:
    """Where they are not the same; parts of one circumstance are told apart."""
    flat = [dict(_parts({"Peer": result.peer, **circumstances(result)}.items())) for result in results]
    names = dict.fromkeys(name for found in flat for name in found)
    unlike = (name for name in names if any(found.get(name) != flat[0].get(name) for found in flat))
    return [Difference(name, tuple(_beside_others(found.get(name)) for found in flat)) for name in unlike]


def _parts(items: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    for name, value in items:
        if isinstance(value, Mapping):
            yield from _parts((f"{name}, {_plain(part)}", of_it) for part, of_it in value.items())
        else:
            yield name, value


def circumstance_in_words(value: Any) -> str:
    """A circumstance; empty where it says nothing."""
    if isinstance(value, Mapping):
        return ", ".join(
            f"{_plain(name)} {words}" for name, part in value.items() if (words := circumstance_in_words(part))
        )
    if isinstance(value, list):
        more = [f"and {len(value) - MOST_LISTED:,} more"] if len(value) > MOST_LISTED else []
        return "; ".join([*filter(None, map(circumstance_in_words, value[:MOST_LISTED])), *more])
    return str(value) if value else ""


def _beside_others(value: Any) -> str:
    """0 says something where another run has another number."""
    return "0" if value == 0 and value is not False else circumstance_in_words(value)


def _plain(name: str) -> str:
    return name.replace("_", " ")


def _title(name: str) -> str:
    return _plain(name).capitalize()
