"""The hand-off: connections, and everything that must stay in order with them, between the acceptor and one worker.

One SEQPACKET socketpair per worker. A packet is a run of records, all that gathered in one turn of the loop; the
descriptors of its HANDOFF records travel beside it (SCM_RIGHTS), in their order. Here belong the records, their bytes
and the channel; who gets which connection is the acceptor's business, what becomes of it the worker's.

What the kernel does at the edges, and this module relies on:
- A full descriptor table at the receiver installs the descriptors that still fit and sets MSG_CTRUNC: the records
  come without their descriptors, and the receiver answers NACK.
- When the other end dies with unread packets, the first recv says ECONNRESET; what it sent before still follows, and
  only b"" is the end.
- net.unix.max_dgram_qlen (10 by default) packets wait in a socket, so what cannot leave waits here, in order.
"""

from __future__ import annotations

import array
import contextlib
import errno
import socket
import struct
from collections import deque
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from pool.loop import EPOLLIN, EPOLLOUT, Loop


class Handoff(NamedTuple):
    """Acceptor to worker, with the descriptor of a connection nobody has read a byte from."""

    token: int  # the connection's name on this channel, never used twice
    listener: int  # index into the settings' `bind`
    port: int  # the peer's
    accepted_at: float  # time.monotonic() of the acceptor: one clock for all processes of a machine
    host: str  # the peer's address, as text


class Admitted(NamedTuple):
    """Acceptor to worker: the association counts; accept it."""

    token: int


class Refused(NamedTuple):
    """Acceptor to worker: answer with an A-ASSOCIATE-RJ."""

    token: int
    rule: int  # index into `admission.RULES`


class Expire(NamedTuple):
    """Acceptor to worker: the connection's ARTIM expires now."""

    token: int


class Ack(NamedTuple):
    """Worker to acceptor: the connection is mine. Sent before anything is read from it."""

    token: int


class Nack(NamedTuple):
    """Worker to acceptor: the connection did not arrive; give it to another worker."""

    token: int
    errno: int


class Admit(NamedTuple):
    """Worker to acceptor: an A-ASSOCIATE-RQ is there; may it become an association?"""

    token: int
    port: int  # the requestor's, and its address, as the worker knows them: a balancer's client connects from elsewhere
    calling_ae_title: str
    called_ae_title: str
    host: str


class Closed(NamedTuple):
    """Worker to acceptor: the connection is gone."""

    token: int
    was_health_check: bool = False  # of a balancer's: no association that counts


Record = Handoff | Admitted | Refused | Expire | Ack | Nack | Admit | Closed


class _Layout(NamedTuple):
    """A record's bytes: its number, the fields of fixed size, then its texts, each after its length."""

    number: int
    record: type[Any]
    pack: Callable[..., bytes]
    unpack_from: Callable[[bytes, int], tuple[Any, ...]]
    size: int
    texts: int


def _layout(number: int, record: type[Any], fields: str, texts: int = 0) -> _Layout:
    unpack = struct.Struct(f"=x{fields}")
    return _Layout(number, record, struct.Struct(f"=B{fields}").pack, unpack.unpack_from, unpack.size, texts)


_LAYOUTS: Final = (
    _layout(1, Handoff, "QHHd", texts=1),
    _layout(2, Admitted, "Q"),
    _layout(3, Refused, "QB"),
    _layout(4, Expire, "Q"),
    _layout(5, Ack, "Q"),
    _layout(6, Nack, "Qi"),
    _layout(7, Admit, "QH", texts=3),
    _layout(8, Closed, "Q?"),
)
_BY_RECORD: Final = {layout.record: layout for layout in _LAYOUTS}
_BY_NUMBER: Final = {layout.number: layout for layout in _LAYOUTS}

# A packet is closed once it has this many bytes or descriptors. The kernel takes 253 descriptors at a time; fewer keep
# the number in flight, which counts against the user's RLIMIT_NOFILE, far from any limit.
_PACKET_BYTES: Final = 4096
_PACKET_FDS: Final = 16
_LARGEST_RECORD: Final = 1024
_ANCILLARY_BYTES: Final = socket.CMSG_SPACE(_PACKET_FDS * 4)

# The socket is full; or too many descriptors of this user are in flight (a limit of the kernel, unix(7)); or memory is
# short for the moment.
_TRY_AGAIN: Final = frozenset({errno.EAGAIN, errno.ETOOMANYREFS, errno.ENOBUFS, errno.ENOMEM})


def encode(record: Record) -> bytes:
    """The bytes of one record."""
    number, _, pack, _, _, texts = _BY_RECORD[type(record)]
    if not texts:
        return pack(number, *record)
    parts = [pack(number, *record[:-texts])]
    for text in record[-texts:]:
        data = str(text).encode("utf-8", "surrogateescape")[:255]
        parts += bytes([len(data)]), data
    return b"".join(parts)


def decode(packet: bytes) -> list[Record]:
    """The records of one packet."""
    records: list[Record] = []
    offset = 0
    while offset < len(packet):
        _, record, _, unpack_from, size, texts = _BY_NUMBER[packet[offset]]
        fields = unpack_from(packet, offset)
        offset += size
        for _ in range(texts):
            end = offset + 1 + packet[offset]
            fields += (packet[offset + 1 : end].decode("utf-8", "surrogateescape"),)
            offset = end
        records.append(tuple.__new__(record, fields))
    return records


