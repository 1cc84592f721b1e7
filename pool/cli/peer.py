"""What the verbs that talk to a peer share: the peer as an argument, the options of an association."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from pool.config import ae_title, password_source, seconds, seconds_or_never
from pool.exit_status import ExitStatus
from pool.scu import Address, Peer
from pool.tls import PROFILES, client_context
from ul.session_events import Timeouts

DEFAULT_CALLING_AE_TITLE: Final = "ULPOOL"

_FILE: Final = click.Path(path_type=Path)

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
            click.option("--tls", is_flag=True, help="Over TLS; each of the options below means so too."),
            click.option(
                "--tls-ca",
                type=_FILE,
                metavar="FILE",
                help="The authorities (PEM) that the peer's certificate has to come from; without it, the system's.",
            ),
            click.option("--tls-cert", type=_FILE, metavar="FILE", help="Our own certificate (PEM)."),
            click.option("--tls-key", type=_FILE, metavar="FILE", help="Its key, where it is in a file of its own."),
            click.option(
                "--tls-key-password",
                callback=parsed_by(password_source),
                metavar="file:FILE|env:NAME",
                default="",
                help="Where the password of the key is.",
            ),
            click.option(
                "--tls-profile",
                type=click.Choice(list(PROFILES)),
                default="bcp195",
                show_default=True,
                help="The profile of PS3.15, B.12 or B.13.",
            ),
            click.option(
                "--tls-insecure", is_flag=True, help="Whoever the peer is: neither its certificate nor its name counts."
            ),
        )
    ):
        verb = option(verb)
    return verb


def tls_context(
    *,
    tls: bool,
    tls_ca: Path | None,
    tls_cert: Path | None,
    tls_key: Path | None,
    tls_key_password: str,
    tls_profile: str,
    tls_insecure: bool,
) -> ssl.SSLContext | None:
    """What the options say of TLS; None for a plain connection. Raises SettingError."""
    if not (tls or tls_insecure or tls_ca or tls_cert or tls_key):
        return None
    return client_context(tls_ca, tls_cert, tls_key, tls_key_password, insecure=tls_insecure, profile=tls_profile)


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
