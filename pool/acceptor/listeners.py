"""The listen sockets: bound at the start with errors an operator can act on, accepted from until parked.

Here belongs what `bind`, `listen` and `accept` can say. What happens to a connection is for `reception` to decide; it
parks the listeners while no connection can be taken, and the kernel's backlog holds the newcomers.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable, MutableMapping, Sequence
from functools import partial
from typing import Final

from pool import logs
from pool.config import Address, Bind, show_address
from pool.loop import EPOLLIN, Loop

_ACCEPTS_PER_TURN: Final = 64
_LISTEN_FDS_START: Final = 3  # sd_listen_fds(3)
_QUIET: Final = 60.0  # seconds between two warnings that the listeners are parked

_BIND_ADVICE: Final = {
    errno.EADDRINUSE: "another program listens there; stop it, or choose another port with --bind",
    errno.EADDRNOTAVAIL: "no interface of this machine has that address; choose one that has with --bind",
    errno.EACCES: "ports below 1024 want root or CAP_NET_BIND_SERVICE; choose a higher one with --bind",
    errno.EAFNOSUPPORT: "this machine has no such address family; choose another address with --bind",
}

# What accept(2) says, and what it means. Whatever is not here is a fault of ours and raised.
_NOBODY_THERE: Final = frozenset({errno.EAGAIN})
_NEXT_ONE: Final = frozenset(
    {
        errno.ECONNABORTED,  # this client left while it waited
        errno.EPERM,  # a firewall rule forbids this one
        # Errors of the network that waited on the new socket; "treat them like EAGAIN by retrying" (accept(2))
        errno.ENETDOWN,
        errno.EPROTO,
        errno.ENOPROTOOPT,
        errno.EHOSTDOWN,
        errno.ENONET,
        errno.EHOSTUNREACH,
        errno.EOPNOTSUPP,
        errno.ENETUNREACH,
        errno.ETIMEDOUT,
    }
)
_NO_ROOM: Final = frozenset(
    {
        errno.EMFILE,  # our descriptor table is full
        errno.ENFILE,  # the system's is
        errno.ENOBUFS,  # memory for sockets
        errno.ENOMEM,
    }
)


class ListenError(Exception):
    """An address cannot be listened on, in words for an operator."""


def open_listeners(bind: Sequence[Bind], backlog: int, present: Sequence[socket.socket] = ()) -> list[socket.socket]:
    """A listen socket for each address, or those that systemd passed, which stand for all of them.

    Where one of `present` listens already, the new one is another descriptor of it: nobody in its backlog is lost when
    the old one is closed. Raises ListenError.
    """
    sockets = _passed_by_systemd(os.environ)
    if sockets:
        return sockets
    try:
        for address in bind:
            sockets.append(_listen((address.host, address.port), backlog, present))
    except ListenError:
        for sock in sockets:
            sock.close()
        raise
    return sockets


def bound(bind: Sequence[Bind], sockets: Sequence[socket.socket]) -> tuple[Bind, ...]:
    """For each socket what `bind` says of it, with its real address.

    Those of systemd may be others than `bind` names; the rules for --aet and --tls-cert hold for them.
    """
    names: list[Address] = [sock.getsockname()[:2] for sock in sockets]
    in_order = len(names) == len(bind) and all(
        asked.port in (0, port) for asked, (_, port) in zip(bind, names, strict=True)
    )
    said = bind if in_order else [_said_of(name, bind) for name in names]
    return tuple(asked._replace(host=host, port=port) for asked, (host, port) in zip(said, names, strict=True))


def _said_of(name: Address, bind: Sequence[Bind]) -> Bind:
    return next((asked for asked in bind if (asked.host, asked.port) == name), Bind(*name))


def _listen(address: Address, backlog: int, present: Sequence[socket.socket]) -> socket.socket:
    try:
        family, kind, protocol, _, target = socket.getaddrinfo(
            *address, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except socket.gaierror as error:
        raise ListenError(f"cannot listen on {show_address(address)}: {error.strerror}; check --bind") from None
    try:
        for sock in present:
            if sock.family == family and sock.getsockname()[:2] == target[:2]:
                return sock.dup()
        sock = socket.socket(family, kind, protocol)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)  # 0.0.0.0 can be bound beside ::
            sock.bind(target)
            sock.listen(backlog)
        except OSError:
            sock.close()
            raise
    except OSError as error:
        advice = _BIND_ADVICE.get(error.errno or 0, "check --bind")
        raise ListenError(f"cannot listen on {show_address(address)}: {error.strerror}; {advice}") from None
    return sock


def _passed_by_systemd(environ: MutableMapping[str, str]) -> list[socket.socket]:
    """Socket activation (sd_listen_fds(3)): the listen sockets outlive this process, and their backlog with them."""
    passed, pid, _ = (environ.pop(name, "") for name in ("LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"))
    if pid != str(os.getpid()):
        return []
    if not (passed.isascii() and passed.isdigit()):
        raise ListenError(f"LISTEN_FDS is {passed!r}, not a number of sockets; whoever starts us sets it, or unset it")
    return [_adopt(fd) for fd in range(_LISTEN_FDS_START, _LISTEN_FDS_START + int(passed))]


def _adopt(fd: int) -> socket.socket:
    try:
        os.set_inheritable(fd, False)
        sock = socket.socket(fileno=fd)
        if sock.type == socket.SOCK_STREAM and sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            return sock
        sock.detach()  # not ours to close
        reason = "not a listening TCP socket"
    except OSError as error:
        reason = error.strerror or str(error)
    raise ListenError(f"descriptor {fd} of LISTEN_FDS: {reason}; check ListenStream=")


class Listeners:
    """The listen sockets on the loop; they begin parked. `on_connection(listener's index, fd, host, port)`."""

    def __init__(
        self,
        loop: Loop,
        sockets: Sequence[socket.socket],
        on_connection: Callable[[int, int, str, int], object],
    ) -> None:
        self._loop = loop
        self._sockets = list(sockets)
        self._on_connection = on_connection
        self._warned_at: float | None = None
        self.parked = True
        for sock in self._sockets:
            sock.setblocking(False)

    @property
    def sockets(self) -> tuple[socket.socket, ...]:
        """They themselves, for `open_listeners`."""
        return tuple(self._sockets)

    def replace(self, sockets: Sequence[socket.socket]) -> None:
        """Listen on these from now on, and on no others."""
        parked = self.parked
        self.close()
        self._sockets = list(sockets)
        for sock in self._sockets:
            sock.setblocking(False)
        if not parked:
            self.resume()

    def park(self, why: str) -> None:
        """Accept nothing until `resume`."""
        if self.parked:
            return
        self.parked = True
        for sock in self._sockets:
            self._loop.unregister(sock.fileno())
        now = self._loop.now
        if self._warned_at is None or now >= self._warned_at + _QUIET:
            self._warned_at = now
            logs.event(logs.WARNING, "listener.parked", reason=why)

    def resume(self) -> None:
        """Accept again."""
        if not self.parked:
            return
        self.parked = False
        for index, sock in enumerate(self._sockets):
            self._loop.register(sock.fileno(), EPOLLIN, partial(self._ready, index, sock))

    def close(self) -> None:
        """Accept nothing any more. Who waits in the backlog is reset by the kernel."""
        if not self.parked:
            for sock in self._sockets:
                self._loop.unregister(sock.fileno())
        self.parked = True
        for sock in self._sockets:
            sock.close()
        self._sockets.clear()

    def _ready(self, index: int, sock: socket.socket, events: int) -> None:
        for _ in range(_ACCEPTS_PER_TURN):
            if self.parked:
                return
            try:
                # What socket.accept() is made of: the object it would put around the descriptor is two thirds of its
                # time, and this process does nothing with connections but pass them on.
                fd, (host, port, *_) = sock._accept()  # type: ignore[attr-defined]
            except OSError as error:
                if error.errno in _NOBODY_THERE:
                    return
                if error.errno in _NO_ROOM:
                    self.park(error.strerror or str(error))
                    return
                if error.errno not in _NEXT_ONE:
                    raise
                logs.event(logs.DEBUG, "listener.accept_failed", reason=error.strerror)
            else:
                self._on_connection(index, fd, host, port)
