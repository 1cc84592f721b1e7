"""Control: the directory a server is found by, and the ZeroMQ sockets in it.

The directory is the gate: ours, mode 0700, no link, and locked by the one server that runs in it before it binds
anything (a second ROUTER on one ipc path would silently take the messages of the first). In it are three sockets:
`workers` (ROUTER; every worker connects a DEALER), `cli` (ROUTER; one DEALER per request) and `events` (XPUB).
Messages are JSON objects with a "type"; what the types are is `pool.messages`' business. Nothing here ever blocks,
`request` apart, which is the CLI's.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import socket
import stat
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any, Final, cast

import zmq

from pool import logs
from pool.config import Bind, show_address
from pool.loop import EPOLLIN, Loop

Body = dict[str, Any]

WORKERS: Final = "workers"
CLI: Final = "cli"
EVENTS: Final = "events"
LOCK: Final = "lock"

LONGEST_SOCKET_PATH: Final = 106  # bytes; sockaddr_un has 108, and libzmq wants room
LARGEST_MESSAGE: Final = 4 << 20  # bytes; the status of 1000 associations is some 300 KiB
FAREWELL: Final = 200  # milliseconds that a last message has to leave after its socket was closed
MOST_UNREAD: Final = 10_000  # events that wait for one subscriber; who is slower misses some


class ControlError(Exception):
    """Something about the control directory or the server in it, in words for an operator."""


class UnsafeDirectory(ControlError):
    """Others could reach into it."""


class AlreadyRunning(ControlError):
    """Another server holds the directory."""


class NotRunning(ControlError):
    """No server listens there."""


class NotAnswering(ControlError):
    """A server is there but did not answer in time."""


class Refused(ControlError):
    """The server will not do what it was asked for. Nothing has changed."""


# The directory


class ControlDirectory:
    """The names in a control directory. `open` makes it a server's own; a worker or client just names it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: int | None = None
        self._made = False

    @classmethod
    def open(cls, path: Path) -> ControlDirectory:
        """Make the directory if absent, make sure it is private, and lock it.

        Raises UnsafeDirectory, AlreadyRunning, or ControlError where it cannot be made.
        """
        opened = cls(path)
        longest = len(os.fsencode(path / WORKERS))
        if longest > LONGEST_SOCKET_PATH:
            raise ControlError(
                f"{path}: too long for a socket's path by {longest - LONGEST_SOCKET_PATH} bytes; "
                "name a shorter directory with --control"
            )
        try:
            while opened._lock is None:
                opened._make()
                opened._take_lock()
        except BaseException as error:
            opened.close()
            if isinstance(error, OSError):
                raise ControlError(f"{path}: cannot be the control directory: {error.strerror}") from error
            raise
        return opened

    @property
    def workers_address(self) -> str:
        return f"ipc://{self.path / WORKERS}"

    @property
    def cli_address(self) -> str:
        return f"ipc://{self.path / CLI}"

    @property
    def events_address(self) -> str:
        return f"ipc://{self.path / EVENTS}"

    def close(self) -> None:
        """Remove what we put there and let the lock go, in this order."""
        if self._lock is not None:
            for name in (WORKERS, CLI, EVENTS, LOCK):
                (self.path / name).unlink(missing_ok=True)
        if self._made:
            self._made = False
            with contextlib.suppress(OSError):  # somebody else's files in it, or the next server is already there
                self.path.rmdir()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _make(self) -> None:
        try:
            self.path.mkdir(mode=0o700)
            self._made = True
        except FileExistsError:
            pass
        require_private(self.path)

    def _take_lock(self) -> None:
        """Lock the lock file; leaves `_lock` None if it vanished meanwhile, for its last holder removes it."""
        try:
            lock = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:
            return
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(lock).st_nlink == 0:
                os.close(lock)
                return
        except BlockingIOError:
            os.close(lock)
            raise AlreadyRunning(
                f"{self.path}: another server runs there (pid {_server_pid(self.path)}); stop it with ulpool stop, "
                "or name another directory with --control"
            ) from None
        self._lock = lock
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)


