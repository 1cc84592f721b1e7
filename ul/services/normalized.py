"""The normalized services (PS3.7 10): N-EVENT-REPORT, N-GET, N-SET, N-ACTION, N-CREATE and N-DELETE of every SOP class.

One function performs them all: what is different about each of them is in its message (`ul.wire.command`), its event
(`ul.evt`) and the rows below. What an operation does is the handler's matter.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Final

from ul.errors import StatusError
from ul.evt import HandlerError
from ul.services.handling import Handling
from ul.services.steps import Blocking, Provider, Respond, Steps
from ul.session_events import Operation
from ul.status import STATUS_SUCCESS, STATUS_WARNING, code_to_category
from ul.wire.command import (
    DATA_SET_FOLLOWS,
    N_ACTION_RQ,
    N_CREATE_RQ,
    N_DELETE_RQ,
    N_EVENT_REPORT_RQ,
    N_GET_RQ,
    N_SET_RQ,
    NO_DATA_SET,
    Command,
    MessageType,
)

if TYPE_CHECKING:
    from pydicom import Dataset

NORMALIZED: Final = (N_EVENT_REPORT_RQ, N_GET_RQ, N_SET_RQ, N_ACTION_RQ, N_CREATE_RQ, N_DELETE_RQ)

# Elements of a request that its response repeats (PS3.7 Tables 10.1-1 and 10.1-4).
_REPEATED: Final[dict[MessageType, str]] = {N_EVENT_REPORT_RQ: "EventTypeID", N_ACTION_RQ: "ActionTypeID"}


def perform_normalized(operation: Operation, provider: Provider) -> Steps:
    """Any N-service as its performer."""
    handling = Handling(operation, provider)
    try:
        yield from handling.receive()
        respond = yield Blocking(partial(_answer, handling))
    except StatusError as refusal:
        respond = Respond(handling.refuse(refusal))
    finally:
        handling.end()
    yield respond


def _answer(handling: Handling) -> Respond:
    """Runs where handlers run."""
    try:
        answer = handling.ask()
        if handling.operation.request.type is N_DELETE_RQ:
            return Respond(handling.respond(answer))
        status, data_set = answer
        return _respond(handling, status, data_set)
    except HandlerError as error:
        raise handling.failed(error) from error


def _respond(handling: Handling, status: object, data_set: Dataset | None) -> Respond:
    request, response = handling.operation.request, handling.respond(status)
    repeated = _REPEATED.get(request.type)
    if repeated is not None:
        setattr(response, repeated, getattr(request, repeated))
    if code_to_category(response.Status) not in (STATUS_SUCCESS, STATUS_WARNING):
        return Respond(response)
    if request.type is N_CREATE_RQ:
        _name_created(response, data_set)
    return handling.with_data_set(response, data_set) if data_set else Respond(response)


def _name_created(response: Command, attributes: Dataset | None) -> None:
    """Who creates an instance that the invoker gave no UID names it, in the attribute list (PS3.7 10.1.5.1.4)."""
    if attributes is not None and "AffectedSOPInstanceUID" in attributes:
        response.AffectedSOPInstanceUID = str(attributes.AffectedSOPInstanceUID)
        del attributes.AffectedSOPInstanceUID
    if not response.AffectedSOPInstanceUID:
        raise ValueError("neither the N-CREATE-RQ nor the attribute list of its handler has AffectedSOPInstanceUID")


# --- requests of an SCU ----------------------------------------------------------------------------------------------


def n_event_report_request(
    message_id: int, sop_class_uid: str, sop_instance_uid: str, event_type: int, *, with_data_set: bool = False
) -> Command:
    """An N-EVENT-REPORT-RQ; its invoker is the SCP. `with_data_set`: event information follows."""
    return Command(
        N_EVENT_REPORT_RQ,
        MessageID=message_id,
        AffectedSOPClassUID=sop_class_uid,
        AffectedSOPInstanceUID=sop_instance_uid,
        EventTypeID=event_type,
        CommandDataSetType=_follows(with_data_set),
    )


def n_get_request(message_id: int, sop_class_uid: str, sop_instance_uid: str, tags: Iterable[int] = ()) -> Command:
    """An N-GET-RQ for the attributes `tags`, for all of them if there are none."""
    return Command(
        N_GET_RQ,
        MessageID=message_id,
        RequestedSOPClassUID=sop_class_uid,
        RequestedSOPInstanceUID=sop_instance_uid,
        AttributeIdentifierList=[int(tag) for tag in tags] or None,
    )


def n_set_request(message_id: int, sop_class_uid: str, sop_instance_uid: str) -> Command:
    """An N-SET-RQ, its modification list to follow."""
    return Command(
        N_SET_RQ,
        MessageID=message_id,
        RequestedSOPClassUID=sop_class_uid,
        RequestedSOPInstanceUID=sop_instance_uid,
        CommandDataSetType=DATA_SET_FOLLOWS,
    )


def n_action_request(
    message_id: int, sop_class_uid: str, sop_instance_uid: str, action_type: int, *, with_data_set: bool = False
) -> Command:
    """An N-ACTION-RQ. `with_data_set`: action information follows."""
    return Command(
        N_ACTION_RQ,
        MessageID=message_id,
        RequestedSOPClassUID=sop_class_uid,
        RequestedSOPInstanceUID=sop_instance_uid,
        ActionTypeID=action_type,
        CommandDataSetType=_follows(with_data_set),
    )


def n_create_request(
    message_id: int, sop_class_uid: str, sop_instance_uid: str | None = None, *, with_data_set: bool = False
) -> Command:
    """An N-CREATE-RQ; without an instance UID the SCP gives one. `with_data_set`: an attribute list follows."""
    return Command(
        N_CREATE_RQ,
        MessageID=message_id,
        AffectedSOPClassUID=sop_class_uid,
        AffectedSOPInstanceUID=sop_instance_uid,
        CommandDataSetType=_follows(with_data_set),
    )


def n_delete_request(message_id: int, sop_class_uid: str, sop_instance_uid: str) -> Command:
    """An N-DELETE-RQ."""
    return Command(
        N_DELETE_RQ,
        MessageID=message_id,
        RequestedSOPClassUID=sop_class_uid,
        RequestedSOPInstanceUID=sop_instance_uid,
    )


def _follows(with_data_set: bool) -> int:
    return DATA_SET_FOLLOWS if with_data_set else NO_DATA_SET
