"""Storage Service Class (PS3.4 Annex B): C-STORE as SCP and as SCU.

Where an instance goes is the provider's matter, or that of an application's handler. Here is what is checked before, in
which order things happen, and which status says so: without a handler, nothing but a committed instance is answered
with Success.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from functools import partial
from typing import Any, Final

from ul.acse import AcceptedContext
from ul.errors import StatusError
from ul.evt import EVT_C_STORE, HandlerError
from ul.services.handling import Handling
from ul.services.steps import AWAIT_DATA_SET, Blocking, Provider, Respond, Step, Steps
from ul.session_events import Operation
from ul.sop_class import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from ul.status import (
    DATA_SET_DOES_NOT_MATCH_SOP_CLASS,
    INVALID_SOP_INSTANCE,
    PROCESSING_FAILURE,
    SUCCESS,
)
from ul.wire.command import C_STORE_RQ, DATA_SET_FOLLOWS, Command

MEDIUM: Final = 0  # priority (PS3.7 9.1.1.1.5)

# Little endian and not compressed: what a data set is encoded in by its attributes alone.
NATIVE: Final = (ExplicitVRLittleEndian, ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian)


def perform_store(operation: Operation, provider: Provider) -> Steps:
    """C-STORE as SCP (PS3.7 9.1.1, PS3.4 B.2.3)."""
    handled = provider.handler(EVT_C_STORE) is not None
    try:
        response = yield from (_handle if handled else _store)(operation, provider)
    except StatusError as failure:
        response = operation.request.response(Status=failure.status, ErrorComment=failure.comment or None)
    yield Respond(response)


def _store(operation: Operation, provider: Provider) -> Generator[Step, Any, Command]:
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
        outcome = instance.commit_at_once()
        if outcome is None:
            outcome = yield Blocking(instance.commit)
        elements = provider.committed(operation, outcome)
    finally:
        instance.discard()
    if elements is None:
        return operation.request.response(Status=SUCCESS)
    return operation.request.response(**{"Status": SUCCESS, **elements})


def _handle(operation: Operation, provider: Provider) -> Generator[Step, Any, Command]:
    """The same for an application's handler, which answers when the data set is whole."""
    try:
        _check(operation)
    except StatusError:
        if operation.request.has_data_set:
            yield AWAIT_DATA_SET
        raise
    handling = Handling(operation, provider)
    try:
        yield from handling.receive()
        response: Command = yield Blocking(partial(_answer, handling))
        return response
    finally:
        handling.end()


def _answer(handling: Handling) -> Command:
    try:
        return handling.respond(handling.ask())
    except HandlerError as error:
        raise handling.failed(error) from error


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


def store_request(
    message_id: int,
    sop_class_uid: str,
    sop_instance_uid: str,
    priority: int = MEDIUM,
    *,
    originator_ae_title: str | None = None,
    originator_message_id: int | None = None,
) -> Command:
    """The C-STORE-RQ of an SCU, its data set to follow; the originator is who asked for it with a C-MOVE."""
    return Command(
        C_STORE_RQ,
        MessageID=message_id,
        AffectedSOPClassUID=sop_class_uid,
        AffectedSOPInstanceUID=sop_instance_uid,
        Priority=priority,
        CommandDataSetType=DATA_SET_FOLLOWS,
        MoveOriginatorApplicationEntityTitle=originator_ae_title,
        MoveOriginatorMessageID=originator_message_id,
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


def context_for_data_set(
    contexts: Iterable[AcceptedContext], sop_class_uid: str, transfer_syntax_uid: str | None
) -> AcceptedContext | None:
    """The accepted context in which a decoded instance can be sent, its own transfer syntax first (None: not known).

    Those of NATIVE can be encoded as each other; pixel data in all others stay as they are, and so does their encoding.
    """
    contexts = [context for context in contexts if context.abstract_syntax == sop_class_uid and context.as_scu]
    if transfer_syntax_uid is not None:
        as_it_is = context_for(contexts, sop_class_uid, transfer_syntax_uid)
        if as_it_is is not None or transfer_syntax_uid not in NATIVE:
            return as_it_is
    return next((context for context in contexts if context.transfer_syntax in NATIVE), None)
