"""AESettings: what a program says of its AE: title, limits, timeouts and presentation contexts, checked.

Belongs here: values, the rules they keep, how contexts are added and removed. Not here: the associations and
servers of an AE (`ul.ae`).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Final, Protocol

from ul.acse import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from ul.presentation import DEFAULT_TRANSFER_SYNTAXES, AnyUID, PresentationContext, build_context
from ul.uid import UID

LOGGER: Final = logging.getLogger(__name__)

DEFAULT_AE_TITLE: Final = b"PYNETDICOM"
MAXIMUM_CONTEXTS: Final = 128  # PS3.8 Table 9-18: odd ids from 1 to 255
_TITLE_LENGTH: Final = 16


def ae_title_from(title: str | bytes, what: str = "AE title") -> bytes:
    """`title` as 16 bytes, padded with spaces. Raises TypeError or ValueError where it is no AE title (PS3.5 6.2)."""
    if isinstance(title, str):
        try:
            title = title.encode("ascii")
        except UnicodeEncodeError:
            raise ValueError(f"{what} {title!r} has characters that are not ASCII") from None
    if not isinstance(title, bytes):
        raise TypeError(f"{what} must be bytes or str, not {type(title).__name__}")
    significant = title.strip(b" \0")
    if not significant:
        raise ValueError(f"{what} consists of spaces only")
    if len(significant) > _TITLE_LENGTH:
        raise ValueError(f"{what} {title!r} is longer than {_TITLE_LENGTH} characters")
    if b"\\" in significant or not all(0x20 <= byte < 0x7F for byte in significant):
        raise ValueError(f"{what} {title!r} has a backslash or control characters")
    return significant.ljust(_TITLE_LENGTH)


def stripped(title: bytes) -> str:
    """A title as text, without its padding."""
    return title.decode("ascii").strip()


class Timed(Protocol):
    """A live association."""

    acse_timeout: float | None
    dimse_timeout: float | None
    network_timeout: float | None


class AESettings:
    """What is said of an AE. `ae_title`: 1 to 16 ASCII characters."""

    # What holds until it is set: an instance has only what was (`explicitly_set`).
    _ae_title = DEFAULT_AE_TITLE.ljust(_TITLE_LENGTH)
    _acse_timeout: float | None = 30
    _dimse_timeout: float | None = 30
    _network_timeout: float | None = 60
    _maximum_associations = 10
    _maximum_pdu_size = 16382
    _require_called_aet = False

    def __init__(self, ae_title: str | bytes = DEFAULT_AE_TITLE) -> None:
        if ae_title != DEFAULT_AE_TITLE:
            self.ae_title = ae_title
        self._requested: list[PresentationContext] = []
        self._supported: dict[str, PresentationContext] = {}
        self._connection_timeout: float | None = None
        self._require_calling_aet: list[bytes] = []
        self._implementation_class_uid = UID(IMPLEMENTATION_CLASS_UID)
        self._implementation_version_name: str | None = IMPLEMENTATION_VERSION_NAME

    @property
    def active_associations(self) -> Sequence[Timed]:
        """The associations that have these timeouts."""
        raise NotImplementedError

    # -- titles, limits, timeouts

    @property
    def ae_title(self) -> bytes:
        """The AE title as 16 bytes."""
        return self._ae_title

    @ae_title.setter
    def ae_title(self, value: str | bytes) -> None:
        self._ae_title = ae_title_from(value)

    @property
    def acse_timeout(self) -> float | None:
        """Seconds for messages of association establishment and release; None for ever."""
        return self._acse_timeout

    @acse_timeout.setter
    def acse_timeout(self, value: float | None) -> None:
        self._acse_timeout = _timeout(value, 30, "ACSE")
        for association in self.active_associations:
            association.acse_timeout = self._acse_timeout

    @property
    def dimse_timeout(self) -> float | None:
        """Seconds for DIMSE messages; None for ever."""
        return self._dimse_timeout

    @dimse_timeout.setter
    def dimse_timeout(self, value: float | None) -> None:
        self._dimse_timeout = _timeout(value, 30, "DIMSE")
        for association in self.active_associations:
            association.dimse_timeout = self._dimse_timeout

    @property
    def network_timeout(self) -> float | None:
        """Seconds of silence on an association; None for ever."""
        return self._network_timeout

    @network_timeout.setter
    def network_timeout(self, value: float | None) -> None:
        self._network_timeout = _timeout(value, 60, "network")
        for association in self.active_associations:
            association.network_timeout = self._network_timeout

    @property
    def connection_timeout(self) -> float | None:
        """Seconds for a TCP connection to each of a name's addresses; None for the system's own limit."""
        return self._connection_timeout

    @connection_timeout.setter
    def connection_timeout(self, value: float | None) -> None:
        self._connection_timeout = _timeout(value, None, "connection")

    @property
    def maximum_associations(self) -> int:
        """How many associations other AEs may have with this one at a time."""
        return self._maximum_associations

    @maximum_associations.setter
    def maximum_associations(self, value: int) -> None:
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            LOGGER.warning("maximum_associations must be a whole number of at least 1, not %r: 1 it is", value)
            value = 1
        self._maximum_associations = value

    @property
    def maximum_pdu_size(self) -> int:
        """The largest P-DATA-TF that is received, in bytes; 0 for no limit."""
        return self._maximum_pdu_size

    @maximum_pdu_size.setter
    def maximum_pdu_size(self, value: int) -> None:
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            LOGGER.warning("maximum_pdu_size must be a whole number, 0 or greater, not %r: 16382 it is", value)
            value = 16382
        self._maximum_pdu_size = value

    @property
    def require_called_aet(self) -> bool:
        """Whether who calls this AE must know its title."""
        return self._require_called_aet

    @require_called_aet.setter
    def require_called_aet(self, value: bool) -> None:
        self._require_called_aet = bool(value)

    @property
    def require_calling_aet(self) -> list[bytes]:
        """The titles of the AEs that may call this one, 16 bytes each; empty for all."""
        return self._require_calling_aet

    @require_calling_aet.setter
    def require_calling_aet(self, values: Iterable[str | bytes]) -> None:
        if isinstance(values, (str, bytes)):
            raise TypeError("require_calling_aet must be a list of AE titles")
        self._require_calling_aet = [ae_title_from(value, "calling AE title") for value in values]

    @property
    def implementation_class_uid(self) -> UID:
        """Which implementation this AE says it is."""
        return self._implementation_class_uid

    @implementation_class_uid.setter
    def implementation_class_uid(self, value: str) -> None:
        context = PresentationContext()
        context.abstract_syntax = value  # checks a UID
        self._implementation_class_uid = UID(str(context.abstract_syntax))

    @property
    def implementation_version_name(self) -> str | None:
        """Which version of it, 1 to 16 characters; None to say nothing."""
        return self._implementation_version_name

    @implementation_version_name.setter
    def implementation_version_name(self, value: str | bytes | None) -> None:
        if isinstance(value, bytes):
            value = value.decode("ascii")
        if value is not None:
            if not isinstance(value, str):
                raise TypeError("implementation_version_name must be str, bytes or None")
            if not 1 <= len(value) <= 16 or not value.isascii():
                raise ValueError("implementation_version_name must have 1 to 16 ASCII characters")
        self._implementation_version_name = value

    @property
    def explicitly_set(self) -> frozenset[str]:
        """The names of those of these attributes that a program gave a value, its default or another one."""
        given = {name for name in _WITH_DEFAULTS if f"_{name}" in vars(self)}
        return frozenset(given | ({"require_calling_aet"} if self._require_calling_aet else set()))

    # -- contexts

    @property
    def requested_contexts(self) -> list[PresentationContext]:
        """The contexts that `associate` proposes. Setting adds; an empty list clears."""
        return self._requested

    @requested_contexts.setter
    def requested_contexts(self, contexts: list[PresentationContext]) -> None:
        if not contexts:
            self._requested = []
            return
        check_contexts(contexts)
        for context in contexts:
            self.add_requested_context(abstract_syntax_of(context), list(context.transfer_syntax))

    @property
    def supported_contexts(self) -> list[PresentationContext]:
        """The contexts that servers accept, by abstract syntax. Setting adds; an empty list clears."""
        return [self._supported[uid] for uid in sorted(self._supported)]

    @supported_contexts.setter
    def supported_contexts(self, contexts: list[PresentationContext]) -> None:
        if not contexts:
            self._supported = {}
            return
        check_contexts(contexts)
        for context in contexts:
            roles = context.scu_role, context.scp_role
            self.add_supported_context(abstract_syntax_of(context), list(context.transfer_syntax), *roles)

    def add_requested_context(
        self, abstract_syntax: AnyUID, transfer_syntax: AnyUID | Iterable[AnyUID] | None = None
    ) -> None:
        """Have `associate` propose a context, by default in DEFAULT_TRANSFER_SYNTAXES.

        Raises ValueError where there are 128 already.
        """
        if len(self._requested) >= MAXIMUM_CONTEXTS:
            raise ValueError(f"{MAXIMUM_CONTEXTS} contexts are requested already, as many as an association can have")
        self._requested.append(build_context(abstract_syntax, transfer_syntax))

    def add_supported_context(
        self,
        abstract_syntax: AnyUID,
        transfer_syntax: AnyUID | Iterable[AnyUID] | None = None,
        scu_role: bool | None = None,
        scp_role: bool | None = None,
    ) -> None:
        """Have servers accept a context; one that is there already is extended by the transfer syntaxes.

        `scu_role`, `scp_role`: whether a requestor that proposes that role for itself may have it; with either None
        role proposals are not answered and the default roles hold.
        """
        added = build_context(abstract_syntax, transfer_syntax)
        context = self._supported.setdefault(abstract_syntax_of(added), added)
        if context is not added:
            for syntax in added.transfer_syntax:
                context.add_transfer_syntax(syntax)
            context.transfer_syntax = _in_default_order(context.transfer_syntax)
        context.scu_role, context.scp_role = scu_role, scp_role

    def remove_requested_context(
        self, abstract_syntax: AnyUID, transfer_syntax: AnyUID | Iterable[AnyUID] | None = None
    ) -> None:
        """Do not propose an abstract syntax any more, or not in these transfer syntaxes."""
        unwanted = build_context(abstract_syntax, transfer_syntax)
        kept = []
        for context in self._requested:
            if context.abstract_syntax != unwanted.abstract_syntax or (
                transfer_syntax is not None and _without(context, unwanted.transfer_syntax)
            ):
                kept.append(context)
        self._requested = kept

    def remove_supported_context(
        self, abstract_syntax: AnyUID, transfer_syntax: AnyUID | Iterable[AnyUID] | None = None
    ) -> None:
        """Do not support an abstract syntax any more, or not in these transfer syntaxes."""
        unwanted = build_context(abstract_syntax, transfer_syntax)
        uid = abstract_syntax_of(unwanted)
        if uid in self._supported and (
            transfer_syntax is None or not _without(self._supported[uid], unwanted.transfer_syntax)
        ):
            del self._supported[uid]


_WITH_DEFAULTS: Final = (
    "ae_title",
    "acse_timeout",
    "dimse_timeout",
    "network_timeout",
    "maximum_associations",
    "maximum_pdu_size",
    "require_called_aet",
)


def _timeout(value: object, default: float | None, what: str) -> float | None:
    if value is None or (isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0):
        return value
    LOGGER.warning("the %s timeout must be a number of seconds or None, not %r: %s it is", what, value, default)
    return default


def abstract_syntax_of(context: PresentationContext) -> str:
    """The abstract syntax as plain str."""
    return str(context.abstract_syntax)


def _without(context: PresentationContext, unwanted: list[UID]) -> bool:
    """Take these transfer syntaxes from `context`; tells whether one is left."""
    context.transfer_syntax = [uid for uid in context.transfer_syntax if uid not in unwanted]
    return bool(context.transfer_syntax)


def _in_default_order(syntaxes: list[UID]) -> list[UID]:
    """The default transfer syntaxes first, in their order; the others behind them as they were added."""
    first = [uid for uid in DEFAULT_TRANSFER_SYNTAXES if uid in syntaxes]
    return [UID(uid) for uid in (*first, *(uid for uid in syntaxes if uid not in first))]


def check_contexts(contexts: object) -> None:
    """Raises ValueError for anything else than a list of PresentationContext."""
    if not isinstance(contexts, (list, tuple)) or not all(isinstance(c, PresentationContext) for c in contexts):
        raise ValueError("contexts must be a list of PresentationContext")
