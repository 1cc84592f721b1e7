"""Data sets decoded and encoded by pydicom, which is imported when the first one is and not before.

Belongs here: everything that makes a pydicom object of bytes or bytes of one. What bytes alone can tell (the UIDs that
name an instance, group 0002) is in `ul.wire.dataset` and `ul.wire.part10`.
"""

from __future__ import annotations

import os
import zlib
from io import BytesIO
from typing import TYPE_CHECKING, BinaryIO

from ul.sop_class import ExplicitVRBigEndian, ImplicitVRLittleEndian
from ul.wire.dataset import DEFLATED

if TYPE_CHECKING:
    from pydicom import Dataset
    from pydicom.dataset import FileMetaDataset


def _is_implicit(transfer_syntax: str) -> bool:
    return transfer_syntax == ImplicitVRLittleEndian


def _is_little(transfer_syntax: str) -> bool:
    return transfer_syntax != ExplicitVRBigEndian


def decode(file: BinaryIO, transfer_syntax: str) -> Dataset:
    """The data set that begins at the position of `file` and ends with it.

    pydicom reads values when they are asked for: what is wrong with one shows then. The data set remembers how it was
    encoded, so that it can be saved once it has file meta information.
    """
    from pydicom.filereader import read_dataset

    if transfer_syntax in DEFLATED:
        deflated = file.read()
        file = BytesIO(zlib.decompress(deflated, -zlib.MAX_WBITS) if deflated else b"")
    implicit, little = _is_implicit(transfer_syntax), _is_little(transfer_syntax)
    data_set = read_dataset(file, implicit, little)
    data_set.set_original_encoding(implicit, little)
    return data_set


def read(path: str | os.PathLike[str]) -> Dataset:
    """The instance in a DICOM file, with its file meta information. Raises what pydicom raises."""
    from pydicom import dcmread

    return dcmread(path, force=True)


def encode(data_set: Dataset, transfer_syntax: str) -> bytes:
    """`data_set` as it is sent. Raises what pydicom raises where a value cannot be encoded."""
    from pydicom.filebase import DicomBytesIO
    from pydicom.filewriter import write_dataset

    buffer = DicomBytesIO()
    buffer.is_implicit_VR, buffer.is_little_endian = _is_implicit(transfer_syntax), _is_little(transfer_syntax)
    write_dataset(buffer, data_set)
    encoded: bytes = buffer.getvalue()
    return _deflate(encoded) if transfer_syntax in DEFLATED else encoded


def _deflate(encoded: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    deflated = compressor.compress(encoded) + compressor.flush()
    return deflated + b"\0" * (len(deflated) % 2)  # PS3.5 A.5: even


def file_meta(
    sop_class_uid: str,
    sop_instance_uid: str,
    transfer_syntax: str,
    implementation_class_uid: str,
    implementation_version_name: str,
) -> FileMetaDataset:
    """File meta information for an instance that was received (PS3.10 7.1); writing it sets the group length."""
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import UID

    meta = FileMetaDataset()
    meta.FileMetaInformationGroupLength = 0
    meta.FileMetaInformationVersion = b"\0\1"
    meta.MediaStorageSOPClassUID = UID(sop_class_uid)
    meta.MediaStorageSOPInstanceUID = UID(sop_instance_uid)
    meta.TransferSyntaxUID = UID(transfer_syntax)
    meta.ImplementationClassUID = UID(implementation_class_uid)
    meta.ImplementationVersionName = implementation_version_name
    meta.set_original_encoding(False, True)
    return meta