def require_private(path: Path) -> None:
    """Raise UnsafeDirectory unless `path` is a directory, no link, of ours (root may look at others'), mode 0700."""
    status = path.lstat()
    if not stat.S_ISDIR(status.st_mode):
        raise UnsafeDirectory(f"{path}: not a directory; name one with --control")
    if status.st_uid != os.geteuid() and os.geteuid() != 0:
        raise UnsafeDirectory(f"{path}: belongs to user {status.st_uid}, not to us; name another with --control")
    if status.st_mode & 0o077:
        raise UnsafeDirectory(f"{path}: others may enter it (mode {stat.S_IMODE(status.st_mode):04o}); chmod 700 it")


def default_path(bind: Sequence[Bind]) -> Path:
    """The control directory of a server that was not told one: below the user's runtime directory, named by address.

    A server that takes any free port is named by its process instead.
    """
    name = show_address(bind[0][:2]) if bind[0].port else f"pid{os.getpid()}"
    return next(_runtime_directories()) / f"{_prefix()}{name}"


def find(path: Path | None = None) -> Path:
    """The control directory of the running server: `path` if given, else the only default one that is in use.

    Raises NotRunning if there is none, ControlError if there are several.
    """
    if path is not None:
        return path
    candidates = {entry for parent in _runtime_directories() for entry in parent.glob(f"{_prefix()}*")}
    running = sorted(entry for entry in candidates if _is_private(entry) and _listens(entry / CLI))
    if not running:
        raise NotRunning("no server of this user runs here; start one with ulpool serve, or say --control DIR")
    if len(running) > 1:
        raise ControlError(f"several servers run here; say --control with one of {', '.join(map(str, running))}")
    return running[0]


def _prefix() -> str:
    return f"ulpool-{os.geteuid()}-"


def _runtime_directories() -> Iterator[Path]:
    """Where a control directory may be, best first. A login session and a service see different ones: look in all."""
    named = os.environ.get("XDG_RUNTIME_DIR")
    candidates = [Path(named)] if named else []
    candidates.append(Path(f"/run/user/{os.geteuid()}"))
    for candidate in candidates:
        if candidate.is_dir() and candidate.stat().st_uid == os.geteuid():
            yield candidate
    yield Path("/tmp")


def _is_private(path: Path) -> bool:
    try:
        require_private(path)
    except (OSError, UnsafeDirectory):
        return False
    return True


