"""DICOM files (PS3.10 7): the preamble and group 0002 before a data set, written and found. No files are opened here.

What is written is ours from the first byte on: the preamble is zero (a peer's could make the file an executable too)
and group 0002 says what the association negotiated. The data set behind it is never touched.
"""

from __future__ import annotations

import functools
import struct
from typing import BinaryIO, Final, NamedTuple

from ul.errors import UsageError
from ul.sop_class import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from ul.wire.dataset import DEFLATED, SOP_CLASS_UID, SOP_INSTANCE_UID, VRS, Buffer, ElementScanner, head_scanner

PREAMBLE: Final = bytes(128)
PREFIX: Final = b"DICM"
META_OFFSET: Final = len(PREAMBLE + PREFIX)

MEDIA_STORAGE_SOP_CLASS_UID: Final = 0x00020002
MEDIA_STORAGE_SOP_INSTANCE_UID: Final = 0x00020003
TRANSFER_SYNTAX_UID: Final = 0x00020010
IMPLEMENTATION_CLASS_UID: Final = 0x00020012
IMPLEMENTATION_VERSION_NAME: Final = 0x00020013
SOURCE_APPLICATION_ENTITY_TITLE: Final = 0x00020016
END_OF_GROUP: Final = 0x0002FFFF

LARGEST_PREFACE: Final = 65536  # Bytes: only private information (0002,0102) could exceed it.

_GROUP_LENGTH_ELEMENT: Final = struct.Struct("<HH2sHL")
_VERSION: Final = struct.pack("<HH2sHL2s", 0x0002, 0x0001, b"OB", 0, 2, b"\0\1")
_SHORT_HEADER: Final = struct.Struct("<HH2sH")


def encode_preface(
    sop_class_uid: str,
    sop_instance_uid: str,
    transfer_syntax_uid: str,
    implementation_class_uid: str,
    implementation_version_name: str = "",
    source_ae_title: str = "",
) -> bytes:
    """Preamble, prefix and File Meta Information (PS3.10 Table 7.1-1): everything before the data set."""
    before, after = _around_instance(
        sop_class_uid, transfer_syntax_uid, implementation_class_uid, implementation_version_name, source_ae_title
    )
    instance = _element(MEDIA_STORAGE_SOP_INSTANCE_UID, b"UI", sop_instance_uid)
    length = len(before) + len(instance) + len(after)
    group_length = _GROUP_LENGTH_ELEMENT.pack(0x0002, 0x0000, b"UL", 4, length)
    return b"".join((PREAMBLE, PREFIX, group_length, before, instance, after))


@functools.lru_cache(maxsize=256)
def _around_instance(
    sop_class_uid: str,
    transfer_syntax_uid: str,
    implementation_class_uid: str,
    implementation_version_name: str,
    source_ae_title: str,
) -> tuple[bytes, bytes]:
    """Group 0002 before and after the one element that differs between the instances of an association."""
    before = _VERSION + _element(MEDIA_STORAGE_SOP_CLASS_UID, b"UI", sop_class_uid)
    after = _element(TRANSFER_SYNTAX_UID, b"UI", transfer_syntax_uid)
    after += _element(IMPLEMENTATION_CLASS_UID, b"UI", implementation_class_uid)
    if implementation_version_name.strip():
        after += _element(IMPLEMENTATION_VERSION_NAME, b"SH", implementation_version_name.strip()[:16])
    if source_ae_title.strip():
        after += _element(SOURCE_APPLICATION_ENTITY_TITLE, b"AE", source_ae_title.strip()[:16])
    return before, after


def _element(tag: int, vr: bytes, text: str) -> bytes:
    value = text.encode("ascii", "replace")
    if len(value) % 2:
        value += b"\0" if vr == b"UI" else b" "
    return _SHORT_HEADER.pack(tag >> 16, tag & 0xFFFF, vr, len(value)) + value


class FileHead(NamedTuple):
    """Where a file's data set begins, in bytes, and what it is: by group 0002 or by its own UIDs, "" where missing."""

    data_set_offset: int
    transfer_syntax_uid: str
    sop_class_uid: str
    sop_instance_uid: str


def read_preface(head: Buffer) -> FileHead:
    """Finds the data set in a file by its first LARGEST_PREFACE bytes (or all of them where it is smaller).

    The UIDs are those of group 0002.

    Files without preamble, without group 0002 or without both are read, too; where no transfer syntax is given, the
    first element shows it. Raises UsageError where this is no DICOM file.
    """
    start = META_OFFSET if head[len(PREAMBLE) : META_OFFSET] == PREFIX else 0
    meta = ElementScanner(ExplicitVRLittleEndian, _META, END_OF_GROUP)
    meta.feed(head[start:])
    values = meta.values
    offset = start + meta.position
    transfer_syntax_uid = values.get(TRANSFER_SYNTAX_UID, "")
    if transfer_syntax_uid in DEFLATED:
        offset = _declared_end(head, start, offset)
    elif not transfer_syntax_uid:
        transfer_syntax_uid = _recognise_transfer_syntax(head[offset : offset + 6])
    return FileHead(
        offset,
        transfer_syntax_uid,
        values.get(MEDIA_STORAGE_SOP_CLASS_UID, ""),
        values.get(MEDIA_STORAGE_SOP_INSTANCE_UID, ""),
    )


_META: Final = frozenset({MEDIA_STORAGE_SOP_CLASS_UID, MEDIA_STORAGE_SOP_INSTANCE_UID, TRANSFER_SYNTAX_UID})


def _declared_end(head: Buffer, start: int, walked: int) -> int:
    """The end of group 0002 by its group length: a deflate stream could pass for one more element of the group.

    Before any other data set the walk is right and the group length, often enough, is not.
    """
    try:
        group, element, _, _, length = _GROUP_LENGTH_ELEMENT.unpack_from(head, start)
    except struct.error:
        return walked
    declared: int = start + _GROUP_LENGTH_ELEMENT.size + length
    return declared if (group, element) == (0x0002, 0x0000) and declared <= len(head) else walked


def _recognise_transfer_syntax(first: Buffer) -> str:
    """By the first six bytes of a data set that begins with group 0008, as every stored instance does."""
    group, vr = bytes(first[:2]), bytes(first[4:6])
    if group == b"\x08\x00":
        return ExplicitVRLittleEndian if vr in VRS else ImplicitVRLittleEndian
    if group == b"\x00\x08" and vr in VRS:
        return ExplicitVRBigEndian
    raise UsageError("not a DICOM file, or one that does not say what its transfer syntax is")


def read_head(file: BinaryIO) -> FileHead:
    """Reads as much of a DICOM file as shows how to send it; the position in `file` is then undefined.

    The UIDs are the data set's own: group 0002 may have others.

    Raises UsageError where this is no DICOM file, OSError where it cannot be read.
    """
    piece = file.read(LARGEST_PREFACE)
    preface = read_preface(piece)
    scanner = head_scanner(preface.transfer_syntax_uid)
    if preface.data_set_offset > len(piece):
        file.seek(preface.data_set_offset)
    scanner.feed(memoryview(piece)[preface.data_set_offset :])
    while not scanner.finished and (piece := file.read(LARGEST_PREFACE)):
        scanner.feed(piece)
    return FileHead(
        preface.data_set_offset,
        preface.transfer_syntax_uid,
        scanner.values.get(SOP_CLASS_UID, ""),
        scanner.values.get(SOP_INSTANCE_UID, ""),
    )
