"""From what a person asked for, already read, to a Plan: defaults, the scenario, and what cannot go together."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pool.cores import usable_cores
from pool.load.plan import ECHO, FIND, LARGEST_SEED, STORE, FindWork, Plan, Stage, StoreWork, TLSWork
from pool.load.scenarios import SCENARIOS
from pool.load.values import ramped

DEFAULT_DURATION: Final = 10.0  # seconds
MOST_AT_A_TIME: Final = 100  # associations of an open loop, unless said otherwise

_NOT_IN_MIX: Final = "{given}, say what {what}, and the mix has no {kind} in it: add it to --mix, or leave them out"

# Options that are fields of StoreWork and FindWork under their own names.
_OF_STORE: Final = ("modality", "size", "transfer_syntaxes", "images_per_series", "series_per_study")
_OF_FIND: Final = ("model", "level", "keys")
# Options that are fields of Plan under their own names.
_OF_PLAN: Final = (
    *("associations", "count", "unit", "mix", "messages_per_association", "think_time", "contexts", "max_pdu"),
    *("processes", "patient_id_prefix", "seed"),
)


def plan_of(asked: Mapping[str, Any], files: Sequence[Path], **certain: Any) -> Plan:
    """The plan. `asked` are options by name, None or () where not given; `certain` are fields as they are.

    Raises ValueError that says what cannot be.
    """
    given = {name: value for name, value in asked.items() if value not in (None, ())}
    fields: dict[str, Any] = dict(certain)
    if "scenario" in given:
        fields |= {"scenario": given["scenario"], **SCENARIOS[given["scenario"]].plan}
    fields |= {name: given[name] for name in _OF_PLAN if name in given}
    fields.setdefault("seed", secrets.randbelow(LARGEST_SEED + 1))
    _say_what(fields, given, files)
    _say_when(fields, given)
    # A process without an association of its own would have nothing to do.
    fields["processes"] = min(fields.get("processes", usable_cores()), fields.get("associations", 1))
    return Plan(**fields)


def _say_what(fields: dict[str, Any], given: Mapping[str, Any], files: Sequence[Path]) -> None:
    store = {name: given[name] for name in _OF_STORE if name in given}
    find = {name: given[name] for name in _OF_FIND if name in given}
    if files and store.keys() & {"modality", "size", "transfer_syntaxes"}:
        raise ValueError("files are sent as they are: give either files, or --modality, --size and --transfer-syntax")
    if "mix" not in fields:
        kinds = [kind for kind, wanted in ((STORE, files or store), (FIND, find)) if wanted]
        fields["mix"] = dict.fromkeys(kinds or [ECHO], 1.0)
    if files:
        store["files"] = tuple(str(path) for path in files)
    if STORE in fields["mix"]:
        fields["store"] = (fields.get("store") or StoreWork())._replace(**store)
    elif store:
        raise ValueError(_NOT_IN_MIX.format(given="FILES, or options such as --size", what="to store", kind=STORE))
    if FIND in fields["mix"]:
        fields["find"] = (fields.get("find") or FindWork())._replace(**find)
    elif find:
        raise ValueError(_NOT_IN_MIX.format(given="options such as --find-key", what="to find", kind=FIND))


def _say_when(fields: dict[str, Any], given: Mapping[str, Any]) -> None:
    if "stages" in given and given.keys() & {"rate", "ramp", "duration"}:
        raise ValueError("--stages say when and how much: leave --rate, --ramp and --duration out")
    if "ramp" in given and "rate" not in given:
        raise ValueError("--ramp leads up to a --rate: give one")
    stages: Sequence[Stage] = given.get("stages", ())
    seconds = given.get("duration", fields.get("duration"))
    if "rate" in given:
        seconds = seconds or DEFAULT_DURATION
        if given.get("ramp", 0.0) > seconds:
            raise ValueError("--ramp is longer than the --duration that it is the first part of")
        stages = ramped(seconds, given["rate"], given.get("ramp", 0.0))
    if stages:
        if "count" in given:
            raise ValueError("a rate ends by time: leave --count out")
        fields |= {"stages": tuple(stages), "duration": None, "count": None}
    elif not fields.get("stages"):
        if given.get("unit"):
            raise ValueError("--rate-of says what a rate is of: give --rate or --stages")
        fields["duration"] = seconds if seconds or fields.get("count") else DEFAULT_DURATION
    if fields.get("stages"):
        if "think_time" in given:
            raise ValueError("--think-time is of a closed loop: in an open loop messages are due by the clock")
        fields.setdefault("associations", MOST_AT_A_TIME)


def tls_of(
    *, tls_ca: Path | None, tls_cert: Path | None, tls_key: Path | None, tls_key_password: str, **more: Any
) -> TLSWork:
    """TLS as the options of that name want it."""
    authorities, certificate, key = (str(path) if path else "" for path in (tls_ca, tls_cert, tls_key))
    return TLSWork(authorities, certificate, key, tls_key_password, more["tls_insecure"], more["tls_profile"])
