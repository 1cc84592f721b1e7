"""C-GET and C-MOVE as SCP (PS3.4 C.4.2, C.4.3): storage sub-operations, counted and reported on.

A C-GET stores on the association that asked for it; a C-MOVE on one that is made to the destination for this purpose.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Union

from ul import data_sets
from ul.acse import AcceptedContext
from ul.dimse import BytesSource, Source
from ul.errors import StatusError, UsageError
from ul.evt import HandlerError
from ul.instance_source import FileSource
from ul.services.handling import Handling
from ul.services.iteration import END, Items
from ul.services.steps import Blocking, Invoke, Provider, Respond, Steps
from ul.services.storage import context_for, context_for_data_set, store_request
from ul.session_events import Operation
from ul.sop_class import CompositeInstanceRetrieveWithoutBulkDataGet
from ul.status import PENDING, STATUS_SUCCESS, STATUS_WARNING, SUCCESS, code_to_category
from ul.wire.command import C_GET_RQ, C_MOVE_RQ, Command, MessageType

if TYPE_CHECKING:
    from pydicom import Dataset

LOGGER: Final = logging.getLogger(__name__)

# PS3.4 C.4.2.1.5, C.4.3.1.4
SUB_OPERATIONS_FAILED: Final = 0xA702  # all of them
SUB_OPERATIONS_INCOMPLETE: Final = 0xB000  # some failed, or had something to tell
DESTINATION_UNKNOWN: Final = 0xA801
CANCEL: Final = 0xFE00

# "Unable to process", as this API has it
_NUMBER_INVALID: Final[dict[MessageType, int]] = {C_GET_RQ: 0xC413, C_MOVE_RQ: 0xC513}
_NUMBER_TOO_LARGE: Final[dict[MessageType, int]] = {C_GET_RQ: 0xC416, C_MOVE_RQ: 0xC516}
_NOTHING_YIELDED: Final = 0xC514
_DESTINATION_INVALID: Final = 0xC515

_MOST: Final = 0xFFFF  # sub-operations: their number is a US


def perform_get(operation: Operation, provider: Provider) -> Steps:
    """C-GET (PS3.7 9.1.3)."""
    handling = Handling(operation, provider)
    retrieval = Retrieval(handling)
    session = operation.session
    try:
        yield from handling.receive()
        yield Blocking(retrieval.ask_number)
        while True:
            step = yield Blocking(partial(_next_store, retrieval))
            if not session.leaving and isinstance(step, Invoke):
                response = yield step
                if not session.leaving:
                    step = retrieval.stored(response.Status)
            if session.leaving:
                yield Blocking(retrieval.items.close)
                return
            if step.final:
                break
            yield step
    except StatusError as refusal:
        yield Blocking(retrieval.items.close)
        step = Respond(handling.refuse(refusal))
    finally:
        retrieval.close_file()
        handling.end()
    yield step


def _next_store(retrieval: Retrieval) -> Respond | Invoke:
    """The next sub-operation, or the response where it cannot be or all are done. Runs where handlers run."""
    step = retrieval.next_instance()
    if isinstance(step, Respond):
        return step
    try:
        return retrieval.store(step)
    except HandlerError as error:
        retrieval.handling.failed(error)
        return retrieval.stored(None)


def perform_move(operation: Operation, provider: Provider) -> Steps:
    """C-MOVE (PS3.7 9.1.4)."""
    handling = Handling(operation, provider)
    retrieval = Retrieval(handling)
    destination = Destination(retrieval)
    try:
        yield from handling.receive()
        yield Blocking(destination.ask_address)
        yield Blocking(retrieval.ask_number)
        if retrieval.remaining and not operation.session.leaving:
            yield Blocking(destination.associate)
        while True:
            step = yield Blocking(retrieval.next_instance)
            if not operation.session.leaving and not isinstance(step, Respond):
                step = yield Blocking(partial(destination.store, step))
            if operation.session.leaving:
                yield Blocking(destination.close)
                return
            if step.final:
                break
            yield step
        yield Blocking(destination.close)
    except StatusError as refusal:
        yield Blocking(destination.close)
        step = Respond(handling.refuse(refusal))
    finally:
        handling.end()
    yield step


Instance = Union["Dataset", str, "os.PathLike[str]"]  # what a handler yields: a data set, or the path of a file of one


def _instance_uid_of(instance: Instance) -> str:
    if not isinstance(instance, (str, os.PathLike)):
        return str(getattr(instance, "SOPInstanceUID", ""))
    try:
        file = FileSource(instance)
    except (OSError, UsageError):
        return ""  # that it cannot be sent is told when it is due
    file.close()
    return file.head.sop_instance_uid


class Retrieval:
    """The sub-operations of one C-GET or C-MOVE. What asks the handler, or encodes, runs where handlers run."""

    def __init__(self, handling: Handling) -> None:
        self.handling = handling
        self.items = Items(handling)
        self.remaining = 0
        self._completed = 0
        self._failed = 0
        self._warning = 0
        self._failed_instances: list[str] = []
        self._instance_uid = ""  # of the sub-operation under way
        self._file: FileSource | None = None  # and what it sends

    # -- what the handler yields

    def ask_number(self) -> None:
        """How many sub-operations the handler announces. Raises StatusError."""
        kind = self.handling.operation.request.type
        item = self.items.next()
        try:
            number = int(item)
        except HandlerError as error:
            raise self.handling.failed(error, _NUMBER_INVALID[kind]) from error
        if number > _MOST:
            raise StatusError(_NUMBER_TOO_LARGE[kind], f"more than {_MOST} sub-operations")
        self.remaining = max(number, 0)

    def next_instance(self) -> Instance | Respond:
        """The instance of the next sub-operation; the final response when there is none."""
        try:
            item = self.items.next()
            if item is END or not self.remaining:
                return self._done(item)
            status, data_set = self.items.pair(item)
        except StatusError as failure:
            return self._stop(self.handling.refuse(failure)) if self.remaining else self._final()
        response = self.handling.respond(status)
        if response.Status in PENDING:
            self._instance_uid = _instance_uid_of(data_set)
            return data_set  # type: ignore[no-any-return]
        self.items.close()
        return self._final() if response.Status == SUCCESS else self._stop(response, data_set)

    def _done(self, item: Any) -> Respond:
        if item is not END:
            LOGGER.warning("%s yielded more than it announced: left out", self.handling.event)
            self.items.close()
        return self._final()

    # -- sub-operations

    def store(self, instance: Instance) -> Invoke:
        """The C-STORE sub-operation of a C-GET; a file goes as it is, where it can. Raises where it cannot be."""
        operation = self.handling.operation
        without_bulk_data = operation.context.abstract_syntax == CompositeInstanceRetrieveWithoutBulkDataGet
        if isinstance(instance, (str, os.PathLike)):
            invoke = None if without_bulk_data else self._store_file(instance)
            if invoke is not None:
                return invoke
            instance = data_sets.read(instance)
        if without_bulk_data:
            remove_bulk_data(instance)
        sop_class_uid, meta = str(instance.SOPClassUID), getattr(instance, "file_meta", None)
        transfer_syntax = getattr(meta, "TransferSyntaxUID", None)
        context = context_for_data_set(self._contexts, sop_class_uid, transfer_syntax)
        if context is None:
            raise ValueError(f"no accepted presentation context to store {sop_class_uid} in {transfer_syntax}")
        return self._invoke(context, BytesSource(data_sets.encode(instance, context.transfer_syntax)))

    def _store_file(self, path: str | os.PathLike[str]) -> Invoke | None:
        """None where it would have to be encoded anew."""
        source = FileSource(path)
        context = context_for(self._contexts, source.head.sop_class_uid, source.head.transfer_syntax_uid)
        if context is None:
            source.close()
            return None
        self._file = source
        return self._invoke(context, source)

    def _invoke(self, context: AcceptedContext, data_set: Source) -> Invoke:
        priority = self.handling.operation.request.Priority or 0
        return Invoke(context, store_request(0, context.abstract_syntax, self._instance_uid, priority), data_set)

    @property
    def _contexts(self) -> Iterable[AcceptedContext]:
        return self.handling.operation.session.negotiated.contexts.values()

    def stored(self, status: int | None) -> Respond:
        """Count a sub-operation by the status of its response, None for none; the pending response that tells of it."""
        self.close_file()
        category = "" if status is None else code_to_category(status)
        self.remaining -= 1
        self._completed += category == STATUS_SUCCESS
        self._warning += category == STATUS_WARNING
        if category not in (STATUS_SUCCESS, STATUS_WARNING):
            self._failed += 1
            self._failed_instances += [self._instance_uid] * bool(self._instance_uid)
        return Respond(self._counted(Status=PENDING[0], NumberOfRemainingSuboperations=self.remaining), final=False)

    def close_file(self) -> None:
        """What a sub-operation sent is not needed any more."""
        file, self._file = self._file, None
        if file is not None:
            file.close()

    # -- responses

    def _counted(self, **elements: Any) -> Command:
        return self._count(self.handling.operation.request.response(**elements))

    def _count(self, response: Command) -> Command:
        response.NumberOfCompletedSuboperations = self._completed
        response.NumberOfFailedSuboperations = self._failed
        response.NumberOfWarningSuboperations = self._warning
        return response

    def _final(self) -> Respond:
        """All sub-operations are done, or the handler wants no more of them."""
        if not self._failed and not self._warning:
            return Respond(self._counted(Status=SUCCESS))
        some = self._completed or self._warning
        return self._with_failed(self._counted(Status=SUB_OPERATIONS_INCOMPLETE if some else SUB_OPERATIONS_FAILED))

    def _stop(self, response: Command, data_set: Any = None) -> Respond:
        """What the handler stopped with, before all were done: those that a C-CANCEL saved remain, others failed."""
        if response.Status == CANCEL:
            response.NumberOfRemainingSuboperations = self.remaining
        else:
            self._failed += self.remaining
        self.items.close()
        return self._with_failed(self._count(response), data_set)

    def _with_failed(self, response: Command, given: Any = None) -> Respond:
        """`response` with its Failed SOP Instance UID List (PS3.4 C.4.2.1.4.2), the handler's or ours."""
        from pydicom import Dataset

        if isinstance(given, Dataset) and "FailedSOPInstanceUIDList" in given:
            try:
                return self.handling.with_data_set(response, given)
            except HandlerError as error:
                self.handling.failed(error)
        identifier = Dataset()
        identifier.FailedSOPInstanceUIDList = self._failed_instances
        return self.handling.with_data_set(response, identifier)


