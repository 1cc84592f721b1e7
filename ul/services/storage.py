"""Storage Service Class (PS3.4 Annex B): C-STORE as SCP and as SCU.

Where an instance goes is the provider's matter. Here is what is checked before, in which order things happen, and
which status says so: nothing but a committed instance is answered with Success.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ul.acse import AcceptedContext
from ul.errors import StatusError
from ul.services.steps import AWAIT_DATA_SET, Blocking, Provider, Respond, Steps
from ul.session import Operation
from ul.status import (
    DATA_SET_DOES_NOT_MATCH_SOP_CLASS,
    INVALID_SOP_INSTANCE,
    PROCESSING_FAILURE,
    SUCCESS,
)
from ul.wire.command import C_STORE_RQ, Command

MEDIUM: Final = 0  # priority (PS3.7 9.1.1.1.5)


def perform_store(operation: Operation, provider: Provider) -> Steps:
    """C-STORE as SCP (PS3.7 9.1.1, PS3.4 B.2.3)."""
    try:
        yield from _store(operation, provider)
        response = operation.request.response(Status=SUCCESS)
    except StatusError as failure:
        response = operation.request.response(Status=failure.status, ErrorComment=failure.comment or None)
    yield Respond(response)


def _store(operation: Operation, provider: Provider) -> Steps:
    """Raises StatusError, but never before the data set was read: its response follows the whole request."""
    try:
        _check(operation)
        instance = provider.open_instance(operation)
    except StatusError:
        if operation.request.has_data_set:
            yield AWAIT_DATA_SET
        raise
    operation.sink = instance
    try:
        yield AWAIT_DATA_SET
        instance.flush()
        outcome = (yield Blocking(instance.commit)) if instance.commit_blocks else instance.commit()
        provider.committed(operation, outcome)
    finally:
        instance.discard()


def _check(operation: Operation) -> None:
    request, context = operation.request, operation.context
    if not context.as_scp:
        raise StatusError(PROCESSING_FAILURE, "not the SCP on this presentation context")
    if request.AffectedSOPClassUID != context.abstract_syntax:
        raise StatusError(DATA_SET_DOES_NOT_MATCH_SOP_CLASS, "SOP class is not the presentation context's")
    if not request.AffectedSOPInstanceUID:
        raise StatusError(INVALID_SOP_INSTANCE, "no Affected SOP Instance UID")
    if not request.has_data_set:
        raise StatusError(PROCESSING_FAILURE, "no data set")


def store_request(message_id: int, sop_class_uid: str, sop_instance_uid: str, priority: int = MEDIUM) -> Command:
    """The C-STORE-RQ of an SCU, its data set to follow."""
    return Command(
        C_STORE_RQ,
        MessageID=message_id,
        AffectedSOPClassUID=sop_class_uid,
        AffectedSOPInstanceUID=sop_instance_uid,
        Priority=priority,
        CommandDataSetType=1,
    )


def context_for(
    contexts: Iterable[AcceptedContext], sop_class_uid: str, transfer_syntax_uid: str
) -> AcceptedContext | None:
    """The accepted context in which an encoded instance can be sent as it is, if there is one."""
    for context in contexts:
        if (
            context.abstract_syntax == sop_class_uid
            and context.transfer_syntax == transfer_syntax_uid
            and context.as_scu
        ):
            return context
    return None
