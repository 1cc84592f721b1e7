"""Imports go down only: the floors of both packages, read from the sources.

A module may import what stands on a floor below its own; of its own floor only what `MAY_SHARE` says. A module that
is on no floor fails: whoever adds one decides where it stands.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# Lowest first. A name ending in ".*" is everything below that package.
FLOORS: list[tuple[str, ...]] = [
    ("ul.errors", "ul.memo", "ul.pdu_primitives", "ul.uid", "ul.status", "ul.debug", "ul._config"),
    ("ul.sop_class",),
    ("ul.presentation",),
    ("ul.wire.fields", "ul.wire.command_dictionary"),
    ("ul.wire.items",),
    ("ul.wire.pdu", "ul.wire.command", "ul.wire.dataset"),
    ("ul.wire.p_data", "ul.wire.part10"),
    ("ul.data_sets",),
    ("ul.timer", "ul.fsm"),
    ("ul.upper_layer",),
    ("ul.acse", "ul.dimse"),
    ("ul.received", "ul.instance_source"),
    ("ul.evt",),
    ("ul.session_events",),
    ("ul.association_control",),
    ("ul.session",),
    ("ul.services.*",),
    ("ul.spool",),
    ("ul.handler_provider", "ul.service_user", "ul.ae_settings"),
    ("ul.invoking", "ul.negotiation", "ul.association_timeouts"),
    ("ul.thread_context",),
    ("ul.transport",),
    ("ul.queues",),
    ("ul.turns",),
    ("ul.dul",),
    ("ul.shared_session",),
    ("ul.association",),
    ("ul.ae",),
    ("ul",),
    ("pool.cores", "pool.interpreter", "pool.showing"),
    ("pool.config.*",),
    (
        "pool.stats",
        "pool.messages",
        "pool.logs",
        "pool.log_events",
        "pool.exit_status",
        "pool.admission",
        "pool.pace",
    ),
    ("pool.loop", "pool.acceptor.descriptors", "pool.tls", "pool.exchange"),
    (
        "pool.handoff",
        "pool.acceptor.free_space",
        "pool.acceptor.listeners",
        "pool.control",
        "pool.tls_socket",
        "pool.proxy_protocol",
        "pool.events",
        "pool.acceptor.notify",
    ),
    ("pool.storage.*",),
    ("pool.declaration", "pool.acceptor.worker_process", "pool.client", "pool.acceptor.web"),
    ("pool.application.application", "pool.worker.offers", "pool.acceptor.resolution", "pool.acceptor.metrics"),
    (
        "pool.connection",
        "pool.worker.entrance",
        "pool.application.handlers",
        "pool.application.invocations",
        "pool.application.kept",
        "pool.application.observed",
    ),
    ("pool.application.association",),
    ("pool.worker.served", "pool.scu"),
    ("pool.worker.scp",),
    ("pool.delivery", "pool.worker.handled", "pool.worker.sink"),
    ("pool.worker.process", "pool.acceptor.workforce", "pool.conformance"),
    ("pool.acceptor.reception", "pool.acceptor.answers", "pool.acceptor.reload", "pool.acceptor.observation"),
    ("pool.acceptor.server",),
    ("pool.serving",),
    ("pool.load.*",),
    ("pool.cli.*",),
    ("pool.__main__",),
    ("pool",),
]

# What others of its own floor may import too. Within a room (".*") everyone may.
MAY_SHARE = ("ul.errors", "ul.pdu_primitives", "ul.timer")

# The sans-I/O core: everything of ul up to here.
CORE_ENDS_WITH = "ul.services.*"
NO_PLACE_IN_THE_CORE = {
    *("socket", "select", "selectors", "ssl", "threading", "queue", "time", "asyncio", "concurrent", "subprocess"),
    *("zmq", "click", "rich", "pydicom", "pool"),
}
# Whose functions hand out objects of pydicom's, and import it when they are called: loading them loads no pydicom.
HAND_OUT_PYDICOM = (
    *("ul.uid", "ul.status", "ul.data_sets", "ul.evt"),
    *("ul.services.handling", "ul.services.retrieval"),
)

# The process that listens: it can be taken down neither by a peer's bytes nor by user code.
ACCEPTOR = ("pool.acceptor.server", "pool.serving", "pool.cli.serve")
NO_PLACE_IN_THE_ACCEPTOR = (
    *("pydicom.", "pynetdicom.", "numpy.", "asyncio.", "rich.", "ul."),
    *("pool.worker.process.", "pool.connection.", "pool.application.application."),
)


def modules() -> dict[str, Path]:
    """Every module of both packages by name."""
    found = {}
    for package in ("ul", "pool"):
        for path in (ROOT / package).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


@cache
def imports(name: str) -> frozenset[str]:
    """Every module that a module names in an import, wherever in it, except for type checking only."""
    return frozenset(_imports(ast.parse(MODULES[name].read_text()), name))


def _imports(node: ast.AST, name: str) -> Iterator[str]:
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        return
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, f"{name}: imports are absolute here"
        assert node.module is not None
        for alias in node.names:
            full = f"{node.module}.{alias.name}"
            yield full if full in MODULES else node.module
    for child in ast.iter_child_nodes(node):
        yield from _imports(child, name)


def matches(name: str, pattern: str) -> bool:
    return name == pattern or (pattern.endswith(".*") and f"{name}.".startswith(pattern[:-1]))


def floor(name: str) -> int | None:
    """A package's own file stands on the ground if it imports nothing."""
    return next((n for n, names in enumerate(FLOORS) if any(matches(name, pattern) for pattern in names)), None)


