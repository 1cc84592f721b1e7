"""The head of an encoded data set (PS3.5 7): the values of a few UIDs and nothing more.

A data set is passed on as received; to name it and to check it against its command, only four UIDs are read. No
other value is decoded, none is kept, and what a length claims is skipped, never allocated.

The scanner is fed pieces cut anywhere. It does not judge: where a head makes no sense it stops, and whatever was
not found by then is missing. Raising is left to those who need a UID.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, NamedTuple, Union

from ul.sop_class import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    JPIPHTJ2KReferencedDeflate,
    JPIPReferencedDeflate,
)

Buffer = Union[bytes, bytearray, memoryview]

SOP_CLASS_UID: Final = 0x00080016
SOP_INSTANCE_UID: Final = 0x00080018
STUDY_INSTANCE_UID: Final = 0x0020000D
SERIES_INSTANCE_UID: Final = 0x0020000E
IDENTIFYING_UIDS: Final = frozenset({SOP_CLASS_UID, SOP_INSTANCE_UID, STUDY_INSTANCE_UID, SERIES_INSTANCE_UID})

# PS3.5 A.5, A.7 and A.10: the whole data set is one raw deflate stream of explicit VR little endian.
DEFLATED: Final = frozenset({DeflatedExplicitVRLittleEndian, JPIPReferencedDeflate, JPIPHTJ2KReferencedDeflate})

# PS3.5 Table 7.1-2: the VRs with a 16-bit length. Every other VR, known or yet to come, has a 32-bit one (7.1.1).
SHORT_VRS: Final = frozenset(b"AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US".split())
VRS: Final = SHORT_VRS.union(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())

ITEM: Final = 0xFFFEE000
ITEM_DELIMITATION: Final = 0xFFFEE00D
SEQUENCE_DELIMITATION: Final = 0xFFFEE0DD
DELIMITERS: Final = frozenset({ITEM, ITEM_DELIMITATION, SEQUENCE_DELIMITATION})
UNDEFINED_LENGTH: Final = 0xFFFFFFFF

LONGEST_UID: Final = 64  # PS3.5 9.1
WINDOW: Final = 4096  # Bytes looked at together: what a split element is joined from.
MAXIMUM_DEPTH: Final = 64  # Open sequences and items; real heads have fewer than ten.
MAXIMUM_ELEMENTS: Final = 16384  # Elements walked (about 10 ms): thousands of references in undefined length fit.
MAXIMUM_INFLATED: Final = 65536  # Bytes; deflate expands up to 1032:1.
INFLATED_TOGETHER: Final = 512  # Bytes: heads are found within the first few.

_Unpack = Callable[[Buffer, int], tuple[Any, ...]]


class _Encoding(NamedTuple):
    """How the header of an element is read: group, element, VR ("" if implicit), length; 8 bytes for a `plain` VR."""

    header: _Unpack
    plain: frozenset[bytes]
    long: _Unpack


_EXPLICIT_LITTLE: Final = _Encoding(struct.Struct("<HH2sH").unpack_from, SHORT_VRS, struct.Struct("<L").unpack_from)
_EXPLICIT_BIG: Final = _Encoding(struct.Struct(">HH2sH").unpack_from, SHORT_VRS, struct.Struct(">L").unpack_from)
_IMPLICIT_LITTLE: Final = _Encoding(
    struct.Struct("<HH0sL").unpack_from, frozenset({b""}), struct.Struct("<L").unpack_from
)
_NONE: Final[frozenset[bytes]] = frozenset()  # Inside of undefined length every element gets a closer look.


class ElementScanner:
    """Walks data elements and keeps the UIDs of the outermost level that are in `wanted`.

    `finished`: `last` was read or passed, the elements made no sense, or a bound was reached. `position`: the offset
    of the first element not walked over. `values`: what was found by tag, its padding stripped; of a value longer
    than a UID may be only so much that it shows.
    """

    __slots__ = (
        "_elements_left",
        "_encoding",
        "_last",
        "_nesting",
        "_outer_encoding",
        "_rest",
        "_skip",
        "_unknown_level",
        "_wanted",
        "finished",
        "position",
        "values",
    )

    def __init__(self, transfer_syntax_uid: str, wanted: frozenset[int], last: int) -> None:
        self._encoding = _EXPLICIT_BIG if transfer_syntax_uid == ExplicitVRBigEndian else _EXPLICIT_LITTLE
        self._outer_encoding = self._encoding
        self._wanted = wanted
        self._last = last
        self._elements_left = MAXIMUM_ELEMENTS
        self._nesting: list[int] = []  # The delimitation that each open sequence and item awaits.
        self._unknown_level = 0  # Depth of the outermost open UN of undefined length; 0 while there is none.
        self._rest = b""  # The beginning of an element that the pieces so far did not complete.
        self._skip = 0  # Bytes of a value still to come.
        self.finished = False
        self.position = 0
        self.values: dict[int, str] = {}

    def feed(self, piece: Buffer) -> None:
        """Looks at the next `piece` of the data set; it is not kept."""
        view = memoryview(piece)
        offset, size = 0, len(view)
        while offset < size and not self.finished:
            if self._skip:
                step = min(self._skip, size - offset)
                self._skip -= step
                offset += step
            else:
                window = bytes(view[offset : offset + WINDOW])  # of which slices and fields are cheaper than of a view
                offset += len(window)
                self._walk(self._rest + window if self._rest else window)

    def _walk(self, data: bytes) -> None:
        """Walks the elements that begin in `data`; what a skipped value lacks comes with later pieces."""
        if self.position == 0:
            self._recognise_vr(data[4:6])
        header, plain, _ = self._encoding
        wanted, last = self._wanted, self._last
        size = len(data)
        if self._nesting:
            plain = _NONE
        offset, left = 0, 0
        try:
            for left in range(self._elements_left, 0, -1):  # noqa: B007 - what is left outlives the loop
                group, element, vr, length = header(data, offset)
                tag = group << 16 | element
                if vr in plain and tag <= last and length != UNDEFINED_LENGTH:
                    following = offset + 8 + length
                    if tag not in wanted:
                        offset = following
                        continue
                    if length <= LONGEST_UID and following <= size:
                        self._take(tag, data[offset + 8 : following])
                        if tag == last:
                            self.finished = True
                            break
                        offset = following
                        continue
                following = self._look(data, offset, tag, vr, length)
                if self.finished or following == offset:
                    break
                offset = following
                header, plain, _ = self._encoding
                if self._nesting:
                    plain = _NONE
            else:
                self.finished = True
        except struct.error:  # The header goes on in the next piece.
            pass
        self._elements_left = left
        self.position += offset
        self._skip = max(offset - size, 0)
        self._rest = b"" if self.finished else data[offset:]

    def _recognise_vr(self, vr: bytes) -> None:
        """Senders name the wrong one of implicit and explicit VR; the first element tells (there is no VR "\\0\\0")."""
        if len(vr) == 2 and self._encoding is not _EXPLICIT_BIG:
            self._encoding = self._outer_encoding = _EXPLICIT_LITTLE if vr in VRS else _IMPLICIT_LITTLE

    def _look(self, data: bytes, offset: int, tag: int, vr: bytes, length: int) -> int:
        """Takes an element that is wanted, has a long header, undefined length, or stands inside or beyond.

        Returns the offset of the next one; its own where the walk pauses for more bytes or, `finished`, ends.
        """
        if tag > self._last and not self._nesting:
            self.finished = True
            return offset
        value = offset + 8
        if tag in DELIMITERS:  # PS3.5 7.5: items have no VR in any transfer syntax.
            (length,) = self._encoding.long(data, offset + 4)
        elif vr not in self._encoding.plain:
            if not (vr.isalpha() and vr.isupper()):
                self.finished = True
                return offset
            (length,) = self._encoding.long(data, offset + 8)
            value = offset + 12
        if self._nesting or length == UNDEFINED_LENGTH:
            length = self._step(tag, vr, length)
        elif tag in self._wanted:
            there = data[value : value + min(length, LONGEST_UID + 1)]
            if len(there) < min(length, LONGEST_UID + 1):
                return offset
            self._take(tag, there)
            self.finished = tag == self._last
        return value + length

    def _take(self, tag: int, value: bytes) -> None:
        self.values.setdefault(tag, value.decode("ascii", "replace").rstrip("\0 "))

    def _step(self, tag: int, vr: bytes, length: int) -> int:
        """Opens and closes what has undefined length; returns how many bytes of value to skip.

        Sequences (encapsulated pixel data likewise) hold items only, items elements only (PS3.5 7.5); an element that
        cannot stand where it stands ends the walk.
        """
        nesting = self._nesting
        in_sequence = bool(nesting) and nesting[-1] == SEQUENCE_DELIMITATION
        if nesting and tag == nesting[-1]:
            self._close()
            return 0
        if in_sequence != (tag == ITEM) or tag in (ITEM_DELIMITATION, SEQUENCE_DELIMITATION):
            self.finished = True
        elif length == UNDEFINED_LENGTH:
            self._open(ITEM_DELIMITATION if tag == ITEM else SEQUENCE_DELIMITATION, unknown=vr == b"UN")
            return 0
        return length

    def _open(self, delimitation: int, unknown: bool) -> None:
        self._nesting.append(delimitation)
        if len(self._nesting) > MAXIMUM_DEPTH:
            self.finished = True
        if unknown and not self._unknown_level:  # PS3.5 6.2.2: it holds implicit VR little endian whatever is outside.
            self._unknown_level = len(self._nesting)
            self._encoding = _IMPLICIT_LITTLE

    def _close(self) -> None:
        if len(self._nesting) == self._unknown_level:
            self._unknown_level = 0
            self._encoding = self._outer_encoding
        self._nesting.pop()


class InflatingScanner(ElementScanner):
    """The same for a deflated data set, of which at most MAXIMUM_INFLATED bytes are inflated."""

    __slots__ = ("_budget", "_inflater")

    def __init__(self, transfer_syntax_uid: str, wanted: frozenset[int], last: int) -> None:
        super().__init__(transfer_syntax_uid, wanted, last)
        self._inflater = zlib.decompressobj(wbits=-zlib.MAX_WBITS)  # Raw: PS3.5 A.5 refers to RFC 1951.
        self._budget = MAXIMUM_INFLATED

    def feed(self, piece: Buffer) -> None:
        view = memoryview(piece)
        for start in range(0, len(view), INFLATED_TOGETHER):
            if self.finished:
                break
            self._inflate(view[start : start + INFLATED_TOGETHER])

    def _inflate(self, deflated: memoryview) -> None:
        before = self._inflater.copy()
        try:
            head = self._inflater.decompress(deflated, self._budget)
            ends = self._inflater.eof
        except zlib.error:
            head, ends = _inflate_to_defect(before, deflated, self._budget), True
        super().feed(head)
        self._budget -= len(head)
        if self._budget == 0 or ends:
            self.finished = True


def _inflate_to_defect(inflater: zlib._Decompress, deflated: memoryview, budget: int) -> bytes:
    """What comes before a defect counts, byte by byte: it must not depend on how the stream was cut."""
    head = b""
    with suppress(zlib.error):
        for start in range(len(deflated)):
            if len(head) < budget:
                head += inflater.decompress(deflated[start : start + 1], budget - len(head))
    return head


def head_scanner(transfer_syntax_uid: str) -> ElementScanner:
    """A scanner for IDENTIFYING_UIDS of a data set; an unknown transfer syntax is explicit VR little endian, as all
    but the first one are (PS3.5 A.4)."""
    scanner = InflatingScanner if transfer_syntax_uid in DEFLATED else ElementScanner
    return scanner(transfer_syntax_uid, IDENTIFYING_UIDS, SERIES_INSTANCE_UID)
