"""What the exit status of `ulpool` says. A contract: numbers never change their meaning."""

from __future__ import annotations

import enum


class ExitStatus(enum.IntEnum):
    """One row per status: its number and what it means to a script."""

    help: str

    def __new__(cls, number: int, help: str) -> ExitStatus:
        member = int.__new__(cls, number)
        member._value_ = number
        member.help = help
        return member

    OK = 0, "Done; for a server: it was stopped."
    FAILED = 1, "Something of what was asked for failed; messages say what."
    USAGE = 2, "The command line or a setting will not do."
    WORKERS_FAILED = 3, "No worker process could start."
    CANNOT_LISTEN = 4, "An address cannot be listened on."
    ALREADY_RUNNING = 5, "Another server holds the control directory."
    NOT_RUNNING = 6, "No server answers at the control directory."
    UNREACHABLE = 7, "The peer cannot be reached."
    REJECTED = 8, "The peer rejected the association, or all that was proposed on it."
    APPLICATION_FAILED = 9, "The application cannot be imported or built."
    THRESHOLD_CROSSED = 99, "A threshold of a load test was crossed."
