"""Descriptors: how many this process and its workers may need, and the soft limit raised to it."""

from __future__ import annotations

import resource
from typing import Final

from pool import logs
from pool.config import Settings

# What one process may need: a store in progress holds a socket and a file, and one worker may be left with all of them.
_PER_ASSOCIATION: Final = 2
_PER_PENDING: Final = 1
OPEN_FOLDERS: Final = 256  # `storage.folders` keeps as many
_SPARE_DESCRIPTORS: Final = 256  # for commits, listeners, pipes, libraries, and what handlers open


def allow(settings: Settings) -> None:
    """Raise the soft limit, which workers inherit, to what the limits on connections may need, as far as we may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = (
        settings.max_associations * _PER_ASSOCIATION
        + settings.max_pending * _PER_PENDING
        + OPEN_FOLDERS
        + _SPARE_DESCRIPTORS
    )
    if resource.RLIM_INFINITY != hard < needed:
        logs.event(
            logs.WARNING,
            "server.descriptors",
            needed=needed,
            allowed=hard,
            advice="raise the hard limit (ulimit -Hn, LimitNOFILE=), or lower --max-associations or --max-pending",
        )
        needed = hard
    if resource.RLIM_INFINITY != soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
