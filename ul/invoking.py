"""The verbs by which a program invokes operations on an association: send_c_store, send_c_find and the rest.

Belongs here: which presentation context an operation goes in, how data sets become bytes and responses become what the
API hands out. Not here: what a request consists of (`ul.services`), how it gets to the peer (`ul.association`).

All of them raise RuntimeError where there is no association, ValueError where no accepted presentation context serves
or a data set cannot be encoded. A peer that does not answer in time has the association aborted, and the status is
empty.

Handlers may call them for their own association, with two exceptions, which raise RuntimeError at once: a C-GET, whose
instances would wait for the handler, and in the blocking API all that waits for the peer in a handler of EVT_CONN_OPEN,
EVT_CONN_CLOSE, EVT_DATA_RECV, EVT_DATA_SENT, EVT_PDU_RECV, EVT_PDU_SENT or EVT_FSM_TRANSITION: those run on the thread
that would bring the response.
"""

from __future__ import annotations

import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from ul import data_sets
from ul.acse import AcceptedContext
from ul.dimse import BytesSource, Source
from ul.errors import UsageError
from ul.instance_source import FileSource
from ul.services.normalized import (
    n_action_request,
    n_create_request,
    n_delete_request,
    n_event_report_request,
    n_get_request,
    n_set_request,
)
from ul.services.query_retrieve import find_request, get_request, move_request
from ul.services.storage import context_for, context_for_data_set, store_request
from ul.services.verification import echo_request
from ul.session import Session
from ul.session_events import Operation, ResponseReceived
from ul.sop_class import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian, Verification
from ul.spool import Spool
from ul.uid import UID
from ul.wire.command import Command
from ul.wire.command_dictionary import ELEMENTS

if TYPE_CHECKING:
    from pydicom import Dataset

LOGGER: Final = logging.getLogger(__name__)

Responses = Iterator[tuple["Dataset", "Dataset | None"]]


class Performer(Protocol):
    """Where the responses to an invocation come from."""

    def await_response(self, invocation: Invocation) -> None:
        """Wait until a response has come, or none will."""


class Invocation:
    """An operation asked of the peer, and the responses to it so far."""

    def __init__(self, performer: Performer, request: Command, context: AcceptedContext) -> None:
        self.request = request
        self.context = context
        self._performer = performer
        self._responses: deque[ResponseReceived] = deque()
        self._over = self._abandoned = False

    @property
    def is_over(self) -> bool:
        """No response will come any more."""
        return self._over

    @property
    def has_news(self) -> bool:
        """A response is there, or none will come any more."""
        return self._over or bool(self._responses)

    def open_data_set(self) -> Spool | None:
        """Where the data set of a response goes."""
        return None if self._abandoned else Spool()

    def responded(self, received: ResponseReceived) -> None:
        """A response is whole."""
        self._over = not received.pending
        if self._abandoned:
            _discard(received)
        else:
            self._responses.append(received)

    def ended(self) -> None:
        """The association is over: no response will come."""
        self._over = True

    def abandon(self) -> None:
        """Nobody wants the responses that are still to come."""
        self._abandoned = True
        while self._responses:
            _discard(self._responses.popleft())

    def next_response(self) -> ResponseReceived | None:
        """The next response, waited for; None where there are no more."""
        self._performer.await_response(self)
        return self._responses.popleft() if self._responses else None

    # -- in the form of the API

    def status(self) -> Dataset:
        """The status of the one response."""
        return self.status_and_data_set()[0]

    def status_and_data_set(self) -> tuple[Dataset, Dataset | None]:
        """The status and the data set of the next response."""
        received = self.next_response()
        if received is None:
            return status_of(None), None
        return status_of(received.response), _data_set_of(received)

    def responses(self) -> Responses:
        """(status, data set) of every response; the last one has an empty status where the association ended before."""
        try:
            while (received := self.next_response()) is not None:
                yield status_of(received.response), _data_set_of(received)
                if not received.pending:
                    return
            yield status_of(None), None
        finally:
            self.abandon()


# --- what handlers invoke --------------------------------------------------------------------------------------------

_Result = TypeVar("_Result")

_PERFORMED: Final = threading.local()  # `operation`: what the handler on this thread is called for


def performing(operation: Operation, call: Callable[[], _Result]) -> _Result:
    """`call()`, in which a handler of `operation` runs."""
    _PERFORMED.operation = operation
    try:
        return call()
    finally:
        _PERFORMED.operation = None


