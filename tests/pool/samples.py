"""Instances for tests: real ones out of pydicom's wheel, and encoded data sets that say what a test wants."""

from __future__ import annotations

import functools
import struct
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pydicom
from pydicom.errors import InvalidDicomError
from pynetdicom.dsutils import split_dataset

from ul.sop_class import CTImageStorage, ExplicitVRLittleEndian

STUDY, SERIES, INSTANCE = "1.2.3", "1.2.3.4", "1.2.3.4.5"


class Content(NamedTuple):
    """What must not change on the way from a sender's file to ours."""

    sop_instance_uid: str
    transfer_syntax_uid: str
    data_set: bytes


class Sample(NamedTuple):
    """A real file. What is known of it comes from pydicom and pynetdicom, not from what is tested."""

    path: Path
    sop_class_uid: str
    content: Content
    group_0002_is_right: bool  # its UIDs are the data set's


def content_of(path: Path) -> Content:
    """A stored file as others read it: UID and transfer syntax of group 0002, and the bytes behind it."""
    meta, offset = split_dataset(path)
    return Content(meta.MediaStorageSOPInstanceUID, meta.TransferSyntaxUID, path.read_bytes()[offset:])


def contents_of(paths: Iterable[Path]) -> set[Content]:
    """What several stored files hold."""
    return {content_of(path) for path in paths}


@functools.cache
def samples() -> tuple[Sample, ...]:
    """Every file of pydicom's wheel with SOP class and instance UID that names its transfer syntax."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # several are there because something is wrong with them
        found = [_sample(path) for path in sorted((Path(pydicom.__file__).parent / "data").rglob("*"))]
    return tuple(sample for sample in found if sample is not None)


def _sample(path: Path) -> Sample | None:
    if not path.is_file():
        return None
    try:
        dataset = pydicom.dcmread(path, stop_before_pixels=True)
    except InvalidDicomError:
        return None
    uids = dataset.get("SOPClassUID"), dataset.get("SOPInstanceUID")
    if not all(uids):
        return None
    meta, offset = split_dataset(path)
    is_right = uids == (meta.get("MediaStorageSOPClassUID"), meta.get("MediaStorageSOPInstanceUID"))
    return Sample(path, uids[0], Content(uids[1], meta.TransferSyntaxUID, path.read_bytes()[offset:]), is_right)


def encoded(
    sop_instance_uid: str = INSTANCE,
    pixels: bytes = b"",
    *,
    sop_class_uid: str = CTImageStorage,
    study_instance_uid: str = STUDY,
    series_instance_uid: str = SERIES,
) -> bytes:
    """A data set in explicit VR little endian; no element for an empty UID."""
    return head(sop_instance_uid, sop_class_uid, study_instance_uid, series_instance_uid, len(pixels)) + pixels


def head(
    sop_instance_uid: str,
    sop_class_uid: str = CTImageStorage,
    study_instance_uid: str = STUDY,
    series_instance_uid: str = SERIES,
    pixels_length: int = 0,
) -> bytes:
    """All of such a data set but the pixels."""
    uids = [
        (0x0008, 0x0016, sop_class_uid),
        (0x0008, 0x0018, sop_instance_uid),
        (0x0020, 0x000D, study_instance_uid),
        (0x0020, 0x000E, series_instance_uid),
    ]
    elements = [_uid(*row) for row in uids if row[2]]
    return b"".join(elements) + struct.pack("<HH2sHL", 0x7FE0, 0x0010, b"OB", 0, pixels_length)


def _uid(group: int, element: int, value: str) -> bytes:
    padded = value.encode() + b"\0" * (len(value) % 2)
    return struct.pack("<HH2sH", group, element, b"UI", len(padded)) + padded


def write_file(
    path: Path,
    data_set: bytes,
    *,
    preamble: bytes = bytes(128),
    transfer_syntax_uid: str = ExplicitVRLittleEndian,
) -> Path:
    """A DICOM file as somebody else might have written it: with the least that group 0002 can have."""
    syntax = _uid(0x0002, 0x0010, transfer_syntax_uid)
    path.write_bytes(preamble + b"DICM" + struct.pack("<HH2sHL", 2, 0, b"UL", 4, len(syntax)) + syntax + data_set)
    return path
