"""Applications for tests: a module in a folder of its own, served by real processes, that notes what it sees."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from serving import RunningServer, server

HEADER = """
import json, os, pathlib, threading
import pool
from pydicom import Dataset
from ul import AE, BasicWorklistManagementPresentationContexts, evt
from ul import StoragePresentationContexts, VerificationPresentationContexts

HERE = pathlib.Path(__file__).parent
ae = AE()
ae.supported_contexts = StoragePresentationContexts
ae.supported_contexts = VerificationPresentationContexts
ae.supported_contexts = BasicWorklistManagementPresentationContexts

def note(text):
    with open(HERE / "notes", "a") as file:
        file.write(f"{text}\\n")

def wait():
    with open(HERE / "gate") as gate:  # until somebody opens the other end
        gate.read()
"""


class Folder:
    """A folder with an application in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        os.mkfifo(path / "gate")

    def write(self, source: str, name: str = "handlers.py", header: str = HEADER) -> None:
        (self.path / name).write_text(header + textwrap.dedent(source))

    @contextmanager
    def serving(self, source: str, *options: object) -> Iterator[RunningServer]:
        """A server of `source`, one worker unless the options say otherwise."""
        self.write(source)
        with server(self.path / "store", "--workers", 1, *options, "handlers:app", cwd=self.path) as running:
            yield running

    def notes(self) -> list[str]:
        """What the application noted."""
        file = self.path / "notes"
        return file.read_text().splitlines() if file.exists() else []

    def open_gate(self) -> None:
        """Let a handler that waits go on; waits until there is one."""
        with (self.path / "gate").open("w") as gate:
            gate.write("go")
