"""What systemd is told of a service with Type=notify: that it is ready, reloads, stops, lives (sd_notify(3)).

Without NOTIFY_SOCKET all of it does nothing. The variables are taken out of the environment: they are meant for this
process, and neither for workers nor for what handlers start. Nothing is waited for: where systemd has no room, a state
is told as soon as there is some, and the rest, which comes again, is dropped.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Callable, MutableMapping
from typing import Final

from pool import messages
from pool.loop import EPOLLOUT, Loop, TimerHandle

_MICROSECONDS: Final = 1_000_000


class Notifier:
    """One service, as systemd sees it. `live()` says whether anybody does the work: only then the watchdog is fed."""

    def __init__(self, loop: Loop, live: Callable[[], object], environ: MutableMapping[str, str] = os.environ) -> None:
        names = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")
        path, interval, watched = (environ.pop(name, "") for name in names)
        self._loop = loop
        self._live = live
        self._socket = _connected(path)
        self._untold: list[bytes] = []
        self._interval = 0.0
        self._timer: TimerHandle | None = None
        if self._socket is not None and interval.isdecimal() and watched in ("", str(os.getpid())):
            self._interval = int(interval) / _MICROSECONDS / 2  # sd_watchdog_enabled(3): every half of the time
        if self._interval:
            self._schedule()

    def state(self, state: str) -> None:
        """The server's state is another one now."""
        if state == messages.RUNNING:
            self._tell("READY=1", f"MAINPID={os.getpid()}", f"STATUS={state}")
        elif state == messages.RELOADING:
            # What follows counts from this moment on the clock of systemd (Type=notify-reload).
            now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
            self._tell("RELOADING=1", f"MONOTONIC_USEC={now}", f"STATUS={state}")
        elif state == messages.STOPPING:
            self._tell("STOPPING=1", f"STATUS={state}")
        else:  # a server that drains stays: systemd would count the time to its end from STOPPING=1
            self._tell(f"STATUS={state}")

    def status(self, words: str) -> None:
        """One line for `systemctl status`."""
        self._send(f"STATUS={words}")

    def close(self) -> None:
        """Say nothing any more."""
        if self._timer is not None:
            self._timer.cancel()
        if self._socket is not None:
            self._forget_untold()
            self._socket.close()
            self._socket = None

    def _feed_watchdog(self) -> None:
        if self._live():
            self._send("WATCHDOG=1")
        self._schedule()

    def _schedule(self) -> None:
        self._timer = self._loop.call_at(self._loop.now + self._interval, self._feed_watchdog)

    def _send(self, *lines: str) -> None:
        if self._socket is not None and not self._untold:
            with contextlib.suppress(OSError):
                self._socket.send("\n".join(lines).encode())

    def _tell(self, *lines: str) -> None:
        """What must not be lost."""
        if self._socket is None:
            return
        self._untold.append("\n".join(lines).encode())
        if len(self._untold) == 1:
            self._loop.register(self._socket.fileno(), EPOLLOUT, self._ready)
            self._ready(EPOLLOUT)

    def _ready(self, events: int) -> None:
        assert self._socket is not None
        try:
            while self._untold:
                self._socket.send(self._untold[0])
                del self._untold[0]
        except BlockingIOError:
            return
        except OSError:  # nobody is there any more
            pass
        self._loop.unregister(self._socket.fileno())
        self._untold.clear()

    def _forget_untold(self) -> None:
        if self._untold and self._socket is not None:
            self._loop.unregister(self._socket.fileno())
            self._untold.clear()


def _connected(path: str) -> socket.socket | None:
    """A socket to systemd's; a name that begins with @ is an abstract one."""
    if path[:1] not in ("/", "@"):
        return None
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
    try:
        sock.connect(f"\0{path[1:]}" if path.startswith("@") else path)
    except OSError:
        sock.close()
        return None
    return sock