def socketpair() -> tuple[socket.socket, socket.socket]:
    """The acceptor's and the worker's end of a channel; neither is inherited unless asked for."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


class Channel:
    """One end of the hand-off, on a loop.

    `on_records(records, fds)` gets a packet at a time. The descriptors belong to its HANDOFF records in their order,
    and are the receiver's to close; where they end early, the rest did not fit in. `on_eof()` comes once, after the
    last record; `on_drained()` when a channel that was full no longer is.
    """

    def __init__(
        self,
        loop: Loop,
        sock: socket.socket,
        on_records: Callable[[list[Record], list[int]], object],
        on_eof: Callable[[], object],
        on_drained: Callable[[], object],
    ) -> None:
        self._loop = loop
        self._socket = sock
        self._on_records = on_records
        self._on_eof = on_eof
        self._on_drained = on_drained
        self._data = bytearray()  # of the packet that gathers
        self._fds: list[int] = []
        self._packets: deque[tuple[bytes, list[int]]] = deque()  # that wait to be sent
        self._reading = True
        self._writing = True
        self._watched = 0
        self.full = False  # packets wait because the other end does not read
        sock.setblocking(False)
        self._watch()

    @property
    def open(self) -> bool:
        """What is sent now can still arrive: neither half-closed nor left by the other end."""
        return self._writing and self._reading

    def send(self, record: Record, fd: int | None = None) -> None:
        """Send a record at the end of this turn. `fd` stays the caller's, and open, until the record is answered."""
        if not self._data:
            self._loop.call_soon(self.flush)
        self._data += encode(record)
        if fd is not None:
            self._fds.append(fd)
        if len(self._data) >= _PACKET_BYTES or len(self._fds) == _PACKET_FDS:
            self._close_packet()

    def flush(self) -> None:
        """Send what gathered now, where something else must not happen before it left."""
        if self._data:
            self._close_packet()
        if self._packets and not self.full:
            self._send_packets()

    def half_close(self) -> None:
        """Send what is there, then EOF: the other end may leave. Its records are still read."""
        self.flush()
        self._writing = False
        if not self._packets:
            self._shut_down()

    def read(self) -> None:
        """Read all there is: to the very end, where the other process is known to be dead."""
        while self._reading and self._read_packet():
            pass

    def close(self) -> None:
        """Forget the channel; what waits is not sent."""
        self._reading = False
        self._lost()
        self._watch()
        self._socket.close()

    def _ready(self, events: int) -> None:
        if self.full:
            self._send_packets()
            if not self.full:
                self._on_drained()
        if events & ~EPOLLOUT and self._reading:
            self._read_packet()

    def _read_packet(self) -> bool:
        """Read one packet, or the end; False if there is nothing."""
        try:
            packet, ancillary, _, _ = self._socket.recvmsg(
                _PACKET_BYTES + _LARGEST_RECORD, _ANCILLARY_BYTES, socket.MSG_CMSG_CLOEXEC
            )
        except BlockingIOError:
            return False
        except ConnectionResetError:
            return True  # not the end: the packets it sent come after this
        if packet:
            self._on_records(decode(packet), _descriptors(ancillary) if ancillary else [])
        else:
            self._reading = False
            self._watch()
            self._on_eof()
        return True

    def _close_packet(self) -> None:
        if self._writing:
            self._packets.append((bytes(self._data), self._fds))
        self._data.clear()
        self._fds = []

    def _send_packets(self) -> None:
        was_full, self.full = self.full, False
        while self._packets and not self.full:
            data, fds = self._packets[0]
            try:
                if fds:
                    self._socket.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))])
                else:
                    self._socket.send(data)
                self._packets.popleft()
            except OSError as error:
                if error.errno in _TRY_AGAIN:
                    self.full = True
                else:
                    self._lost()  # the other end is gone; its EOF tells the owner so, after the last record it sent
        if not self._packets and not self._writing:
            self._shut_down()
        if self.full != was_full:
            self._watch()

    def _lost(self) -> None:
        self._writing = self.full = False
        self._packets.clear()
        self._data.clear()
        self._fds = []

    def _shut_down(self) -> None:
        with contextlib.suppress(OSError):  # ENOTCONN: the other end is gone already
            self._socket.shutdown(socket.SHUT_WR)

    def _watch(self) -> None:
        """Wait for what can still come. After EOF not for reading: it would be ready for ever."""
        wanted = (EPOLLIN if self._reading else 0) | (EPOLLOUT if self.full else 0)
        if wanted == self._watched:
            return
        fd = self._socket.fileno()
        if not wanted:
            self._loop.unregister(fd)
        elif not self._watched:
            self._loop.register(fd, wanted, self._ready)
        else:
            self._loop.modify(fd, wanted)
        self._watched = wanted


def _descriptors(ancillary: list[tuple[int, int, bytes]]) -> list[int]:
    """Those that were installed. They are so in order: it is the last ones of a packet that are missing."""
    fds = array.array("i")
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(data[: len(data) - len(data) % fds.itemsize])
    return list(fds)
