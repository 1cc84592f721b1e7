"""ApplicationEntity: an AE and the associations and servers it has.

Belongs here: asking for associations, starting servers, and who may still come in. Not here: what a program says of its
AE (`ul.ae_settings`), what an association does with it (`ul.association`), how connections are accepted
(`ul.transport`).
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterable, Sequence
from dataclasses import fields
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ul import _config, acse
from ul.acse import IN_ANY_TRANSFER_SYNTAX, Offer, SupportedContext
from ul.ae_settings import (
    DEFAULT_AE_TITLE,
    MAXIMUM_CONTEXTS,
    AESettings,
    abstract_syntax_of,
    ae_title_from,
    check_contexts,
    stripped,
)
from ul.association import Association
from ul.evt import EventHandlerType
from ul.pdu_primitives import (
    A_ASSOCIATE,
    PresentationContextDefinition,
    UserInformationItem,
)
from ul.presentation import PresentationContext, Proposal, proposal_of
from ul.service_user import ACCEPTOR, REQUESTOR
from ul.sop_class import may_be_storage
from ul.transport import ANY_ADDRESS, Address, AssociationServer, AssociationSocket, ThreadedAssociationServer
from ul.wire.pdu import encode

if TYPE_CHECKING:
    import ssl

_MOST_PENDING: Final = 64  # connections without a request: a newcomer has the oldest of more than these closed

_values_of: Final = attrgetter(*(field.name for field in fields(A_ASSOCIATE)))  # dataclasses.replace takes its time

_Server = TypeVar("_Server", bound=AssociationServer)


class ApplicationEntity(AESettings):
    """A DICOM application entity: SCU, SCP or both. `ae_title`: 1 to 16 ASCII characters."""

    def __init__(self, ae_title: str | bytes = DEFAULT_AE_TITLE) -> None:
        super().__init__(ae_title)
        self._last_request: tuple[tuple[object, ...], tuple[Any, ...]] | None = None
        self._lock = threading.Lock()
        self._servers: list[AssociationServer] = []
        self._requesting: set[Association] = set()  # as requestor: about to connect, or waits for the answer
        self._active: list[Association] = []  # established
        self._admitted: set[Association] = set()  # as acceptor: about to be established, or established
        self._pending: list[Association] = []  # as acceptor: has not asked yet

    # -- as requestor

    def associate(
        self,
        addr: str | tuple[Any, ...],
        port: int,
        contexts: list[PresentationContext] | None = None,
        ae_title: str | bytes = b"ANY-SCP",
        max_pdu: int = 16382,
        ext_neg: list[UserInformationItem] | None = None,
        bind_address: Address | None = ANY_ADDRESS,
        tls_args: tuple[ssl.SSLContext, str | None] | None = None,
        evt_handlers: Sequence[EventHandlerType] | None = None,
    ) -> Association:
        """Ask the AE `ae_title` at `addr` and `port` for an association. Whether it is there, `is_established` says.

        `contexts` in place of `requested_contexts`; `max_pdu`: bytes of a P-DATA-TF that we take; `ext_neg`: items of
        extended negotiation; `bind_address`: our end of the connection; `tls_args`: context and server name. Another
        thread ends the attempt by `shutdown`, or by what ends an association. Raises RuntimeError without contexts.
        """
        if not isinstance(addr, (str, tuple)):
            raise TypeError("addr must be a str or a tuple")
        if not isinstance(port, int) or isinstance(port, bool):
            raise TypeError("port must be an int")
        called = stripped(ae_title_from(ae_title, "called AE title"))
        if contexts is not None:
            check_contexts(contexts)
            if len(contexts) > MAXIMUM_CONTEXTS:
                raise ValueError(f"{len(contexts)} contexts are requested, an association can have {MAXIMUM_CONTEXTS}")
        proposed = contexts if contexts is not None else self.requested_contexts
        if not proposed:
            raise RuntimeError("no presentation contexts are requested")
        association = Association(self, REQUESTOR)
        association.maximum_pdu_size = max_pdu
        for event_handler in evt_handlers or ():
            association.bind(*event_handler)
        primitive = self._request(called, proposal_of(proposed), max_pdu, ext_neg or [])
        primitive.called_presentation_address = (addr if isinstance(addr, str) else addr[0], port)
        with self._lock:
            self._requesting.add(association)
        try:
            association.request(primitive, bind_address or ANY_ADDRESS, tls_args)
        finally:
            with self._lock:
                self._requesting.discard(association)
        return association

    def _request(
        self, called: str, proposal: Proposal, maximum_length: int, extended: list[UserInformationItem]
    ) -> A_ASSOCIATE:
        """The A-ASSOCIATE request, encoded once for all associations that are asked for in the same words."""
        ours = stripped(self.ae_title), str(self.implementation_class_uid), self.implementation_version_name
        key = (called, proposal, maximum_length, ours)
        last = self._last_request  # read once: another thread may be about to associate as well
        if not extended and last is not None and last[0] == key:
            return A_ASSOCIATE(*last[1])
        primitive = acse.request(
            calling_ae_title=ours[0],
            called_ae_title=called,
            contexts=[
                PresentationContextDefinition(2 * number + 1, str(abstract_syntax), list(map(str, transfer_syntaxes)))
                for number, (abstract_syntax, transfer_syntaxes) in enumerate(proposal)
            ],
            maximum_length=maximum_length,
            implementation_class_uid=ours[1],
            implementation_version_name=ours[2],
            extended=extended,
        )
        if not extended:
            kept = [(abstract_syntax, list(syntaxes)) for abstract_syntax, syntaxes in proposal]  # which may change
            encode(primitive)
            self._last_request = (called, kept, maximum_length, ours), _values_of(primitive)
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
            check_contexts(contexts)
        supported = contexts if contexts is not None else self.supported_contexts
        if not supported and not _config.UNRESTRICTED_STORAGE_SERVICE:
            raise ValueError("No supported Presentation Contexts have been defined")
        title = self.ae_title if ae_title is None else ae_title_from(ae_title)
        kind: Any = server_class or AssociationServer
        server: _Server = kind(
            self, address, title, supported, self.offer(supported), ssl_context, evt_handlers, **kwargs
        )
        with self._lock:
            self._servers.append(server)
        return server

    def offer(self, contexts: Iterable[PresentationContext]) -> Offer:
        """What servers negotiate from. Titles, limits and handlers are asked per association."""
        unrestricted = _config.UNRESTRICTED_STORAGE_SERVICE
        return Offer(
            {
                abstract_syntax_of(context): SupportedContext(
                    tuple(map(str, context.transfer_syntax)), context.scu_role, context.scp_role
                )
                for context in contexts
                if not (unrestricted and may_be_storage(abstract_syntax_of(context)))
            },
            unknown_contexts=IN_ANY_TRANSFER_SYNTAX if unrestricted else None,
            maximum_length=self.maximum_pdu_size,
            implementation_class_uid=str(self.implementation_class_uid),
            implementation_version_name=self.implementation_version_name or "",
        )

    def _begin_association(self, server: AssociationServer, sock: socket.socket) -> Association:
        """The association on an accepted connection."""
        association = Association(self, ACCEPTOR, server.offer)
        association.handlers = server.handlers.copy()
        association.acceptor.ae_title = stripped(server.ae_title)
        association.acceptor.supported_contexts = server.contexts
        association.dul.socket = AssociationSocket(sock, server.ssl_context)
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
        """Stop the servers and abort the associations, those too that are only asked for."""
        with self._lock:
            servers = list(self._servers)
        for server in servers:
            server.shutdown()
        with self._lock:
            associations = [*self._requesting, *self._active]
        for association in associations:
            association.abort()

    def __str__(self) -> str:
        lines = [
            f"Application Entity {stripped(self.ae_title)!r}",
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


def _described(contexts: list[PresentationContext]) -> list[str]:
    if not contexts:
        return ["    None"]
    return [f"    {line}" for context in contexts for line in str(context).splitlines()]
