"""The client side of PS3.7 and PS3.8 as bytes made once and patched in place.

Only what a load generator sends and reads: association requests, C-ECHO-RQ, C-STORE-RQ and the answers to them. No
sockets here. Answers are read for real (context, command field, message ID, status), never assumed.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator, Sequence
from functools import lru_cache
from io import BytesIO
from typing import Final, NamedTuple

from pydicom._uid_dict import UID_dictionary
from pydicom.dataset import Dataset
from pydicom.filebase import DicomIO
from pydicom.filewriter import write_dataset

Buffer = bytes | bytearray | memoryview

A_ASSOCIATE_AC: Final = 2
A_ASSOCIATE_RJ: Final = 3
P_DATA_TF: Final = 4
A_RELEASE_RP: Final = 6
A_ABORT: Final = 7

C_STORE_RQ: Final = 0x0001
C_ECHO_RQ: Final = 0x0030
RESPONSE: Final = 0x8000  # PS3.7 E.1: a response's command field is the request's with this bit set
NO_DATA_SET: Final = 0x0101

VERIFICATION: Final = "1.2.840.10008.1.1"
CT_IMAGE_STORAGE: Final = "1.2.840.10008.5.1.4.1.1.2"
IMPLICIT_VR_LITTLE_ENDIAN: Final = "1.2.840.10008.1.2"
EXPLICIT_VR_LITTLE_ENDIAN: Final = "1.2.840.10008.1.2.1"
UNCOMPRESSED: Final = (EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN)
APPLICATION_CONTEXT: Final = "1.2.840.10008.3.1.1.1"
UID_ROOT: Final = "1.2.826.0.1.3680043.8.498"
MEDICAL_IMAGES: Final = "1.2.840.10008.5.1.4.1.1."

LARGEST_PDU: Final = 128 * 1024  # what the generator makes at most, whatever the peer would take
A_RELEASE_RQ_PDU: Final = struct.pack(">BxLL", 5, 4, 0)

HEADER = struct.Struct(">BxL")
PDV_HEADER = struct.Struct(">LBB")
ITEM = struct.Struct(">BxH")
ELEMENT = struct.Struct("<HHL")
UNSIGNED_SHORT = struct.Struct("<H")
LAST, COMMAND = 2, 1


class PeerError(Exception):
    """The peer did not do what a correct peer does. Counted and reported by its text."""


# ---------------------------------------------------------------------------------------------- A-ASSOCIATE


def _item(item_type: int, value: bytes) -> bytes:
    return ITEM.pack(item_type, len(value)) + value


def _presentation_context(context_id: int, abstract_syntax: str, syntaxes: Sequence[str]) -> bytes:
    items = _item(0x30, abstract_syntax.encode()) + b"".join(_item(0x40, syntax.encode()) for syntax in syntaxes)
    return _item(0x20, bytes((context_id, 0, 0, 0)) + items)


def associate_request(abstract_syntaxes: Sequence[str], called: str, syntaxes: Sequence[str] = UNCOMPRESSED) -> bytes:
    """A whole A-ASSOCIATE-RQ: one presentation context for each abstract syntax, with the identifiers 1, 3, 5 ..."""
    contexts = b"".join(_presentation_context(2 * i + 1, uid, syntaxes) for i, uid in enumerate(abstract_syntaxes))
    user = (
        _item(0x51, struct.pack(">L", LARGEST_PDU)) + _item(0x52, (UID_ROOT + ".1.1").encode()) + _item(0x55, b"BENCH")
    )
    titles = called.encode().ljust(16) + b"BENCH".ljust(16)
    body = struct.pack(">Hxx", 1) + titles + bytes(32) + _item(0x10, APPLICATION_CONTEXT.encode()) + contexts
    body += _item(0x50, user)
    return HEADER.pack(1, len(body)) + body


def storage_sop_classes() -> list[str]:
    """Every storage SOP class of the standard that is not retired, in a fixed order."""
    return sorted(
        uid
        for uid, (name, kind, _, retired, _) in UID_dictionary.items()
        if uid.startswith(MEDICAL_IMAGES) and kind == "SOP Class" and "Storage" in name and not retired
    )


class Accepted(NamedTuple):
    maximum_length: int  # of the PDUs that the peer takes, capped at ours
    transfer_syntaxes: dict[int, str]  # of the accepted contexts, by their identifiers


def _items(data: bytes, offset: int) -> Iterator[tuple[int, bytes]]:
    while offset < len(data):
        item_type, length = ITEM.unpack_from(data, offset)
        offset += ITEM.size
        yield item_type, data[offset : offset + length]
        offset += length


@lru_cache(maxsize=16)
def read_associate_answer(pdu_type: int, body: bytes) -> Accepted:
    """What an A-ASSOCIATE-AC accepted; PeerError for anything else."""
    if pdu_type == A_ASSOCIATE_RJ:
        raise PeerError(f"association rejected: result {body[1]}, source {body[2]}, reason {body[3]}")
    expect(pdu_type, A_ASSOCIATE_AC, body)
    maximum_length, syntaxes = 0, {}
    for item_type, value in _items(body, 68):
        if item_type == 0x21 and value[2] == 0:
            syntaxes[value[0]] = next(uid for kind, uid in _items(value, 4) if kind == 0x40).rstrip(b"\0").decode()
        elif item_type == 0x50:
            maximum_length = next(int.from_bytes(size, "big") for kind, size in _items(value, 0) if kind == 0x51)
    return Accepted(min(maximum_length or LARGEST_PDU, LARGEST_PDU), syntaxes)


def first_context(accepted: Accepted, transfer_syntax: str | None = None) -> int:
    """The identifier of the first context proposed, if it was accepted (in the transfer syntax, where one is named)."""
    chosen = accepted.transfer_syntaxes.get(1)
    if chosen is None:
        raise PeerError("the presentation context was not accepted")
    if transfer_syntax not in (None, chosen):
        raise PeerError(f"accepted with transfer syntax {chosen}, not {transfer_syntax}")
    return 1


def expect(pdu_type: int, expected: int, body: bytes) -> None:
    if pdu_type == expected:
        return
    if pdu_type == A_ABORT:
        raise PeerError(f"aborted: source {body[2]}, reason {body[3]}")
    raise PeerError(f"PDU of type {pdu_type} where {expected} was due")


# ----------------------------------------------------------------------------------------------------- DIMSE


def _element(element: int, value: bytes) -> bytes:
    return ELEMENT.pack(0, element, len(value)) + value


def _uid(uid: str) -> bytes:
    return uid.encode() + b"\0" * (len(uid) % 2)


def _command(*elements: bytes) -> bytes:
    body = b"".join(elements)
    return _element(0x0000, struct.pack("<L", len(body))) + body


def _us(element: int, value: int) -> bytes:
    return _element(element, UNSIGNED_SHORT.pack(value))


MESSAGE_ID = _element(0x0110, b"\0\0")


def echo_command() -> bytes:
    return _command(_element(0x0002, _uid(VERIFICATION)), _us(0x0100, C_ECHO_RQ), MESSAGE_ID, _us(0x0800, NO_DATA_SET))


def store_command(sop_instance_uid: str) -> bytes:
    return _command(
        _element(0x0002, _uid(CT_IMAGE_STORAGE)),
        _us(0x0100, C_STORE_RQ),
        MESSAGE_ID,
        _us(0x0700, 0),
        _us(0x0800, 0),
        _element(0x1000, _uid(sop_instance_uid)),
    )


def p_data(context_id: int, control_header: int, fragment: bytes) -> bytes:
    """One P-DATA-TF that holds one PDV."""
    pdv = PDV_HEADER.pack(len(fragment) + 2, context_id, control_header)
    return HEADER.pack(P_DATA_TF, len(pdv) + len(fragment)) + pdv + fragment


def fragment_size(maximum_length: int) -> int:
    """The largest even fragment that a P-DATA-TF of this maximum length carries."""
    return (maximum_length - PDV_HEADER.size) & ~1


def fragments(context_id: int, data: bytes, maximum_length: int, *, last: bool) -> bytes:
    """A data set, or its beginning, as P-DATA-TFs, each as large as the peer takes."""
    size = fragment_size(maximum_length)
    return b"".join(
        p_data(context_id, LAST if last and start + size >= len(data) else 0, data[start : start + size])
        for start in range(0, len(data), size)
    )


def read_response(pdu_type: int, body: bytes) -> tuple[int, int, int]:
    """(command field, message ID responded to, status) of a response that is one whole command PDV."""
    expect(pdu_type, P_DATA_TF, body)
    length, _, control_header = PDV_HEADER.unpack_from(body)
    if control_header != COMMAND | LAST or length + 4 != len(body):
        raise PeerError("a response that is not one whole command PDV")
    offset, end = PDV_HEADER.size, len(body)
    found = {0x0100: -1, 0x0120: -1, 0x0900: -1}
    while offset < end:
        _, element, length = ELEMENT.unpack_from(body, offset)
        offset += ELEMENT.size
        if element in found:
            (found[element],) = UNSIGNED_SHORT.unpack_from(body, offset)
        offset += length
    return found[0x0100], found[0x0120], found[0x0900]


# --------------------------------------------------------------------------------------------------- messages


class Message:
    """A request that is sent again and again, each time with its next message ID. The head is this lane's own and is
    patched; the tail is shared by all lanes and never touched."""

    def __init__(self, command_field: int, head: bytearray, tail: memoryview) -> None:
        self.expected = command_field | RESPONSE
        self._buffers: list[Buffer] = [head, tail] if tail else [head]
        self._head = head
        self._message_id_offset = head.index(MESSAGE_ID) + ELEMENT.size
        self._message_id = 0

    def next(self) -> list[Buffer]:
        self._message_id = self._message_id % 0xFFFF + 1
        UNSIGNED_SHORT.pack_into(self._head, self._message_id_offset, self._message_id)
        return self._buffers

    def check(self, pdu_type: int, body: bytes) -> int:
        """The status of the answer. PeerError where it is no answer to the request sent last."""
        command_field, message_id, status = read_response(pdu_type, body)
        if command_field != self.expected or message_id != self._message_id:
            raise PeerError(f"response {command_field:04X}H to message {message_id}, not to ours")
        return status


class EchoMessage(Message):
    def __init__(self, context_id: int) -> None:
        super().__init__(C_ECHO_RQ, bytearray(p_data(context_id, COMMAND | LAST, echo_command())), memoryview(b""))


def _unique_number() -> str:
    return f"1{random.SystemRandom().randrange(10**12):012d}"  # no leading zero: PS3.5 9.1


SERIES_UID = f"{UID_ROOT}.{_unique_number()}.1000"
INSTANCE_UID = f"{UID_ROOT}.{_unique_number()}.1000000000000"
COUNTER_WIDTH, LANE_WIDTH = 9, 3


class StoreMessage(Message):
    """A C-STORE-RQ with its data set: every lane its own series, every message its own SOP Instance UID."""

    def __init__(self, template: StoreTemplate, lane: int) -> None:
        head = bytearray(template.head)
        number = f"{lane:0{LANE_WIDTH}d}"
        self._counters = [at + len(INSTANCE_UID) - COUNTER_WIDTH for at in _occurrences(head, INSTANCE_UID.encode())]
        patch(head, SERIES_UID, number)
        patch(head, INSTANCE_UID, number + "0" * COUNTER_WIDTH)
        self._count = 0
        super().__init__(C_STORE_RQ, head, template.tail)

    def next(self) -> list[Buffer]:
        self._count += 1
        digits = b"%0*d" % (COUNTER_WIDTH, self._count)
        for at in self._counters:
            self._head[at : at + COUNTER_WIDTH] = digits
        return super().next()


class StoreTemplate:
    """A C-STORE-RQ cut for one maximum PDU length, in a head that holds all that changes and a tail that does not.

    Without `whole` more fragments of the data set follow, of the caller's making.
    """

    def __init__(self, context_id: int, data_set: bytes, maximum_length: int, *, whole: bool = True) -> None:
        command = p_data(context_id, COMMAND | LAST, store_command(INSTANCE_UID))
        encoded = command + fragments(context_id, data_set, maximum_length, last=whole)
        instances, series = (_occurrences(encoded, uid.encode()) for uid in (INSTANCE_UID, SERIES_UID))
        if (len(instances), len(series)) != (2, 1):
            raise PeerError(f"a maximum PDU length of {maximum_length} cuts a UID in two: it cannot be patched")
        cut = series[0] + len(SERIES_UID)
        self.head = encoded[:cut]
        self.tail = memoryview(encoded)[cut:]


def _occurrences(data: bytes | bytearray, what: bytes) -> list[int]:
    found, at = [], data.find(what)
    while at >= 0:
        found.append(at)
        at = data.find(what, at + 1)
    return found


def patch(data: bytearray, uid: str, ending: str) -> None:
    for at in _occurrences(data, uid.encode()):
        end = at + len(uid)
        data[end - len(ending) : end] = ending.encode()


# -------------------------------------------------------------------------------------------------- data sets


def ct_image_head(rows: int, columns: int) -> bytes:
    """A synthetic CT image in Explicit VR Little Endian, up to and with the length of its pixel data."""
    image = Dataset()
    image.SpecificCharacterSet = "ISO_IR 100"
    image.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    image.SOPClassUID, image.SOPInstanceUID = CT_IMAGE_STORAGE, INSTANCE_UID
    image.StudyDate, image.StudyTime, image.AccessionNumber, image.Modality = "20240101", "120000", "BENCH1", "CT"
    image.Manufacturer = "Synthetic"
    image.ReferringPhysicianName = ""
    image.PatientName, image.PatientID, image.PatientBirthDate, image.PatientSex = "Bench^Mark", "BENCH", "", "O"
    image.SliceThickness, image.KVP = "1", "120"
    image.StudyInstanceUID, image.SeriesInstanceUID = INSTANCE_UID[: -COUNTER_WIDTH - LANE_WIDTH - 1] + "2", SERIES_UID
    image.StudyID, image.SeriesNumber, image.InstanceNumber = "1", "1", "1"
    image.ImagePositionPatient, image.ImageOrientationPatient = [0, 0, 0], [1, 0, 0, 0, 1, 0]
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.Rows, image.Columns, image.PixelSpacing = rows, columns, [1, 1]
    image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 16, 12, 11, 0
    image.RescaleIntercept, image.RescaleSlope = "-1024", "1"
    return _encode(image) + struct.pack("<HH2sxxL", 0x7FE0, 0x0010, b"OW", rows * columns * 2)


def _encode(data_set: Dataset) -> bytes:
    encoded = BytesIO()
    buffer = DicomIO(encoded)
    buffer.is_little_endian, buffer.is_implicit_VR = True, False
    write_dataset(buffer, data_set)
    return encoded.getvalue()


def ct_image(rows: int, columns: int) -> bytes:
    pixels = bytearray(random.Random(0).randbytes(rows * columns * 2))
    pixels[1::2] = bytes(high & 0x0F for high in pixels[1::2])  # 12 bits stored
    return ct_image_head(rows, columns) + pixels


def ct_image_of_1_kib() -> bytes:
    columns = 2
    rows = (1024 - len(ct_image_head(0, columns))) // (2 * columns)
    return ct_image(rows, columns)


def ct_image_of_512_kib() -> bytes:
    return ct_image(512, 512)
