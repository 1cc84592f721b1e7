"""The plan: all that a generator process has to know, as plain values that travel as JSON.

Belongs here: what can be asked for and whether it makes sense. Not here: how it is done, or how a person says it.
"""

from __future__ import annotations

import json
import re
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final, NamedTuple

from pool.scu import Address, Peer
from pool.tls import client_context
from ul.sop_class import ExplicitVRLittleEndian, ImplicitVRLittleEndian

ECHO: Final = "echo"
STORE: Final = "store"
FIND: Final = "find"
KINDS: Final = (ECHO, STORE, FIND)

MESSAGES: Final = "messages"
ASSOCIATIONS: Final = "associations"

FIXED: Final = "fixed"
UNIFORM: Final = "uniform"
LOGNORMAL: Final = "lognormal"

IDLE: Final = "idle"
SLOW: Final = "slow"
SILENT: Final = "silent"
ABORT: Final = "abort"
BEHAVIOURS: Final = (IDLE, SLOW, SILENT, ABORT)

# With a hyphen and the seed it is a Patient ID (LO, at most 64 characters: PS3.5 6.2) that a query finds: no \, * or ?.
_PREFIX: Final = re.compile(r"[!-)+->@-\[\]-~]{1,48}")
MOST_PROCESSES: Final = 9999  # a process has four digits in a UID
LARGEST_SEED: Final = 10**15 - 1  # and the seed fifteen
SYNTHETIC_TRANSFER_SYNTAXES: Final = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)


class Stage(NamedTuple):
    """A part of an open loop: for `seconds`, starts per second go evenly from one rate to the other."""

    seconds: float
    rate_from: float
    rate_to: float


class Size(NamedTuple):
    """How large data sets are, in bytes. `low` and `high` are the bounds, or a lognormal's 5th and 95th percentile."""

    kind: str
    low: int
    high: int = 0


class StoreWork(NamedTuple):
    """What is stored: the files, or where there are none synthetic instances of a modality."""

    files: tuple[str, ...] = ()
    modality: str = "CT"
    size: Size = Size(FIXED, 524288)
    transfer_syntaxes: tuple[str, ...] = (ExplicitVRLittleEndian,)
    images_per_series: int = 100
    series_per_study: int = 1


class FindWork(NamedTuple):
    """What is asked for: keys by keyword, at a level of an information model."""

    model: str = "study"
    level: str = "STUDY"
    keys: tuple[tuple[str, str], ...] = (("PatientID", ""), ("StudyInstanceUID", ""))


class Background(NamedTuple):
    """What goes on beside the work: so many connections that behave in one of BEHAVIOURS."""

    behaviour: str
    connections: int


