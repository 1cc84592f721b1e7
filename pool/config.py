"""The settings of the server: one table, and how its values are resolved.

`Settings` is the table: each field is one row with its flags, parser, default, help and section; the command line,
the environment variables, the keys of the TOML file, `--help` and the README are all read from those rows. A value
is text in every source and becomes an object in one place, so a flag, a variable and a key mean the same. What does
not belong here: opening sockets, directories or logs.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import json
import math
import string
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pool.cores import usable_cores

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found, unused-ignore]

Address = tuple[str, int]

ENVIRONMENT_PREFIX: Final = "ULPOOL_"
LAYOUT_FIELDS: Final = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
LONGEST_TIMEOUT: Final = 1_000_000.0  # seconds; past it epoll's milliseconds would overflow
LARGEST_PDU: Final = 0xFFFFFFFF  # the PDU-length field has four bytes (PS3.8 9.3.1)


class SettingError(ValueError):
    """A setting will not do. The message says which one, why, and what would do."""


# Parsers: text -> value. A ValueError says what would do; `resolve` adds where the text came from.


def addresses(text: str) -> tuple[Address, ...]:
    """HOST:PORT, comma separated; an IPv6 host stands in brackets, an empty host means every IPv4 interface."""
    return tuple(_address(part.strip()) for part in text.split(","))


def _address(text: str) -> Address:
    host, colon, port = text.rpartition(":")
    in_brackets = host.startswith("[") and host.endswith("]")
    if not colon or not (port.isascii() and port.isdigit()) or int(port) > 65535 or (":" in host and not in_brackets):
        raise ValueError("give HOST:PORT, such as 127.0.0.1:11112 or [::1]:11112, with a port from 0 to 65535")
    return (host[1:-1] if in_brackets else host) or "0.0.0.0", int(port)


def show_addresses(bind: Iterable[Address]) -> str:
    return ",".join(show_address(address) for address in bind)


def show_address(address: Address) -> str:
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def ae_title(text: str) -> str:
    """PS3.5 6.2, VR AE: 1 to 16 characters, spaces at the ends mean nothing, no backslash, no control characters."""
    title = text.strip(" ")
    if not 1 <= len(title) <= 16 or not (title.isascii() and title.isprintable()) or "\\" in title:
        raise ValueError("give an AE title of 1 to 16 ASCII characters without a backslash")
    return title


def ae_titles(text: str) -> tuple[str, ...]:
    """Comma separated AE titles; none where the text is empty."""
    return tuple(ae_title(part) for part in text.split(",")) if text.strip() else ()


def show_ae_titles(titles: Iterable[str]) -> str:
    return ",".join(titles)


def application(text: str) -> str:
    """MODULE:NAME as Python would import it; without a name it is `app`. Empty for no application."""
    module, colon, name = text.partition(":")
    parts = [*module.split("."), *(name.split(".") if colon else ())]
    if text and not all(part.isidentifier() for part in parts):
        raise ValueError("give MODULE:NAME, such as receiver:app for the app of receiver.py")
    return f"{module}:{name or 'app'}" if text else ""


def whole_number(low: int, high: int, *, or_zero: str = "") -> Callable[[str], int]:
    """A parser of whole numbers from `low` to `high`; `or_zero` says what 0 means where it is allowed too."""

    def parse(text: str) -> int:
        number = int(text) if text.isascii() and text.isdigit() else -1
        if not (low <= number <= high or (or_zero and number == 0)):
            raise ValueError(f"give a whole number from {low} to {high}" + (f", or 0 for {or_zero}" * bool(or_zero)))
        return number

    return parse


def worker_count(text: str) -> int:
    if text == "auto":
        return usable_cores()
    try:
        return whole_number(1, 1024)(text)
    except ValueError as error:
        raise ValueError(f"{error}, or auto for one per usable core") from None


def seconds(text: str) -> float:
    number = _float(text)
    if not 0 < number <= LONGEST_TIMEOUT:
        raise ValueError("give a number of seconds above 0, such as 30 or 0.5")
    return number


def seconds_or_at_once(text: str) -> float:
    if _float(text) == 0:
        return 0.0
    try:
        return seconds(text)
    except ValueError as error:
        raise ValueError(f"{error}, or 0 for at once") from None


def seconds_or_never(text: str) -> float | None:
    if _float(text) == 0:
        return None
    try:
        return seconds(text)
    except ValueError as error:
        raise ValueError(f"{error}, or 0 for no limit") from None


def show_seconds(value: float | None) -> str:
    return repr(value).removesuffix(".0") if value else "0"


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def choice(*names: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in names:
            raise ValueError(f"give {' or '.join(names) if len(names) < 3 else 'one of ' + ', '.join(names)}")
        return text

    return parse


def switch(text: str) -> bool:
    lower = text.lower()
    if lower not in ("true", "yes", "on", "1", "false", "no", "off", "0"):
        raise ValueError("give true or false")
    return lower in ("true", "yes", "on", "1")


def show_switch(value: bool) -> str:
    return "true" if value else "false"


def directory(text: str) -> Path:
    """Absolute from here on: what it is relative to must not change afterwards."""
    if not text or "\0" in text:
        raise ValueError("give a path")
    return Path.cwd() / Path(text).expanduser()


def optional_path(text: str) -> Path | None:
    return directory(text) if text else None


def show_optional_path(path: Path | None) -> str:
    return str(path or "")


def layout(text: str) -> str:
    """A template over the three UIDs; `flat` is short for one folder. Nothing a peer sends but UIDs becomes a name."""
    template = "{SOPInstanceUID}.dcm" if text == "flat" else text
    try:
        pieces = list(string.Formatter().parse(template))
    except ValueError:
        pieces = [("", None, None, None)]
    fields = [(name, spec or conversion) for _, name, spec, conversion in pieces if name is not None]
    parts = template.split("/")
    if (
        "SOPInstanceUID" not in [name for name, _ in fields]
        or any(name not in LAYOUT_FIELDS or extra for name, extra in fields)
        or any(part.startswith(".") or not part for part in parts)
        or not (template.isascii() and template.isprintable())
    ):
        raise ValueError(
            "give flat, or a relative path made of {StudyInstanceUID}, {SeriesInstanceUID} and {SOPInstanceUID}, the "
            "last one included, no part of it empty or beginning with a dot"
        )
    return template


# The table.


@dataclass(frozen=True)
class Setting:
    """One row. `show` is the inverse of `parse`: a value goes to the workers as the text it could have come from."""

    name: str
    flags: tuple[str, ...]
    parse: Callable[[str], Any]
    show: Callable[[Any], str]
    default: str
    help: str
    metavar: str
    section: str

    @property
    def environment_name(self) -> str:
        return ENVIRONMENT_PREFIX + self.name.upper()

    @property
    def flag(self) -> str:
        """The long flag, which messages name."""
        return self.flags[-1]

    @property
    def is_switch(self) -> bool:
        return self.parse is switch

    @property
    def is_list(self) -> bool:
        return self.parse in (addresses, ae_titles)

    @property
    def is_argument(self) -> bool:
        """It has no flag: on the command line it stands alone."""
        return not self.flag.startswith("-")


def _setting(
    *flags: str,
    parse: Callable[[str], Any],
    default: str,
    help: str,
    section: str,
    metavar: str = "",
    show: Callable[[Any], str] = str,
) -> Any:
    row = {
        "flags": flags,
        "parse": parse,
        "show": show,
        "default": default,
        "help": help,
        "metavar": metavar,
        "section": section,
    }
    return field(default_factory=functools.partial(parse, default), metadata=row)


APPLICATION: Final = "Application"
NETWORK: Final = "Network"
STORAGE: Final = "Storage"
LIMITS: Final = "Limits"
TIMEOUTS: Final = "Timeouts (seconds)"
OPERATION: Final = "Operation"
SECTIONS: Final = (APPLICATION, NETWORK, STORAGE, LIMITS, TIMEOUTS, OPERATION)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a server runs with. `Settings()` is all defaults; `resolve` asks the other sources first."""

    application: str = _setting(
        "MODULE:NAME",
        parse=application,
        default="",
        section=APPLICATION,
        help="The pool.Application to serve, or a function that returns one; without it, instances are stored.",
    )
    app_dir: Path = _setting(  # noqa: RUF009 (a path is immutable)
        "--app-dir",
        parse=directory,
        default=".",
        metavar="DIR",
        section=APPLICATION,
        help="Where its module is looked for before anywhere else.",
    )
    handler_threads: int = _setting(
        "--handler-threads",
        parse=whole_number(1, 10_000),
        default="100",
        metavar="N",
        section=APPLICATION,
        help="How many handlers each worker runs at one time; more associations than that wait for each other.",
    )
    bind: tuple[Address, ...] = _setting(
        "--bind",
        parse=addresses,
        show=show_addresses,
        default="127.0.0.1:11112",
        metavar="HOST:PORT",
        section=NETWORK,
        help="Where to listen; several are given one by one or comma separated. Port 0 takes a free one.",
    )
    aet: str = _setting(
        "-aet",
        "--aet",
        parse=ae_title,
        default="ULPOOL",
        metavar="TITLE",
        section=NETWORK,
        help="Our application entity title.",
    )
    require_called_aet: bool = _setting(
        "--require-called-aet",
        parse=switch,
        show=show_switch,
        default="false",
        section=NETWORK,
        help="Reject who calls us by another title.",
    )
    require_calling_aet: tuple[str, ...] = _setting(
        "--require-calling-aet",
        parse=ae_titles,
        show=show_ae_titles,
        default="",
        metavar="TITLE",
        section=NETWORK,
        help="Reject every other calling title; several are given one by one or comma separated.",
    )
    max_pdu: int = _setting(
        "-pdu",
        "--max-pdu",
        parse=whole_number(1024, LARGEST_PDU, or_zero="no limit"),
        default="131072",
        metavar="BYTES",
        section=NETWORK,
        help="The largest PDU we ask peers to send; 0 sets no limit.",
    )
    backlog: int = _setting(
        "--backlog",
        parse=whole_number(1, 0x7FFFFFFF),
        default="2048",
        metavar="N",
        section=NETWORK,
        help="Connections the kernel may hold before they are accepted.",
    )
    output_directory: Path = _setting(  # noqa: RUF009
        "-o",
        "-od",
        "--output-directory",
        parse=directory,
        default="incoming",
        metavar="DIR",
        section=STORAGE,
        help="Where instances are stored; made if absent.",
    )
    layout: str = _setting(
        "--layout",
        parse=layout,
        default="{StudyInstanceUID}/{SeriesInstanceUID}/{SOPInstanceUID}.dcm",
        metavar="TEMPLATE",
        section=STORAGE,
        help="File names below that directory, made of the three UIDs; flat puts every instance into one folder.",
    )
    durability: str = _setting(
        "--durability",
        parse=choice("disk", "none"),
        default="disk",
        metavar="disk|none",
        section=STORAGE,
        help="What Success promises: disk, the instance survives a power cut; none, it is in the page cache.",
    )
    on_duplicate: str = _setting(
        "--on-duplicate",
        parse=choice("keep-both", "reject", "replace"),
        default="keep-both",
        metavar="keep-both|reject|replace",
        section=STORAGE,
        help="When other bytes come under a SOP Instance UID we have: keep both (the new one as ~2), refuse, replace.",
    )
    accept_unknown: bool = _setting(
        "--accept-unknown",
        parse=switch,
        show=show_switch,
        default="false",
        section=STORAGE,
        help="Accept SOP classes that are not in the standard too, such as private storage classes.",
    )
    workers: int = _setting(
        "--workers",
        parse=worker_count,
        default="auto",
        metavar="N",
        section=LIMITS,
        help="Worker processes; auto is one per usable core (affinity and cgroup quota counted).",
    )
    max_associations: int = _setting(
        "--max-associations",
        parse=whole_number(1, 1_000_000),
        default="1000",
        metavar="N",
        section=LIMITS,
        help="Associations at one time over all workers; those beyond are rejected (transient).",
    )
    max_pending: int = _setting(
        "--max-pending",
        parse=whole_number(1, 1_000_000),
        default="1000",
        metavar="N",
        section=LIMITS,
        help="Connections that have not asked for an association yet; beyond it, the oldest one goes.",
    )
    max_pending_per_address: int = _setting(
        "--max-pending-per-address",
        parse=whole_number(1, 1_000_000),
        default="200",
        metavar="N",
        section=LIMITS,
        help="The same for the connections of one peer address.",
    )
    acse_timeout: float = _setting(
        "-ta",
        "--acse-timeout",
        parse=seconds,
        show=show_seconds,
        default="30",
        metavar="S",
        section=TIMEOUTS,
        help="To request an association, and to close after its end (ARTIM).",
    )
    dimse_timeout: float | None = _setting(
        "-td",
        "--dimse-timeout",
        parse=seconds_or_never,
        show=show_seconds,
        default="30",
        metavar="S",
        section=TIMEOUTS,
        help="For the rest of a message that has begun; 0 sets no limit.",
    )
    network_timeout: float | None = _setting(
        "--network-timeout",
        parse=seconds_or_never,
        show=show_seconds,
        default="60",
        metavar="S",
        section=TIMEOUTS,
        help="For the next message on an idle association; 0 sets no limit.",
    )
    timeout: float = _setting(
        "--timeout",
        parse=seconds,
        show=show_seconds,
        default="30",
        metavar="S",
        section=TIMEOUTS,
        help="A worker whose loop does not answer for so long is killed and replaced.",
    )
    graceful_timeout: float = _setting(
        "--graceful-timeout",
        parse=seconds_or_at_once,
        show=show_seconds,
        default="30",
        metavar="S",
        section=TIMEOUTS,
        help="For operations to finish when the server stops.",
    )
    log_level: str = _setting(
        "--log-level",
        parse=choice("debug", "info", "warning", "error"),
        default="info",
        metavar="debug|info|warning|error",
        section=OPERATION,
        help="The least severe events that are logged.",
    )
    log_format: str = _setting(
        "--log-format",
        parse=choice("text", "json"),
        default="text",
        metavar="text|json",
        section=OPERATION,
        help="Log lines for people, or one JSON object per line.",
    )
    config: Path | None = _setting(  # noqa: RUF009
        "--config",
        parse=optional_path,
        show=show_optional_path,
        default="",
        metavar="FILE",
        section=OPERATION,
        help="A TOML file of settings; its keys are the long names here with _ for -.",
    )
    control: Path | None = _setting(  # noqa: RUF009
        "--control",
        parse=optional_path,
        show=show_optional_path,
        default="",
        metavar="DIR",
        section=OPERATION,
        help="The directory status and stop find the server by; without it, one below the user's runtime directory.",
    )
    origins: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    def to_json(self) -> str:
        """Every value as text, for a worker's stdin."""
        return json.dumps({row.name: row.show(getattr(self, row.name)) for row in SETTINGS})

    @classmethod
    def from_json(cls, text: str | bytes) -> Settings:
        values = json.loads(text)
        return cls(**{row.name: row.parse(values[row.name]) for row in SETTINGS})


SETTINGS: Final = tuple(Setting(name=f.name, **f.metadata) for f in dataclasses.fields(Settings) if f.metadata)


# Sources, first to last: command line, environment, file, application, default.


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
    return Settings(
        **{name: value for name, (_, value) in resolved.items()},
        origins={name: origin for name, (origin, _) in resolved.items()},
    )


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
            raise SettingError(f"{origin}: {text!r} will not do: {error}") from None
    return "default", row.parse(row.default)


def _text(row: Setting, origin: str, given: object) -> str:
    """What a source gave as the one text its parser reads."""
    if isinstance(given, bool):
        return show_switch(given)
    if isinstance(given, (str, int, float, Path)):
        return str(given)
    if isinstance(given, (list, tuple)) and row.is_list and all(isinstance(item, str) for item in given):
        return ",".join(given)
    raise SettingError(
        f"{origin}: {given!r} will not do: give {'text or a list of texts' if row.is_list else 'one value'}"
    )
