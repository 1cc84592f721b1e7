"""Where settings come from, first to last: command line, environment, file, application, default.

A value is text in every source and becomes an object in one place, so a flag, a variable and a key mean the same.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from pool.config.rows import Setting
from pool.config.settings import SETTINGS, Settings
from pool.config.values import show_switch

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found, unused-ignore]


class SettingError(ValueError):
    """A setting will not do. The message says which one, why, and what would do."""


def resolve(
    command_line: Mapping[str, object],
    environ: Mapping[str, str],
    file: Path | None = None,
    declared: Mapping[str, object] | None = None,
) -> Settings:
    """Settings from all sources; `origins` tells for each where its value came from.

    `command_line` maps names to text, switches or sequences of text; None and () are "not given". `file` is the TOML
    file, otherwise the one that the setting `config` names. `declared` is what the application itself says.
    Other variables that begin with ULPOOL_ are left alone: container platforms set some (ULPOOL_PORT for a service of
    that name).
    """
    sources: list[Mapping[str, tuple[str, object]]] = [
        {row.name: (row.flag, command_line.get(row.name)) for row in SETTINGS},
        {row.name: (row.environment_name, environ.get(row.environment_name)) for row in SETTINGS},
    ]
    named = file or _resolve_row(_ROWS["config"], sources)[1]
    if named:
        sources.append({name: (f"{named}: {name}", value) for name, value in read_file(named).items()})
    if declared:
        _, name = _resolve_row(_ROWS["application"], sources)
        sources.append({key: (f"{name}: {key}", value) for key, value in declared.items()})
    resolved = {row.name: _resolve_row(row, sources) for row in SETTINGS}
    _check_together({name: value for name, (_, value) in resolved.items()})
    return Settings(
        **{name: value for name, (_, value) in resolved.items()},
        origins={name: origin for name, (origin, _) in resolved.items()},
    )


def _check_together(values: Mapping[str, Any]) -> None:
    """What each will do alone and not beside the other."""
    if values["sink"] and values["application"]:
        raise SettingError(f"--sink keeps nothing and asks nobody: leave it out, or {values['application']}")


def read_file(path: Path) -> dict[str, object]:
    """The keys and values of a TOML file of settings. An unknown key is an error: a typing mistake must not pass."""
    try:
        values: dict[str, object] = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingError(f"{path}: cannot read it: {error.strerror}") from None
    except ValueError as error:
        raise SettingError(f"{path}: not TOML: {error}") from None
    for key in values:
        if key not in _ROWS:
            nearest = difflib.get_close_matches(key, _ROWS, n=1)
            advice = f"did you mean {nearest[0]}?" if nearest else f"the keys are {', '.join(_ROWS)}"
            raise SettingError(f"{path}: {key}: no such setting; {advice}")
    if "config" in values:
        raise SettingError(f"{path}: config: a file cannot name another one; merge them")
    return values


_ROWS: Final = {row.name: row for row in SETTINGS}


def _resolve_row(row: Setting, sources: Iterable[Mapping[str, tuple[str, object]]]) -> tuple[str, Any]:
    """(origin, value) from the first source that has the row."""
    for source in sources:
        origin, given = source.get(row.name, ("", None))
        if given is None or given == ():
            continue
        text = _text(row, origin, given)
        try:
            return origin, row.parse(text)
        except ValueError as error:
            said = "this" if row.is_secret else repr(text)
            raise SettingError(f"{origin}: {said} will not do: {error}") from None
    return "default", row.parse(row.default)


def _text(row: Setting, origin: str, given: object) -> str:
    """What a source gave as the one text its parser reads."""
    if isinstance(given, bool):
        return show_switch(given)
    if isinstance(given, (str, int, float, Path)):
        return str(given)
    if isinstance(given, (list, tuple)) and row.is_list:
        texts = [_item(row, f"{origin}[{number}]", item) for number, item in enumerate(given, 1)]
        if all(text is not None for text in texts):
            return row.separator.join(filter(None, texts))
    raise SettingError(
        f"{origin}: {given!r} will not do: give {'text or a list of texts' if row.is_list else 'one value'}"
    )


def _item(row: Setting, origin: str, given: object) -> str | None:
    """One value of a list as its text; None for what has none."""
    if isinstance(given, Mapping) and row.of_table is not None:
        try:
            return row.of_table(given)
        except ValueError as error:
            raise SettingError(f"{origin}: {error}") from None
    return given if isinstance(given, str) else None
