"""A web server for a few small answers, on the loop: GET and HEAD, one request per connection, and nothing else.

Belongs here: hostile bytes. A request has a bounded length and a bounded time, connections have a bounded number (past
it the oldest one goes: silent clients only push each other out), and nobody is ever waited for. Not here: what is
answered (`metrics`). It runs in the acceptor, so it looks at as little as it can: the request line alone.
"""

from __future__ import annotations

import contextlib
import errno
import socket
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Final, NamedTuple

from pool import logs
from pool.acceptor.listeners import ListenError
from pool.config import Address, show_address
from pool.loop import EPOLLHUP, EPOLLIN, EPOLLOUT, Loop

LONGEST_REQUEST: Final = 8192  # bytes, its header fields included
MOST_FORGOTTEN: Final = 65536  # bytes that a client may send after its request
MOST_CONNECTIONS: Final = 32
TIMEOUT: Final = 10.0  # seconds from the accept to the end
_RETRY: Final = 1.0  # seconds until connections are accepted again after the descriptors ran out
_BACKLOG: Final = 128

_ENDS: Final = (b"\r\n\r\n", b"\n\n")

TEXT: Final = "text/plain; charset=utf-8"


class Answer(NamedTuple):
    """What a client gets."""

    status: HTTPStatus
    body: str
    content_type: str = TEXT


Reply = Callable[[Answer], object]
Respond = Callable[[str, Reply], object]


def listen(address: Address, flag: str) -> socket.socket:
    """A listen socket. Raises ListenError, which names the `flag` that the address came from."""
    try:
        family, kind, protocol, _, target = socket.getaddrinfo(*address, type=socket.SOCK_STREAM)[0]
        sock = socket.socket(family, kind, protocol)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(target)
            sock.listen(_BACKLOG)
            sock.setblocking(False)
        except OSError:
            sock.close()
            raise
    except OSError as error:
        raise ListenError(
            f"cannot listen on {show_address(address)}: {error.strerror}; choose another address with {flag}"
        ) from None
    return sock


class WebServer:
    """Answers on one listen socket. `respond(path, reply)` is to call `reply` once, at once or later."""

    def __init__(self, loop: Loop, sock: socket.socket, respond: Respond) -> None:
        self.respond = respond
        self.loop = loop
        self._socket = sock
        self._exchanges: dict[_Exchange, None] = {}  # oldest first
        self._loop_has_it = False
        self._accept_again()

    @property
    def address(self) -> Address:
        """Where it listens, with the real port."""
        host, port, *_ = self._socket.getsockname()
        return host, port

    def close(self) -> None:
        """Accept nothing any more, and let everybody go."""
        self._park()
        self._socket.close()
        for exchange in list(self._exchanges):
            exchange.close()

    def ended(self, exchange: _Exchange) -> None:
        """A connection is closed."""
        self._exchanges.pop(exchange, None)

    def _park(self) -> None:
        if self._loop_has_it:
            self._loop_has_it = False
            self.loop.unregister(self._socket.fileno())

    def _accept_again(self) -> None:
        if self._socket.fileno() >= 0:
            self._loop_has_it = True
            self.loop.register(self._socket.fileno(), EPOLLIN, self._ready)

    def _ready(self, events: int) -> None:
        """One connection per turn: nobody who knocks here holds up the acceptor."""
        try:
            accepted, _ = self._socket.accept()
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                logs.event(logs.WARNING, "metrics.parked", reason=error.strerror)
                self._park()
                self.loop.call_at(self.loop.now + _RETRY, self._accept_again)
            return
        while len(self._exchanges) >= MOST_CONNECTIONS:
            next(iter(self._exchanges)).close()
        self._exchanges[_Exchange(self, accepted)] = None


class _Exchange:
    """One connection: a request, its answer, and the wait for the peer's end, so that the answer is not lost."""

    def __init__(self, server: WebServer, sock: socket.socket) -> None:
        self._server = server
        self._socket = sock
        self._received = b""
        self._forgotten = 0  # bytes
        self._unsent = memoryview(b"")
        self._head_only = False
        self._answered = False  # or about to be
        self._awaited = False
        sock.setblocking(False)
        server.loop.register(sock.fileno(), EPOLLIN, self._ready)
        self._timer = server.loop.call_at(server.loop.now + TIMEOUT, self.close)

    def callback_failed(self, error: Exception) -> None:
        """The loop tells of a fault of ours."""
        self.close()

    def close(self) -> None:
        """End it, wherever it is."""
        if self._socket.fileno() < 0:
            return
        self._timer.cancel()
        self._server.loop.unregister(self._socket.fileno())
        self._socket.close()
        self._server.ended(self)

    def _ready(self, events: int) -> None:
        if self._unsent:
            self._send()
            return
        try:
            data = self._socket.recv(LONGEST_REQUEST)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data and self._awaited and not events & EPOLLHUP:
            self._server.loop.modify(self._socket.fileno(), 0)  # it has said all and waits for its answer
        elif not data:
            self.close()
        elif not self._answered:
            self._received += data
            self._request()
        else:  # what follows the request is read and forgotten
            self._forgotten += len(data)
            if self._forgotten > MOST_FORGOTTEN:
                self.close()

    def _request(self) -> None:
        """Ask for an answer once the request is whole."""
        if len(self._received) > LONGEST_REQUEST:
            self._reply(Answer(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "the request is too long\n"))
        elif any(end in self._received for end in _ENDS):
            self._answer(self._received.split(b"\n", 1)[0].split())

    def _answer(self, words: list[bytes]) -> None:
        match words:
            case [method, target, version] if version.startswith(b"HTTP/1.") and target.startswith(b"/"):
                self._head_only = method == b"HEAD"
                if method in (b"GET", b"HEAD"):
                    self._answered = self._awaited = True
                    self._server.respond(target.partition(b"?")[0].decode("latin-1"), self._reply)
                else:
                    self._reply(Answer(HTTPStatus.METHOD_NOT_ALLOWED, "GET and HEAD are understood\n"))
            case _:
                self._reply(Answer(HTTPStatus.BAD_REQUEST, "this is no HTTP request\n"))

    def _reply(self, answer: Answer) -> None:
        if self._socket.fileno() < 0:
            return  # who asked did not wait
        self._answered = True
        self._awaited = False
        body = answer.body.encode()
        head = "".join(_head(answer, len(body))).encode("ascii")
        self._unsent = memoryview(head if self._head_only else head + body)
        self._send()

    def _send(self) -> None:
        try:
            self._unsent = self._unsent[self._socket.send(self._unsent) :]
        except BlockingIOError:
            pass
        except OSError:
            self.close()
            return
        if not self._unsent:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_WR)
        self._server.loop.modify(self._socket.fileno(), EPOLLOUT if self._unsent else EPOLLIN)


def _head(answer: Answer, length: int) -> Iterator[str]:
    yield f"HTTP/1.1 {answer.status.value} {answer.status.phrase}\r\n"
    yield f"Content-Type: {answer.content_type}\r\nContent-Length: {length}\r\nConnection: close\r\n"
    yield "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
    if answer.status == HTTPStatus.METHOD_NOT_ALLOWED:
        yield "Allow: GET, HEAD\r\n"
    yield "\r\n"
