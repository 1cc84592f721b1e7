"""What is seen of a server from outside: systemd's notifications, and metrics and probes where they are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pool import logs, messages
from pool.acceptor.notify import Notifier
from pool.config import show_address

if TYPE_CHECKING:
    from pool.acceptor.metrics import MetricsServer
    from pool.acceptor.server import Server
    from pool.acceptor.worker_process import WorkerProcess


class Observation:
    """Opened with the server, closed with it."""

    def __init__(self, server: Server) -> None:
        """Raises ListenError."""
        self._server = server
        self._metrics: MetricsServer | None = None
        if server.settings.metrics is not None:
            from pool.acceptor.metrics import MetricsServer  # with a library that nobody else needs

            self._metrics = MetricsServer(server, server.settings.metrics)
            logs.event(logs.INFO, "metrics.ready", bind=show_address(self._metrics.address))
        self._notifier = Notifier(server.loop, self._live)
        server.on_state.append(self._notifier.state)
        server.on_beat.append(self._say)

    def close(self) -> None:
        """Say nothing any more."""
        if self._metrics is not None:
            self._metrics.close()
        self._notifier.close()

    def _live(self) -> bool:
        """Whether somebody serves. Who drains or stops has this loop alone to show."""
        if self._server.state in (messages.DRAINING, messages.STOPPING):
            return True
        # Right after a beat one ping is always unanswered.
        return any(worker.ready_at is not None and worker.unanswered <= 1 for worker in self._workers)

    def _say(self) -> None:
        ready = sum(worker.ready_at is not None for worker in self._workers)
        associations = self._server.reception.admission.associations
        self._notifier.status(f"{self._server.state}: workers {ready}, associations {associations}")

    @property
    def _workers(self) -> list[WorkerProcess]:
        return list(self._server.workforce.workers.values())
