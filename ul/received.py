"""A request as it was received, command and encoded data set, in the form in which handlers read it.

Where the data set is kept while the handler runs is the shells' business: they bring a ReceivedDataSet.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Protocol

from ul.acse import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from ul.uid import UID
from ul.wire.command import (
    C_FIND_RQ,
    C_GET_RQ,
    C_MOVE_RQ,
    C_STORE_RQ,
    N_ACTION_RQ,
    N_CREATE_RQ,
    N_EVENT_REPORT_RQ,
    N_SET_RQ,
    Command,
    MessageType,
)
from ul.wire.part10 import encode_preface

if TYPE_CHECKING:
    from pathlib import Path


class ReceivedDataSet(Protocol):
    """The whole encoded data set of a request as a shell keeps it, in memory or in a file, while the handler runs."""

    def getvalue(self, before: bytes = b"") -> bytes:
        """All of it, behind `before`."""

    def open(self) -> BinaryIO:
        """A file of its own for the caller, at the beginning of the data set."""

    def path(self) -> Path:
        """A DICOM file of `preface` and this; it may be moved away, and is gone when the handler returns."""


def preface(request: Command, transfer_syntax: str) -> bytes:
    """What stands before the data set of a C-STORE request in a DICOM file of this library's."""
    instance = request.AffectedSOPClassUID, request.AffectedSOPInstanceUID, transfer_syntax
    return encode_preface(*instance, IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME)


# PS3.7 9.1, 10.1: what each request calls its data set
_DATA_SET_OF: Final[dict[MessageType, str]] = {
    C_STORE_RQ: "DataSet",
    C_FIND_RQ: "Identifier",
    C_GET_RQ: "Identifier",
    C_MOVE_RQ: "Identifier",
    N_ACTION_RQ: "ActionInformation",
    N_CREATE_RQ: "AttributeList",
    N_EVENT_REPORT_RQ: "EventInformation",
    N_SET_RQ: "ModificationList",
}


class Request:
    """A request as handlers read it: its elements by keyword, UIDs with their names, its data set as BytesIO.

    An element that the message may have and has not is None; another keyword raises AttributeError. The BytesIO, under
    the name that PS3.7 has for it (DataSet, Identifier, AttributeList ...), is made when it is asked for, in memory
    however large it is; it may be replaced by another one.
    """

    if TYPE_CHECKING:  # its data set may be replaced, under whichever name it has

        def __setattr__(self, keyword: str, value: Any) -> None: ...

    def __init__(self, command: Command, data_set: ReceivedDataSet | None = None, context_id: int = 0) -> None:
        self.command = command
        self.received = data_set
        self._copy: BytesIO | None = None  # of what was received
        self._context_id = context_id

    @property
    def msg_type(self) -> str:
        """C-STORE of C-STORE-RQ."""
        return self.command.type.name.removesuffix("-RQ")

    def __getattr__(self, keyword: str) -> Any:
        if keyword.startswith("_"):  # of copy and pickle, which ask before there is a command
            raise AttributeError(keyword)
        message = self.command.type
        if keyword in message.elements:
            value = getattr(self.command, keyword)
            return UID(value) if keyword.endswith("UID") and value is not None else value
        if keyword != _DATA_SET_OF.get(message):
            raise AttributeError(f"{message} has no {keyword}")
        if self.received is None:
            return None
        self._copy = BytesIO(self.received.getvalue())
        setattr(self, keyword, self._copy)
        return self._copy

    @property
    def encoded(self) -> ReceivedDataSet | BytesIO | None:
        """The data set as it was received, or what a handler put in its place; None where the request has none."""
        present = vars(self).get(_DATA_SET_OF.get(self.command.type, ""))
        return self.received if present is self._copy else present
