"""The requestor's side: an association with a peer SCP on the loop, to send, to echo, to put load on.

Belongs here: naming a peer, asking it for an association, and telling how that ended. Not here: what is sent on it.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pool.config import ae_title
from pool.connection import Connection
from pool.loop import Loop
from pool.tls_socket import TLSSocket
from ul.acse import DEFAULT_MAXIMUM_LENGTH, Negotiated, request
from ul.pdu_primitives import PresentationContextDefinition, UserInformationItem
from ul.session import Session
from ul.session_events import (
    AssociationAborted,
    AssociationAccepted,
    AssociationRejected,
    AssociationReleased,
    Event,
    ResponseReceived,
    Timeouts,
)
from ul.upper_layer import UpperLayer


class Peer(NamedTuple):
    """An application entity and where it listens."""

    ae_title: str
    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Peer:
        """`AET@HOST:PORT`. Raises ValueError that says what would do."""
        title, at, address = text.rpartition("@")
        host, colon, port = address.rpartition(":")
        if not (at and colon and host and port.isascii() and port.isdigit() and 0 < int(port) < 65536):
            raise ValueError("give AET@HOST:PORT, such as ULPOOL@127.0.0.1:11112")
        return cls(ae_title(title), host.strip("[]"), int(port))

    def resolve(self) -> Address:
        """Look the host up. Blocks, therefore before any loop runs. Raises OSError.

        Of a name that has both, IPv4: `localhost` is ::1 first almost everywhere, and few SCPs listen there.
        """
        found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        family, _, _, _, address = min(found, key=lambda one: one[0] != socket.AF_INET)  # the first of those alike
        return Address(socket.AddressFamily(family), (str(address[0]), int(address[1])))

    def __str__(self) -> str:
        return f"{self.ae_title}@{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


class Address(NamedTuple):
    """A numeric address: nothing is left to look up."""

    family: socket.AddressFamily
    address: tuple[str, int]


class RequestedAssociation(Connection):
    """An association that this side asks for. A subclass reacts to what comes of it.

    `end` is empty while it lasts, then says how it ended; "released" alone is an end in order. With `tls` the
    connection is secured first; where that context checks names, the certificate has to be for the peer's host.
    """

    __slots__ = ("end", "rejected")

    def __init__(
        self,
        loop: Loop,
        buffer: memoryview,
        peer: Peer,
        address: Address,
        *,
        calling_ae_title: str,
        contexts: Sequence[PresentationContextDefinition],
        timeouts: Timeouts,
        maximum_length: int = DEFAULT_MAXIMUM_LENGTH,
        extended: Iterable[UserInformationItem] = (),
        tls: ssl.SSLContext | None = None,
    ) -> None:
        upper_layer = UpperLayer(True, artim_timeout=timeouts.acse, maximum_length=maximum_length)
        session = Session(timeouts)
        sock = socket.socket(address.family, socket.SOCK_STREAM)
        transport = sock if tls is None else TLSSocket(sock, tls, server_hostname=peer.host)
        super().__init__(loop, transport, upper_layer, session, buffer, timeouts.network)
        self.end = ""
        self.rejected = False
        primitive = request(
            calling_ae_title=calling_ae_title,
            called_ae_title=peer.ae_title,
            contexts=contexts,
            maximum_length=maximum_length,
            extended=extended,
        )
        session.associate(primitive, loop.now)
        self.connect(address.address)

    def accepted(self, negotiated: Negotiated) -> None:
        """The peer accepted."""
        raise NotImplementedError

    def response_received(self, event: ResponseReceived) -> None:
        """A response came."""
        raise NotImplementedError

    def react(self, event: Event) -> None:
        """Something happened on the association."""
        if isinstance(event, ResponseReceived):
            self.response_received(event)
        elif isinstance(event, AssociationAccepted):
            self.accepted(event.negotiated)
        elif isinstance(event, AssociationRejected):
            self.rejected = True
            self.end = "rejected: result {}, source {}, reason {}".format(*event.rejection)
        elif isinstance(event, AssociationReleased):
            self.end = "released"
        elif isinstance(event, AssociationAborted):
            self.end = self.lost or event.description
