"""The generator's process: a plan on its stdin, and the fleet at the other end of a ZeroMQ socket.

stdin stays open behind the plan: its end is the end of the fleet, and then of this process.
"""

from __future__ import annotations

import gc
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Final

from pool import logs
from pool.control import Body, ControlDirectory, worker_dealer
from pool.load.generator import Generator, Measured
from pool.load.instances import mapped_files
from pool.load.plan import Plan
from pool.loop import EPOLLIN, Loop
from pool.messages import Message

PREPARED: Final = Message("prepared", (), "What is to be open at the start line is open, or will not be.")
MEASURED: Final = Message("measured", ("start", "end", "tally", "background", "active"), "An interval.")
FINISHED: Final = Message("finished", (), "Everything is closed and was told.")
HOPELESS: Final = Message("hopeless", ("reason",), "The peer takes no association at all.")
UNFIT: Final = Message("unfit", ("reason",), "The plan cannot be carried out.")

BEGIN: Final = Message("begin", ("at",), "The start line, on the monotonic clock.")
END: Final = Message("end", (), "Begin nothing new.")
STOP: Final = Message("stop", (), "End at once.")
LEAVE: Final = Message("leave", (), "All that was told has arrived.")

_SPARE_DESCRIPTORS: Final = 64


def main() -> int:
    """Arguments: the control directory, and which of the plan's processes this is."""
    for signum in (signal.SIGINT, signal.SIGTERM):  # the fleet decides when we leave
        signal.signal(signum, lambda signum, frame: None)
    logs.setup("warning", "text")
    directory, number = Path(sys.argv[1]), int(sys.argv[2])
    plan = Plan.from_json(sys.stdin.buffer.readline())
    raise_file_limit(descriptors_for(plan))
    _Process(plan, number, directory).run()
    return 0


def descriptors_for(plan: Plan) -> int:
    """How many a process of this plan may need."""
    connections = plan.associations + (plan.background.connections if plan.background else 0)
    return -(-connections // plan.processes) + (mapped_files(plan.store) if plan.store else 0) + _SPARE_DESCRIPTORS


def raise_file_limit(needed: int) -> None:
    """As far as the hard limit allows; the fleet has said so if that is not far enough."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(needed, hard), hard))


class _Process:
    def __init__(self, plan: Plan, number: int, directory: Path) -> None:
        self._loop = Loop()
        self._loop.register(sys.stdin.fileno(), EPOLLIN, self._fleet_gone)
        self._dealer = worker_dealer(self._loop, ControlDirectory(directory), b"%d" % number, self._told)
        self._generator: Generator | None = None
        try:
            self._generator = Generator(
                plan,
                number,
                self._loop,
                on_prepared=lambda: self._dealer.send(PREPARED()),
                on_measured=self._measured,
                on_done=lambda: self._dealer.send(FINISHED()),
                on_hopeless=lambda reason: self._dealer.send(HOPELESS(reason=reason)),
            )
        except ValueError as error:
            self._dealer.send(UNFIT(reason=str(error)))

    def run(self) -> None:
        if self._generator is not None:
            self._loop.call_soon(self._generator.prepare)
        gc.freeze()
        self._loop.run()
        self._dealer.close()
        self._loop.close()

    def _fleet_gone(self, events: int) -> None:
        os._exit(1)  # nobody is there to be told anything, and nothing of ours outlives us

    def _measured(self, measured: Measured) -> None:
        self._dealer.send(
            MEASURED(
                start=measured.start,
                end=measured.end,
                tally=measured.tally.to_bytes().decode(),
                background=measured.background.to_bytes().decode(),
                active=[measured.active, measured.background_active],
                acknowledged=measured.acknowledged,
            )
        )

    def _told(self, message: Body, identity: bytes) -> None:
        kind = message["type"]
        if kind == LEAVE.type:
            self._loop.stop()
        elif self._generator is None:
            return
        elif kind == BEGIN.type:
            self._generator.begin(message["at"])
        elif kind == END.type:
            self._generator.end()
        elif kind == STOP.type:
            self._generator.stop()