class Destination:
    """Where a C-MOVE stores: as the handler yields it, then as an association. All of it runs where handlers run."""

    def __init__(self, retrieval: Retrieval) -> None:
        self._retrieval = retrieval
        self._handling = retrieval.handling
        self._address: Any = None
        self._port = 0
        self._arguments: dict[str, Any] = {}
        self._association: Any = None
        self._message_id = 0

    def ask_address(self) -> None:
        """The handler's first item: (address, port[, arguments of associate]). Raises StatusError."""
        item = self._retrieval.items.next()
        if item is END:
            raise StatusError(_NOTHING_YIELDED, "no destination")
        try:
            self._address, self._port, *rest = item
            [arguments] = rest or [None]
            self._arguments = {"ae_title": self._handling.operation.request.MoveDestination, **(arguments or {})}
        except HandlerError as error:
            raise self._handling.failed(error, _DESTINATION_INVALID) from error
        if self._address is None or self._port is None:
            raise StatusError(DESTINATION_UNKNOWN, "move destination unknown")

    def associate(self) -> None:
        """Raises StatusError where there is no association to be had."""
        try:
            self._association = self._handling.provider.associate(self._address, self._port, **self._arguments)
        except HandlerError as error:
            raise self._handling.failed(error, _DESTINATION_INVALID) from error
        if not self._association.is_established:
            raise StatusError(DESTINATION_UNKNOWN, "no association with the move destination")

    def store(self, instance: Instance) -> Respond:
        """Store `instance` there; the pending response that tells of it."""
        operation = self._handling.operation
        self._message_id = self._message_id % 0xFFFF + 1
        try:
            status = self._association.send_c_store(
                instance,
                msg_id=self._message_id,
                originator_aet=operation.session.peer_ae_title,
                originator_id=operation.request.MessageID,
            )
            return self._retrieval.stored(getattr(status, "Status", None))
        except HandlerError as error:
            self._handling.failed(error)
            return self._retrieval.stored(None)

    def close(self) -> None:
        """Nothing more is stored there, and nothing more is asked of the handler."""
        self._retrieval.items.close()
        association, self._association = self._association, None
        if association is not None and association.is_established:
            association.release()


# --- Composite Instance Retrieve Without Bulk Data (PS3.4 Annex Z) ---------------------------------------------------

# PS3.4 Table Z.1-1
_BULK_DATA: Final = (
    *("PixelData", "FloatPixelData", "DoubleFloatPixelData", "PixelDataProviderURL"),
    *("SpectroscopyData", "EncapsulatedDocument"),
)
_REPEATING: Final = ((0x5000, 0x200C), (0x5000, 0x3000), (0x6000, 0x3000))  # audio, curve and overlay data


def remove_bulk_data(instance: Dataset) -> None:
    """Take out of `instance` what this service leaves out."""
    for keyword in _BULK_DATA:
        if keyword in instance:
            delattr(instance, keyword)
    for item in instance.get("WaveformSequence") or ():
        if "WaveformData" in item:
            del item.WaveformData
    for first, number in _REPEATING:
        for group in range(first, first + 0x100, 2):
            if (group, number) in instance:
                del instance[group, number]
