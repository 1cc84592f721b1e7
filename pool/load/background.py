"""The background: connections that behave badly, or hold places, beside the work. They are tallied apart.

A class for each of BEHAVIOURS, with what an association does once it is accepted. Silent peers never get so far.
Whatever has ended begins again, so that their number stays.
"""

from __future__ import annotations

import errno
import os
import socket
from dataclasses import replace
from typing import Final

from pool.load.lanes import Lane, Serials
from pool.load.pace import RETRY_PAUSE
from pool.load.plan import ABORT, ECHO, IDLE, SLOW, STORE, Background, Plan, StoreWork
from pool.load.requestor import Company, LoadAssociation, Surroundings
from pool.load.speech import Message, Repertoire
from pool.load.work import Work
from pool.loop import EPOLLHUP, EPOLLIN, EPOLLOUT
from ul.acse import Negotiated
from ul.dimse import COMMAND, LAST, Source, largest_fragment
from ul.pdu_primitives import P_DATA
from ul.wire.command import encode_command

SLOW_FRAGMENT: Final = 256  # bytes
SLOW_PAUSE: Final = 0.1  # seconds between two of them, and between two looks at what the peer says
CONNECTING: Final = 50  # of a process at a time

_SERIALS_BEHIND: Final = 10**17  # what the background sends has serial numbers of its own


class Misbehaving(LoadAssociation):
    """An association that sends its data sets piece by piece, and may stop anywhere."""

    __slots__ = ("_source",)

    def behave(self) -> None:
        """Begin, once it is accepted, and again once a message was answered."""
        raise NotImplementedError

    def announce(self) -> Source:
        """Send the command of the next message; the source of its data set is returned."""
        message = self.next_message()
        self._source = message.source()
        assert self._source is not None, "only what has a data set is sent here"
        self._request(message, COMMAND | LAST, encode_command(message.command()))
        return self._source

    def continue_with(self, size: int) -> bool:
        """Send so much more of the data set; False when that was the last of it."""
        message, source = self._message, self._source
        assert message is not None and source is not None
        fragment = bytes(source.read(min(size, source.remaining)))
        self._request(message, 0 if source.remaining else LAST, fragment)
        return bool(source.remaining)

    def _request(self, message: Message, flags: int, fragment: bytes) -> None:
        self.upper_layer.request(P_DATA([(message.context_id, flags, fragment)]), self._loop.now)


class IdleHolder(Misbehaving):
    """An association that says nothing."""

    __slots__ = ()

    def behave(self) -> None:
        """Hold it."""


class AbortingPeer(Misbehaving):
    """An association that is aborted in the middle of a data set."""

    __slots__ = ()

    def behave(self) -> None:
        """Send half a message, then A-ABORT."""
        source = self.announce()
        half = source.remaining // 2
        largest = largest_fragment(self.session.negotiated.peer_maximum_length)
        while source.remaining > half:
            self.continue_with(min(largest, source.remaining - half))
        self._loop.call_soon(self.cut, "aborted_on_purpose")


class SlowPeer(Misbehaving):
    """An association that sends a few bytes at a time, and reads as slowly, through the smallest of buffers."""

    __slots__ = ("_reads",)

    def _prepare(self) -> None:
        super()._prepare()
        self._reads = True
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SLOW_FRAGMENT)  # the kernel makes it its least

    def _wanted(self) -> int:
        wanted = super()._wanted()
        return wanted if self._reads else wanted & ~EPOLLIN or EPOLLHUP

    def _receive(self) -> None:
        super()._receive()
        self._reads = False
        self._loop.call_at(self._loop.now + SLOW_PAUSE, self._read_on)

    def _read_on(self) -> None:
        self._reads = True
        if not self.is_closed:
            self._settle()

    def behave(self) -> None:
        """Send a message a few bytes at a time."""
        self.announce()
        self._wait_and_continue()

    def _wait_and_continue(self) -> None:
        self._loop.call_at(self._loop.now + SLOW_PAUSE, self._continue_slowly)

    def _continue_slowly(self) -> None:
        message = self._message
        if self.is_closed or message is None:
            return
        if self._unsent or self.continue_with(SLOW_FRAGMENT):
            self._wait_and_continue()
        else:
            self.session.sent(message.command(), self._loop.now)
        self.pump()


