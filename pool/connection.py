"""Connection: a non-blocking socket, its UpperLayer and its Session, pumped on the loop. Server and SCU share it.

Belongs here: bytes in and out, back-pressure, timers, closing. Not here: what events mean (a subclass reacts to them),
protocol (the core below, and TLS: `tls_socket` stands in for a socket), or anything that could wait.

What is received stands in one buffer that all connections of a loop share: a pump ends by having the data set under
way flushed and the upper layer keep what it could not use yet, so that the next connection may overwrite it.

A socket's readiness is edge-triggered: it is reported once, and again when more comes or there is room again. (Were it
level-triggered, the kernel would look at every socket once more after it was read, to find nothing.) So whatever is
left behind has to be asked for:
- A read that was shorter than the buffer took all there was (epoll(7), question 9). One that filled it may not have,
  one that stopped at TCP's urgent mark (EPOLLPRI: tcp(7)) did not, and behind one at an end (EPOLLRDHUP, EPOLLHUP,
  EPOLLERR) the end itself is still to be read: then `_look_again`.
- What was not read because `want_read` was false is reported once EPOLLIN is waited for: whenever what is waited for
  changes, the kernel looks again. And sending goes on until all has left or the socket takes no more.
- What stands in for a socket (TLS, a PROXY header) reads by a measure of its own and stays level-triggered.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from collections.abc import Sequence
from typing import Any, Final, Protocol

from pool.loop import EPOLLERR, EPOLLET, EPOLLHUP, EPOLLIN, EPOLLOUT, EPOLLPRI, EPOLLRDHUP, Loop, TimerHandle
from pool.pace import Pace
from pool.tls_socket import FlushDue, TLSSocket
from ul.dimse import Buffer, drop_sent
from ul.pdu_primitives import P_DATA, Primitive
from ul.session import Session
from ul.session_events import Event
from ul.upper_layer import UpperLayer

RECEIVE_BUFFER_LENGTH: Final = 262144  # bytes: two of the P-DATA-TF that we advertise in one system call
SEND_AHEAD: Final = 262144  # bytes of fragments handed to the socket at a time
_BUFFERS_PER_CALL: Final = 512  # IOV_MAX is 1024
_MORE_BEHIND: Final = EPOLLRDHUP | EPOLLHUP | EPOLLERR | EPOLLPRI  # what was read, however short


class Transport(Protocol):
    """What a connection needs of a non-blocking socket, or of what stands in for one (`tls_socket`, `entrance`)."""

    def fileno(self) -> int: ...
    def setblocking(self, flag: bool, /) -> None: ...
    def setsockopt(self, level: int, option: int, value: int, /) -> None: ...
    def getsockopt(self, level: int, option: int, /) -> int: ...
    def connect_ex(self, address: Any, /) -> int: ...
    def recv_into(self, buffer: memoryview, /) -> int: ...
    def send(self, buffer: Buffer, /) -> int: ...
    def sendmsg(self, buffers: Sequence[Buffer], /) -> int: ...
    def shutdown(self, how: int, /) -> None: ...
    def close(self) -> None: ...


class Connection:
    """A transport connection and the association on it. A subclass implements `react` and `closed`."""

    __slots__ = (
        "_buffer",
        "_bytes",
        "_interest",
        "_loop",
        "_progress_at",
        "_socket",
        "_stall_timeout",
        "_timer",
        "_trigger",
        "_unsent",
        "bytes_received",
        "bytes_sent",
        "failure",
        "lost",
        "pace",
        "session",
        "upper_layer",
    )

    def __init__(
        self,
        loop: Loop,
        sock: Transport,
        upper_layer: UpperLayer,
        session: Session,
        buffer: memoryview,
        stall_timeout: float | None,
    ) -> None:
        self._loop = loop
        self._socket = sock
        self.upper_layer = upper_layer
        self.session = session
        assert isinstance(buffer.obj, bytearray)
        self._buffer = buffer
        self._bytes = buffer.obj  # the same, where it is compared with what is known
        self._stall_timeout = stall_timeout  # seconds for which the peer may leave what we sent unread
        self._trigger = EPOLLET | EPOLLRDHUP | EPOLLPRI if isinstance(sock, socket.socket) else 0
        self._interest = 0  # what the loop waits for; 0 also before the start and after the close
        self._unsent: list[Buffer] = []
        self._progress_at = 0.0
        self._timer: TimerHandle | None = None
        self.bytes_received = 0
        self.bytes_sent = 0
        self.lost = ""  # why the connection failed, in words
        self.failure: OSError | None = None  # what the socket said
        self.pace: Pace | None = None  # that messages have to keep

    # -- for subclasses

    def react(self, event: Event) -> None:
        """Something happened on the association."""
        raise NotImplementedError

    def closed(self) -> None:
        """The socket is closed: nothing more will happen."""
        raise NotImplementedError

    def connected(self) -> None:
        """The requestor's TCP connection is there."""

    def secured(self) -> None:
        """The requestor's TLS handshake is done."""

    # -- beginning

    def start(self) -> None:
        """Begin on an accepted socket."""
        self._prepare()
        self._watch(EPOLLIN)
        self.upper_layer.transport_opened(self._loop.now)
        self._settle()

    def connect(self, address: tuple[str, int]) -> None:
        """Begin as requestor; `session.associate` was called and `address` is numeric: names are never looked up."""
        self._prepare()
        now = self._loop.now
        request = self.session.next_request(now)
        assert request is not None, "associate first"
        self.upper_layer.request(request, now)
        error = self._socket.connect_ex(address)
        if error in (0, errno.EINPROGRESS):
            self._watch(EPOLLOUT)
            self._settle()
        else:
            self._connection_failed(os.strerror(error))

    def _prepare(self) -> None:
        self._socket.setblocking(False)
        with contextlib.suppress(
            OSError
        ):  # a socket of another family (a test's socketpair) has no Nagle to switch off
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _connected(self) -> None:
        error = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            self._connection_failed(os.strerror(error))
            return
        self.connected()
        if isinstance(self._socket, TLSSocket):
            self._shake_hands(self._socket)
        else:
            self._opened()

    def _shake_hands(self, sock: TLSSocket) -> None:
        try:
            sock.handshake()
        except BlockingIOError as due:
            self._watch(EPOLLIN | EPOLLOUT if isinstance(due, FlushDue) else EPOLLIN)
        except OSError as error:
            self._connection_failed(error.strerror or str(error))
        else:
            self.secured()
            self._opened()

    def _opened(self) -> None:
        self.upper_layer.transport_opened(self._loop.now)
        self._watch(EPOLLIN)
        self.pump()

    def _connection_failed(self, why: str) -> None:
        self.lost = why
        self._watch(0)
        self.upper_layer.receive_eof(self._loop.now)
        self.pump()

    # -- what the loop calls

    def _ready(self, events: int) -> None:
        if self.upper_layer.should_connect:
            if self._interest == EPOLLOUT:
                self._connected()
            else:
                assert isinstance(self._socket, TLSSocket)
                self._shake_hands(self._socket)
            return
        if events & EPOLLOUT:
            self._send_rest()
        if events & (EPOLLIN | EPOLLHUP | EPOLLERR) and self._interest:
            self._receive()
            if events & _MORE_BEHIND:
                self._look_again()
        self._go_on()

    def _go_on(self) -> None:
        """Something was received, or there is room for more to send."""
        self.pump()
        if self._interest and (self.session.amid_message or self.upper_layer.amid_pdu):
            self._acknowledge_at_once()

    def _acknowledge_at_once(self) -> None:
        """Most senders leave Nagle's algorithm on: what follows their first write waits for its ACK.

        With the kernel's delayed ACK that costs them 40 ms a message; with this they go as fast as without Nagle.
        """
        with contextlib.suppress(OSError):  # not TCP, or lost already
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)

    def callback_failed(self, error: Exception) -> None:
        """The loop tells of a fault of ours: this connection ends, no other one notices."""
        self.lost = f"fault: {type(error).__name__}"
        self.close()

    def _receive(self) -> None:
        length = self._read()
        if length:
            self._received(self._buffer[:length])

    def _read(self) -> int:
        """Read into the buffer; 0 where nothing came."""
        try:
            length = self._socket.recv_into(self._buffer)
        except OSError as error:
            self._nothing_came(error)
            return 0
        if not length:
            self._nothing_came()
        elif length == len(self._buffer):
            self._look_again()
        self.bytes_received += length
        return length

    def _nothing_came(self, error: OSError | None = None) -> None:
        """There is nothing to read yet, or the end has come."""
        if isinstance(error, FlushDue):
            if not self._unsent:
                self._send_now([b""])  # what TLS has to say itself stands behind it
        elif not isinstance(error, BlockingIOError):
            if error is not None:
                self._failed(error)
            self._watch(0)  # at its end a socket is ready for ever
            self.upper_layer.receive_eof(self._loop.now)

    def _received(self, data: memoryview) -> None:
        """The peer said `data`, which is good until the pump that follows has ended."""
        self.upper_layer.receive(data, self._loop.now)

    def _failed(self, error: OSError) -> None:
        if self.failure is None:
            self.failure = error
        self.lost = self.lost or error.strerror or str(error)

    def pump(self) -> None:
        """Let what arrived and what is to be said go as far as they can."""
        session, upper_layer, now = self.session, self.upper_layer, self._loop.now
        while True:
            event = session.next_event(now)
            while event is not None:
                self.react(event)
                event = session.next_event(now)
            if not self._unsent:
                request = session.next_request(now)
                if request is not None:
                    self._send(request)
            elif self._backed_up:
                break
            if not session.want_read:
                break
            primitive = upper_layer.next_primitive(now)
            if primitive is None:
                break
            session.indication(primitive, now)
        session.flush()
        upper_layer.retain()
        self._settle()

    # -- sending

    def _send(self, request: Primitive | None) -> None:
        """Send what the session has to say, a bounded part at a time, for as long as the socket takes all of it."""
        session, upper_layer, now = self.session, self.upper_layer, self._loop.now
        ahead = 0
        while request is not None:
            upper_layer.request(request, now)
            if isinstance(request, P_DATA):
                ahead += len(request.presentation_data_value_list[0][2])
            if ahead >= SEND_AHEAD:
                self._send_now(upper_layer.data_to_send())
                if self._unsent:
                    return
                ahead = 0
            request = session.next_request(now)
        self._send_now(upper_layer.data_to_send())

    def _send_at_once(self, data: Buffer) -> None:
        """Send what is all that there is to send, as most of what is short: nothing is unsent."""
        try:
            sent = self._socket.send(data)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            self._send_failed(error)
            return
        self.bytes_sent += sent
        if sent != len(data):
            self._progress_at = self._loop.now
            self._unsent = [memoryview(data)[sent:]]

    def _send_now(self, buffers: list[Buffer]) -> None:
        """Send at once; what the socket does not take waits until it does."""
        self._unsent = buffers
        self._send_rest()

    def _send_rest(self) -> None:
        buffers = self._unsent
        self._progress_at = self._loop.now
        while buffers:
            try:
                sent = self._send_some(buffers)
            except BlockingIOError:
                return
            except OSError as error:
                self._send_failed(error)
                return
            self.bytes_sent += sent
            if len(buffers) == 1 and sent == len(buffers[0]):
                buffers.clear()
            else:
                drop_sent(buffers, sent)

    def _send_failed(self, error: OSError) -> None:
        """What the peer sent before it left is still to be read, then its end. Where it did not leave, one is made."""
        self._unsent = []
        self._failed(error)
        with contextlib.suppress(OSError):  # the peer left
            self._socket.shutdown(socket.SHUT_RDWR)  # ENOBUFS and the like: nothing may follow half a PDU

    def _send_some(self, buffers: list[Buffer]) -> int:
        if len(buffers) == 1:
            return self._socket.send(buffers[0])
        return self._socket.sendmsg(buffers[:_BUFFERS_PER_CALL] if len(buffers) > _BUFFERS_PER_CALL else buffers)

    # -- waiting

    def _settle(self) -> None:
        """Wait for what can happen next, or close."""
        upper_layer = self.upper_layer
        if upper_layer.should_close:
            self.close()
            return
        if upper_layer.has_data_to_send and not self._unsent:
            self._send_now(upper_layer.data_to_send())  # what the machine says by itself: A-ABORT, A-ASSOCIATE-RJ
        if self._interest:
            wanted = self._wanted()
            if wanted != self._interest:
                self._watch(wanted)
        if self.pace is not None:
            awaited = self.session.amid_message and self.session.want_read and not self._unsent
            self.pace.follow(awaited, self.bytes_received, self._loop.now)
        deadline = self.deadline
        if deadline is not None and (self._timer is None or deadline < self._timer.when):
            self._arm(deadline)

    def _wanted(self) -> int:
        """What to wait for."""
        upper_layer = self.upper_layer
        if upper_layer.should_connect:
            return self._interest
        if not self._unsent:
            return EPOLLIN if self.session.want_read else EPOLLHUP
        return EPOLLOUT | EPOLLIN if self.session.want_read and not self._backed_up else EPOLLOUT

    @property
    def _backed_up(self) -> bool:
        """What is read now only makes more to say to a peer that does not listen."""
        return bool(self._unsent) and (self.upper_layer.has_data_to_send or self.session.answers_due)

    @property
    def deadline(self) -> float | None:
        """When something must have happened."""
        deadline = self.session.deadline
        artim = self.upper_layer.artim_timer.deadline
        if artim is not None and (deadline is None or artim < deadline):
            deadline = artim
        if self._unsent and self._stall_timeout is not None:
            stalled = self._progress_at + self._stall_timeout
            if deadline is None or stalled < deadline:
                deadline = stalled
        due = self.pace.deadline if self.pace is not None else None
        if due is not None and (deadline is None or due < deadline):
            deadline = due
        return deadline

    def _arm(self, deadline: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(deadline, self._timer_due)

    def _timer_due(self) -> None:
        """Deadlines move later with every message and the timer is left where it was: look whether it is time."""
        self._timer = None
        now = self._loop.now
        self.upper_layer.handle_timeout(now)
        self.session.handle_timeout(now)
        if self._unsent and self._stall_timeout is not None and now >= self._progress_at + self._stall_timeout:
            self.lost = f"nothing of what was sent was read for {self._stall_timeout:g} s"
            self.close()
            return
        if self.pace is not None and self.session.amid_message and self.pace.is_over(now):
            self._receive()  # what has come and was not read yet is not the peer's fault
            if self.pace.is_slow(self.bytes_received, now):
                self._too_slow(str(self.pace))
        self.pump()

    def _too_slow(self, why: str) -> None:
        """The message under way comes too slowly."""
        self.session.abort(self._loop.now, why)

    def _watch(self, events: int) -> None:
        if events == self._interest:
            return
        fd = self._socket.fileno()
        if not events:
            self._loop.unregister(fd)
        elif self._interest:
            self._loop.modify(fd, events | self._trigger)
        else:
            self._loop.register(fd, events | self._trigger, self._ready)
        self._interest = events

    def _look_again(self) -> None:
        """Have reported what is ready by now as if it had just become so."""
        if self._interest:
            self._loop.modify(self._socket.fileno(), self._interest | self._trigger)

    @property
    def is_closed(self) -> bool:
        """The socket is closed."""
        return self._socket.fileno() < 0

    def close(self) -> None:
        """Close the transport connection. shutdown first: no FIN leaves while the acceptor still holds its copy."""
        if self.is_closed:
            return
        self._watch(0)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        with contextlib.suppress(OSError):  # ENOTCONN: the peer was quicker
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._unsent = []
        self.closed()
