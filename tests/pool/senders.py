"""Senders on threads of their own, and what they were promised: `acknowledged` must be in the store, whole."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path

from raw_peer import RawPeer, data_set
from serving import RunningServer

from ul.wire.part10 import read_preface


def data_set_of(path: Path) -> bytes:
    content = path.read_bytes()
    return content[read_preface(content).data_set_offset :]


class Sender(threading.Thread):
    """Stores small instances on one association until told to stop or cut off."""

    def __init__(self, running: RunningServer, number: int, progress: threading.Semaphore) -> None:
        super().__init__(daemon=True)
        self.peer = RawPeer(running.port)
        self.peer.associate(calling=f"SENDER{number}")
        self.prefix = f"1.2.826.{number}"
        self.progress = progress
        self.acknowledged: list[str] = []
        self.enough = threading.Event()
        self.cut_off = False
        self.fault: BaseException | None = None

    def instance(self, uid: str) -> bytes:
        return data_set(uid, uid.encode() * 50)

    def run(self) -> None:
        try:
            while not self.enough.is_set():
                uid = f"{self.prefix}.{len(self.acknowledged)}"
                message_id = len(self.acknowledged) % 60000
                assert self.peer.store(uid, self.instance(uid), message_id) == 0
                self.acknowledged.append(uid)
                self.progress.release()
            self.peer.release()
        except (ConnectionError, AssertionError) as error:
            self.fault = error
            self.cut_off = True
            self.peer.close()


class Churn(threading.Thread):
    """Associates, stores two small instances and releases, again and again, until told to stop."""

    def __init__(
        self, running: RunningServer, number: int, progress: threading.Semaphore, times: int = 1 << 30
    ) -> None:
        super().__init__(daemon=True)
        self.port = running.port
        self.number = number
        self.progress = progress
        self.times = times
        self.acknowledged: list[str] = []
        self.enough = threading.Event()
        self.fault: BaseException | None = None

    def run(self) -> None:
        try:
            while not self.enough.is_set() and self.times:
                self.times -= 1
                with RawPeer(self.port) as peer:
                    peer.associate(calling=f"CHURN{self.number}")
                    for message_id in (1, 2):
                        uid = f"1.2.840.{self.number}.{len(self.acknowledged)}"
                        assert peer.store(uid, data_set(uid, uid.encode() * 50), message_id) == 0
                        self.acknowledged.append(uid)
                    peer.release()
                self.progress.release()
        except (ConnectionError, AssertionError) as error:
            self.fault = error


def assert_kept(running: RunningServer, senders: Iterable[Sender | Churn]) -> None:
    """Everything that was acknowledged is there, whole."""
    kept = {path.stem: path for path in running.files()}
    for sender in senders:
        for uid in sender.acknowledged:
            assert data_set_of(kept[uid]) == data_set(uid, uid.encode() * 50), f"{uid} is not whole"