_BEHAVIOURS: Final[dict[str, type[Misbehaving]]] = {IDLE: IdleHolder, ABORT: AbortingPeer, SLOW: SlowPeer}


class Backdrop:
    """One process's part of a plan's background."""

    def __init__(self, generator: Surroundings, company: Company, background: Background, number: int, process: int):
        kind = STORE if background.behaviour in (SLOW, ABORT) else ECHO
        self.plan: Plan = replace(
            generator.plan, mix={kind: 1.0}, store=generator.plan.store or StoreWork(), verify=False
        )
        self.loop, self.buffer, self.tls = generator.loop, generator.buffer, generator.tls
        self.company = company
        self._work = Work(self.plan, process)
        self.contexts = self._work.contexts
        serials = Serials(self.plan.seed, process, _SERIALS_BEHIND)
        assert self.plan.store is not None
        self._waiting = [Lane(place, serials, self.plan.store) for place in range(number)]
        self._opening = 0
        self._kind = _BEHAVIOURS.get(background.behaviour)
        self._silent: set[SilentPeer] = set()
        self._ended = False

    @property
    def silent(self) -> int:
        """Silent peers that are connected."""
        return len(self._silent)

    def begin(self) -> None:
        """Open all of them, some at a time."""
        while self._waiting and self._opening < CONNECTING and not self._ended:
            self._opening += 1
            lane = self._waiting.pop()
            if self._kind is None:
                SilentPeer(self, lane)
            else:
                self._kind(self, self.company, self, lane)

    def end(self) -> None:
        """Leave them to be cut."""
        self._ended = True
        for peer in list(self._silent):
            peer.close()

    # -- for associations

    def repertoire(self, negotiated: Negotiated) -> Repertoire:
        """What could be said."""
        return self._work.repertoire(negotiated)

    def acknowledged(self, message: Message) -> None:
        """Nobody will look for it."""

    def ready(self, association: LoadAssociation) -> None:
        """It was accepted."""
        self._opened()
        self.answered(association)

    def answered(self, association: LoadAssociation) -> None:
        """Once more."""
        assert isinstance(association, Misbehaving)
        association.behave()

    def closed(self, association: LoadAssociation) -> None:
        """Another one takes its place."""
        if not association.was_accepted:
            self._opened()
        self._again(association.lane, at_once=association.ended_as == "aborted_on_purpose")

    # -- for silent peers

    def silent_opened(self, peer: SilentPeer) -> None:
        """It is connected."""
        self._silent.add(peer)
        self._opened()

    def silent_closed(self, peer: SilentPeer, cause: str) -> None:
        """It is not, any more."""
        if peer in self._silent:
            self._silent.discard(peer)
        else:
            self._opened()
        if not self._ended:
            self.company.recorder.causes[("reset", cause) if cause else ("closed",)] += 1
        self._again(peer.lane, at_once=False)

    def _opened(self) -> None:
        self._opening -= 1
        self.loop.call_soon(self.begin)

    def _again(self, lane: Lane, *, at_once: bool) -> None:
        self._waiting.append(lane)
        if at_once:
            self.loop.call_soon(self.begin)
        else:
            self.loop.call_at(self.loop.now + RETRY_PAUSE, self.begin)


class SilentPeer:
    """A transport connection that never says anything."""

    def __init__(self, backdrop: Backdrop, lane: Lane) -> None:
        self._backdrop = backdrop
        self._is_connected = False
        self.lane = lane
        address = backdrop.plan.address
        self._socket = socket.socket(address.family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        error = self._socket.connect_ex(address.address)
        backdrop.company.recorder.counts["associations_started"] += 1
        if error in (0, errno.EINPROGRESS):
            backdrop.loop.register(self._socket.fileno(), EPOLLOUT, self._ready)
        else:
            self._socket.close()
            backdrop.silent_closed(self, os.strerror(error))

    def _ready(self, events: int) -> None:
        error = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if not error and not self._is_connected:
            self._is_connected = True
            self._backdrop.loop.modify(self._socket.fileno(), EPOLLIN)
            self._backdrop.silent_opened(self)
            return
        self._close(os.strerror(error) if error else "")  # whatever it says, it is not worth more

    def close(self) -> None:
        """The run is over."""
        self._close("")

    def _close(self, cause: str) -> None:
        self._backdrop.loop.unregister(self._socket.fileno())
        self._socket.close()
        self._backdrop.silent_closed(self, cause)
