"""debug_logger: everything this library says, on stderr. What it says goes to the loggers below "ul" in any case."""

from __future__ import annotations

import logging


class _DebugHandler(logging.StreamHandler):  # type: ignore[type-arg]  # generic for the type checker only
    """Ours, to be told from those that a program set up itself."""


def debug_logger() -> None:
    """Show the messages of all levels on stderr, one letter for the level before each: `D: ...`."""
    logger = logging.getLogger("ul")
    if not any(isinstance(handler, _DebugHandler) for handler in logger.handlers):
        handler = _DebugHandler()
        handler.setFormatter(logging.Formatter("%(levelname).1s: %(message)s"))
        logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