def performed(session: Session) -> Operation | None:
    """The operation of `session` whose handler runs on the present thread."""
    operation: Operation | None = getattr(_PERFORMED, "operation", None)
    return operation if operation in session.operations else None


# --- the verbs -------------------------------------------------------------------------------------------------------


class Invoker:
    """The verbs. A subclass is an association."""

    is_established: bool

    def invoke(self, context_id: int, request: Command, data_set: Source | None = None) -> Invocation:
        """Send a request."""
        raise NotImplementedError

    @property
    def performs_here(self) -> bool:
        """The present thread is the one that performs what the peer asks for: while it waits, nothing is performed."""
        raise NotImplementedError

    def cancel(self, context_id: int, message_id: int) -> None:
        """Send a C-CANCEL."""
        raise NotImplementedError

    def invocation(self, message_id: int) -> Invocation | None:
        """The operation with this Message ID that has not been answered yet."""
        raise NotImplementedError

    @property
    def negotiated_contexts(self) -> Iterable[AcceptedContext]:
        """The contexts both sides agreed on."""
        raise NotImplementedError

    # -- Verification and Storage

    def send_c_echo(self, msg_id: int = 1) -> Dataset:
        """C-ECHO: the status, an empty data set where no response came."""
        context = self._context(Verification)
        return self.invoke(context.context_id, echo_request(msg_id)).status()

    def send_c_store(
        self,
        dataset: Dataset | str | os.PathLike[str],
        msg_id: int = 1,
        priority: int = 2,
        originator_aet: str | bytes | None = None,
        originator_id: int | None = None,
    ) -> Dataset:
        """C-STORE of a data set, or of a file, which is sent as it is: the status, empty where no response came.

        Raises also AttributeError where the instance lacks its UIDs, OSError where a file cannot be read.
        """
        self._check_established()
        if isinstance(dataset, (str, os.PathLike)):
            return self._store_file(dataset, msg_id, priority, originator_aet, originator_id)
        sop_class, instance = str(dataset.SOPClassUID), str(dataset.SOPInstanceUID)
        syntax = transfer_syntax_of(dataset)
        context = context_for_data_set(self.negotiated_contexts, sop_class, syntax)
        if context is None:
            raise ValueError(_not_accepted(sop_class, syntax))
        source = _encoded(dataset, context)
        return self._store(context, instance, source, msg_id, priority, originator_aet, originator_id)

    def _store_file(
        self,
        path: str | os.PathLike[str],
        msg_id: int,
        priority: int,
        originator_aet: str | bytes | None,
        originator_id: int | None,
    ) -> Dataset:
        try:
            source = FileSource(path)
        except UsageError as error:
            raise ValueError(f"{os.fspath(path)}: {error}") from error
        try:
            head = source.head
            context = context_for(self.negotiated_contexts, head.sop_class_uid, head.transfer_syntax_uid)
            if context is None:  # perhaps in another one
                read = data_sets.read(path)
                return self.send_c_store(read, msg_id, priority, originator_aet, originator_id)
            if not head.sop_instance_uid:
                raise AttributeError(f"{os.fspath(path)}: no SOP Instance UID")
            return self._store(context, head.sop_instance_uid, source, msg_id, priority, originator_aet, originator_id)
        finally:
            source.close()

    def _store(
        self,
        context: AcceptedContext,
        instance: str,
        source: Source,
        msg_id: int,
        priority: int,
        originator_aet: str | bytes | None,
        originator_id: int | None,
    ) -> Dataset:
        request = store_request(
            msg_id,
            context.abstract_syntax,
            instance,
            priority,
            originator_ae_title=None if originator_aet is None else _title(originator_aet),
            originator_message_id=originator_id,
        )
        return self.invoke(context.context_id, request, source).status()

    # -- Query/Retrieve

    def send_c_find(self, dataset: Dataset, query_model: str, msg_id: int = 1, priority: int = 2) -> Responses:
        """C-FIND with the identifier `dataset`: the responses as they come, (status, identifier of a match or None)."""
        context = self._context(query_model)
        request = find_request(msg_id, str(query_model), priority)
        return self.invoke(context.context_id, request, _encoded(dataset, context)).responses()

    def send_c_get(self, dataset: Dataset, query_model: str, msg_id: int = 1, priority: int = 2) -> Responses:
        """C-GET: the responses as they come, (status with counts, identifier or None).

        The instances come as C-STORE requests on this association: bind a handler to EVT_C_STORE, and propose the SCP
        role for their SOP classes. Raises RuntimeError in a handler of this association that they would wait for.
        """
        if self.performs_here:
            raise RuntimeError("the instances of a C-GET come to handlers of this association: invoke it on a thread")
        context = self._context(query_model)
        request = get_request(msg_id, str(query_model), priority)
        return self.invoke(context.context_id, request, _encoded(dataset, context)).responses()

    def send_c_move(
        self, dataset: Dataset, move_aet: str | bytes, query_model: str, msg_id: int = 1, priority: int = 2
    ) -> Responses:
        """C-MOVE to the AE title `move_aet`: the responses as they come, (status with counts, identifier or None)."""
        context = self._context(query_model)
        request = move_request(msg_id, str(query_model), _title(move_aet), priority)
        return self.invoke(context.context_id, request, _encoded(dataset, context)).responses()

    def send_c_cancel(self, msg_id: int, context_id: int | None = None, query_model: str | None = None) -> None:
        """C-CANCEL of the operation with `msg_id`, in its own context unless another is given."""
        self._check_established()
        if context_id is None and query_model is not None:
            context_id = self._context(query_model).context_id
        if context_id is None:
            invocation = self.invocation(msg_id)
            if invocation is None:
                raise ValueError(
                    f"no operation with message id {msg_id} is under way: context_id or query_model is needed"
                )
            context_id = invocation.context.context_id
        if all(context.context_id != context_id for context in self.negotiated_contexts):
            raise ValueError(f"presentation context {context_id} was not accepted")
        self.cancel(context_id, msg_id)

    # -- normalized services; `meta_uid` is the Meta SOP Class whose context they go in

    def send_n_event_report(
        self,
        dataset: Dataset | None,
        event_type: int,
        class_uid: str,
        instance_uid: str,
        msg_id: int = 1,
        meta_uid: str | None = None,
    ) -> tuple[Dataset, Dataset | None]:
        """N-EVENT-REPORT, as SCP: (status, event reply or None)."""
        context = self._context(meta_uid or class_uid, as_scp=True)
        request = n_event_report_request(
            msg_id, str(class_uid), str(instance_uid), event_type, with_data_set=bool(dataset)
        )
        return self._normalized(context, request, dataset)

    def send_n_get(
        self,
        identifier_list: Iterable[int],
        class_uid: str,
        instance_uid: str,
        msg_id: int = 1,
        meta_uid: str | None = None,
    ) -> tuple[Dataset, Dataset | None]:
        """N-GET of the attributes with these tags, of all if there are none: (status, attribute list or None)."""
        context = self._context(meta_uid or class_uid)
        return self._normalized(context, n_get_request(msg_id, str(class_uid), str(instance_uid), identifier_list))

    def send_n_set(
        self, dataset: Dataset, class_uid: str, instance_uid: str, msg_id: int = 1, meta_uid: str | None = None
    ) -> tuple[Dataset, Dataset | None]:
        """N-SET with the modification list `dataset`: (status, attribute list or None)."""
        context = self._context(meta_uid or class_uid)
        request = n_set_request(msg_id, str(class_uid), str(instance_uid))
        return self._normalized(context, request, dataset, always=True)

    def send_n_action(
        self,
        dataset: Dataset | None,
        action_type: int,
        class_uid: str,
        instance_uid: str,
        msg_id: int = 1,
        meta_uid: str | None = None,
    ) -> tuple[Dataset, Dataset | None]:
        """N-ACTION with the action information `dataset`: (status, action reply or None)."""
        context = self._context(meta_uid or class_uid)
        request = n_action_request(msg_id, str(class_uid), str(instance_uid), action_type, with_data_set=bool(dataset))
        return self._normalized(context, request, dataset)

    def send_n_create(
        self,
        dataset: Dataset | None,
        class_uid: str,
        instance_uid: str | None = None,
        msg_id: int = 1,
        meta_uid: str | None = None,
    ) -> tuple[Dataset, Dataset | None]:
        """N-CREATE with the attribute list `dataset`; without `instance_uid` the SCP names it: (status, list)."""
        context = self._context(meta_uid or class_uid)
        instance = None if instance_uid is None else str(instance_uid)
        request = n_create_request(msg_id, str(class_uid), instance, with_data_set=bool(dataset))
        return self._normalized(context, request, dataset)

    def send_n_delete(self, class_uid: str, instance_uid: str, msg_id: int = 1, meta_uid: str | None = None) -> Dataset:
        """N-DELETE: the status."""
        context = self._context(meta_uid or class_uid)
        request = n_delete_request(msg_id, str(class_uid), str(instance_uid))
        return self.invoke(context.context_id, request).status()

    def _normalized(
        self, context: AcceptedContext, request: Command, dataset: Dataset | None = None, *, always: bool = False
    ) -> tuple[Dataset, Dataset | None]:
        source = _encoded(dataset, context) if dataset is not None and (dataset or always) else None
        return self.invoke(context.context_id, request, source).status_and_data_set()

    # -- contexts

    def _check_established(self) -> None:
        if not self.is_established:
            raise RuntimeError("there must be an established association before a DIMSE service can be used")

    def _context(self, abstract_syntax: str, *, as_scp: bool = False) -> AcceptedContext:
        """The first accepted context of a SOP class in which we have the role."""
        self._check_established()
        for context in self.negotiated_contexts:
            if context.abstract_syntax == abstract_syntax and (context.as_scp if as_scp else context.as_scu):
                return context
        raise ValueError(_not_accepted(str(abstract_syntax)) + f" for the {'SCP' if as_scp else 'SCU'} role")


