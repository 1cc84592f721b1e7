"""What an application says about itself, asked before anything is bound, in a process that ends with its answer.

The acceptor never imports an application. It needs two things of it, though: to know that it can be imported and built
at all, so that a start or a reload fails once and clearly instead of in every worker again and again; and what its AE
says of titles, limits and timeouts, for settings that nobody gave. At a start it waits for that; at a reload it has a
loop to turn.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from typing import Final

from pool import interpreter
from pool.config import Settings
from pool.loop import EPOLLIN, Loop

_PATIENCE: Final = 60.0  # seconds that a running server waits for an application to be imported


class ApplicationError(Exception):
    """The application cannot be imported or built. The message says why, and what would do."""


def declared_by_application(settings: Settings) -> dict[str, object]:
    """The settings that the application of `settings` declares. Raises ApplicationError."""
    process, reader = _ask(settings)
    with process, os.fdopen(reader, "rb") as pipe:
        text = pipe.read()
    return _read(settings, text, process.returncode)


class Question:
    """The same on a loop: `then(declared, fault)` is called with one of them, unless `close` comes first."""

    def __init__(self, loop: Loop, settings: Settings, then: Callable[[dict[str, object], str], object]) -> None:
        self._loop = loop
        self._settings = settings
        self._then = then
        self._text = b""
        self._process, self._reader = _ask(settings)
        loop.register(self._reader, EPOLLIN, self._ready)
        self._timer = loop.call_at(loop.now + _PATIENCE, self._too_late)

    def close(self) -> None:
        """Wait for it no longer."""
        self._timer.cancel()
        self._loop.unregister(self._reader)
        os.close(self._reader)
        self._process.kill()
        self._process.wait()

    def _ready(self, events: int) -> None:
        data = os.read(self._reader, 65536)
        self._text += data
        if not data:
            self._process.wait()  # the answer is the last thing it does
            self.close()
            self._answered()

    def _answered(self) -> None:
        try:
            declared = _read(self._settings, self._text, self._process.returncode)
        except ApplicationError as error:
            self._then({}, str(error))
        else:
            self._then(declared, "")

    def _too_late(self) -> None:
        self.close()
        self._then({}, f"{self._settings.application}: importing it took longer than {_PATIENCE:g} s")


def _ask(settings: Settings) -> tuple[subprocess.Popen[bytes], int]:
    """The process that answers, and where."""
    reader, writer = os.pipe()
    try:
        process = subprocess.Popen(
            interpreter.command(
                "pool.application.application", str(writer), settings.application, str(settings.app_dir)
            ),
            stdin=subprocess.DEVNULL,
            pass_fds=(writer,),
        )
    except OSError:
        os.close(reader)
        raise
    finally:
        os.close(writer)
    return process, reader


def _read(settings: Settings, text: bytes, exit_status: int) -> dict[str, object]:
    if not text:
        raise ApplicationError(
            f"{settings.application}: its process ended with exit status {exit_status} while it was imported"
        )
    answer = json.loads(text)
    if "error" in answer:
        raise ApplicationError(answer["error"])
    declared: dict[str, object] = answer["declared"]
    return declared
