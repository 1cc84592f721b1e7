"""AssociationSocket: the transport connection of one association, for shells that have a thread of their own.

Belongs here: connecting, sending, receiving, the errors of sockets told in one way. Not here: what the bytes are.
"""

from __future__ import annotations

import contextlib
import socket

_RECEIVE_LENGTH = 262144  # bytes taken from the kernel at a time


class AssociationSocket:
    """A TCP connection, made or adopted. It does not block once it is connected: its owner waits for it."""

    def __init__(self, sock: socket.socket | None = None) -> None:
        self.socket = sock
        if sock is not None:
            self._prepare(sock)

    def connect(self, address: tuple[str, int], timeout: float | None) -> None:
        """Connect to `address`, within `timeout` seconds. Raises OSError."""
        self.socket = socket.create_connection(address, timeout)
        self._prepare(self.socket)

    def _prepare(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        with contextlib.suppress(OSError):  # only TCP has Nagle's algorithm to switch off
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @property
    def is_connected(self) -> bool:
        """A transport connection is there."""
        return self.socket is not None

    def fileno(self) -> int:
        """The descriptor to wait for; -1 without a connection."""
        return -1 if self.socket is None else self.socket.fileno()

    def recv(self) -> bytes | None:
        """What arrived; b"" at the end of the connection, None if nothing is there now."""
        assert self.socket is not None
        try:
            return self.socket.recv(_RECEIVE_LENGTH)
        except BlockingIOError:
            return None
        except OSError:
            return b""

    def send(self, data: bytes | bytearray | memoryview) -> int:
        """Send as much as the kernel takes and tell how much that was. A lost connection takes everything."""
        assert self.socket is not None
        try:
            return self.socket.send(data)
        except BlockingIOError:
            return 0
        except OSError:
            return len(data)  # the end is still to be received, behind what the peer sent before it left

    def close(self) -> None:
        """Close the connection, if there is one."""
        sock, self.socket = self.socket, None
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()