def _listens(path: Path) -> bool:
    """Whether a process listens on a socket. libzmq would go on trying to connect to a dead one."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(os.fsencode(path)) == 0


# The sockets


class _OnLoop:
    """A ZeroMQ socket on the loop.

    The descriptor libzmq gives is edge-triggered over everything that happens inside: after each use of the socket its
    EVENTS must be asked, or a message that arrived meanwhile wakes nobody.
    """

    def __init__(self, loop: Loop, zmq_socket: zmq.Socket[bytes]) -> None:
        self._loop = loop
        self._socket = zmq_socket
        self._fd = cast(int, zmq_socket.getsockopt(zmq.FD))
        loop.register(self._fd, EPOLLIN, self._ready)
        loop.call_soon(self._drain)

    def close(self) -> None:
        """What is unsent has a moment to leave: nobody hangs at exit."""
        if not self._socket.closed:
            self._loop.unregister(self._fd)
            self._socket.close(linger=FAREWELL)

    def _ready(self, events: int) -> None:
        self._drain()

    def _has_input(self) -> bool:
        return bool(cast(int, self._socket.getsockopt(zmq.EVENTS)) & zmq.POLLIN)

    def _drain(self) -> None:
        """Read all that is there."""
        raise NotImplementedError


class Endpoint(_OnLoop):
    """A ZeroMQ socket on the loop: every message that arrives is given to `on_message(message, identity)`.

    `identity` names the peer that a ROUTER is to answer; it is b"" on a DEALER.
    """

    def __init__(self, loop: Loop, zmq_socket: zmq.Socket[bytes], on_message: Callable[[Body, bytes], object]) -> None:
        super().__init__(loop, zmq_socket)
        self._on_message = on_message
        self._routes = zmq_socket.type == zmq.ROUTER

    def send(self, message: Body, identity: bytes | None = None) -> bool:
        """Send now or not at all: False if the peer is gone or its queue is full."""
        frames = [json.dumps(message).encode()]
        try:
            self._socket.send_multipart([identity, *frames] if identity is not None else frames, zmq.NOBLOCK)
        except (zmq.Again, zmq.ZMQError) as error:
            if error.errno not in (zmq.EAGAIN, zmq.EHOSTUNREACH):
                raise
            return False
        finally:
            # Not read right here: a callback must not run inside somebody's call of send.
            if self._has_input():
                self._loop.call_soon(self._drain)
        return True

    def _drain(self) -> None:
        while not self._socket.closed and self._has_input():
            *identity, payload = self._socket.recv_multipart(zmq.NOBLOCK, copy=False)
            message = _read(payload)
            if message is None:
                continue
            try:
                self._on_message(message, identity[0].bytes if self._routes else b"")
            except BaseException:
                self._loop.call_soon(self._drain)  # the edge is used up; the rest must not wait for another
                raise


class Publisher(_OnLoop):
    """An XPUB socket on the loop: every event goes to who subscribed to its type, or to the beginning of it.

    Nobody is ever waited for: a subscriber that does not read misses events, and sees so by their numbers.
    `on_subscribed(beginning)` is called whenever somebody comes, `on_deserted()` when nobody is left.
    """

    def __init__(
        self,
        loop: Loop,
        zmq_socket: zmq.Socket[bytes],
        on_subscribed: Callable[[str], object],
        on_deserted: Callable[[], object],
    ) -> None:
        super().__init__(loop, zmq_socket)
        self._on_subscribed = on_subscribed
        self._on_deserted = on_deserted
        self._topics: set[bytes] = set()
        self._numbers = count(1)

    def publish(self, event: Body) -> None:
        """Send it to who wants it."""
        event["number"] = next(self._numbers)
        self._socket.send_multipart([event["type"].encode(), json.dumps(event).encode()], zmq.NOBLOCK)
        if self._has_input():
            self._loop.call_soon(self._drain)

    def _drain(self) -> None:
        """Subscriptions: a byte, 1 or 0, and what the type is to begin with."""
        while not self._socket.closed and self._has_input():
            said = self._socket.recv(zmq.NOBLOCK)
            if said[:1] == b"\1":
                self._topics.add(said[1:])
                self._on_subscribed(said[1:].decode("ascii", "replace"))
            elif said[:1] == b"\0":
                self._topics.discard(said[1:])
                if not self._topics:
                    self._on_deserted()


def _read(payload: zmq.Frame) -> Body | None:
    """The message of a peer that may talk to us, or None."""
    uid = _peer_uid(payload)
    if uid not in (os.geteuid(), 0):
        logs.event(logs.WARNING, "control.refused", reason="not a process of our user", uid=uid)
        return None
    try:
        message = json.loads(payload.bytes)
    except (ValueError, RecursionError):
        message = None
    if not (isinstance(message, dict) and isinstance(message.get("type"), str)):
        logs.event(logs.WARNING, "control.refused", reason="not a message", bytes=len(payload))
        return None
    return message


def _peer_uid(payload: zmq.Frame) -> int:
    """libzmq takes an ipc peer's credentials from the kernel and tells them as `localhost:UID:GID:PID`."""
    match str(payload.get("Peer-Address")).split(":"):
        case [_, uid, _, _]:
            return int(uid)
    return -1


def workers_router(loop: Loop, at: ControlDirectory, on_message: Callable[[Body, bytes], object]) -> Endpoint:
    """The server's end of the workers' sockets."""
    return _router(at.workers_address, loop, on_message)


def cli_router(loop: Loop, at: ControlDirectory, on_message: Callable[[Body, bytes], object]) -> Endpoint:
    """Where the CLI's requests arrive; each wants one answer to its identity."""
    return _router(at.cli_address, loop, on_message)


