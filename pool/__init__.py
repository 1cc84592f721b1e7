"""The server and the load tester.

`Application` and `Storage` are what a program that handles requests is made of, `serve` runs one, `Control` asks and
tells one that runs. They are imported when they are asked for: the acceptor is a process that loads neither a handler
nor pydicom.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pool.application.application import Application as Application
    from pool.application.application import Storage as Storage
    from pool.client import Control as Control
    from pool.control import ControlError as ControlError
    from pool.serving import serve as serve

_HOMES: Final = {
    "Application": "pool.application.application",
    "Storage": "pool.application.application",
    "Control": "pool.client",
    "ControlError": "pool.control",
    "serve": "pool.serving",
}

__all__ = ["Application", "Control", "ControlError", "Storage", "serve"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return found
