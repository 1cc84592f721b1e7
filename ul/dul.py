"""DULServiceProvider: the upper layer of one association on a thread, driven by queues of primitives.

The blocking shell over `ul.upper_layer`: it moves bytes between a socket and the UpperLayer and primitives between
the UpperLayer and two queues, and waits for all of them at once. It never polls: a primitive put into
`to_provider_queue`, or taken from a full `to_user_queue`, wakes it through an eventfd.

One rule of ownership: upper layer and socket belong to whoever holds `_turning`. The thread whose turn it is gives it
away only while it waits. Whoever puts primitives in meanwhile takes them out again and sends them, at once and without
a wait; that thread is woken only for what this leaves to be done. A hop to another one costs what 100 KiB cost to send.

Presentation data that arrived together is issued together: one P_DATA with the values of several PDUs costs the user
one turn. Whoever bound a handler to EVT_DATA_RECV or EVT_PDU_RECV is shown one PDU at a time, and so is the user then.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import select
import time
from collections.abc import Callable, Generator
from functools import cached_property
from typing import Final, Protocol

from ul import evt
from ul.dimse import Buffer
from ul.errors import UsageError
from ul.evt import Handlers, NotificationEvent
from ul.fsm import StateMachine
from ul.pdu_primitives import A_ABORT, A_ASSOCIATE, A_P_ABORT, A_RELEASE, P_DATA, Primitive
from ul.queues import EventQueue, PrimitiveQueue
from ul.timer import Timer
from ul.transport import ANY_ADDRESS, AssociationSocket, way
from ul.turns import Turns
from ul.upper_layer import UpperLayer
from ul.wire.pdu import HEADER

LOGGER: Final = logging.getLogger(__name__)

_ACSE: Final = (A_ASSOCIATE, A_RELEASE, A_ABORT, A_P_ABORT)
_UNREAD_PRIMITIVES: Final = 16  # in the user's queue: beyond it nothing more is received until some are taken
_LONGEST_OBSERVED: Final = 1 << 20  # bytes of a PDU that are gathered to be shown whole


class Parent(Protocol):
    """What a DULServiceProvider reads of its association."""

    @property
    def is_requestor(self) -> bool: ...

    @property
    def acse_timeout(self) -> float | None:
        """Seconds: the duration of ARTIM and of a TLS handshake."""

    @property
    def connection_timeout(self) -> float | None:
        """Seconds for an attempt to connect."""

    @property
    def network_timeout(self) -> float | None:
        """Seconds of silence after which the idle timer has expired, and for which the peer may leave data unread."""

    @property
    def maximum_pdu_size(self) -> int:
        """Bytes of a P-DATA-TF that we take, 0 for no limit."""

    @property
    def handlers(self) -> Handlers:
        """Who is told of what happens here."""


class DULServiceProvider(Turns):
    """The DICOM upper layer service provider of `assoc` (PS3.8 clause 7).

    A requestor is given an A_ASSOCIATE whose `called_presentation_address` says where to; an acceptor is given its
    `socket` before it is started. Primitives go in by `send_pdu` and come out by `receive_pdu`.

    These, where set, are called on the thread whose turn it is: `on_opened` once the transport connection is there;
    `on_indication` when primitives have been issued, the user's time to take them; `on_drained` once all that was put
    in has left, the user's time to put in more; `on_rest` when nothing is left but to wait; `on_end` once the
    connection is closed and nothing will happen any more.
    """

    def __init__(self, assoc: Parent) -> None:
        super().__init__(name="DULServiceProvider")
        self.assoc = assoc
        self.socket = AssociationSocket()
        self.bind_address = ANY_ADDRESS
        self.on_opened: Callable[[float], object] | None = None
        self.on_indication: Callable[[], object] | None = None
        self.on_drained: Callable[[], object] | None = None
        self.on_rest: Callable[[], object] | None = None
        self.on_end: Callable[[], object] | None = None
        self._upper_layer = UpperLayer(
            assoc.is_requestor, artim_timeout=assoc.acse_timeout, maximum_length=assoc.maximum_pdu_size
        )
        self._address: tuple[str, int] | None = None
        self._unsent: list[Buffer] = []
        self._observed = bytearray()  # of a PDU that is shown to handlers before it is taken
        self._last_heard = self._last_sent = time.monotonic()
        self._opened = self._killed = self._ending = False
        self._watched = 0  # what the socket is polled for
        self._poll = select.poll()
        self._poll.register(self._wakeup, select.POLLIN)
        self.to_provider_queue = PrimitiveQueue(on_put=self._requested)
        self.to_user_queue = PrimitiveQueue(on_get=self._taken)

    # -- what the documented API shows

    @cached_property
    def event_queue(self) -> queue.Queue[str]:
        """The events that the state machine has yet to see."""
        return EventQueue(self._upper_layer)

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
        if isinstance(primitive, _ACSE):
            self._tell(evt.EVT_ACSE_SENT, primitive=primitive)
        self.to_provider_queue.put(primitive)

    def receive_pdu(self, wait: bool = False, timeout: float | None = None) -> Primitive | None:
        """The next indication or confirm primitive; None if there is none.

        With `wait`, blocks until one is there, for `timeout` seconds at most (None: for ever).
        """
        try:
            primitive = self.to_user_queue.get(block=wait, timeout=timeout)
        except queue.Empty:
            return None
        if isinstance(primitive, _ACSE):
            self._tell(evt.EVT_ACSE_RECV, primitive=primitive)
        return primitive

    def peek_next_pdu(self) -> Primitive | None:
        """The primitive that `receive_pdu` would return next, left where it is."""
        return self.to_user_queue.peek()

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

    def end_when_idle(self) -> None:
        """End the thread as soon as the state machine is in Sta1: the last word may still be on its way."""
        self._ending = True
        self._wake()

    # -- turns

    def _is_over(self) -> bool:
        if self._killed:
            return True
        if self.state_machine.current_state != "Sta1" or self.to_provider_queue.queue:
            return False
        return self._ending or (self._opened and not self._upper_layer.requestor)  # one connection is an acceptor's all

    def _end(self) -> None:
        if self._killed and not self._ending and self.state_machine.current_state != "Sta1":
            self._ending = True
            self._tell_lost("killed")
        self._close()
        self._wakeup.close()
        if self.on_end is not None:
            self.on_end()

    def _turn(self, deadline: float | None = None) -> None:
        """Wait for something, unless there is something to say, and see to it."""
        try:
            if not self._opened and self.socket.is_connected:
                self._observe()
                self._open()
            elif not self.to_provider_queue.queue:
                self._await(deadline)
            self._move()
        except Exception as error:
            LOGGER.exception("the provider of %s failed", self.socket)
            self._killed = self._ending = True
            self._tell_lost(f"fault: {error}")

    def _await(self, deadline: float | None) -> None:
        for fd, events in self._wait(deadline):
            if fd == self._wakeup.fileno():
                self._wakeup.clear()
            elif events & ~select.POLLOUT or self.socket.sends_when_readable:
                self._receive()
        self._handle_timeouts(time.monotonic())

    def _move(self) -> None:
        """Take what was put in, issue what has arrived, send what there is to send."""
        upper_layer = self._upper_layer
        self._observe()
        self._take_requests()
        if upper_layer.should_connect:
            self._connect()
        self._issue()
        self._take_requests()  # the user's answer
        self._send()
        if upper_layer.should_close:
            self._close()
        on_drained = self.on_drained  # at the association's end another thread takes it away
        if on_drained is not None and not self._unsent and not self.to_provider_queue.queue:
            on_drained()

    def _requested(self) -> None:
        """Something was put in: it leaves on this thread, if the one whose turn it is only waits."""
        if self.is_amid_turn or not self._is_turning:
            return  # it leaves at the end of this turn, or in the first one
        if self._shows_what_is_sent or not self._turning.acquire(blocking=False):
            self._wakeup.set()
            return
        try:
            self._take_requests()
            self._send()
            rest = self._unsent or self.on_drained or self._watches_more
        finally:
            self._turning.release()
        if rest:
            self._wakeup.set()

    @property
    def _shows_what_is_sent(self) -> bool:
        """To handlers: they are called on the provider's thread only."""
        return self.assoc.handlers.hear(evt.EVT_PDU_SENT, evt.EVT_DATA_SENT, evt.EVT_FSM_TRANSITION)

    @property
    def _watches_more(self) -> bool:
        """There is more to be done than to wait for the peer's next words."""
        upper_layer = self._upper_layer
        return upper_layer.should_connect or upper_layer.should_close or upper_layer.deadline is not None

    def _take_requests(self) -> None:
        if not self.to_provider_queue.queue:
            return
        now, shown = time.monotonic(), self._shows_what_is_sent
        for primitive in self.to_provider_queue.take_all():
            if type(primitive) is A_ASSOCIATE and primitive.called_presentation_address is not None:
                self._address = primitive.called_presentation_address
            try:
                self._upper_layer.request(primitive, now)
            except UsageError as error:
                LOGGER.warning("%s was dropped: %s", type(primitive).__name__, error)
                continue
            if shown:
                self._show_sent(primitive)

    # -- the connection

    def _connect(self) -> None:
        try:
            if self._address is None:
                raise OSError("the A-ASSOCIATE request has no called presentation address")
            self._go_through(self.socket.connect(self._address, self.bind_address), self.assoc.connection_timeout)
        except OSError as error:
            self._not_opened(f"cannot connect {way(self._address, self.bind_address)}", error)
        else:
            self._open()

    def _open(self) -> None:
        self._opened = True
        try:
            self._go_through(self.socket.handshake(), self.assoc.acse_timeout)
        except OSError as error:
            self._not_opened(f"TLS with {self.socket} failed", error)
            return
        self._poll.register(self.socket, select.POLLIN)
        self._watched = select.POLLIN
        self._tell(evt.EVT_CONN_OPEN, address=self.socket.address)
        now = time.monotonic()
        self._upper_layer.transport_opened(now)
        if self.on_opened is not None:
            self.on_opened(now)

    def _go_through(self, steps: Generator[int, None, None], timeout: float | None) -> None:
        """Take the `steps` of opening, and what is put in meanwhile; nobody else waits for that. Raises OSError."""
        began = time.monotonic()
        with contextlib.suppress(StopIteration):
            wanted = next(steps)
            while True:
                patience = None if timeout is None else max(0.0, began + timeout - time.monotonic()) * 1000
                self._poll.register(self.socket, wanted)
                try:
                    ready = self._poll.poll(patience)
                finally:
                    self._poll.unregister(self.socket)
                if any(fd == self._wakeup.fileno() for fd, _ in ready):
                    self._wakeup.clear()
                    self._take_requests()
                if self._is_called_off:
                    raise InterruptedError("called off")
                began = began if ready else time.monotonic()  # a name's next address has its own time
                wanted = next(steps) if ready else steps.throw(TimeoutError(f"nothing within {timeout} s"))

    @property
    def _is_called_off(self) -> bool:
        """Nobody wants the transport connection any more."""
        return self._killed or (self._upper_layer.requestor and not self._upper_layer.should_connect)

    def _not_opened(self, what: str, error: OSError) -> None:
        self.socket.close()
        if not self._is_called_off:
            LOGGER.error("%s: %s", what, error.strerror or error)
        if self._upper_layer.requestor:
            self._upper_layer.receive_eof(time.monotonic())
        else:
            self._killed = True
            self._tell_lost(f"{what}: {error}")

    def _close(self) -> None:
        self._upper_layer.should_close = False
        self._watched = 0
        if self.socket.is_connected:
            with contextlib.suppress(KeyError):  # at its end already
                self._poll.unregister(self.socket)
            self.socket.close()
            self._tell(evt.EVT_CONN_CLOSE, address=self.socket.address)

    # -- receiving

    def _receive(self) -> None:
        data = self.socket.recv()
        if data is None:
            return
        now = self._last_heard = time.monotonic()
        if data:
            if self._is_observed or self._observed:
                self._receive_observed(data, now)
            else:
                self._upper_layer.receive(data, now)
        else:
            self._poll.unregister(self.socket)
            self._watched = 0
            self._upper_layer.receive_eof(now)

    @property
    def _is_observed(self) -> bool:
        return self.assoc.handlers.hear(evt.EVT_DATA_RECV, evt.EVT_PDU_RECV)

    def _receive_observed(self, data: bytes, now: float) -> None:
        """Cut what arrives into PDUs. One that is refused for its length is not waited for."""
        observed = self._observed
        observed += data
        while len(observed) >= HEADER.size:
            _, length = HEADER.unpack_from(observed)
            end = HEADER.size + length
            if len(observed) < end <= _LONGEST_OBSERVED:
                return
            pdu = bytes(observed[:end])
            del observed[:end]
            self._tell(evt.EVT_DATA_RECV, data=pdu)
            self._upper_layer.receive(pdu, now)
            self._issue(wait=False)

    def _issue(self, wait: bool = True) -> None:
        """Put primitives into the user's queue, for as long as the user takes them."""
        user, upper_layer, now = self.to_user_queue, self._upper_layer, time.monotonic()
        observed = self._is_observed
        data: P_DATA | None = None
        while not wait or self._ending or len(user.queue) < _UNREAD_PRIMITIVES:
            primitive = upper_layer.next_primitive(now)
            if observed and primitive is not None:
                self._tell(evt.EVT_PDU_RECV, pdu=primitive)
            if type(primitive) is P_DATA and not observed:
                if data is None:
                    data = primitive
                else:
                    data.presentation_data_value_list += primitive.presentation_data_value_list
                continue
            if data is not None:
                user.put(data)
                data = None
            if primitive is None:
                break
            user.put(primitive)
        if user.queue and self.on_indication is not None:
            self.on_indication()

    def _tell_lost(self, description: str) -> None:
        self.to_user_queue.put(A_P_ABORT(transport_lost=True, description=description))
        if self.on_indication is not None:
            self.on_indication()

    # -- sending

    def _send(self) -> None:
        """Send what the kernel takes."""
        unsent = self._unsent
        data = self._upper_layer.data_to_send()
        if data:
            if not unsent:
                self._last_sent = time.monotonic()
            unsent += data
        if not self.socket.is_connected:
            unsent.clear()
        while unsent and self.socket.send(unsent):
            self._last_sent = time.monotonic()

    def _show_sent(self, primitive: Primitive) -> None:
        self._tell(evt.EVT_PDU_SENT, pdu=primitive)
        data = self._upper_layer.data_to_send()
        self._unsent += data
        if data:
            self._tell(evt.EVT_DATA_SENT, data=b"".join(data))

    # -- waiting

    def _wait(self, deadline: float | None) -> list[tuple[int, int]]:
        """Wait for the socket, a wake-up or a deadline; others may put in and send meanwhile."""
        if self.on_rest is not None:
            self.on_rest()
        patience = self._patience(deadline)
        self._turning.release()
        try:
            return self._poll.poll(patience)
        finally:
            self._turning.acquire()

    def _patience(self, deadline: float | None) -> float | None:
        """Watch the socket for what is of use, and tell how many milliseconds nothing has to happen."""
        if self._watched:
            wanted = (
                select.POLLIN if self._ending or len(self.to_user_queue.queue) < _UNREAD_PRIMITIVES else select.POLLPRI
            )
            if self._unsent and not self.socket.sends_when_readable:
                wanted |= select.POLLOUT
            if wanted != self._watched:
                self._poll.modify(self.socket, wanted)
                self._watched = wanted
        for due in (self._upper_layer.deadline, self._stall_deadline()):
            if due is not None and (deadline is None or due < deadline):
                deadline = due
        return None if deadline is None else max(0.0, deadline - time.monotonic()) * 1000

    def _stall_deadline(self) -> float | None:
        if not self._unsent:
            return None
        timeout = self.assoc.network_timeout
        return None if timeout is None else self._last_sent + timeout

    def _handle_timeouts(self, now: float) -> None:
        self._upper_layer.handle_timeout(now)
        stalled = self._stall_deadline()
        if stalled is not None and now >= stalled:
            LOGGER.error("%s: nothing of what was sent was read for %s s", self.socket, self.assoc.network_timeout)
            self._unsent.clear()
            self._close()
            self._upper_layer.receive_eof(now)

    def _taken(self) -> None:
        """Whoever takes a primitive from a full queue makes room for the next."""
        if len(self.to_user_queue.queue) == _UNREAD_PRIMITIVES - 1:
            self._wakeup.set()

    # -- notifications

    def _tell(self, event: NotificationEvent, **given: object) -> None:
        if event in self.assoc.handlers:
            self.assoc.handlers.tell(self.assoc, event, **given)

    def _observe(self) -> None:
        """Watch the state machine if anybody wants to know: it costs a call per PDU."""
        observed = evt.EVT_FSM_TRANSITION in self.assoc.handlers
        self.state_machine.observer = self._transition if observed else None

    def _transition(self, action: str, current_state: str, fsm_event: str, next_state: str) -> None:
        given = {"action": action, "current_state": current_state, "fsm_event": fsm_event}
        self._tell(evt.EVT_FSM_TRANSITION, **given, next_state=next_state)
