"""The settings of the server: one table.

Each field of `Settings` is one row with its flags, parser, default, help and section; the command line, the environment
variables, the keys of the TOML file, `--help` and the README are all read from those rows.
"""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pool.config.values import (
    LARGEST_PDU,
    Address,
    addresses,
    ae_title,
    ae_titles,
    application,
    choice,
    directory,
    layout,
    optional_path,
    seconds,
    seconds_or_at_once,
    seconds_or_never,
    show_addresses,
    show_ae_titles,
    show_optional_path,
    show_seconds,
    show_switch,
    switch,
    whole_number,
    worker_count,
)

ENVIRONMENT_PREFIX: Final = "ULPOOL_"


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
    sink: bool = _setting(
        "--sink",
        parse=switch,
        show=show_switch,
        default="false",
        section=STORAGE,
        help="Answer every C-STORE with Success and keep nothing: something to measure a network or a sender with.",
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
