"""Entrances: what a connection passes before its first PDU, which may differ from one listener to the next.

Belongs here: the PROXY header, TLS, and the title that is served at an address. Not here: the header's bytes
(`proxy_protocol`), the handshake (`tls_socket`), which context it uses (`tls`).
"""

from __future__ import annotations

import dataclasses
import socket
import ssl
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

from pool.config import Network, Settings, is_in
from pool.proxy_protocol import LONGEST_V2, V1, V2, Header, HeaderError, parse
from pool.tls import secured, server_context
from pool.tls_socket import TLSError, TLSSocket
from ul.acse import Offer

_VERSIONS: Final = {"off": (), "v1": (V1,), "v2": (V2,), "auto": (V1, V2)}


class ProxyError(OSError):
    """A connection has no PROXY header that we believe."""


# The kinds of protocol errors below DICOM's own, by what a connection failed with.
BREACHES: Final[dict[type, str]] = {TLSError: "tls", ProxyError: "proxy-header"}


@dataclass(frozen=True)
class Entrance:
    """The way in at one listener."""

    offer: Offer
    ae_title: str
    tls: ssl.SSLContext | None = None
    proxy_versions: Collection[int] = ()
    balancers: Collection[Network] = ()

    def turns_away(self, host: str) -> ProxyError | None:
        """Why nothing is read from a connection that comes from there, or None."""
        if not self.proxy_versions or is_in(host, self.balancers):
            return None
        return ProxyError("not one of the balancers of --proxy-allow-from")

    def open(self, sock: socket.socket, introduced: Callable[[Header], object]) -> Transport:
        """What an association reads from. `introduced(header)` is called once the PROXY header is there."""
        inside = sock if self.tls is None else TLSSocket(sock, self.tls, server_side=True)
        return ProxiedSocket(sock, inside, self.proxy_versions, introduced) if self.proxy_versions else inside


def entrances(settings: Settings, offer: Offer) -> tuple[Entrance, ...]:
    """One for each address of `bind`. Raises SettingError."""
    context = server_context(settings)
    versions = _VERSIONS[settings.proxy_protocol]
    return tuple(
        Entrance(
            dataclasses.replace(offer, called_ae_titles=(bind.ae_title,)) if bind.ae_title else offer,
            bind.ae_title or settings.aet,
            context if is_secured else None,
            versions,
            settings.proxy_allow_from,
        )
        for bind, is_secured in zip(settings.bind, secured(settings), strict=True)
    )


class ProxiedSocket:
    """A socket before its PROXY header: takes exactly those bytes off it, then stands aside for `inside`.

    What follows the header is left in the kernel, whose readiness is level-triggered: nobody misses it.
    """

    def __init__(
        self,
        sock: socket.socket,
        inside: socket.socket | TLSSocket,
        versions: Collection[int],
        introduced: Callable[[Header], object],
    ) -> None:
        self.inside = inside
        self._socket = sock
        self._versions = versions
        self._introduced = introduced
        self._data = b""
        self.fileno = inside.fileno
        self.close = inside.close
        self.setblocking = inside.setblocking
        self.setsockopt = inside.setsockopt
        self.getsockopt = inside.getsockopt
        self.getsockname = inside.getsockname
        self.connect_ex = inside.connect_ex
        self.send = inside.send
        self.sendmsg = inside.sendmsg
        self.shutdown = inside.shutdown

    @property
    def missing(self) -> str:
        """What of the header has not come, for a log."""
        return "half a PROXY header" if self._data else "no PROXY header"

    def recv_into(self, buffer: memoryview) -> int:
        """What `inside` received, once the header is there. Raises BlockingIOError before that, and OSError."""
        seen = self._socket.recv(LONGEST_V2, socket.MSG_PEEK)
        if not seen:
            if self._data:
                raise ProxyError("the connection ended amid its PROXY header")
            return 0
        before = len(self._data)
        self._data += seen
        try:
            header = parse(self._data, self._versions)
        except HeaderError as error:
            raise ProxyError(str(error)) from None
        self._socket.recv(len(seen) if header is None else header.length - before)
        if header is None:
            raise BlockingIOError
        self._introduced(header)
        return self.inside.recv_into(buffer)


Transport = socket.socket | TLSSocket | ProxiedSocket