def _not_accepted(sop_class: str, transfer_syntax: str | None = None) -> str:
    encoding = f" in {UID(transfer_syntax).name}" if transfer_syntax else ""
    return f"no presentation context for {UID(sop_class).name!r}{encoding} was accepted by the peer"


# --- data sets -------------------------------------------------------------------------------------------------------

_SYNTAX_OF_ENCODING: Final = {
    (True, True): ImplicitVRLittleEndian,
    (False, True): ExplicitVRLittleEndian,
    (False, False): ExplicitVRBigEndian,
}


def transfer_syntax_of(dataset: Dataset) -> str | None:
    """What a data set was encoded in, as far as it says so."""
    meta = getattr(dataset, "file_meta", None)
    if meta is not None and "TransferSyntaxUID" in meta:
        return str(meta.TransferSyntaxUID)
    implicit, little = dataset.original_encoding
    return None if implicit is None or little is None else _SYNTAX_OF_ENCODING.get((implicit, little))


def _encoded(dataset: Dataset, context: AcceptedContext) -> BytesSource:
    """Raises ValueError where pydicom cannot."""
    try:
        return BytesSource(data_sets.encode(dataset, context.transfer_syntax))
    except Exception as error:
        raise ValueError(f"the data set cannot be encoded in {UID(context.transfer_syntax).name}: {error}") from error


