"""A reload: from the request to the moment when other settings hold, or the reason why they do not.

Nothing changes before everything is known to work: the settings are resolved, the application is imported by a process
of its own, new addresses are bound, and a whole generation of workers has started with all of it. Then, in one turn of
the loop, all of it holds. Whatever fails before leaves the server as it was.
"""

from __future__ import annotations

import dataclasses
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from pool import tls
from pool.acceptor import descriptors
from pool.acceptor.listeners import ListenError, bound, open_listeners
from pool.acceptor.resolution import Resolution, Resolved
from pool.config import SettingError, Settings
from pool.messages import Reloaded

if TYPE_CHECKING:
    from pool.acceptor.server import Server

Done = Callable[[Reloaded | None, str], object]


class Reload:
    """One reload of `server`. `done(reloaded, fault)` is called with one of them, soon or later."""

    def __init__(self, server: Server, done: Done) -> None:
        self._server = server
        self._done = done
        self._sockets: list[socket.socket] = []
        self._resolution: Resolution | None = Resolution(server.loop, server.sources, server.configured, self._resolved)

    def cancel(self) -> None:
        """The server stops. Workers that start already are the workforce's."""
        if self._resolution is not None:
            self._resolution.close()
            self._resolution = None
            self._end(None, "the server stops")

    def _resolved(self, resolved: Resolved | None, fault: str) -> None:
        if self._resolution is None:
            return
        self._resolution = None
        if resolved is None:
            self._end(None, fault)
            return
        try:
            tls.check(resolved.settings)
            settings = self._effective(resolved.settings)
        except (SettingError, ListenError) as error:
            self._end(None, str(error))
            return
        descriptors.allow(settings)  # workers inherit what they may have
        self._server.workforce.renew(
            settings,
            enact=lambda: self._server.apply(resolved.settings, settings, self._sockets),
            done=lambda fault: self._renewed(resolved, fault),
        )

    def _effective(self, settings: Settings) -> Settings:
        """With real ports, and sockets that listen on them where they are others than before."""
        server = self._server
        bind = server.settings.bind
        if settings.bind != server.configured.bind:
            present = server.reception.listeners.sockets
            self._sockets = open_listeners(settings.bind, settings.backlog, present)
            bind = bound(settings.bind, self._sockets)
        return dataclasses.replace(settings, bind=bind, control=server.settings.control)

    def _renewed(self, resolved: Resolved, fault: str) -> None:
        if fault:
            self._end(None, fault)
            return
        self._sockets = []  # the server's now
        generation = self._server.workforce.generation
        self._end(
            Reloaded(
                generation=generation.number,
                workers=len(generation.slots),
                changed=resolved.changed,
                ignored=resolved.ignored,
            ),
            "",
        )

    def _end(self, reloaded: Reloaded | None, fault: str) -> None:
        for sock in self._sockets:
            sock.close()
        self._server.reloaded(reloaded, fault)
        self._done(reloaded, fault)
