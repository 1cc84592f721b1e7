"""Why something failed, in words: the causes that a `Tally` counts, and the standard's names for their numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from pool.load.plan import FIND, STORE
from pool.load.tally import Cause
from ul.status import GENERAL_STATUS, QR_FIND_SERVICE_CLASS_STATUS, STATUS_WARNING, STORAGE_SERVICE_CLASS_STATUS

# PS3.8 Table 9-21, by (source, reason).
_REJECTIONS: Final = {
    (1, 1): "no reason given",
    (1, 2): "application context name not supported",
    (1, 3): "calling AE title not recognized",
    (1, 7): "called AE title not recognized",
    (2, 1): "no reason given (ACSE)",
    (2, 2): "protocol version not supported",
    (3, 1): "temporary congestion",
    (3, 2): "local limit exceeded",
}
_RESULTS: Final = {1: "rejected for good", 2: "rejected for now"}

# PS3.8 Table 9-26, by source; the reasons are the provider's.
_ABORTERS: Final = {0: "aborted by the peer's user", 2: "aborted by the peer's provider"}
_ABORT_REASONS: Final = {
    0: "reason not specified",
    1: "unrecognized PDU",
    2: "unexpected PDU",
    4: "unrecognized PDU parameter",
    5: "unexpected PDU parameter",
    6: "invalid PDU parameter value",
}

_STATUSES: Final = {STORE: STORAGE_SERVICE_CLASS_STATUS, FIND: QR_FIND_SERVICE_CLASS_STATUS}


def is_warning(cause: Cause) -> bool:
    """A response that is no failure."""
    return cause[0] == "status" and _meaning(cause[1], cause[2])[0] == STATUS_WARNING


def in_words(cause: Cause) -> str:
    """One line; what a peer or the system said in it is not to be trusted with markup or control characters."""
    sort, *rest = cause
    words = _WORDS.get(sort)
    line = words(*rest) if words else " ".join(map(str, cause))
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in line)


def _rejected(result: int, source: int, reason: int) -> str:
    why = _REJECTIONS.get((source, reason), "a reason that the standard reserves")
    return f"{_RESULTS.get(result, 'rejected')}: {why} (result {result}, source {source}, reason {reason})"


def _aborted(source: int, reason: int) -> str:
    why = f": {_ABORT_REASONS.get(reason, 'a reason that the standard reserves')}" if source == 2 else ""
    return f"{_ABORTERS.get(source, 'aborted')}{why} (source {source}, reason {reason})"


def _status(kind: str, status: int) -> str:
    category, meaning = _meaning(kind, status)
    return f"{kind}: status {status:04X}H, {category.lower()}{f': {meaning}' if meaning else ''}"


def _meaning(kind: str, status: int) -> tuple[str, str]:
    return _STATUSES.get(kind, GENERAL_STATUS).get(status, ("unknown", ""))


_WORDS: Final[Mapping[str, Callable[..., str]]] = {
    "connect": lambda text: f"not connected: {text}",
    "tls": lambda text: f"not secured: {text.removeprefix('TLS: ')}",
    "reject": _rejected,
    "abort": _aborted,
    "status": _status,
    "timeout": lambda what: f"no answer in time: {what}",
    "reset": lambda text: f"connection lost: {text}",
    "closed": lambda: "connection closed by the peer without a word",
    "no-context": lambda text: f"no presentation context: {text}",
    "breach": lambda text: f"the peer broke the protocol: {text}",
    "fault": lambda text: f"a fault of the load tester's own: {text}",
}
