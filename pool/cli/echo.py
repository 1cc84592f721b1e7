"""`ulpool echo`: one C-ECHO, to see whether a peer is there and would have us."""

from __future__ import annotations

import os
import ssl
from typing import Any

import click

from pool.cli import CONTEXT_SETTINGS
from pool.cli.peer import PeerFailed, association_options, peer_argument, resolved, timeouts, tls_context
from pool.connection import RECEIVE_BUFFER_LENGTH
from pool.exit_status import ExitStatus
from pool.loop import Loop
from pool.scu import Address, Peer, RequestedAssociation
from ul.acse import Negotiated
from ul.pdu_primitives import PresentationContextDefinition
from ul.services.verification import echo_request
from ul.session_events import ResponseReceived, Timeouts
from ul.sop_class import ExplicitVRLittleEndian, ImplicitVRLittleEndian, Verification
from ul.status import SUCCESS


@click.command(
    context_settings=CONTEXT_SETTINGS,
    epilog="\b\nExamples:\n  ulpool echo ULPOOL@127.0.0.1:11112\n  ulpool echo -aet ME -v ARCHIVE@pacs.example:104\n"
    "  ulpool echo --tls-ca authority.pem ARCHIVE@pacs.example:2762",
)
@peer_argument
@association_options
@click.option("-v", "--verbose", is_flag=True, help="Say so when it worked, and how long it took.")
def echo(
    peer: Peer, calling_aet: str, acse_timeout: float, dimse_timeout: float | None, verbose: bool, **tls: Any
) -> int:
    """Verify that a peer answers (C-ECHO). Quiet on success."""
    context = tls_context(**tls)
    seconds = verify(peer, resolved(peer), calling_aet, timeouts(acse_timeout, dimse_timeout), tls=context)
    if verbose:
        click.echo(f"{peer}: answered in {seconds * 1000:.1f} ms")
    return ExitStatus.OK


def verify(
    peer: Peer,
    address: Address,
    calling_ae_title: str,
    limits: Timeouts,
    *,
    tls: ssl.SSLContext | None = None,
    preface: bytes = b"",
) -> float:
    """Associate, C-ECHO, release; the seconds it took. `preface` is said before everything else. Raises PeerFailed."""
    loop = Loop()
    try:
        began = loop.now
        association = _Echo(loop, peer, address, calling_ae_title, limits, tls, preface)
        while not association.is_closed:
            loop.turn()
        association.judge(peer)
        return loop.now - began
    finally:
        loop.close()


class _Echo(RequestedAssociation):
    """Associate, C-ECHO, release."""

    __slots__ = ("_preface", "_status", "_was_accepted")

    def __init__(
        self,
        loop: Loop,
        peer: Peer,
        address: Address,
        calling_ae_title: str,
        limits: Timeouts,
        tls: ssl.SSLContext | None,
        preface: bytes,
    ) -> None:
        self._preface = preface
        self._status: int | None = None
        self._was_accepted = False
        super().__init__(
            loop,
            memoryview(bytearray(RECEIVE_BUFFER_LENGTH)),
            peer,
            address,
            calling_ae_title=calling_ae_title,
            contexts=[PresentationContextDefinition(1, Verification, [ImplicitVRLittleEndian, ExplicitVRLittleEndian])],
            timeouts=limits,
            tls=tls,
        )

    def connected(self) -> None:
        """Say the preface, before TLS begins; what is new takes these few bytes at once."""
        if self._preface:
            os.write(self._socket.fileno(), self._preface)

    def accepted(self, negotiated: Negotiated) -> None:
        self._was_accepted = True
        if negotiated.contexts:
            self.session.send(1, echo_request(1), self._loop.now)
        else:
            self.session.release(self._loop.now)

    def response_received(self, event: ResponseReceived) -> None:
        self._status = event.response.Status
        self.session.release(self._loop.now)

    def closed(self) -> None:
        """`judge` tells."""

    def judge(self, peer: Peer) -> None:
        """Raises PeerFailed unless the peer answered with Success."""
        if self._status == SUCCESS:
            return
        if self._status is not None:
            raise PeerFailed(f"{peer}: answered with status {self._status:04X}H", ExitStatus.FAILED)
        if self.rejected:
            raise PeerFailed(f"{peer}: {self.end}", ExitStatus.REJECTED)
        if self._was_accepted and self.end == "released":
            raise PeerFailed(f"{peer}: does not accept the Verification SOP class", ExitStatus.REJECTED)
        status = ExitStatus.FAILED if self._was_accepted else ExitStatus.UNREACHABLE
        raise PeerFailed(f"{peer}: {self.end or self.lost}", status)
