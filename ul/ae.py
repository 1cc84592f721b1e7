"""ApplicationEntity: an AE's title, contexts, limits and timeouts, and the associations and servers it has.

Belongs here: what a program says of its AE, checked. Not here: what an association does with it (`ul.association`), how
connections are accepted (`ul.transport`).
"""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ul import acse
from ul.acse import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME, Offer, SupportedContext
from ul.association import Association
from ul.evt import EventHandlerType
from ul.pdu_primitives import (
    A_ASSOCIATE,
    PresentationContextDefinition,
    UserInformationItem,
)
from ul.presentation import DEFAULT_TRANSFER_SYNTAXES, AnyUID, PresentationContext, build_context
from ul.service_user import ACCEPTOR, REQUESTOR
from ul.transport import Address, AssociationServer, AssociationSocket, ThreadedAssociationServer
from ul.uid import UID
from ul.wire.pdu import encode

if TYPE_CHECKING:
    import ssl

LOGGER: Final = logging.getLogger(__name__)

DEFAULT_AE_TITLE: Final = b"PYNETDICOM"
MAXIMUM_CONTEXTS: Final = 128  # PS3.8 Table 9-18: odd ids from 1 to 255
_TITLE_LENGTH: Final = 16
_MOST_PENDING: Final = 64  # connections without a request: a newcomer has the oldest of more than these closed

_Proposal = tuple[tuple[str, tuple[str, ...]], ...]  # abstract syntaxes and their transfer syntaxes
_Server = TypeVar("_Server", bound=AssociationServer)


def ae_title_from(title: str | bytes, what: str = "AE title") -> bytes:
    """`title` as 16 bytes, padded with spaces. Raises TypeError or ValueError where it is no AE title (PS3.5 6.2)."""
    if isinstance(title, str):
        try:
            title = title.encode("ascii")
        except UnicodeEncodeError:
            raise ValueError(f"{what} {title!r} has characters that are not ASCII") from None
    if not isinstance(title, bytes):
        raise TypeError(f"{what} must be bytes or str, not {type(title).__name__}")
    stripped = title.strip(b" \0")
    if not stripped:
        raise ValueError(f"{what} consists of spaces only")
    if len(stripped) > _TITLE_LENGTH:
        raise ValueError(f"{what} {title!r} is longer than {_TITLE_LENGTH} characters")
    if b"\\" in stripped or not all(0x20 <= byte < 0x7F for byte in stripped):
        raise ValueError(f"{what} {title!r} has a backslash or control characters")
    return stripped.ljust(_TITLE_LENGTH)


def _stripped(title: bytes) -> str:
    return title.decode("ascii").strip()


