"""Verification Service Class (PS3.4 Annex A): C-ECHO."""

from __future__ import annotations

from ul.evt import EVT_C_ECHO, HandlerError
from ul.services.handling import STATUS_INVALID, STATUS_MISSING, Handling
from ul.services.steps import Blocking, Provider, Respond, Steps
from ul.session_events import Operation
from ul.sop_class import Verification
from ul.status import SUCCESS
from ul.wire.command import C_ECHO_RQ, Command


def perform_echo(operation: Operation, provider: Provider) -> Steps | Command:
    """C-ECHO as SCP (PS3.7 9.1.5)."""
    if provider.handler(EVT_C_ECHO) is None:
        return operation.request.response(Status=SUCCESS)
    return _handle(Handling(operation, provider))


def _handle(handling: Handling) -> Steps:
    yield Respond((yield Blocking(lambda: _answer(handling))))


def _answer(handling: Handling) -> Command:
    """That the peer was heard is true whatever the handler makes of it: its failures are not the peer's."""
    try:
        response = handling.respond(handling.ask())
    except HandlerError as error:
        handling.failed(error)
        return handling.operation.request.response(Status=SUCCESS)
    if response.Status in (STATUS_MISSING, STATUS_INVALID):
        response.Status = SUCCESS
    return response


def echo_request(message_id: int) -> Command:
    """The C-ECHO-RQ of an SCU."""
    return Command(C_ECHO_RQ, MessageID=message_id, AffectedSOPClassUID=Verification)
