"""The library that a program is written against: its name is the first argument, the rest is the same code for all."""

from __future__ import annotations

import socket
import sys
from importlib import import_module
from typing import Any

LIBRARY: Any = import_module(sys.argv[1])
evt: Any = LIBRARY.evt


def _no_delay(event: Any) -> None:
    event.assoc.dul.socket.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


# ul sets it itself, as the benchmark makes DCMTK do; nobody is measured with Nagle's algorithm in the way.
NO_DELAY = [(evt.EVT_CONN_OPEN, _no_delay)] if LIBRARY.__name__ == "pynetdicom" else []