def worker_dealer(
    loop: Loop, at: ControlDirectory, identity: bytes, on_message: Callable[[Body, bytes], object]
) -> Endpoint:
    """A worker's end; `identity` is what the server sends to and must never be used by two."""
    dealer = _socket(zmq.DEALER)
    dealer.setsockopt(zmq.IDENTITY, identity)
    dealer.connect(at.workers_address)
    return Endpoint(loop, dealer, on_message)


def publisher(
    loop: Loop, at: ControlDirectory, on_subscribed: Callable[[str], object], on_deserted: Callable[[], object]
) -> Publisher:
    """Where the server's events are published."""
    xpub = _socket(zmq.XPUB)
    xpub.setsockopt(zmq.SNDHWM, MOST_UNREAD)
    xpub.setsockopt(zmq.XPUB_VERBOSE, 1)  # tell of every subscriber, not of the first one alone
    _bind(xpub, at.events_address)
    return Publisher(loop, xpub, on_subscribed, on_deserted)


def _router(address: str, loop: Loop, on_message: Callable[[Body, bytes], object]) -> Endpoint:
    bound = _socket(zmq.ROUTER)
    bound.setsockopt(zmq.ROUTER_MANDATORY, 1)  # an unknown peer is an error, not a message lost in silence
    _bind(bound, address)
    return Endpoint(loop, bound, on_message)


def _bind(bound: zmq.Socket[bytes], address: str) -> None:
    try:
        bound.bind(address)
    except zmq.ZMQError as error:
        bound.close()
        raise ControlError(f"{address}: cannot listen there: {os.strerror(error.errno or errno.EIO)}") from error


def _socket(kind: int) -> zmq.Socket[bytes]:
    made: zmq.Socket[bytes] = zmq.Context.instance().socket(kind)
    made.setsockopt(zmq.LINGER, 0)
    made.setsockopt(zmq.MAXMSGSIZE, LARGEST_MESSAGE)
    return made


# The CLI's side


def request(path: Path, message: Body, timeout: float | None) -> Body:
    """Ask the server that runs in the control directory `path`, and wait for its answer.

    At most `timeout` seconds, and in any case no longer than the server lives. Raises NotRunning, NotAnswering or
    UnsafeDirectory.
    """
    try:
        require_private(path)
    except FileNotFoundError:
        raise NotRunning(f"{path}: no server runs there; start one with ulpool serve") from None
    if not _listens(path / CLI):
        raise NotRunning(f"{path}: no server runs there any more; start one with ulpool serve")
    with contextlib.ExitStack() as stack:
        context = stack.enter_context(zmq.Context())
        dealer = stack.enter_context(context.socket(zmq.DEALER))
        dealer.setsockopt(zmq.LINGER, 0)
        dealer.connect(ControlDirectory(path).cli_address)
        poller = zmq.Poller()
        poller.register(dealer, zmq.POLLIN)
        pidfd = server_pidfd(path)
        if pidfd is not None:
            stack.callback(os.close, pidfd)
            poller.register(pidfd, zmq.POLLIN)
        dealer.send(json.dumps(message).encode())
        ready = dict(poller.poll(None if timeout is None else int(timeout * 1000)))
        if not ready:
            raise NotAnswering(
                f"{path}: a server runs there (pid {_server_pid(path)}) but did not answer within {timeout:g} s; "
                "its log may say why"
            )
        if dealer not in ready:
            raise NotRunning(f"{path}: the server ended before it answered")
        answer: Body = json.loads(dealer.recv())
    return answer


def server_pidfd(path: Path) -> int | None:
    """The process that holds the control directory, as a descriptor that is ready for reading when it ends.

    None where its process id means nothing to us: in another namespace, for example.
    """
    try:
        return os.pidfd_open(int(_server_pid(path)))
    except (OSError, ValueError):
        return None


def _server_pid(path: Path) -> str:
    """The process id that the server's lock file names."""
    try:
        return (path / LOCK).read_text().strip() or "unknown"
    except OSError:
        return "unknown"
