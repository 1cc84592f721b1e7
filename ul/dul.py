"""DULServiceProvider: the upper layer of one association on a thread, driven by queues of primitives.

The blocking shell over `ul.upper_layer`: it moves bytes between a socket and the UpperLayer and primitives between
the UpperLayer and two queues, and waits for all of them at once. It never polls: a primitive put into
`to_provider_queue`, or taken from a full `to_user_queue`, wakes it through an eventfd.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import select
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

from ul.errors import UsageError
from ul.fsm import StateMachine
from ul.pdu_primitives import A_ASSOCIATE, Primitive
from ul.timer import Timer
from ul.transport import AssociationSocket
from ul.upper_layer import UpperLayer

LOGGER: Final = logging.getLogger("ul.dul")

_UNREAD_PRIMITIVES: Final = 64  # in the user's queue: beyond it nothing more is received until some are taken


class Parent(Protocol):
    """What a DULServiceProvider reads of its association."""

    is_requestor: bool
    acse_timeout: float | None  # seconds: the duration of ARTIM, and of a connection attempt
    network_timeout: float | None  # seconds
    maximum_pdu_size: int  # bytes of a P-DATA-TF that we take, 0 for no limit


class _WakingQueue(queue.Queue[Primitive]):
    """A queue whose other end waits for something else than the queue."""

    def __init__(self, on_put: Callable[[], object] | None, on_get: Callable[[], object] | None) -> None:
        super().__init__()
        self._on_put = on_put
        self._on_get = on_get

    def _put(self, item: Primitive) -> None:
        super()._put(item)
        if self._on_put is not None:
            self._on_put()

    def _get(self) -> Primitive:
        item = super()._get()
        if self._on_get is not None:
            self._on_get()
        return item


class _EventQueue(queue.Queue[str]):
    """The upper layer's pending events, seen as a queue."""

    def __init__(self, upper_layer: UpperLayer) -> None:
        self._upper_layer = upper_layer
        super().__init__()

    def _qsize(self) -> int:
        return len(self._upper_layer.events)

    @property
    def queue(self) -> deque[str]:
        """The events, the next one first."""
        return deque(self._upper_layer.events)

    @queue.setter
    def queue(self, value: object) -> None:
        """What `queue.Queue` keeps its items in is not needed here."""


