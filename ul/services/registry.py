"""Which service answers which request."""

from __future__ import annotations

from typing import Final

from ul.services.steps import AWAIT_DATA_SET, Provider, Respond, Service, Steps
from ul.services.storage import perform_store
from ul.services.verification import perform_echo
from ul.session import Operation
from ul.sop_class import Verification
from ul.status import UNRECOGNIZED_OPERATION
from ul.wire.command import C_ECHO_RQ, C_STORE_RQ


def refuse(operation: Operation, provider: Provider) -> Steps:
    """Answer an operation that the SOP class of its presentation context does not have (PS3.7 Annex C.5.20)."""
    if operation.request.has_data_set:
        yield AWAIT_DATA_SET
    yield Respond(operation.request.response(Status=UNRECOGNIZED_OPERATION))


VERIFICATION_SERVICES: Final = {C_ECHO_RQ: perform_echo}
STORAGE_SERVICES: Final = {C_STORE_RQ: perform_store}


def service_for(operation: Operation) -> Service:
    """The service of the operation's SOP class; any that is not another service's is a storage SOP class."""
    verification = operation.context.abstract_syntax == Verification
    services = VERIFICATION_SERVICES if verification else STORAGE_SERVICES
    return services.get(operation.request.type, refuse)
