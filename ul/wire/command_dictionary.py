"""The Command Dictionary: the elements of group 0000 (PS3.7 Annex E), and how the value of each is written and read.

One table, and one writer and one reader per VR. Which of them a message has, and how a command set is made of them, is
said in `ul.wire.command`. A command set is always implicit VR little endian (PS3.7 6.3.1).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from struct import Struct
from typing import Any, Final, NamedTuple

from ul.errors import ProtocolError


class Element(NamedTuple):
    """One element of group 0000: its element number, keyword and VR."""

    number: int
    keyword: str
    vr: str


# PS3.7 Table E.1-1 in ascending order, as it is sent. The group length (0000,0000) is reckoned, not kept.
# fmt: off
ELEMENTS: Final = (
    Element(0x0002, "AffectedSOPClassUID",                  "UI"),
    Element(0x0003, "RequestedSOPClassUID",                 "UI"),
    Element(0x0100, "CommandField",                         "US"),
    Element(0x0110, "MessageID",                            "US"),
    Element(0x0120, "MessageIDBeingRespondedTo",            "US"),
    Element(0x0600, "MoveDestination",                      "AE"),
    Element(0x0700, "Priority",                             "US"),
    Element(0x0800, "CommandDataSetType",                   "US"),
    Element(0x0900, "Status",                               "US"),
    Element(0x0901, "OffendingElement",                     "AT"),
    Element(0x0902, "ErrorComment",                         "LO"),
    Element(0x0903, "ErrorID",                              "US"),
    Element(0x1000, "AffectedSOPInstanceUID",               "UI"),
    Element(0x1001, "RequestedSOPInstanceUID",              "UI"),
    Element(0x1002, "EventTypeID",                          "US"),
    Element(0x1005, "AttributeIdentifierList",              "AT"),
    Element(0x1008, "ActionTypeID",                         "US"),
    Element(0x1020, "NumberOfRemainingSuboperations",       "US"),
    Element(0x1021, "NumberOfCompletedSuboperations",       "US"),
    Element(0x1022, "NumberOfFailedSuboperations",          "US"),
    Element(0x1023, "NumberOfWarningSuboperations",         "US"),
    Element(0x1030, "MoveOriginatorApplicationEntityTitle", "AE"),
    Element(0x1031, "MoveOriginatorMessageID",              "US"),
)
# fmt: on


# --- values: one writer and one reader per VR ------------------------------------------------------------------------

Writer = Callable[[Any], bytes]  # a value -> its element, tag and length included
Reader = Callable[[bytes], Any]  # the bytes of a value -> the value; None where they are empty and have no meaning

_TAG: Final = Struct("<HH")
HEADER: Final = Struct("<HHL")
US_ELEMENT: Final = Struct("<HHLH")


def _us_writer(number: int) -> Writer:
    return partial(US_ELEMENT.pack, 0, number, 2)


def _at_writer(number: int) -> Writer:
    def write(tags: list[int]) -> bytes:
        raw = b"".join([_TAG.pack(tag >> 16, tag & 0xFFFF) for tag in tags])
        return HEADER.pack(0, number, len(raw)) + raw

    return write


def _text_writer(pad: bytes, errors: str, number: int) -> Writer:
    pack = HEADER.pack

    def write(text: str) -> bytes:
        raw = text.encode("latin-1", errors)
        if len(raw) & 1:
            raw += pad
        return pack(0, number, len(raw)) + raw

    return write


def _read_us(raw: bytes) -> int | None:
    if len(raw) == 2:
        return raw[0] | raw[1] << 8
    if raw:
        raise ProtocolError(f"length {len(raw)}, not 2")
    return None


def _read_at(raw: bytes) -> list[int]:
    if len(raw) % 4:
        raise ProtocolError(f"length {len(raw)}, not a multiple of 4")
    return [group << 16 | element for group, element in _TAG.iter_unpack(raw)]


def read_uid(raw: bytes) -> str:
    """Trailing spaces are no UID's, but peers send them. Latin-1 keeps every byte for the judgement above."""
    return raw.decode("latin-1").rstrip("\0 ")


def _read_text(raw: bytes) -> str:
    return raw.decode("latin-1").strip("\0 ")


# An error comment is for people and holds what a handler said: what Latin-1 lacks is replaced there, refused elsewhere.
_WRITERS: Final[dict[str, Callable[[int], Writer]]] = {
    "UI": partial(_text_writer, b"\0", "strict"),
    "AE": partial(_text_writer, b" ", "strict"),
    "LO": partial(_text_writer, b" ", "replace"),
    "US": _us_writer,
    "AT": _at_writer,
}
READERS: Final[dict[str, Reader]] = {
    "UI": read_uid,
    "AE": _read_text,
    "LO": _read_text,
    "US": _read_us,
    "AT": _read_at,
    "": lambda raw: None,  # of elements that are not in the table
}


def remember_sop_classes(row: Element, function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """SOP class UIDs, unlike instance UIDs, recur in nearly every message: both directions remember them."""
    return lru_cache(maxsize=256)(function) if row.keyword.endswith("SOPClassUID") else function


ELEMENT_WRITERS: Final = [(row.keyword, remember_sop_classes(row, _WRITERS[row.vr](row.number))) for row in ELEMENTS]
