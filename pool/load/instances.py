"""Instances to be stored: synthetic ones, and files as they are, each encoded once and with room for three UIDs.

Belongs here: where in an encoded data set the UIDs of study, series and instance stand, and what is put there. Nothing
is encoded again when an instance is sent: it is its pieces with other UIDs between them. Patient ID says whose it is,
so that what was sent can be found and removed.
"""

from __future__ import annotations

import mmap
import struct
import zlib
from collections.abc import Iterator
from itertools import chain
from math import exp, isqrt, log
from pathlib import Path
from statistics import NormalDist
from typing import Final, NamedTuple

from pool.delivery import Outcome, instance
from pool.load.contents import LARGEST_PIECE, Contents, random_block
from pool.load.lanes import UID_LENGTH
from pool.load.plan import FIXED, UNIFORM, Plan, Size, StoreWork
from ul.data_sets import encode
from ul.sop_class import (
    ComputedRadiographyImageStorage,
    CTImageStorage,
    DigitalMammographyXRayImageStorageForPresentation,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    MRImageStorage,
    NuclearMedicineImageStorage,
    PositronEmissionTomographyImageStorage,
    SecondaryCaptureImageStorage,
    UltrasoundImageStorage,
    XRayAngiographicImageStorage,
)
from ul.wire.dataset import (
    DEFLATED,
    SERIES_INSTANCE_UID,
    SHORT_VRS,
    SOP_INSTANCE_UID,
    STUDY_INSTANCE_UID,
    VRS,
    ElementScanner,
)

PATIENT_ID: Final = 0x00100020
_SIZES: Final = 64  # different ones that stand for a distribution
_LEAST_PIXELS: Final = 4  # bytes: the longest pixel, padded, which is more than a very small instance is to have
_HEAD: Final = 700  # bytes of a synthetic data set that are not pixels, about
_MOST_ROWS: Final = 65535  # or columns
_LARGEST_STORED_BLOCK: Final = 65535  # bytes
_MAPPED_FROM: Final = 1 << 20  # bytes of a file that is mapped and not read


class Modality(NamedTuple):
    """What the images of a modality are like."""

    sop_class_uid: str
    columns: int
    bits: int  # allocated
    samples: int
    photometric: str


# fmt: off
MODALITIES: Final = {
    "CT": Modality(CTImageStorage,                                     512, 16, 1, "MONOCHROME2"),
    "MR": Modality(MRImageStorage,                                     256, 16, 1, "MONOCHROME2"),
    "CR": Modality(ComputedRadiographyImageStorage,                   2048, 16, 1, "MONOCHROME2"),
    "DX": Modality(DigitalXRayImageStorageForPresentation,            2048, 16, 1, "MONOCHROME2"),
    "MG": Modality(DigitalMammographyXRayImageStorageForPresentation, 3328, 16, 1, "MONOCHROME2"),
    "NM": Modality(NuclearMedicineImageStorage,                        128, 16, 1, "MONOCHROME2"),
    "PT": Modality(PositronEmissionTomographyImageStorage,             128, 16, 1, "MONOCHROME2"),
    "XA": Modality(XRayAngiographicImageStorage,                       512,  8, 1, "MONOCHROME2"),
    "US": Modality(UltrasoundImageStorage,                             800,  8, 3, "RGB"),
    "SC": Modality(SecondaryCaptureImageStorage,                       512,  8, 3, "RGB"),
}
# fmt: on


class Template(NamedTuple):
    """An encoded data set in pieces; SOP Instance, Study Instance and Series Instance UID go between the first four."""

    sop_class_uid: str
    transfer_syntax_uid: str
    pieces: tuple[bytes, bytes, bytes, bytes]
    rest: Contents  # nearly all of it; the same for every instance that is made of this

    @property
    def head_length(self) -> int:
        """Bytes up to `rest`."""
        return sum(map(len, self.pieces)) + 3 * UID_LENGTH

    @property
    def length(self) -> int:
        """Bytes of the data set."""
        return self.head_length + len(self.rest)

    def head(self, instance_uid: bytes, study_uid: bytes, series_uid: bytes) -> bytes:
        """The data set with these UIDs, up to `rest`."""
        before_instance, before_study, before_series, behind = self.pieces
        return b"".join((before_instance, instance_uid, before_study, study_uid, before_series, series_uid, behind))


def mapped_files(work: StoreWork) -> int:
    """How many files stay open, a descriptor each, while there are templates of them."""
    return sum(map(_is_mapped, map(Path, work.files)))


def _is_mapped(path: Path) -> bool:
    try:
        return path.stat().st_size >= _MAPPED_FROM
    except OSError:
        return False  # who reads it tells what is wrong