class TLSWork(NamedTuple):
    """TLS on every connection: files, empty where there is none, and as which requestor `pool.tls` makes of them."""

    authorities: str = ""
    certificate: str = ""
    key: str = ""
    password: str = ""  # where it is, never itself
    insecure: bool = False
    profile: str = "bcp195"

    def context(self) -> ssl.SSLContext:
        """Raises SettingError."""
        authorities, certificate, key = (Path(text) if text else None for text in self[:3])
        return client_context(
            authorities, certificate, key, self.password, insecure=self.insecure, profile=self.profile
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One run. Raises ValueError where it makes no sense.

    Without `stages` it is a closed loop of `associations` at a time, until `duration` seconds have passed or `count`
    messages were answered. With them it is an open loop of `unit`, and `associations` are the most at a time. All
    numbers but `processes` are of all processes together.
    """

    peer: Peer
    address: Address
    calling_ae_title: str = "ULPOOL"
    associations: int = 1
    duration: float | None = None
    count: int | None = None
    stages: tuple[Stage, ...] = ()
    unit: str = MESSAGES
    mix: Mapping[str, float] = field(default_factory=lambda: {ECHO: 1.0})
    store: StoreWork | None = None
    find: FindWork | None = None
    messages_per_association: int = 0  # 0: an association lasts until the end
    think_time: float = 0.0  # seconds between a response and the next message, in a closed loop
    background: Background | None = None
    scenario: str = ""  # a name for reports
    seed: int = 0
    contexts: int = 0  # presentation contexts to propose at least
    max_pdu: int = 131072
    tls: TLSWork | None = None
    acse_timeout: float = 30.0
    dimse_timeout: float | None = 30.0
    processes: int = 1
    patient_id_prefix: str = "ULPLOAD"
    verify: bool = False  # remember what was acknowledged

    def __post_init__(self) -> None:
        for wrong, message in _faults(self):
            if wrong:
                raise ValueError(message)

    @property
    def is_open(self) -> bool:
        """Starts come by the clock, whatever the peer does."""
        return bool(self.stages)

    @property
    def seconds(self) -> float | None:
        """When no more starts, counted from the start line; None where only `count` ends it."""
        return sum(stage.seconds for stage in self.stages) if self.stages else self.duration

    @property
    def patient_id(self) -> str:
        """The Patient ID of everything that is sent: what to look for to remove it."""
        return f"{self.patient_id_prefix}-{self.seed}"

    def to_json(self) -> str:
        """One line."""
        values = {row.name: getattr(self, row.name) for row in fields(self)}
        values["peer"] = list(self.peer)
        values["address"] = [int(self.address.family), list(self.address.address)]
        return json.dumps(values)

    @classmethod
    def from_json(cls, text: str | bytes) -> Plan:
        """The inverse."""
        values = json.loads(text)
        family, (host, port) = values["address"]
        values["peer"] = Peer(*values["peer"])
        values["address"] = Address(socket.AddressFamily(family), (host, port))
        values["stages"] = tuple(Stage(*stage) for stage in values["stages"])
        values["store"] = _store_work(values["store"])
        values["find"] = _find_work(values["find"])
        for name, kind in (("background", Background), ("tls", TLSWork)):
            if values[name] is not None:
                values[name] = kind(*values[name])
        return cls(**values)


def _store_work(values: list[Any] | None) -> StoreWork | None:
    if values is None:
        return None
    work = StoreWork(*values)
    return work._replace(
        files=tuple(work.files), size=Size(*work.size), transfer_syntaxes=tuple(work.transfer_syntaxes)
    )


def _find_work(values: list[Any] | None) -> FindWork | None:
    if values is None:
        return None
    work = FindWork(*values)
    return work._replace(keys=tuple((keyword, text) for keyword, text in work.keys))


def _faults(plan: Plan) -> list[tuple[bool, str]]:
    """What can be wrong with a plan, and the words for it."""
    peak = max((max(stage.rate_from, stage.rate_to) for stage in plan.stages), default=1.0)
    store = plan.store or StoreWork()
    return [
        (not plan.mix or not set(plan.mix) <= set(KINDS), f"mix: give weights of {', '.join(KINDS)}"),
        (min(plan.mix.values(), default=0) <= 0, "mix: weights are above 0"),
        (STORE in plan.mix and plan.store is None, "mix: what is to be stored is not said"),
        (FIND in plan.mix and plan.find is None, "mix: what is to be found is not said"),
        (plan.unit not in (MESSAGES, ASSOCIATIONS), f"unit: give {MESSAGES} or {ASSOCIATIONS}"),
        (any(stage.seconds <= 0 for stage in plan.stages), "stages: seconds are above 0"),
        (any(min(stage.rate_from, stage.rate_to) < 0 for stage in plan.stages), "stages: rates are not negative"),
        (peak <= 0, "stages: a rate above 0 is in one of them"),
        (
            bool(plan.stages) and (plan.duration is not None or plan.count is not None),
            "stages end by themselves: neither duration nor count goes with them",
        ),
        (
            not plan.stages and plan.duration is None and plan.count is None,
            "give a duration, a count of messages, or stages",
        ),
        (plan.duration is not None and plan.duration <= 0, "duration: seconds above 0"),
        (plan.count is not None and plan.count < 1, "count: at least 1"),
        (plan.associations < 1, "associations: at least 1"),
        (plan.messages_per_association < 0, "messages per association: 0 for no end, or more"),
        (plan.think_time < 0, "think time: seconds, 0 or more"),
        (not 1 <= plan.processes <= MOST_PROCESSES, f"processes: from 1 to {MOST_PROCESSES}"),
        (not 0 <= plan.seed <= LARGEST_SEED, f"seed: from 0 to {LARGEST_SEED}"),
        (not 0 <= plan.contexts <= 128, "contexts: at most 128 (PS3.8 9.3.2.2)"),
        (
            plan.background is not None
            and (plan.background.behaviour not in BEHAVIOURS or plan.background.connections < 1),
            f"background: at least one connection, and one of {', '.join(BEHAVIOURS)}",
        ),
        (
            store.size.kind not in (FIXED, UNIFORM, LOGNORMAL) or store.size.low < 1,
            f"size: {FIXED}, {UNIFORM} or {LOGNORMAL}, of at least 1 byte",
        ),
        (
            store.size.kind != FIXED and store.size.high <= store.size.low,
            "size: the upper bound is above the lower one",
        ),
        (
            not store.transfer_syntaxes or not set(store.transfer_syntaxes) <= set(SYNTHETIC_TRANSFER_SYNTAXES),
            "transfer syntaxes: synthetic instances are made in explicit and implicit VR little endian; give files",
        ),
        (min(store.images_per_series, store.series_per_study) < 1, "images per series, series per study: at least 1"),
        (
            not _PREFIX.fullmatch(plan.patient_id_prefix),
            "patient id prefix: 1 to 48 ASCII characters without spaces, wildcards (* ?) and backslashes",
        ),
    ]
