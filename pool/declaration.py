"""What an application says about itself, asked before anything is bound, in a process that ends with its answer.

The acceptor never imports an application. It needs two things of it, though: to know that it can be imported and built
at all, so that a start fails once and clearly instead of in every worker again and again; and what its AE says of
titles, limits and timeouts, for settings that nobody gave.
"""

from __future__ import annotations

import json
import os
import subprocess

from pool import interpreter
from pool.config import Settings


class ApplicationError(Exception):
    """The application cannot be imported or built. The message says why, and what would do."""


def declared_by_application(settings: Settings) -> dict[str, object]:
    """The settings that the application of `settings` declares. Raises ApplicationError."""
    reader, writer = os.pipe()
    try:
        process = subprocess.Popen(
            interpreter.command("pool.application", str(writer), settings.application, str(settings.app_dir)),
            stdin=subprocess.DEVNULL,
            pass_fds=(writer,),
        )
    finally:
        os.close(writer)
    with process, os.fdopen(reader, encoding="utf-8") as pipe:
        text = pipe.read()
    if not text:
        raise ApplicationError(
            f"{settings.application}: its process ended with exit status {process.returncode} while it was imported"
        )
    answer = json.loads(text)
    if "error" in answer:
        raise ApplicationError(answer["error"])
    declared: dict[str, object] = answer["declared"]
    return declared