def templates(plan: Plan, work: StoreWork) -> list[Template]:
    """What a plan stores. Raises ValueError for a file that cannot be sent under other UIDs."""
    if work.files:
        return [from_file(Path(path), plan.patient_id) for path in work.files]
    return list(_synthetic(plan, work))


# --- files -----------------------------------------------------------------------------------------------------------


def from_file(path: Path, patient_id: str) -> Template:
    """The instance in a file. Raises ValueError that names it."""
    found = instance(path)
    if isinstance(found, Outcome):
        raise ValueError(f"{path}: {found.error}")
    try:
        data = _contents(path, found.data_set_offset)
        return template(found.sop_class_uid, found.transfer_syntax_uid, data, patient_id)
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror or error}") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _contents(path: Path, offset: int) -> memoryview:
    with path.open("rb") as file:
        if not _is_mapped(path):
            return memoryview(file.read())[offset:]
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))[offset:]


def template(sop_class_uid: str, transfer_syntax_uid: str, data: memoryview, patient_id: str) -> Template:
    """An encoded data set with room for other UIDs and another Patient ID. Raises ValueError where that cannot be."""
    if transfer_syntax_uid in DEFLATED:
        return _deflated(sop_class_uid, transfer_syntax_uid, data, patient_id)
    write = _Writer(transfer_syntax_uid, bytes(data[4:6]))
    pieces: list[bytes] = []
    piece, cursor = b"", 0
    for tag in (SOP_INSTANCE_UID, PATIENT_ID, STUDY_INSTANCE_UID, SERIES_INSTANCE_UID):
        begin, end = write.find(data, transfer_syntax_uid, tag)
        piece += bytes(data[cursor:begin])
        cursor = end
        if tag == PATIENT_ID:
            piece += write.element(tag, b"LO", patient_id.encode() + b" " * (len(patient_id) % 2))
        else:
            pieces.append(piece + write.header(tag, b"UI", UID_LENGTH))
            piece = b""
    return Template(sop_class_uid, transfer_syntax_uid, (pieces[0], pieces[1], pieces[2], b""), Contents(data[cursor:]))


def _deflated(sop_class_uid: str, transfer_syntax_uid: str, data: memoryview, patient_id: str) -> Template:
    """The head goes into a block that is stored as it is (RFC 1951 3.2.4), where other UIDs can be put, too."""
    inflated = _inflated(data)
    made = template(sop_class_uid, ExplicitVRLittleEndian, memoryview(next(inflated, b"")), patient_id)
    if made.head_length > _LARGEST_STORED_BLOCK:
        raise ValueError("it is deflated, and its Series Instance UID stands behind the first 64 KiB")
    block = struct.pack("<BHH", 0, made.head_length, made.head_length ^ 0xFFFF)
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    behind: Iterator[memoryview | bytes] = chain(made.rest, inflated)
    rest = b"".join(map(deflater.compress, behind)) + deflater.flush()
    rest += b"\0" * ((len(block) + made.head_length + len(rest)) % 2)  # PS3.5 A.5
    return Template(
        sop_class_uid, transfer_syntax_uid, (block + made.pieces[0], *made.pieces[1:]), Contents(memoryview(rest))
    )


