"""Handlings: what is the same wherever a service asks a handler for an answer (`ul.evt` says what each may answer).

Belongs here: the request's data set on its way to the handler, the call, and the judgement of the status in its answer.
Functions that say so run where handlers run, inside `Blocking`; all others run where the session is driven.
"""

from __future__ import annotations

import logging
from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Final

from ul import data_sets
from ul.dimse import BytesSource
from ul.errors import StatusError
from ul.evt import InterventionEvent, request_event
from ul.received import Request
from ul.services.steps import AWAIT_DATA_SET, DataSetSink, Provider, Respond, Step
from ul.session_events import Operation
from ul.status import PROCESSING_FAILURE
from ul.wire.command import DATA_SET_FOLLOWS, Command, MessageType
from ul.wire.command_dictionary import ELEMENTS

if TYPE_CHECKING:
    from pydicom import Dataset
    from pydicom.dataelem import DataElement

LOGGER: Final = logging.getLogger(__name__)

# What a handler's status can be (statuses of this API's own, of no service's table)
STATUS_MISSING: Final = 0xC001  # a data set without Status
STATUS_INVALID: Final = 0xC002  # neither a number nor a data set


class Handling:
    """A request and the handler that answers it."""

    def __init__(self, operation: Operation, provider: Provider) -> None:
        self.operation = operation
        self.provider = provider
        self.event: InterventionEvent = request_event(operation.request.type)
        self.failure = PROCESSING_FAILURE if self.event.failure is None else self.event.failure
        self._sink: DataSetSink | None = None

    def receive(self) -> Generator[Step, Any, None]:
        """Have the data set arrive, if there is one. Raises StatusError, but not before it was read."""
        if not self.operation.request.has_data_set:
            return
        try:
            self._sink = self.provider.open_data_set(self.operation)
        except StatusError:
            yield AWAIT_DATA_SET
            raise
        self.operation.sink = self._sink
        yield AWAIT_DATA_SET
        self._sink.flush()
        if self._sink.failure is not None:
            raise self._sink.failure

    def ask(self) -> Any:
        """What the handler answers. Runs where handlers run. Raises what it raises; StatusError where there is none."""
        handler = self.provider.handler(self.event)
        if handler is None:
            raise StatusError(self.failure, f"no handler for {self.operation.request.type.name}")
        operation = self.operation
        request = Request(operation.request, self._sink, operation.context.context_id)
        return handler(self.provider.event(self.event, operation, request=request, context=operation.context))

    def failed(self, error: BaseException, status: int | None = None) -> StatusError:
        """`error` as what the response says of it: `status`, or the one of this event. The rest is for the log."""
        if isinstance(error, StatusError) and status is None:
            return error
        self.provider.handler_failed(self.operation, error)
        return StatusError(self.failure if status is None else status, "the handler failed")

    def respond(self, status: Any) -> Command:
        """The response that a handler's status asks for. Runs where handlers run."""
        request = self.operation.request
        assert request.type.response is not None
        return request.response(**status_elements(status, request.type.response))

    def refuse(self, refusal: StatusError, **elements: Any) -> Command:
        """The response to what failed."""
        comment = refusal.comment or None
        return self.operation.request.response(Status=refusal.status, ErrorComment=comment, **elements)

    def with_data_set(self, response: Command, data_set: Dataset, *, final: bool = True) -> Respond:
        """`response` with `data_set`, encoded. Runs where handlers run; raises what pydicom raises."""
        encoded = data_sets.encode(data_set, self.operation.context.transfer_syntax)
        response.CommandDataSetType = DATA_SET_FOLLOWS
        return Respond(response, BytesSource(encoded), final=final)

    def end(self) -> None:
        """The handler has answered, or never will: what was received is not needed any more."""
        if self._sink is not None:
            self._sink.discard()


# --- statuses --------------------------------------------------------------------------------------------------------

_VRS: Final = {row.keyword: row.vr for row in ELEMENTS}
_NOT_A_HANDLERS: Final = {"CommandField", "MessageIDBeingRespondedTo", "CommandDataSetType"}


def status_elements(status: Any, response: MessageType) -> dict[str, Any]:
    """The elements of a response that a handler's status asks for, a number or a data set with Status in it.

    A status that no table knows is sent all the same. What is no status is answered with C001H or C002H.
    """
    if isinstance(status, int):
        code = int(status)  # of an IntEnum too
        if 0 <= code <= 0xFFFF:
            return {"Status": code}
    elif _is_data_set(status):
        elements = _elements_of(status, response)
        if "Status" in elements:
            return elements
        LOGGER.error("the status of a %s is a data set without Status (0000,0900)", response)
        return {"Status": STATUS_MISSING}
    LOGGER.error("the status of a %s is neither a number up to FFFFH nor a data set", response)
    return {"Status": STATUS_INVALID}


def _elements_of(status: Dataset, response: MessageType) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for element in status:
        if element.keyword not in response.elements or element.keyword in _NOT_A_HANDLERS:
            LOGGER.warning("a %s has no %s: left out", response, element.keyword or element.tag)
        elif element.value is not None and element.value != "":
            found[element.keyword] = _value_of(element)
    return found


def _value_of(element: DataElement) -> Any:
    vr, value = _VRS[element.keyword], element.value
    if vr == "AT":
        return [int(tag) for tag in (value if element.VM > 1 else [value])]
    return int(value) if vr == "US" else str(value)[:64]


def _is_data_set(value: Any) -> bool:
    from pydicom import Dataset  # imported already by whoever made one

    return isinstance(value, Dataset)