def _title(title: str | bytes) -> str:
    return (title.decode("ascii") if isinstance(title, bytes) else title).strip()


_OF_STATUS: Final = {
    *("Status", "OffendingElement", "ErrorComment", "ErrorID", "AttributeIdentifierList"),
    *("NumberOfRemainingSuboperations", "NumberOfCompletedSuboperations"),
    *("NumberOfFailedSuboperations", "NumberOfWarningSuboperations"),
}
_STATUS: Final = [element for element in ELEMENTS if element.keyword in _OF_STATUS]


def status_of(response: Command | None) -> Dataset:
    """The status elements of a response; empty where there is none."""
    from pydicom import DataElement, Dataset

    status = Dataset()
    given = {} if response is None else vars(response)
    for number, keyword, vr in _STATUS:
        if given.get(keyword) is not None:
            status.add(DataElement(number, vr, given[keyword]))  # the number is the tag: the group is 0000
    return status


def _data_set_of(received: ResponseReceived) -> Dataset | None:
    sink = received.sink
    if not isinstance(sink, Spool):
        return None
    try:
        sink.flush()
        if sink.failure is not None:
            raise sink.failure
        with sink.open() as file:
            return data_sets.decode(file, received.context.transfer_syntax)
    except Exception as error:
        LOGGER.error("the data set of a %s cannot be decoded: %s", received.response.type, error)
        return None
    finally:
        sink.discard()


def _discard(received: ResponseReceived) -> None:
    if isinstance(received.sink, Spool):
        received.sink.discard()
