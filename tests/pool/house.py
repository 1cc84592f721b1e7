"""A server with real workers that speak lines (see `fakes`), in the test's own process: the test turns its loop."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import fakes
import pytest
from turning import turn_until

from pool import control
from pool.acceptor import worker_process
from pool.acceptor.server import Server
from pool.acceptor.worker_process import WorkerProcess
from pool.config import Bind, Settings


class Client:
    """A peer: it never blocks, and asks what came so far."""

    def __init__(self, house: House, sock: socket.socket | None = None) -> None:
        self.house = house
        self.sock = sock or socket.socket()
        self.sock.setblocking(False)
        self.sock.connect_ex(house.address)
        self.heard = b""
        self.ended = False

    def listen(self) -> str:
        try:
            while not self.ended:
                data = self.sock.recv(4096)
                self.heard += data
                self.ended = not data
        except BlockingIOError:
            pass
        except ConnectionError:
            self.ended = True
        return self.heard.decode()

    def ask(self, line: str) -> str:
        """Say a line and wait for the answer."""
        before = len(self.listen())
        self.sock.send(f"{line}\n".encode())
        self.house.until(lambda: "\n" in self.listen()[before:])
        return self.listen()[before:].strip()

    def gone(self) -> bool:
        self.listen()
        return self.ended


class House:
    """A server, turned by the test."""

    def __init__(self, tmp_path: Path, **settings: Any) -> None:
        settings = {"bind": (Bind("127.0.0.1", 0),), "workers": 2, "control": tmp_path / "control", **settings}
        self.server = Server(Settings(**settings))
        self.reception = self.server.reception
        self.workforce = self.server.workforce
        self.loop = self.server.loop
        self.address = self.server.settings.bind[0][:2]
        self.clients: list[Client] = []

    def until(self, condition: Callable[[], object]) -> None:
        turn_until(self.loop, condition)

    def start(self) -> list[WorkerProcess]:
        self.workforce.start()
        self.until(lambda: self.workforce.complete)
        return list(self.workforce.workers.values())

    def connect(self, sock: socket.socket | None = None) -> Client:
        self.clients.append(Client(self, sock))
        return self.clients[-1]

    def waits_for_ack(self, worker: WorkerProcess) -> list[int]:
        return [token for token, connection in worker.connections.items() if connection.fd is not None]

    def ask(self, message: dict[str, Any]) -> dict[str, Any]:
        """A request of the command line, by a process of its own, for the loop is ours to turn."""
        program = (
            "import json, sys; from pathlib import Path; from pool.control import request;"
            "print(json.dumps(request(Path(sys.argv[1]), json.loads(sys.argv[2]), 10)))"
        )
        arguments = [str(self.server._directory.path), control.json.dumps(message)]
        asking = subprocess.Popen([sys.executable, "-c", program, *arguments], stdout=subprocess.PIPE)
        self.until(lambda: asking.poll() is not None)
        with asking:
            assert asking.stdout is not None
            answer: dict[str, Any] = control.json.loads(asking.stdout.read())
        return answer

    def close(self) -> None:
        for client in self.clients:
            client.sock.close()
        for worker in self.workforce.workers.values():
            worker.kill()
        self.server.stop_now()
        self.until(lambda: not self.workforce.workers)
        self.server.close()


@pytest.fixture(name="house")
def built_house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., House]]:
    monkeypatch.setattr(worker_process, "_WORKER_CODE", fakes.PROGRAM)
    with ExitStack() as houses:
        yield lambda **settings: houses.enter_context(closing(House(tmp_path, **settings)))
