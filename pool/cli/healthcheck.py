"""`ulpool healthcheck`: a real C-ECHO to the server of this configuration, for the probes of containers."""

from __future__ import annotations

import os
import ssl
from typing import Any, Final

import click

from pool import messages
from pool.acceptor.resolution import Sources
from pool.cli import CONTEXT_SETTINGS, SettingsCommand
from pool.cli.echo import verify
from pool.cli.peer import parsed_by, resolved
from pool.config import Settings, seconds
from pool.config.binds import Bind, binds
from pool.control import ControlError, find, request
from pool.exit_status import ExitStatus
from pool.scu import Peer
from pool.tls import client_context, secured
from ul.session_events import Timeouts

CALLING_AE_TITLE: Final = "HEALTHCHECK"

_STATUS_TIMEOUT: Final = 1.0  # seconds

# Where a server listens on every address, it is there on this one.
_LOOPBACK: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}

# What a balancer says of a connection that is its own (PROXY protocol 2.1 and 2.2).
_LOCAL: Final = {
    "off": b"",
    "v1": b"PROXY UNKNOWN\r\n",
    "auto": b"PROXY UNKNOWN\r\n",
    "v2": b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0",
}


@click.command(
    cls=SettingsCommand,
    context_settings=CONTEXT_SETTINGS,
    epilog="\b\nExamples:\n"
    "  ulpool healthcheck                                  with the settings of the environment\n"
    "  HEALTHCHECK CMD ulpool healthcheck                  in a Containerfile",
)
@click.option(
    "--wait",
    callback=parsed_by(seconds),
    metavar="S",
    default="3",
    show_default=True,
    help="Seconds for each step: to connect, to be accepted, to be answered.",
)
def healthcheck(wait: float, **command_line: Any) -> int:
    """Verify that the server answers (C-ECHO), where these settings say that it listens.

    Quiet and 0 if it does, else one line and 1.
    """
    settings = Sources(command_line, dict(os.environ)).resolve()  # an application is not imported for every probe
    bind, title = _target(settings)
    peer = Peer(title, _LOOPBACK.get(bind.host, bind.host), bind.port)
    try:
        verify(
            peer,
            resolved(peer),
            settings.require_calling_aet[0] if settings.require_calling_aet else CALLING_AE_TITLE,
            Timeouts(wait, wait, wait),
            tls=_tls(settings) if secured(settings)[0] else None,
            preface=_LOCAL[settings.proxy_protocol],
        )
    except click.ClickException as error:
        raise click.ClickException(error.message) from None  # whatever it was: not healthy is 1
    return ExitStatus.OK


def _target(settings: Settings) -> tuple[Bind, str]:
    """Where the server is, and its title; it is asked for what it knows alone. Raises ControlError."""
    bind, title = settings.bind[0], settings.aet
    is_declared = settings.application and not bind.ae_title and settings.origins["aet"] == "default"
    if is_declared or not bind.port:
        try:
            status = request(find(settings.control), messages.STATUS(), _STATUS_TIMEOUT)["status"]
            bind, title = binds(",".join(status["bind"]))[0]._replace(tls=bind.tls), status["aet"]
        except ControlError:
            if not bind.port:
                raise
    return bind, bind.ae_title or title


def _tls(settings: Settings) -> ssl.SSLContext:
    """We show the server's own certificate where it wants one, and take any: this is our own machine."""
    own = (settings.tls_cert, settings.tls_key, settings.tls_key_password) if settings.tls_require_client_cert else ()
    return client_context(None, *own, insecure=True, profile=settings.tls_profile)