def is_bare_package(name: str) -> bool:
    return MODULES[name].name == "__init__.py" and not imports(name) - {"__future__"}


MODULES_ON_FLOORS = [name for name in sorted(MODULES) if not is_bare_package(name)]


@pytest.mark.parametrize("name", MODULES_ON_FLOORS)
def test_imports_go_down_only(name: str) -> None:
    here = floor(name)
    assert here is not None, f"{name} stands on no floor"
    for imported in sorted(imports(name) & MODULES.keys()):
        if is_bare_package(imported):
            continue
        there = floor(imported)
        assert there is not None, f"{imported} stands on no floor"
        together = there == here and (imported in MAY_SHARE or FLOORS[here][0].endswith(".*"))
        assert there < here or together, f"{name} imports {imported}, which is not below it"


@pytest.mark.parametrize("name", [name for name in MODULES_ON_FLOORS if name.startswith("ul")])
def test_ul_knows_nothing_of_pool(name: str) -> None:
    assert not {imported for imported in imports(name) if imported.split(".")[0] == "pool"}


CORE = [
    name
    for name in sorted(MODULES)
    if name.split(".")[0] == "ul" and (floor(name) or 0) <= (floor(CORE_ENDS_WITH.removesuffix(".*")) or 0)
]


@pytest.mark.parametrize("name", CORE)
def test_the_core_does_no_io_and_asks_no_clock(name: str) -> None:
    allowed = {"pydicom"} if name in HAND_OUT_PYDICOM else set()
    assert not {top for imported in imports(name) if (top := imported.split(".")[0]) in NO_PLACE_IN_THE_CORE} - allowed


@pytest.mark.parametrize("start", ACCEPTOR)
def test_the_acceptor_reaches_neither_pydicom_nor_the_protocol(start: str) -> None:
    reached: set[str] = set()
    ahead = [start]
    while ahead:
        for imported in imports(ahead.pop()) - reached:
            reached.add(imported)
            ahead += [imported] * (imported in MODULES)
    forbidden = {name for name in reached if f"{name}.".startswith(NO_PLACE_IN_THE_ACCEPTOR)}
    assert not forbidden


def test_importing_the_core_loads_no_pydicom() -> None:
    """What the sources say, held against an interpreter: nothing reaches it by a detour either."""
    code = f"import sys, {', '.join(CORE)}; print('pydicom' in sys.modules, 'socket' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (ran.stdout.split(), ran.stderr) == (["False", "False"], "")
