"""Which service answers which request: by the service class (PS3.4) of the SOP class, then by the message."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from ul import sop_class
from ul.services.normalized import NORMALIZED, perform_normalized
from ul.services.query_retrieve import perform_find
from ul.services.retrieval import perform_get, perform_move
from ul.services.steps import AWAIT_DATA_SET, Provider, Respond, Service, Steps
from ul.services.storage import perform_store
from ul.services.verification import perform_echo
from ul.session_events import Operation
from ul.sop_class import SERVICE_CLASSES, STORAGE
from ul.status import UNRECOGNIZED_OPERATION
from ul.uid import UID
from ul.wire.command import C_ECHO_RQ, C_FIND_RQ, C_GET_RQ, C_MOVE_RQ, C_STORE_RQ, MessageType


def refuse(operation: Operation, provider: Provider) -> Steps:
    """Answer an operation that the SOP class of its presentation context does not have (PS3.7 Annex C.5.20)."""
    if operation.request.has_data_set:
        yield AWAIT_DATA_SET
    yield Respond(operation.request.response(Status=UNRECOGNIZED_OPERATION))


Services = Mapping[MessageType, Service]

_STORAGE: Final[Services] = {C_STORE_RQ: perform_store}
_FIND: Final[Services] = {C_FIND_RQ: perform_find}
_RETRIEVE: Final[Services] = {C_FIND_RQ: perform_find, C_GET_RQ: perform_get, C_MOVE_RQ: perform_move}
_NORMALIZED: Final[Services] = dict.fromkeys(NORMALIZED, perform_normalized)

# What is not here has the normalized services: a managed object, a notification, a print session ...
SERVICES: Final[dict[str, Services]] = {
    sop_class.VERIFICATION: {C_ECHO_RQ: perform_echo},
    STORAGE: _STORAGE,
    sop_class.NON_PATIENT_OBJECT_STORAGE: _STORAGE,
    sop_class.MEDIA_STORAGE: _STORAGE,
    sop_class.QUERY_RETRIEVE: _RETRIEVE,
    sop_class.HANGING_PROTOCOL_QUERY_RETRIEVE: _RETRIEVE,
    sop_class.COLOR_PALETTE_QUERY_RETRIEVE: _RETRIEVE,
    sop_class.IMPLANT_TEMPLATE_QUERY_RETRIEVE: _RETRIEVE,
    sop_class.DEFINED_PROCEDURE_PROTOCOL_QUERY_RETRIEVE: _RETRIEVE,
    sop_class.PROTOCOL_APPROVAL_QUERY_RETRIEVE: _RETRIEVE,
    sop_class.INVENTORY_QUERY_RETRIEVE: _RETRIEVE,
    sop_class.BASIC_WORKLIST_MANAGEMENT: _FIND,
    sop_class.RELEVANT_PATIENT_INFORMATION_QUERY: _FIND,
    sop_class.SUBSTANCE_ADMINISTRATION_QUERY: _FIND,
    sop_class.GENERAL_PURPOSE_WORKLIST_MANAGEMENT: {**_FIND, **_NORMALIZED},
    sop_class.UNIFIED_PROCEDURE_STEP: {**_FIND, **_NORMALIZED},
}

# The SOP classes of _RETRIEVE have one operation each, which ends their keyword (PS3.6).
_OPERATIONS: Final = {"Find": C_FIND_RQ, "Query": C_FIND_RQ, "Get": C_GET_RQ, "Move": C_MOVE_RQ}


def service_for(operation: Operation) -> Service:
    """The service of the operation's SOP class; a SOP class that nobody knows is a private one of storage."""
    return _service(operation.context.abstract_syntax, operation.request.type)


@lru_cache(maxsize=1024)
def _service(abstract_syntax: str, message: MessageType) -> Service:
    services = _services_of(abstract_syntax)
    if services is _RETRIEVE and not _has(abstract_syntax, message):
        return refuse
    return services.get(message, refuse)


def messages_of(abstract_syntax: str) -> tuple[MessageType, ...]:
    """The requests that are performed on this SOP class."""
    services = _services_of(abstract_syntax)
    return tuple(message for message in services if services is not _RETRIEVE or _has(abstract_syntax, message))


def _services_of(abstract_syntax: str) -> Services:
    return SERVICES.get(SERVICE_CLASSES.get(abstract_syntax, STORAGE), _NORMALIZED)


def _has(abstract_syntax: str, message: MessageType) -> bool:
    keyword = UID(abstract_syntax).keyword
    return all(message is own for ending, own in _OPERATIONS.items() if keyword.endswith(ending))
