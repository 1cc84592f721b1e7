"""P-DATA-TF (PS3.8 9.3.5), written by hand because every image byte passes here. The other PDUs are in `pdu`.

Read: the body of a P-DATA-TF is cut into pieces of its PDVs as they arrive, without gathering and without a copy.
Write: headers and fragments come out side by side, for one scatter/gather send.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

from ul.errors import ProtocolError, UsageError
from ul.pdu_primitives import PDV
from ul.wire.pdu import HEADER, P_DATA_TF

_PDV_HEADER: Final = struct.Struct(">LBB")  # item length, presentation context id, message control header
_BOTH_HEADERS: Final = struct.Struct(">BxLLBB")  # that of the PDU and that of its first PDV
_PDV_HEADER_LENGTH: Final = 6
HEADERS_LENGTH: Final = _BOTH_HEADERS.size
_NOT_LAST: Final = 0xFD  # message control header without its bit 1 (PS3.8 E.2)

# Below this a fragment is copied behind its header: an iovec entry costs a system call more than the copy does.
_JOINED_BELOW: Final = 512


def read_whole(view: memoryview, start: int, end: int, maximum_length: int) -> PDV | None:
    """The PDV of the P-DATA-TF that begins at `start`, if it is the only one and all of it is here.

    That is what nearly every peer sends, nearly every time. None for everything else, which `PDataReader` reads.
    """
    begin = start + HEADERS_LENGTH
    if begin > end:
        return None
    pdu_type, length, item_length, context_id, control = _BOTH_HEADERS.unpack_from(view, start)
    if pdu_type != P_DATA_TF or item_length != length - 4 or not _PDV_HEADER_LENGTH <= length <= maximum_length:
        return None
    stop = begin + length - _PDV_HEADER_LENGTH
    return (context_id, control, view[begin:stop]) if stop <= end else None


class PDataReader:
    """Cuts P-DATA-TF bodies into PDVs or, where the bytes at hand end, into pieces of them.

    Joined, the pieces read the same however the stream was cut: a piece that does not end its PDV has its last bit
    cleared, and no piece is empty unless its PDV is.
    """

    __slots__ = ("_context_id", "_control", "_fragment", "remaining")

    def __init__(self) -> None:
        self.remaining = 0  # bytes of the P-DATA-TF still to come
        self._fragment = 0  # bytes of the present PDV's fragment still to come; 0: a PDV header is next
        self._context_id = 0
        self._control = 0

    def begin(self, length: int, view: memoryview, start: int, end: int) -> tuple[list[PDV], int]:
        """Begin a P-DATA-TF whose header announced `length` bytes; then as `read`."""
        if length < _PDV_HEADER_LENGTH:
            raise ProtocolError(f"P-DATA-TF: {length} bytes hold no presentation data value")
        self.remaining = length
        self._fragment = 0
        return self.read(view, start, end)

    def abandon(self) -> None:
        """Forget the P-DATA-TF under way."""
        self.remaining = 0

    def read(self, view: memoryview, start: int, end: int) -> tuple[list[PDV], int]:
        """The pieces that lie in `view[start:end]`, and the offset up to which the view was used.

        Raises ProtocolError for a PDV shorter than its own header, past the end of its PDU, or cut off by it. The
        pieces before a fault are returned first and the next call raises, so that no cut of the stream loses them.
        """
        remaining, fragment = self.remaining, self._fragment
        pieces: list[PDV] = []
        context_id, control = self._context_id, self._control
        fault = ""
        while remaining:
            if not fragment:
                if remaining < _PDV_HEADER_LENGTH:
                    fault = f"P-DATA-TF: {remaining} bytes left over behind its last presentation data value"
                    break
                if end - start < _PDV_HEADER_LENGTH:
                    break
                length, context_id, control = _PDV_HEADER.unpack_from(view, start)
                if not 2 <= length <= remaining - 4:
                    fault = f"P-DATA-TF: item length {length} with {remaining - 4} bytes left of the PDU"
                    break
                start += _PDV_HEADER_LENGTH
                remaining -= _PDV_HEADER_LENGTH
                fragment = length - 2
            stop = start + fragment
            if stop > end:
                if start < end:
                    pieces.append((context_id, control & _NOT_LAST, view[start:end]))
                    remaining -= end - start
                    fragment = stop - end
                    start = end
                break
            pieces.append((context_id, control, view[start:stop]))
            remaining -= fragment
            fragment = 0
            start = stop
        if fault and not pieces:
            raise ProtocolError(fault)
        self.remaining, self._fragment = remaining, fragment
        self._context_id, self._control = context_id, control
        return pieces, start


def encode(pdvs: Sequence[PDV]) -> list[bytes | bytearray | memoryview]:
    """One P-DATA-TF with these PDVs, as buffers to send one behind the other. Large fragments are not copied.

    Raises UsageError if there is no PDV or one that no header can describe.
    """
    try:
        if len(pdvs) != 1:
            return _encode_several(pdvs)
        context_id, control, fragment = pdvs[0]
        size = len(fragment)
        header = _BOTH_HEADERS.pack(P_DATA_TF, size + 6, size + 2, context_id, control)
    except struct.error as error:
        raise UsageError(f"P-DATA: a presentation data value that cannot be encoded: {error}") from None
    if size < _JOINED_BELOW:
        return [header + fragment]
    return [header, fragment]


def _encode_several(pdvs: Sequence[PDV]) -> list[bytes | bytearray | memoryview]:
    if not pdvs:
        raise UsageError("P-DATA: a request carries at least one presentation data value")
    length = sum(len(fragment) + _PDV_HEADER_LENGTH for _, _, fragment in pdvs)
    buffers: list[bytes | bytearray | memoryview] = []
    head = HEADER.pack(P_DATA_TF, length)
    for context_id, control, fragment in pdvs:
        head += _PDV_HEADER.pack(len(fragment) + 2, context_id, control)
        if len(head) + len(fragment) < _JOINED_BELOW:
            head += fragment
        else:
            buffers += (head, fragment)
            head = b""
    if head:
        buffers.append(head)
    return buffers
