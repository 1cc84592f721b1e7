"""The load tester as the benchmark uses it: one plan at one server, and what the server's processes used meanwhile.

Belongs here: how a row's work becomes a plan, and a run that the server's accounts are read around. Not here: the load
(`pool.load`), or what is made of its figures (`measures`).
"""

from __future__ import annotations

import os
import random
import socket
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from benchmark import accounts
from benchmark.peers import Server
from pool.load import fleet
from pool.load.causes import in_words, is_warning
from pool.load.figures import Figures
from pool.load.plan import LARGEST_SEED, Plan
from pool.load.tally import Interval, Run
from pool.scu import Address, Peer

GENERATOR_LIMIT: Final = 0.85  # of a core, by one generator process: above it the load is the limit, not the server
MACHINE_FULL: Final = 0.9  # of all cores
HOST: Final = "127.0.0.1"
CALLED: Final = "BENCH"
INTERRUPTED: Final = "interrupted"  # how the fleet's words begin where a person ended it


class Loaded(NamedTuple):
    """What the load tester measured, and the CPU that the server used from the start line on."""

    run: Run
    server_cpu: float  # seconds

    @property
    def figures(self) -> Figures:
        return Figures.of(self.run.tally, self.run.seconds)

    @property
    def failures(self) -> Counter[str]:
        """What went wrong, in words; nothing is left out."""
        run = self.run
        found = Counter({in_words(cause): n for cause, n in run.tally.causes.items() if not is_warning(cause)})
        found["cut off at the end of the run"] += run.tally.counts["unfinished"]
        found["due and never begun"] += run.tally.counts["starts_dropped"]
        found.update([*run.failures, *([run.stopped] if run.stopped else [])])
        return +found

    @property
    def generator_limited(self) -> bool:
        """Whether the generator, not the server, decided the rate: a core of its own is full, or the machine is and
        most of that is the generator's."""
        run = self.run
        available = len(os.sched_getaffinity(0)) * run.seconds
        is_full = run.cpu_seconds + self.server_cpu > MACHINE_FULL * available
        return max(run.cpu_shares) > GENERATOR_LIMIT or (is_full and run.cpu_seconds > self.server_cpu)


def plan(server: Server, work: Mapping[str, Any], **more: Any) -> Plan:
    """`work` and `more` are fields of a Plan; the later ones stand."""
    return Plan(
        peer=Peer(CALLED, HOST, server.port),
        address=Address(socket.AF_INET, (HOST, server.port)),
        seed=random.SystemRandom().randrange(LARGEST_SEED),  # no round sends what another one did
        **{**work, **more},
    )


def put_on(
    server: Server,
    made: Plan,
    *,
    on_prepared: Callable[[], object] = lambda: None,
    on_interval: Callable[[Interval], object] = lambda interval: None,
) -> Loaded:
    """Carry out a plan. `on_prepared` is called before the start line, `on_interval` about every second from it on."""
    before = 0.0

    def prepared() -> None:
        nonlocal before
        on_prepared()
        before = accounts.cpu_seconds(server.pid)

    def measured(interval: Interval) -> None:
        on_interval(interval)

    run = _run(made, measured, prepared)
    return Loaded(run, accounts.cpu_seconds(server.pid) - before)


def _run(made: Plan, on_interval: fleet.OnInterval, on_prepared: fleet.OnPrepared) -> Run:
    """The fleet takes Ctrl-C for itself; here it means the whole benchmark."""
    try:
        run = fleet.run(made, on_interval, on_prepared)
    except fleet.FleetError as error:
        if str(error).startswith(INTERRUPTED):
            raise KeyboardInterrupt from None
        raise
    if run.stopped == INTERRUPTED:
        raise KeyboardInterrupt
    return run
