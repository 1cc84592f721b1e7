"""What a run means to a script: whether there was anybody to put load on, and with which status it ends."""

from __future__ import annotations

from typing import NamedTuple

from pool.exit_status import ExitStatus
from pool.load.causes import in_words
from pool.load.figures import Figures
from pool.load.result import Result

_FOR_GOOD = 1  # the result of an A-ASSOCIATE-RJ that will be the same next time (PS3.8 Table 9-21)


class Hopeless(NamedTuple):
    """Nothing came through, all for one reason."""

    status: ExitStatus
    why: str


def hopeless(figures: Figures) -> Hopeless | None:
    """None where something came through, or nothing was tried. Of a first interval: more would be no use."""
    sorts = {cause[0] for cause in figures.causes}
    if figures.count("messages_sent") or not sorts:
        return None
    if figures.count("associations_released") and "no-context" not in sorts:
        return None
    why = in_words(max(figures.causes, key=lambda cause: figures.causes[cause]))
    if sorts <= {"connect", "tls"}:
        return Hopeless(ExitStatus.UNREACHABLE, why)
    if sorts <= {"reject", "no-context"}:
        return Hopeless(ExitStatus.REJECTED, why)
    return None


def may_pass(figures: Figures) -> bool:
    """A rejection for now, such as of a server that is full, is worth trying again."""
    return any(cause[0] == "reject" and cause[1] != _FOR_GOOD for cause in figures.causes)


def status_of(result: Result) -> ExitStatus:
    """Errors alone are what a load tester is there to see; which are too many is for thresholds to say."""
    found = hopeless(result.figures)
    if found:
        return found.status
    if result.crossed:
        return ExitStatus.THRESHOLD_CROSSED
    if result.verification and not result.verification["complete"]:
        return ExitStatus.FAILED
    if result.stopped or result.failures or not _anything_came_through(result.figures):
        return ExitStatus.FAILED
    return ExitStatus.OK


def _anything_came_through(figures: Figures) -> bool:
    return bool(figures.count("messages_ok") or figures.count("associations_accepted"))
