"""Turns: a thread that does one turn after the other, each a wait and what comes of it, and whoever stands in for it.

Belongs here: whose turn it is, how whoever waits is woken, the thread and the names that threading once had for its
members. Not here: what a turn consists of (`ul.dul`).

From its start on, all turns are the thread's. Before, whoever waits for what they bring may take them by `turn`: an
association is negotiated on one thread, and one that comes to nothing has never had two.
"""

from __future__ import annotations

import threading

from ul.queues import Wakeup
from ul.thread_context import thread_context


class Turns(threading.Thread):
    """A subclass says what a turn is, when it was the last one, and what is left to do then."""

    def __init__(self, name: str) -> None:
        super().__init__(name=name)
        self._context = thread_context()
        self._place = threading.Lock()  # held by whoever takes turns
        self._is_taken = False  # by `run`, for good
        self._turning = threading.Lock()  # held amid a turn, but not while it waits
        self._turner: int | None = None  # the thread whose turn it is
        self._wakeup = Wakeup()
        self._joining = threading.Lock()

    def _turn(self, deadline: float | None = None) -> None:
        """Wait until `deadline` at most, and act."""
        raise NotImplementedError

    def _is_over(self) -> bool:
        raise NotImplementedError

    def _end(self) -> None:
        """Called once it is over, by whoever took the last turn; and by `run`, again."""
        raise NotImplementedError

    # -- whose turn it is

    def run(self) -> None:
        """Take turns to the end."""
        self._context.run(self._run)

    run_reactor = run  # its later name

    def _run(self) -> None:
        self._is_taken = True
        self._wakeup.set()  # whoever stands in comes back
        self._place.acquire()
        with self._turning:
            self._turner = threading.get_ident()
            try:
                while not self._is_over():
                    self._turn()
                self._end()
            finally:
                self._turner = None  # the next thread may be given the same identifier

    def turn(self, deadline: float | None = None) -> bool:
        """Have the present thread take one turn, waiting until `deadline` at most; False where turns are another's."""
        if self._is_taken or not self._place.acquire(blocking=False):
            return False
        try:
            if self._is_taken:
                return False
            with self._turning:
                self._turner = threading.get_ident()
                try:
                    if not self._is_over():  # another one may have taken the last turn meanwhile
                        self._turn(deadline)
                    if self._is_over():
                        self._end()
                finally:
                    self._turner = None
            return True
        finally:
            self._place.release()

    @property
    def _is_turning(self) -> bool:
        return self._turner is not None

    @property
    def is_amid_turn(self) -> bool:
        """The present thread is the one whose turn it is."""
        return self._turner == threading.get_ident()

    def _wake(self) -> None:
        """End the wait of whoever is in one."""
        if not self.is_amid_turn:
            self._wakeup.set()

    def interrupt(self) -> None:
        """Have whoever stands in for the thread come back from `turn`."""
        if not self._is_taken:
            self._wake()

    def await_end(self) -> None:
        """Wait for the end of the thread, if it runs."""
        with self._joining:  # two that join one thread can fail, up to Python 3.12
            if self.is_alive():
                self.join()

    # -- names that threading once had

    def isAlive(self) -> bool:
        """Whether the thread runs."""
        return self.is_alive()

    def getName(self) -> str:
        """The thread's name."""
        return self.name

    def setName(self, name: str) -> None:
        """Set the thread's name."""
        self.name = name

    def isDaemon(self) -> bool:
        """Whether the thread is a daemon."""
        return self.daemon

    def setDaemon(self, daemonic: bool) -> None:
        """Make the thread a daemon, before it is started."""
        self.daemon = daemonic