class DULServiceProvider(threading.Thread):
    """The DICOM upper layer service provider of `assoc` (PS3.8 clause 7).

    A requestor is given an A_ASSOCIATE whose `called_presentation_address` says where to; an acceptor is given its
    `socket` before it is started. Primitives go in by `send_pdu` and come out by `receive_pdu`.
    """

    def __init__(self, assoc: Parent) -> None:
        super().__init__(name="DULServiceProvider")
        self.assoc = assoc
        self.socket = AssociationSocket()
        self._upper_layer = UpperLayer(
            assoc.is_requestor, artim_timeout=assoc.acse_timeout, maximum_length=assoc.maximum_pdu_size
        )
        self._address: tuple[str, int] | None = None
        self._unsent: list[bytes | bytearray | memoryview] = []
        self._last_heard = time.monotonic()
        self._killed = False
        self._wakeup = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._poll = select.poll()
        self._poll.register(self._wakeup, select.POLLIN)
        self.to_provider_queue: queue.Queue[Primitive] = _WakingQueue(self._wake, None)
        self.to_user_queue: queue.Queue[Primitive] = _WakingQueue(None, self._taken)
        self.event_queue: queue.Queue[str] = _EventQueue(self._upper_layer)

    # -- what the documented API shows

    @property
    def association(self) -> Parent:
        """The association this is the provider of."""
        return self.assoc

    @property
    def state_machine(self) -> StateMachine:
        """The state machine of PS3.8 Table 9-10."""
        return self._upper_layer.state_machine

    @property
    def artim_timer(self) -> Timer:
        """The ARTIM timer."""
        return self._upper_layer.artim_timer

    @property
    def network_timeout(self) -> float | None:
        """Seconds after which `idle_timer_expired`; None for never."""
        return self.assoc.network_timeout

    def idle_timer_expired(self) -> bool:
        """Whether the peer has been silent for longer than the network timeout."""
        timeout = self.network_timeout
        return timeout is not None and time.monotonic() - self._last_heard > timeout

    def send_pdu(self, primitive: Primitive) -> None:
        """Hand the provider a request or response primitive."""
        self.to_provider_queue.put(primitive)

    def receive_pdu(self, wait: bool = False, timeout: float | None = None) -> Primitive | None:
        """The next indication or confirm primitive; None if there is none.

        With `wait`, blocks until one is there, for `timeout` seconds at most (None: for ever).
        """
        try:
            return self.to_user_queue.get(block=wait, timeout=timeout)
        except queue.Empty:
            return None

    def peek_next_pdu(self) -> Primitive | None:
        """The primitive that `receive_pdu` would return next, left where it is."""
        with self.to_user_queue.mutex:
            return self.to_user_queue.queue[0] if self.to_user_queue.queue else None

    def kill_dul(self) -> None:
        """End the thread, whatever state the association is in; the connection is closed."""
        self._killed = True
        self._wake()

    def stop_dul(self) -> bool:
        """End the thread if the state machine is in Sta1; tells whether it is."""
        if self.state_machine.current_state != "Sta1":
            return False
        self.kill_dul()
        return True

    # -- the thread

    def run(self) -> None:
        """Move bytes and primitives until killed."""
        try:
            if self.socket.is_connected:
                self._opened()
            while not self._killed:
                self._turn()
        finally:
            self._close()
            self._poll.unregister(self._wakeup)
            wakeup, self._wakeup = self._wakeup, -1
            os.close(wakeup)

    def _turn(self) -> None:
        upper_layer = self._upper_layer
        self._take_requests()
        if upper_layer.should_connect:
            self._connect()
        self._issue()
        self._send()
        if upper_layer.should_close:
            self._close()
        for fd, events in self._poll.poll(self._patience()):
            if fd == self._wakeup:
                os.eventfd_read(fd)
            elif events & ~select.POLLOUT:
                self._receive()
        upper_layer.handle_timeout(time.monotonic())

    def _take_requests(self) -> None:
        while True:
            try:
                primitive = self.to_provider_queue.get_nowait()
            except queue.Empty:
                return
            if isinstance(primitive, A_ASSOCIATE) and primitive.called_presentation_address is not None:
                self._address = primitive.called_presentation_address
            try:
                self._upper_layer.request(primitive, time.monotonic())
            except UsageError as error:
                LOGGER.warning("%s was dropped: %s", type(primitive).__name__, error)

    def _connect(self) -> None:
        try:
            if self._address is None:
                raise OSError("the A-ASSOCIATE request has no called presentation address")
            self.socket.connect(self._address, self.assoc.acse_timeout)
        except OSError as error:
            LOGGER.error("cannot connect: %s", error)
            self._upper_layer.receive_eof(time.monotonic())
        else:
            self._opened()

    def _opened(self) -> None:
        self._poll.register(self.socket, select.POLLIN)
        self._upper_layer.transport_opened(time.monotonic())

    def _receive(self) -> None:
        data = self.socket.recv()
        now = self._last_heard = time.monotonic()
        if data:
            self._upper_layer.receive(data, now)
        elif data is not None:
            self._poll.unregister(self.socket)
            self._upper_layer.receive_eof(now)

    def _issue(self) -> None:
        """Put primitives into the user's queue, for as long as the user takes them."""
        while self.to_user_queue.qsize() < _UNREAD_PRIMITIVES:
            primitive = self._upper_layer.next_primitive(time.monotonic())
            if primitive is None:
                break
            self.to_user_queue.put(primitive)

    def _send(self) -> None:
        """Send what the kernel takes, and wait for what can happen next."""
        unsent = self._unsent
        unsent += self._upper_layer.data_to_send()
        if not self.socket.is_connected:
            unsent.clear()
            return
        while unsent:
            sent = self.socket.send(unsent[0])
            if sent < len(unsent[0]):
                unsent[0] = memoryview(unsent[0])[sent:]
                break
            del unsent[0]

    def _patience(self) -> float | None:
        """Watch the socket for what is of use, and tell how many milliseconds nothing has to happen."""
        if self.socket.is_connected:
            reading = select.POLLIN if self.to_user_queue.qsize() < _UNREAD_PRIMITIVES else 0
            writing = select.POLLOUT if self._unsent else 0
            with contextlib.suppress(FileNotFoundError):  # the peer has closed: only the user is waited for
                self._poll.modify(self.socket, reading | writing)
        deadline = self._upper_layer.deadline
        return None if deadline is None else max(0.0, deadline - time.monotonic()) * 1000

    def _close(self) -> None:
        self._upper_layer.should_close = False
        if self.socket.is_connected:
            with contextlib.suppress(KeyError):  # at its end already
                self._poll.unregister(self.socket)
            self.socket.close()

    def _wake(self) -> None:
        if self._wakeup >= 0:
            os.eventfd_write(self._wakeup, 1)

    def _taken(self) -> None:
        """Whoever takes a primitive from a full queue makes room for the next."""
        if len(self.to_user_queue.queue) == _UNREAD_PRIMITIVES - 1:
            self._wake()

    # -- names that threading once had

    def isAlive(self) -> bool:
        """Whether the thread runs."""
        return self.is_alive()

    def getName(self) -> str:
        """The thread's name."""
        return self.name

    def setName(self, name: str) -> None:
        """Set the thread's name."""
        self.name = name

    def isDaemon(self) -> bool:
        """Whether the thread is a daemon."""
        return self.daemon

    def setDaemon(self, daemonic: bool) -> None:
        """Make the thread a daemon, before it is started."""
        self.daemon = daemonic
