"""What the verbs that talk to a peer share: the peer as an argument, the options of an association."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

from pool.config import ae_title, seconds, seconds_or_never
from pool.exit_status import ExitStatus
from pool.scu import Address, Peer
from ul.session_events import Timeouts

DEFAULT_CALLING_AE_TITLE: Final = "ULPOOL"

_Verb = TypeVar("_Verb", bound=Callable[..., Any])


def parsed_by(parse: Callable[[str], Any]) -> Callable[[click.Context, click.Parameter, str], Any]:
    """A parameter's callback: reads it by a parser whose ValueError says what would do."""

    def callback(ctx: click.Context, param: click.Parameter, value: str) -> Any:
        try:
            return parse(value)
        except ValueError as error:
            raise click.BadParameter(f"{value!r}: {error}.", ctx, param) from None

    return callback


peer_argument: Final = click.argument("peer", metavar="AET@HOST:PORT", callback=parsed_by(Peer.parse))


def association_options(verb: _Verb) -> _Verb:
    """The options of every verb that asks a peer for an association."""
    for option in reversed(
        (
            click.option(
                "-aet",
                "--calling-aet",
                callback=parsed_by(ae_title),
                metavar="TITLE",
                default=DEFAULT_CALLING_AE_TITLE,
                show_default=True,
                help="Our own application entity title.",
            ),
            click.option(
                "-ta",
                "--acse-timeout",
                callback=parsed_by(seconds),
                metavar="S",
                default="30",
                show_default=True,
                help="Seconds for the peer to connect, and to answer a request for association or release.",
            ),
            click.option(
                "-td",
                "--dimse-timeout",
                callback=parsed_by(seconds_or_never),
                metavar="S",
                default="30",
                show_default=True,
                help="Seconds for the peer to answer a message; 0 sets no limit.",
            ),
        )
    ):
        verb = option(verb)
    return verb


def timeouts(acse_timeout: float, dimse_timeout: float | None) -> Timeouts:
    """A peer that takes nothing of what we send is given as long as one that does not answer."""
    return Timeouts(acse_timeout, dimse_timeout, dimse_timeout)


def resolved(peer: Peer) -> Address:
    """The peer's numeric address; a failure is the end of the verb."""
    try:
        return peer.resolve()
    except OSError as error:
        raise PeerFailed(f"{peer}: {error.strerror or error}", ExitStatus.UNREACHABLE) from None


class PeerFailed(click.ClickException):
    """The peer could not be reached, or would not have us."""

    def __init__(self, message: str, status: ExitStatus) -> None:
        super().__init__(message)
        self.status = status