def _inflated(data: memoryview) -> Iterator[bytes]:
    """LARGEST_PIECE or so at a time: of a small file that may be a thousand times as much."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        for begin in range(0, len(data), LARGEST_PIECE):
            left: memoryview | bytes = data[begin : begin + LARGEST_PIECE]
            while left and not inflater.eof:
                yield inflater.decompress(left, LARGEST_PIECE)
                left = inflater.unconsumed_tail
        yield inflater.flush()
    except zlib.error as error:
        raise ValueError(f"its data set cannot be inflated: {error}") from None


class _Writer:
    """Element headers as a data set has them."""

    def __init__(self, transfer_syntax_uid: str, first_vr: bytes) -> None:
        self._order = ">" if transfer_syntax_uid == ExplicitVRBigEndian else "<"
        self._is_explicit = first_vr in VRS  # as the scanner sees it: some senders name the wrong transfer syntax

    def header(self, tag: int, vr: bytes, length: int) -> bytes:
        if self._is_explicit:
            return struct.pack(f"{self._order}HH2sH", tag >> 16, tag & 0xFFFF, vr, length)
        return struct.pack(f"{self._order}HHL", tag >> 16, tag & 0xFFFF, length)

    def element(self, tag: int, vr: bytes, value: bytes) -> bytes:
        return self.header(tag, vr, len(value)) + value

    def find(self, data: memoryview, transfer_syntax_uid: str, tag: int) -> tuple[int, int]:
        """Where an element begins and ends; both are where it would be, if there is none."""
        scanner = ElementScanner(transfer_syntax_uid, frozenset({tag}), tag)
        scanner.feed(data)
        if not scanner.finished:
            raise ValueError("its data set cannot be read as far as the Series Instance UID")
        begin = scanner.position
        if tag not in scanner.values:
            return begin, begin
        return begin, begin + self._length(data, begin)

    def _length(self, data: memoryview, begin: int) -> int:
        """Of an element, its header included (PS3.5 7.1)."""
        header, where, form = 8, 4, "L"
        if self._is_explicit:
            is_short = bytes(data[begin + 4 : begin + 6]) in SHORT_VRS
            header, where, form = (8, 6, "H") if is_short else (12, 8, "L")  # a UID may be of VR UN
        (length,) = struct.unpack_from(self._order + form, data, begin + where)
        return header + int(length)


# --- synthetic instances ---------------------------------------------------------------------------------------------


def sizes(size: Size) -> list[int]:
    """So many sizes that, each taken as often, they have the distribution."""
    if size.kind == FIXED:
        return [size.low]
    quantiles = [(number + 0.5) / _SIZES for number in range(_SIZES)]
    if size.kind == UNIFORM:
        return [round(size.low + (size.high - size.low) * quantile) for quantile in quantiles]
    normal = NormalDist((log(size.low) + log(size.high)) / 2, 1)
    normal = NormalDist(normal.mean, (log(size.high) - log(size.low)) / 2 / NormalDist().inv_cdf(0.95))
    return [round(exp(normal.inv_cdf(quantile))) for quantile in quantiles]


def _synthetic(plan: Plan, work: StoreWork) -> Iterator[Template]:
    modality = MODALITIES[work.modality]
    wanted = sizes(work.size)
    pixels = random_block(plan.seed, max(wanted) + _LEAST_PIXELS)  # all share it
    for transfer_syntax_uid in work.transfer_syntaxes:
        for size in wanted:
            yield _synthetic_instance(plan, work, modality, transfer_syntax_uid, size, pixels)


def _synthetic_instance(
    plan: Plan, work: StoreWork, modality: Modality, transfer_syntax_uid: str, size: int, pixels: memoryview
) -> Template:
    """One of about `size` bytes, whole rows of pixels being what it is made of."""
    from pydicom import Dataset

    pixel = modality.bits // 8 * modality.samples
    room = max(pixel, size - _HEAD)
    columns = min(max(min(modality.columns, isqrt(room // pixel)), room // pixel // _MOST_ROWS + 1), _MOST_ROWS)
    rows = min(max(1, room // pixel // columns), _MOST_ROWS)
    placeholder = "1" * UID_LENGTH
    data_set = Dataset()
    data_set.SOPClassUID = modality.sop_class_uid
    data_set.SOPInstanceUID = data_set.StudyInstanceUID = data_set.SeriesInstanceUID = placeholder
    data_set.ImageType = ["ORIGINAL", "PRIMARY"]
    data_set.Modality = "OT" if work.modality == "SC" else work.modality
    data_set.StudyDate = data_set.SeriesDate = data_set.ContentDate = "20000101"
    data_set.StudyTime = data_set.ContentTime = "000000"
    data_set.AccessionNumber = data_set.ReferringPhysicianName = data_set.StudyID = ""
    data_set.Manufacturer = "ulpool load"
    data_set.PatientName = "Load^Synthetic"
    data_set.PatientID = plan.patient_id
    data_set.PatientBirthDate = data_set.PatientSex = ""
    data_set.SeriesNumber = data_set.InstanceNumber = 1
    data_set.SamplesPerPixel = modality.samples
    data_set.PhotometricInterpretation = modality.photometric
    if modality.samples > 1:
        data_set.PlanarConfiguration = 0
    data_set.Rows, data_set.Columns = rows, columns
    data_set.BitsAllocated = data_set.BitsStored = modality.bits
    data_set.HighBit = modality.bits - 1
    data_set.PixelRepresentation = 0
    length = rows * columns * pixel
    length += length % 2
    head = encode(data_set, transfer_syntax_uid) + _pixel_data_header(transfer_syntax_uid, modality.bits, length)
    made = template(modality.sop_class_uid, transfer_syntax_uid, memoryview(head), plan.patient_id)
    pieces = (*made.pieces[:3], b"".join(made.rest))
    return made._replace(pieces=pieces, rest=Contents(pixels[:length], length))


def _pixel_data_header(transfer_syntax_uid: str, bits: int, length: int) -> bytes:
    if transfer_syntax_uid == ExplicitVRLittleEndian:
        return struct.pack("<HH2sxxL", 0x7FE0, 0x0010, b"OW" if bits > 8 else b"OB", length)
    return struct.pack("<HHL", 0x7FE0, 0x0010, length)
