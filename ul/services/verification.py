"""Verification Service Class (PS3.4 Annex A): C-ECHO."""

from __future__ import annotations

from ul.services.steps import Provider, Respond, Steps
from ul.session import Operation
from ul.sop_class import Verification
from ul.status import SUCCESS
from ul.wire.command import C_ECHO_RQ, Command


def perform_echo(operation: Operation, provider: Provider) -> Steps:
    """C-ECHO as SCP (PS3.7 9.1.5)."""
    yield Respond(operation.request.response(Status=SUCCESS))


def echo_request(message_id: int) -> Command:
    """The C-ECHO-RQ of an SCU."""
    return Command(C_ECHO_RQ, MessageID=message_id, AffectedSOPClassUID=Verification)
