"""Query/Retrieve (PS3.4 Annex C), and whatever else is asked with C-FIND, C-GET and C-MOVE: worklists, protocols ...

Belongs here: C-FIND as SCP, and the requests of all three and of C-CANCEL. C-GET and C-MOVE as SCP are in
`ul.services.retrieval`. What matches is the handler's matter: its generator is advanced by one item at a time, so that
a C-CANCEL, a release request and an abort are noticed before the next one.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from ul.errors import StatusError
from ul.evt import HandlerError
from ul.services.handling import Handling
from ul.services.iteration import END, Items
from ul.services.steps import Blocking, Provider, Respond, Steps
from ul.session_events import Operation
from ul.status import PENDING, SUCCESS
from ul.wire.command import C_CANCEL_RQ, C_FIND_RQ, C_GET_RQ, C_MOVE_RQ, DATA_SET_FOLLOWS, Command

MEDIUM: Final = 0  # priority (PS3.7 9.1.2.1.4)

# PS3.4 C.4.1 "unable to process", as this API has it
IDENTIFIER_CANNOT_BE_ENCODED: Final = 0xC312


def perform_find(operation: Operation, provider: Provider) -> Steps:
    """C-FIND as SCP (PS3.7 9.1.2, PS3.4 C.4.1): a pending response per match, then how it ended."""
    handling = Handling(operation, provider)
    matches = Items(handling)
    try:
        yield from handling.receive()
        while True:
            respond = yield Blocking(partial(_next_match, handling, matches))
            if operation.session.leaving:
                yield Blocking(matches.close)
                return
            if respond.final:
                break
            yield respond
    except StatusError as refusal:
        yield Blocking(matches.close)
        respond = Respond(handling.refuse(refusal))
    finally:
        handling.end()
    yield respond


def _next_match(handling: Handling, matches: Items) -> Respond:
    """The response that the handler's next item asks for. Runs where handlers run."""
    item = matches.next()
    if item is END:
        return Respond(handling.operation.request.response(Status=SUCCESS))
    status, identifier = matches.pair(item)
    response = handling.respond(status)
    if response.Status not in PENDING:
        matches.close()
        return Respond(response)
    try:
        return handling.with_data_set(response, identifier, final=False)
    except HandlerError as error:
        raise handling.failed(error, IDENTIFIER_CANNOT_BE_ENCODED) from error


# --- requests of an SCU ----------------------------------------------------------------------------------------------


def find_request(message_id: int, sop_class_uid: str, priority: int = MEDIUM) -> Command:
    """A C-FIND-RQ, its identifier to follow."""
    return Command(C_FIND_RQ, **_query(message_id, sop_class_uid, priority))


def get_request(message_id: int, sop_class_uid: str, priority: int = MEDIUM) -> Command:
    """A C-GET-RQ, its identifier to follow."""
    return Command(C_GET_RQ, **_query(message_id, sop_class_uid, priority))


def move_request(message_id: int, sop_class_uid: str, destination: str, priority: int = MEDIUM) -> Command:
    """A C-MOVE-RQ to the AE title `destination`, its identifier to follow."""
    return Command(C_MOVE_RQ, MoveDestination=destination, **_query(message_id, sop_class_uid, priority))


def cancel_request(message_id: int) -> Command:
    """A C-CANCEL-RQ for the C-FIND, C-GET or C-MOVE with `message_id`. It has no response of its own."""
    return Command(C_CANCEL_RQ, MessageIDBeingRespondedTo=message_id)


def _query(message_id: int, sop_class_uid: str, priority: int) -> dict[str, Any]:
    return {
        "MessageID": message_id,
        "AffectedSOPClassUID": sop_class_uid,
        "Priority": priority,
        "CommandDataSetType": DATA_SET_FOLLOWS,
    }
