"""The transport connections of shells that have threads of their own: AssociationSocket, and the servers that accept.

Belongs here: connecting, TLS, sending and receiving, listening, the errors of sockets told in one way. Not here: what
the bytes are, and what becomes of a connection that was accepted: a server hands it to its AE, unread.

A server's thread accepts and does nothing else: no TLS handshake, no PDU, no handler runs where it could hold up the
next connection. All of that is the business of the association's own threads.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import select
import socket
import ssl
import threading
from collections.abc import Generator, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

from ul.acse import Offer
from ul.dimse import Buffer, drop_sent
from ul.evt import Bindable, EventHandlerType, EventType, Handler, Handlers
from ul.thread_context import thread_context

if TYPE_CHECKING:
    from ul.presentation import PresentationContext

LOGGER: Final = logging.getLogger(__name__)

_RECEIVE_LENGTH: Final = 262144  # bytes taken from the kernel at a time
_BUFFERS_PER_CALL: Final = 512  # IOV_MAX is 1024
_TLS_SEND_LENGTH: Final = 131072  # bytes joined for OpenSSL at a time: it has no sendmsg
_BACKLOG: Final = 128
_EXHAUSTED: Final = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_CONNECTING: Final = (errno.EINPROGRESS, errno.EALREADY)

Address = tuple[Any, ...]  # (host, port), or with the flow information and scope of IPv6

ANY_ADDRESS: Final[Address] = ("", 0)  # of ours: what the kernel finds fit


class AssociationSocket:
    """A transport connection, made or adopted. It does not block once it is connected: its owner waits for it.

    `tls_context` secures it: `handshake` is then due before anything else, as a server where the connection was
    adopted and as a client of `server_hostname` where it was made.
    """

    def __init__(
        self,
        sock: socket.socket | None = None,
        tls_context: ssl.SSLContext | None = None,
        server_hostname: str | None = None,
    ) -> None:
        self.socket = sock
        self.address: Address = ("", 0)  # the peer's
        self.tls_context = tls_context
        self._server_hostname = server_hostname
        self._tls: ssl.SSLSocket | None = None
        self._is_server = sock is not None
        self.lost = ""  # what the socket said when it failed
        self.sends_when_readable = False  # TLS has to receive before it can go on sending
        if sock is not None:
            with contextlib.suppress(OSError):
                self.address = sock.getpeername() or self.address  # one of another family has no name
            self._prepare(sock)

    def connect(self, address: Address, bind_address: Address = ANY_ADDRESS) -> Generator[int, None, None]:
        """Connect to `address` from `bind_address`: what to poll for, each time before it goes on. Raises OSError.

        Of a name's addresses, which are looked up first of all, the first that answers is taken.
        """
        host, port = address[:2]
        candidates = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        while candidates:
            family, kind, protocol, _, candidate = candidates.pop(0)
            try:
                self.socket = sock = socket.socket(family, kind, protocol)
                self._prepare(sock)
                _bind(sock, bind_address)
                yield from _connect(sock, candidate)
                self.address = sock.getpeername()
                return
            except OSError:
                self.close()
                if not candidates:
                    raise

    def _prepare(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        with contextlib.suppress(OSError):  # only TCP has Nagle's algorithm to switch off
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @property
    def is_connected(self) -> bool:
        """A transport connection is there."""
        return self.socket is not None

    @property
    def local_address(self) -> Address:
        """Our end of the connection; ("", 0) without one."""
        if self.socket is not None:
            with contextlib.suppress(OSError):
                address: Address = self.socket.getsockname()
                if isinstance(address, tuple):
                    return address
        return "", 0

    def fileno(self) -> int:
        """The descriptor to wait for; -1 without a connection."""
        return -1 if self.socket is None else self.socket.fileno()

    def handshake(self) -> Generator[int, None, None]:
        """The TLS handshake, if one is due: what to poll for, each time before it goes on. Raises OSError."""
        if self.tls_context is None:
            return
        assert self.socket is not None
        self.socket = self._tls = self.tls_context.wrap_socket(
            self.socket,
            server_side=self._is_server,
            server_hostname=None if self._is_server else self._server_hostname,
            do_handshake_on_connect=False,
        )
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                yield select.POLLIN
            except ssl.SSLWantWriteError:
                yield select.POLLOUT
            else:
                return

    def recv(self) -> bytes | None:
        """What arrived; b"" at the end of the connection, None if nothing is there now."""
        assert self.socket is not None
        try:
            return self.socket.recv(_RECEIVE_LENGTH) if self._tls is None else self._recv_tls(self._tls)
        except BlockingIOError:
            return None
        except OSError as error:
            self.lost = error.strerror or str(error)
            return b""

    def _recv_tls(self, sock: ssl.SSLSocket) -> bytes | None:
        """All that OpenSSL has: it hands out a record at a time, and poll does not see what it holds."""
        records: list[bytes] = []
        while True:
            try:
                record = sock.recv(_RECEIVE_LENGTH)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return b"".join(records) if records else None
            except OSError:
                if not records:
                    raise
                return b"".join(records)
            if not record:
                return b"".join(records)
            records.append(record)

    def send(self, buffers: list[Buffer]) -> bool:
        """Send what the kernel takes off the front of `buffers`; tells whether it took anything.

        A lost connection takes everything: the end is still to be received, behind what the peer sent before it left.
        """
        assert self.socket is not None
        try:
            if self._tls is not None:
                sent = self._send_tls(self._tls, buffers)
            else:
                sent = self.socket.sendmsg(buffers[:_BUFFERS_PER_CALL] if len(buffers) > _BUFFERS_PER_CALL else buffers)
        except BlockingIOError:
            return False
        except OSError as error:
            self.lost = error.strerror or str(error)
            buffers.clear()
            return True
        drop_sent(buffers, sent)
        return sent > 0

    def _send_tls(self, sock: ssl.SSLSocket, buffers: list[Buffer]) -> int:
        self.sends_when_readable = False
        count = length = 0
        while count < len(buffers) and length < _TLS_SEND_LENGTH:
            length += len(buffers[count])
            count += 1
        try:
            return sock.send(buffers[0] if count == 1 else b"".join(buffers[:count]))
        except ssl.SSLWantWriteError:
            return 0
        except ssl.SSLWantReadError:
            self.sends_when_readable = True
            return 0

    def close(self) -> None:
        """Close the connection, if there is one."""
        sock, self.socket = self.socket, None
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def __str__(self) -> str:
        return shown(self.address)


def shown(address: Address) -> str:
    """An address as it is written: host:port, [host]:port where the host has colons itself."""
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in str(host) else f"{host}:{port}"


def way(to: Address | None, bound: Address) -> str:
    """From where to where a connection is to go, as a log says it."""
    there = "to nowhere" if to is None else f"to {shown(to)}"
    return there if tuple(bound[:2]) == ANY_ADDRESS else f"{there} from {shown(bound)}"


def _bind(sock: socket.socket, address: Address) -> None:
    if tuple(address[:2]) != ANY_ADDRESS:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # or its port would be ours once a minute
        sock.bind(address[:2])


def _connect(sock: socket.socket, address: Address) -> Iterator[int]:
    """Connect a socket that does not block."""
    while (error := sock.connect_ex(address)) in _CONNECTING:
        yield select.POLLOUT
    if error:
        raise OSError(error, os.strerror(error))


# --- servers ---------------------------------------------------------------------------------------------------------


class ServedAssociation(Protocol):
    """What a server does with the associations its AE made of its connections."""

    def start(self) -> None: ...

    def join(self, timeout: float | None = None) -> None: ...

    def abort(self, block: bool = True) -> None: ...

    def is_alive(self) -> bool: ...

    def bind(self, event: EventType, handler: Handler, args: list[Any] | None = None) -> None: ...

    def unbind(self, event: EventType, handler: Handler) -> None: ...


class ServingAE(Protocol):
    """The AE behind a server."""

    def _begin_association(self, server: AssociationServer, sock: socket.socket) -> ServedAssociation:
        """The association on an accepted connection, not started yet."""

    def _server_closed(self, server: AssociationServer) -> None:
        """The server listens no more."""


class AssociationServer(Bindable):
    """Listens for association requests and serves them one at a time: the next when the last one is over.

    `contexts`, `ae_title` and the handlers are those of every association that it accepts.
    """

    def __init__(
        self,
        ae: ServingAE,
        address: Address,
        ae_title: bytes,
        contexts: Sequence[PresentationContext],
        offer: Offer,
        ssl_context: ssl.SSLContext | None = None,
        evt_handlers: Sequence[EventHandlerType] | None = None,
    ) -> None:
        self.ae = ae
        self.ae_title = ae_title
        self.contexts = list(contexts)
        self.offer = offer
        self.ssl_context = ssl_context
        self.handlers = Handlers(evt_handlers)
        self.socket = _listen(address)
        self.server_address: Address = self.socket.getsockname()
        self._lock = threading.Lock()
        self._associations: set[ServedAssociation] = set()
        self._epoll = select.epoll()
        self._wakeup = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._parked = False
        self._server_thread: threading.Thread | None = None
        self._closed = threading.Event()

    # -- accepting

    def serve_forever(self) -> None:
        """Accept until `shutdown`."""
        self._server_thread = threading.current_thread()
        self._epoll.register(self._wakeup, select.EPOLLIN)
        self._epoll.register(self.socket, select.EPOLLIN)
        try:
            while all(fd != self._wakeup for fd, _ in self._epoll.poll()):
                self._accept()
        finally:
            self._close()

    def _accept(self) -> None:
        try:
            sock, _ = self.socket.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        except OSError as error:
            if error.errno not in _EXHAUSTED:
                raise
            self._park(error)
            return
        try:
            self._serve(sock)
        except (OSError, RuntimeError) as error:  # no descriptors or no threads are left
            sock.close()
            self._park(error)

    def _park(self, error: Exception) -> None:
        """Nothing is left to serve with: newcomers wait in the kernel's queue until an association ends."""
        LOGGER.error("no connection can be served: %s", error)
        with self._lock:
            if self._associations and not self._parked:
                self._parked = True
                self._epoll.unregister(self.socket)

    def _serve(self, sock: socket.socket) -> None:
        self._begin(sock).join()

    def _begin(self, sock: socket.socket) -> ServedAssociation:
        association = self.ae._begin_association(self, sock)
        with self._lock:
            self._associations.add(association)
        try:
            association.start()
        except RuntimeError:
            self.association_closed(association)
            raise
        return association

    def association_closed(self, association: ServedAssociation) -> None:
        """An association of this server's has ended."""
        with self._lock:
            self._associations.discard(association)
            if self._parked and not self._closed.is_set():
                self._parked = False
                self._epoll.register(self.socket, select.EPOLLIN)

    def _close(self) -> None:
        with self._lock:
            self.socket.close()
            self._epoll.close()
            os.close(self._wakeup)
            self._closed.set()
        self.ae._server_closed(self)

    # -- what a program does with a server

    @property
    def active_associations(self) -> list[Any]:
        """The associations that this server accepted and that are not over."""
        with self._lock:
            return [association for association in self._associations if association.is_alive()]

    def shutdown(self) -> None:
        """Stop listening and abort the associations."""
        self.server_close()
        for association in self.active_associations:
            association.abort()

    def server_close(self) -> None:
        """Stop listening; associations go on."""
        with self._lock:
            if self._closed.is_set():
                return
            serving = self._server_thread
            if serving is not None:
                os.eventfd_write(self._wakeup, 1)
        if serving is None:
            self._close()
        elif serving is not threading.current_thread():
            self._closed.wait()

    def __enter__(self) -> AssociationServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()

    # -- handlers

    def bind(self, event: EventType, handler: Handler, args: list[Any] | None = None) -> None:
        """Bind for the associations there are and those to come; see `ul.evt.Handlers.bind`."""
        super().bind(event, handler, args)
        for association in self.active_associations:
            association.bind(event, handler, args)

    def unbind(self, event: EventType, handler: Handler) -> None:
        """Unbind for the associations there are and those to come."""
        super().unbind(event, handler)
        for association in self.active_associations:
            association.unbind(event, handler)


class ThreadedAssociationServer(AssociationServer):
    """Serves every association on threads of its own; `start` accepts on one more."""

    def _serve(self, sock: socket.socket) -> None:
        self._begin(sock)

    def start(self) -> None:
        """Accept on a thread until `shutdown`."""
        accept = partial(thread_context().run, self.serve_forever)
        self._server_thread = threading.Thread(target=accept, name="AssociationServer", daemon=True)
        self._server_thread.start()


def _listen(address: Address) -> socket.socket:
    """A listening socket. Raises OSError."""
    family = socket.AF_INET6 if ":" in str(address[0]) else socket.AF_INET
    listener = socket.create_server(address[:2], family=family, backlog=_BACKLOG)
    listener.setblocking(False)
    return listener