class ApplicationEntity:
    """A DICOM application entity: SCU, SCP or both. `ae_title`: 1 to 16 ASCII characters."""

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
        self._last_request: tuple[tuple[object, ...], A_ASSOCIATE] | None = None
        self._lock = threading.Lock()
        self._servers: list[AssociationServer] = []
        self._active: list[Association] = []  # established
        self._admitted: set[Association] = set()  # as acceptor: about to be established, or established
        self._pending: list[Association] = []  # as acceptor: has not asked yet

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
        """Seconds for a TCP connection to be made; None for the system's own limit."""
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
        self._check_contexts(contexts)
        for context in contexts:
            self.add_requested_context(_syntax(context), list(context.transfer_syntax))

    @property
    def supported_contexts(self) -> list[PresentationContext]:
        """The contexts that servers accept, by abstract syntax. Setting adds; an empty list clears."""
        return [self._supported[uid] for uid in sorted(self._supported)]

    @supported_contexts.setter
    def supported_contexts(self, contexts: list[PresentationContext]) -> None:
        if not contexts:
            self._supported = {}
            return
        self._check_contexts(contexts)
        for context in contexts:
            roles = context.scu_role, context.scp_role
            self.add_supported_context(_syntax(context), list(context.transfer_syntax), *roles)

    @staticmethod
    def _check_contexts(contexts: object) -> None:
        if not isinstance(contexts, (list, tuple)) or not all(isinstance(c, PresentationContext) for c in contexts):
            raise ValueError("contexts must be a list of PresentationContext")

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
        context = self._supported.setdefault(_syntax(added), added)
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
        uid = _syntax(unwanted)
        if uid in self._supported and (
            transfer_syntax is None or not _without(self._supported[uid], unwanted.transfer_syntax)
        ):
            del self._supported[uid]

    # -- as requestor

    def associate(
        self,
        addr: str | tuple[Any, ...],
        port: int,
        contexts: list[PresentationContext] | None = None,
        ae_title: str | bytes = b"ANY-SCP",
        max_pdu: int = 16382,
        ext_neg: list[UserInformationItem] | None = None,
        bind_address: Address | None = ("", 0),
        tls_args: tuple[ssl.SSLContext, str | None] | None = None,
        evt_handlers: Sequence[EventHandlerType] | None = None,
    ) -> Association:
        """Ask the AE `ae_title` at `addr` and `port` for an association. Whether it is there, `is_established` says.

        `contexts` in place of `requested_contexts`; `max_pdu`: bytes of a P-DATA-TF that we take; `ext_neg`: items of
        extended negotiation; `tls_args`: context and server name. Raises RuntimeError without contexts.
        """
        if not isinstance(addr, (str, tuple)):
            raise TypeError("addr must be a str or a tuple")
        if not isinstance(port, int) or isinstance(port, bool):
            raise TypeError("port must be an int")
        called = _stripped(ae_title_from(ae_title, "called AE title"))
        if contexts is not None:
            self._check_contexts(contexts)
            if len(contexts) > MAXIMUM_CONTEXTS:
                raise ValueError(f"{len(contexts)} contexts are requested, an association can have {MAXIMUM_CONTEXTS}")
        proposed = contexts if contexts is not None else self.requested_contexts
        if not proposed:
            raise RuntimeError("no presentation contexts are requested")
        association = Association(self, REQUESTOR)
        association.maximum_pdu_size = max_pdu
        for event_handler in evt_handlers or ():
            association.bind(*event_handler)
        proposal = tuple((_syntax(context), tuple(context.transfer_syntax)) for context in proposed)
        primitive = self._request(called, proposal, max_pdu, ext_neg or [])
        primitive.called_presentation_address = (addr if isinstance(addr, str) else addr[0], port)
        association.request(primitive, bind_address or ("", 0), tls_args)
        return association

    def _request(
        self, called: str, proposal: _Proposal, maximum_length: int, extended: list[UserInformationItem]
    ) -> A_ASSOCIATE:
        """The A-ASSOCIATE request, encoded once for all associations that are asked for in the same words."""
        ours = _stripped(self.ae_title), str(self.implementation_class_uid), self.implementation_version_name
        key = (called, proposal, maximum_length, ours)
        if not extended and self._last_request is not None and self._last_request[0] == key:
            return replace(self._last_request[1])
        primitive = acse.request(
            calling_ae_title=ours[0],
            called_ae_title=called,
            contexts=[
                PresentationContextDefinition(2 * number + 1, abstract_syntax, [str(uid) for uid in transfer_syntaxes])
                for number, (abstract_syntax, transfer_syntaxes) in enumerate(proposal)
            ],
            maximum_length=maximum_length,
            implementation_class_uid=ours[1],
            implementation_version_name=ours[2],
            extended=extended,
        )
        if not extended:
            self._last_request = key, primitive
            encode(primitive)
            return replace(primitive)
        return primitive

    # -- as acceptor

    def start_server(
        self,
        address: Address,
        block: bool = True,
        ssl_context: ssl.SSLContext | None = None,
        evt_handlers: Sequence[EventHandlerType] | None = None,
        ae_title: str | bytes | None = None,
        contexts: list[PresentationContext] | None = None,
    ) -> ThreadedAssociationServer | None:
        """Accept associations at `address` (host, port; port 0 for any that is free).

        With `block` until KeyboardInterrupt; otherwise on a thread, and the server is returned. Raises ValueError where
        no contexts are supported, OSError where the address is taken.
        """
        server = self.make_server(
            address, ae_title, contexts, ssl_context, evt_handlers, server_class=ThreadedAssociationServer
        )
        if not block:
            server.start()
            return server
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            pass
        finally:
            server.shutdown()
        return None

    def make_server(
        self,
        address: Address,
        ae_title: str | bytes | None = None,
        contexts: list[PresentationContext] | None = None,
        ssl_context: ssl.SSLContext | None = None,
        evt_handlers: Sequence[EventHandlerType] | None = None,
        server_class: type[_Server] | None = None,
        **kwargs: Any,
    ) -> _Server:
        """A server that listens and does not accept yet, of `server_class`, which is given `kwargs` too."""
        if contexts is not None:
            self._check_contexts(contexts)
        supported = contexts if contexts is not None else self.supported_contexts
        if not supported:
            raise ValueError("No supported Presentation Contexts have been defined")
        title = self.ae_title if ae_title is None else ae_title_from(ae_title)
        kind: Any = server_class or AssociationServer
        server: _Server = kind(
            self, address, title, supported, self._offer(supported), ssl_context, evt_handlers, **kwargs
        )
        with self._lock:
            self._servers.append(server)
        return server

    def _offer(self, contexts: Iterable[PresentationContext]) -> Offer:
        """What servers negotiate from. Titles, limits and handlers are asked per association."""
        return Offer(
            {
                _syntax(context): SupportedContext(
                    tuple(map(str, context.transfer_syntax)), context.scu_role, context.scp_role
                )
                for context in contexts
            },
            maximum_length=self.maximum_pdu_size,
            implementation_class_uid=str(self.implementation_class_uid),
            implementation_version_name=self.implementation_version_name or "",
        )

    def _begin_association(self, server: AssociationServer, sock: socket.socket) -> Association:
        """The association on an accepted connection."""
        association = Association(self, ACCEPTOR)
        association.handlers = server.handlers.copy()
        association.acceptor.ae_title = _stripped(server.ae_title)
        association.acceptor.supported_contexts = server.contexts
        association.serve(AssociationSocket(sock, server.ssl_context), server.offer)
        association.requestor.located(association.dul.socket.address)
        association.on_end(lambda: server.association_closed(association))
        with self._lock:
            self._pending.append(association)
            oldest = self._pending.pop(0) if len(self._pending) > _MOST_PENDING else None
        if oldest is not None:
            oldest.kill()
        return association

    def _admit(self, association: Association) -> bool:
        """Whether one more association of another AE's may be. The places are counted here, exactly."""
        with self._lock:
            if association in self._pending:
                self._pending.remove(association)
            if len(self._admitted) >= self._maximum_associations:
                return False
            self._admitted.add(association)
            return True

    def _association_established(self, association: Association) -> None:
        with self._lock:
            self._active.append(association)

    def _association_ended(self, association: Association) -> None:
        with self._lock:
            self._admitted.discard(association)
            for associations in (self._active, self._pending):
                if association in associations:
                    associations.remove(association)

    def _server_closed(self, server: AssociationServer) -> None:
        with self._lock:
            if server in self._servers:
                self._servers.remove(server)

    # -- both

    @property
    def active_associations(self) -> list[Association]:
        """The associations that are established, as requestor and as acceptor."""
        with self._lock:
            return list(self._active)

    def shutdown(self) -> None:
        """Stop the servers and abort the associations."""
        with self._lock:
            servers = list(self._servers)
        for server in servers:
            server.shutdown()
        for association in self.active_associations:
            association.abort()

    def __str__(self) -> str:
        lines = [
            f"Application Entity {_stripped(self.ae_title)!r}",
            "",
            "  Requested Presentation Contexts:",
            *_described(self.requested_contexts),
            "  Supported Presentation Contexts:",
            *_described(self.supported_contexts),
            "",
            f"  ACSE timeout: {self.acse_timeout} s",
            f"  DIMSE timeout: {self.dimse_timeout} s",
            f"  Network timeout: {self.network_timeout} s",
            f"  Maximum PDU size: {self.maximum_pdu_size} bytes",
            f"  Associations: {len(self._admitted)}/{self.maximum_associations}",
        ]
        lines += [f"    {association}" for association in self.active_associations]
        return "\n".join(lines)


AE = ApplicationEntity

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


def _syntax(context: PresentationContext) -> str:
    return str(context.abstract_syntax)


def _without(context: PresentationContext, unwanted: list[UID]) -> bool:
    """Take these transfer syntaxes from `context`; tells whether one is left."""
    context.transfer_syntax = [uid for uid in context.transfer_syntax if uid not in unwanted]
    return bool(context.transfer_syntax)


def _in_default_order(syntaxes: list[UID]) -> list[UID]:
    """The default transfer syntaxes first, in their order; the others behind them as they were added."""
    first = [uid for uid in DEFAULT_TRANSFER_SYNTAXES if uid in syntaxes]
    return [UID(uid) for uid in (*first, *(uid for uid in syntaxes if uid not in first))]


def _described(contexts: list[PresentationContext]) -> list[str]:
    if not contexts:
        return ["    None"]
    return [f"    {line}" for context in contexts for line in str(context).splitlines()]
