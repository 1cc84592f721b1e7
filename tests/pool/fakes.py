"""A worker without DICOM: the whole of `pool.worker.process`, with associations that speak lines instead of PDUs.

    RQ            -> AC, or RJ 2 3 2, as the acceptor decides; RQCT1 is the same from the calling title CT1
    PID           -> the worker's process id
    HOLD          -> from now on DRAIN and STOP are not heeded

Run as a program it is a worker process. `MISCHIEF` in the environment says how it misbehaves.
"""

from __future__ import annotations

import contextlib
import os
import resource
import socket
import sys
from pathlib import Path

from pool.config import Settings
from pool.handoff import Handoff
from pool.loop import EPOLLIN, Loop
from pool.messages import AssociationDetails
from pool.stats import Counters
from pool.worker.process import Worker, serve
from ul.acse import Rejection

PROGRAM = f"import sys; sys.argv.pop(1); sys.path.append({str(Path(__file__).parent)!r}); import fakes; fakes.main()"


class LineApplication:
    """Makes associations that speak lines."""

    def __init__(self, settings: Settings, loop: Loop, counters: Counters, gate: Worker) -> None:
        self.loop = loop
        self.counters = counters
        self.gate = gate
        if _first_to("fill its table"):
            loop.call_soon(_leave_room_for, 3)
        if os.environ.get("MISCHIEF") == "crash when ready":
            loop.call_at(loop.now + 0.05, lambda: os._exit(9))

    def open_association(self, sock: socket.socket, handoff: Handoff) -> LineAssociation:
        return LineAssociation(self, sock, handoff)

    def close(self) -> None:
        pass


class LineAssociation:
    is_health_check = False

    def __init__(self, application: LineApplication, sock: socket.socket, handoff: Handoff) -> None:
        self.token = handoff.token
        self.peer_address = (handoff.host, handoff.port)
        self.bytes_received = self.bytes_sent = 0
        self.application = application
        self.sock = sock
        self.asked = False
        self.established = False
        self.holds = False

    def start(self) -> None:
        self.sock.setblocking(False)
        self.application.loop.register(self.sock.fileno(), EPOLLIN, self.ready)

    def admitted(self) -> None:
        self.established = True
        self.application.counters.count("associations_accepted", "other")
        self.say("AC")

    def refused(self, rejection: Rejection, rule: str) -> None:
        self.say("RJ {} {} {}".format(*rejection))

    def expire_artim(self) -> None:
        if not self.asked:
            self.close()

    def dismiss(self) -> None:
        if not self.asked:
            with contextlib.suppress(BlockingIOError):
                self.ready(EPOLLIN)
            self.expire_artim()

    def drain(self) -> None:
        if self.established and not self.holds:
            self.close()

    def abort(self, why: str) -> None:
        if self.asked and not self.holds:
            self.say("ABORT")
            self.close()

    def details(self) -> AssociationDetails:
        return AssociationDetails(state="established" if self.established else "idle", messages=7)

    def ready(self, events: int) -> None:
        try:
            lines = self.sock.recv(1000).decode().split()
        except ConnectionResetError:
            lines = []
        if not lines:
            self.close()
        for line in lines:
            if line.startswith("RQ"):
                self.asked = True
                self.application.gate.request_admission(self, line[2:] or "CALLING", "CALLED")
            elif line == "PID":
                self.say(str(os.getpid()))
            elif line == "HOLD":
                self.holds = True
                self.say("HOLDING")

    def say(self, line: str) -> None:
        self.sock.send(f"{line}\n".encode())

    def close(self) -> None:
        if self.sock.fileno() >= 0:
            self.application.loop.unregister(self.sock.fileno())
            self.sock.close()
            self.application.gate.association_closed(self)


def _first_to(mischief: str) -> bool:
    """Whether this process is the first one that was to do this mischief."""
    kind, _, claim = os.environ.get("MISCHIEF", "").partition(":")
    if kind != mischief:
        return False
    try:
        Path(claim).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def _leave_room_for(count: int) -> None:
    free = [os.dup(0) for _ in range(count)]
    resource.setrlimit(resource.RLIMIT_NOFILE, (free[-1] + 1, free[-1] + 1))
    for fd in free:
        os.close(fd)


def main() -> None:
    if os.environ.get("MISCHIEF") == "do not start":
        sys.exit(7)
    sys.exit(serve(LineApplication))
