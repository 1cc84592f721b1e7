"""The head scanner against pydicom: real files, made data sets in every encoding, any cut, any mutation."""

import io
import itertools
import random
import struct
import tracemalloc
import warnings
import zlib
from pathlib import Path

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.data import get_testdata_files
from pydicom.dataset import Dataset
from pydicom.filereader import dcmread
from pydicom.filewriter import write_dataset
from pydicom.sequence import Sequence

from ul import sop_class
from ul.wire import dataset
from ul.wire.dataset import (
    IDENTIFYING_UIDS,
    MAXIMUM_DEPTH,
    MAXIMUM_ELEMENTS,
    MAXIMUM_INFLATED,
    SERIES_INSTANCE_UID,
    SOP_CLASS_UID,
    SOP_INSTANCE_UID,
    STUDY_INSTANCE_UID,
    ElementScanner,
    head_scanner,
)
from ul.wire.part10 import read_preface

EXPLICIT = sop_class.ExplicitVRLittleEndian
IMPLICIT = sop_class.ImplicitVRLittleEndian
BIG = sop_class.ExplicitVRBigEndian
DEFLATED = sop_class.DeflatedExplicitVRLittleEndian
KEYWORDS = {
    SOP_CLASS_UID: "SOPClassUID",
    SOP_INSTANCE_UID: "SOPInstanceUID",
    STUDY_INSTANCE_UID: "StudyInstanceUID",
    SERIES_INSTANCE_UID: "SeriesInstanceUID",
}
UIDS = {
    SOP_CLASS_UID: sop_class.CTImageStorage,
    SOP_INSTANCE_UID: "1.2.826.0.1.3680043.8.498.1",
    STUDY_INSTANCE_UID: "1.2.826.0.1.3680043.8.498.22",
    SERIES_INSTANCE_UID: "1.2.826.0.1.3680043.8.498.333",
}


def scan(data: bytes, transfer_syntax_uid: str, cuts: list[int] | None = None) -> ElementScanner:
    scanner = head_scanner(transfer_syntax_uid)
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts or []), len(data)]
    for start, end in itertools.pairwise(edges):
        scanner.feed(memoryview(data)[start:end])
    return scanner


def instance(sequence_items: int = 0, nested: int = 0) -> Dataset:
    made = Dataset()
    for tag, uid in UIDS.items():
        setattr(made, KEYWORDS[tag], uid)
    made.SpecificCharacterSet = "ISO_IR 100"
    made.PatientName = "A^B"
    made.RetrieveURL = "http://example.org/"  # UR: a 32-bit length.
    made.add_new(0x00091001, "OB", b"\x01\x02" * 40)
    made.add_new(0x00090010, "LO", "SOMEBODY")
    if sequence_items:
        made.ReferencedImageSequence = Sequence([reference(nested) for _ in range(sequence_items)])
    return made


def reference(nested: int) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = "1.2.3"
    item.SOPInstanceUID = "9.9.9"  # Not the instance's: nested ones do not count.
    item.StudyInstanceUID = "9.9.8"
    if nested:
        item.PurposeOfReferenceCodeSequence = Sequence([reference(nested - 1)])
    return item


def encode(made: Dataset, transfer_syntax_uid: str, undefined_length: bool = False) -> bytes:
    if undefined_length:
        for element in made:
            if element.VR == "SQ":
                element.is_undefined_length = True
                for item in element.value:
                    item.is_undefined_length_sequence_item = True
                    encode(item, transfer_syntax_uid, undefined_length)
    file = pydicom.filebase.DicomBytesIO()
    file.is_implicit_VR = transfer_syntax_uid == IMPLICIT
    file.is_little_endian = transfer_syntax_uid != BIG
    write_dataset(file, made)
    encoded = file.getvalue()
    if transfer_syntax_uid == DEFLATED:
        deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        return deflater.compress(encoded) + deflater.flush()
    return encoded


def explicit(tag: int, vr: bytes, value: bytes, length: int | None = None) -> bytes:
    length = len(value) if length is None else length
    if vr in dataset.SHORT_VRS:
        return struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr, length) + value
    return struct.pack("<HH2sHL", tag >> 16, tag & 0xFFFF, vr, 0, length) + value


def real_files() -> list[tuple[bytes, str, dict[int, str]]]:
    found = []
    folder = Path(pydicom.__file__).parent / "data" / "test_files"
    for path in sorted({*map(Path, get_testdata_files()), *folder.rglob("*.dcm")}):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                read = dcmread(path, force=True, stop_before_pixels=True)
                uids = {tag: str(read[tag].value) for tag in IDENTIFYING_UIDS if tag in read}
            except Exception:
                continue  # Some are broken on purpose.
        if SOP_INSTANCE_UID in uids:
            encoded = path.read_bytes()
            preface = read_preface(encoded)
            found.append((encoded[preface.data_set_offset :], preface.transfer_syntax_uid, uids))
    return found


def test_real_files_whole_and_in_pieces() -> None:
    files = real_files()
    assert len(files) >= 150
    assert len({transfer_syntax_uid for _, transfer_syntax_uid, _ in files}) >= 12
    for encoded, transfer_syntax_uid, uids in files:
        for size in (1 << 30, 1021, 13):
            scanner = head_scanner(transfer_syntax_uid)
            for start in range(0, min(len(encoded), size * 4000), size):
                scanner.feed(encoded[start : start + size])
            expected = {tag: uid for tag, uid in uids.items() if uid}
            assert {tag: uid for tag, uid in scanner.values.items() if uid} == expected


@pytest.mark.parametrize("transfer_syntax_uid", [IMPLICIT, EXPLICIT, BIG, DEFLATED])
@pytest.mark.parametrize("undefined_length", [False, True])
@given(cuts=st.lists(st.integers(0, 5000), max_size=30), items=st.integers(0, 3), nested=st.integers(0, 3))
def test_every_encoding_and_cut(
    transfer_syntax_uid: str, undefined_length: bool, cuts: list[int], items: int, nested: int
) -> None:
    encoded = encode(instance(items, nested), transfer_syntax_uid, undefined_length)
    assert scan(encoded, transfer_syntax_uid, cuts).values == UIDS


@pytest.mark.parametrize("transfer_syntax_uid", [IMPLICIT, EXPLICIT, BIG, DEFLATED])
@given(data=st.data())
def test_any_mutation_ends_quietly_and_the_same_for_any_cut(transfer_syntax_uid: str, data: st.DataObject) -> None:
    encoded = bytearray(encode(instance(2, 2), transfer_syntax_uid, undefined_length=True))
    for _ in range(data.draw(st.integers(1, 4))):
        encoded[data.draw(st.integers(0, len(encoded) - 1))] = data.draw(st.integers(0, 255))
    cuts = data.draw(st.lists(st.integers(0, len(encoded)), max_size=20))
    whole, cut = scan(bytes(encoded), transfer_syntax_uid), scan(bytes(encoded), transfer_syntax_uid, cuts)
    assert whole.values == cut.values
    assert whole.finished == cut.finished


@given(garbage=st.binary(max_size=3000), transfer_syntax_uid=st.sampled_from([IMPLICIT, EXPLICIT, BIG, DEFLATED, ""]))
def test_garbage_ends_quietly(garbage: bytes, transfer_syntax_uid: str) -> None:
    scan(garbage, transfer_syntax_uid)


@pytest.mark.parametrize(("named", "encoded_as"), [(EXPLICIT, IMPLICIT), (IMPLICIT, EXPLICIT)])
def test_the_first_element_tells_implicit_from_explicit(named: str, encoded_as: str) -> None:
    encoded = encode(instance(1, 1), encoded_as)
    assert scan(encoded, named).values == UIDS
    assert scan(encoded, named, list(range(20))).values == UIDS


@pytest.mark.parametrize(("transfer_syntax_uid", "order"), [(EXPLICIT, "<"), (BIG, ">")])
def test_unknown_vr_of_undefined_length_holds_implicit_vr(transfer_syntax_uid: str, order: str) -> None:
    """PS3.5 6.2.2: little endian, too, in a big endian data set."""

    def uid(tag: int) -> bytes:
        value = UIDS[tag].encode() + b"\0" * (len(UIDS[tag]) % 2)
        return struct.pack(f"{order}HH2sH", tag >> 16, tag & 0xFFFF, b"UI", len(value)) + value

    encoded = b"".join(
        (
            uid(SOP_CLASS_UID),
            uid(SOP_INSTANCE_UID),
            struct.pack(f"{order}HH2sHL", 0x0009, 0x1002, b"UN", 0, 0xFFFFFFFF),
            struct.pack("<HHL", 0xFFFE, 0xE000, 0xFFFFFFFF) + encode(reference(1), IMPLICIT, undefined_length=True),
            struct.pack("<HHLHHL", 0xFFFE, 0xE00D, 0, 0xFFFE, 0xE0DD, 0),
            uid(STUDY_INSTANCE_UID),
            uid(SERIES_INSTANCE_UID),
        )
    )
    assert scan(encoded, transfer_syntax_uid).values == UIDS
    assert scan(encoded, transfer_syntax_uid, list(range(len(encoded)))).values == UIDS


def test_a_vr_yet_unknown_has_a_long_length() -> None:
    """PS3.5 7.1.1: all VRs to come do."""
    head = explicit(0x00080005, b"CS", b"") + explicit(0x00080010, b"ZZ", b"abcd")
    assert scan(head + explicit(SOP_CLASS_UID, b"UI", b"1.2\0"), EXPLICIT).values == {SOP_CLASS_UID: "1.2"}


def test_padding_goes_and_the_first_of_two_counts() -> None:
    encoded = b"".join(explicit(SOP_INSTANCE_UID, b"UI", value) for value in (b"1.2.3 \0\0", b"9.9\0"))
    assert scan(encoded, EXPLICIT).values == {SOP_INSTANCE_UID: "1.2.3"}


def test_a_long_value_under_a_uids_tag_is_cut_and_shows_it() -> None:
    encoded = explicit(SOP_INSTANCE_UID, b"UI", b"1" * 60000) + explicit(STUDY_INSTANCE_UID, b"UI", b"1.2\0")
    values = scan(encoded, EXPLICIT).values
    assert 64 < len(values[SOP_INSTANCE_UID]) <= 128
    assert values[STUDY_INSTANCE_UID] == "1.2"


def test_it_ends_at_the_series_and_looks_at_nothing_behind() -> None:
    scanner = scan(encode(instance(), EXPLICIT), EXPLICIT)
    assert scanner.finished
    position = scanner.position
    scanner.feed(b"\xff" * 1000)
    assert (scanner.position, scanner.values) == (position, UIDS)


@pytest.mark.parametrize("tag", [0x00091010, SOP_CLASS_UID])
def test_lengths_claimed_allocate_nothing(tag: int) -> None:
    encoded = explicit(0x00080005, b"CS", b"") + explicit(tag, b"UN", b"", 0xFFFFFFFE)
    piece = bytes(1 << 16)
    tracemalloc.start()
    scanner = scan(encoded, EXPLICIT)
    for _ in range(2000):
        scanner.feed(piece)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 64 * 1024


def test_deep_nesting_is_bounded_without_recursion() -> None:
    level = explicit(0x00081140, b"SQ", b"", 0xFFFFFFFF) + struct.pack("<HHL", 0xFFFE, 0xE000, 0xFFFFFFFF)
    scanner = scan(level * 5000, EXPLICIT)
    assert scanner.finished
    assert scanner.position <= (MAXIMUM_DEPTH + 2) * len(level)


@pytest.mark.parametrize(
    "stray",
    [
        struct.pack("<HHL", 0xFFFE, 0xE000, 4) + b"abcd",
        explicit(0x00081140, b"SQ", b"", 0xFFFFFFFF) + explicit(0x00081150, b"UI", b"1.2\0"),
        explicit(0x00081140, b"SQ", b"", 0xFFFFFFFF) + struct.pack("<HHL", 0xFFFE, 0xE00D, 0),
    ],
    ids=["an item outside", "an element right in a sequence", "an item's end without an item"],
)
def test_what_cannot_stand_there_ends_the_walk(stray: bytes) -> None:
    encoded = explicit(0x00080005, b"CS", b"") + stray + explicit(SERIES_INSTANCE_UID, b"UI", b"1.2\0") * 20
    scanner = scan(encoded, EXPLICIT)
    assert scanner.finished
    assert scanner.values == {}


def test_the_number_of_elements_is_bounded() -> None:
    encoded = explicit(0x00080005, b"CS", b"") * (MAXIMUM_ELEMENTS + 10) + explicit(SOP_CLASS_UID, b"UI", b"1.2\0")
    scanner = scan(encoded, EXPLICIT, list(range(0, len(encoded), 5000)))
    assert scanner.finished
    assert scanner.values == {}


def test_a_deflate_bomb_is_inflated_to_the_bound_only() -> None:
    deflater = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    bomb = explicit(0x00080005, b"CS", b"") + explicit(0x00091010, b"OB", b"", 0x7FFFFFFE)
    deflated = (
        deflater.compress(bomb) + b"".join(deflater.compress(bytes(1 << 20)) for _ in range(64)) + deflater.flush()
    )
    tracemalloc.start()
    scanner = scan(deflated, DEFLATED)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert scanner.finished
    assert scanner.values == {}
    assert peak < 4 * MAXIMUM_INFLATED


def test_random_bytes_are_no_deflate_stream() -> None:
    scanner = scan(b"\xff" + random.Random(1).randbytes(5000), DEFLATED)
    assert scanner.finished
    assert scanner.values == {}


def test_pydicom_agrees_on_what_was_encoded() -> None:
    """The oracle of this file: what `encode` makes is what pydicom reads."""
    for transfer_syntax_uid in (IMPLICIT, EXPLICIT, BIG):
        encoded = encode(instance(2, 1), transfer_syntax_uid, undefined_length=True)
        read = pydicom.filereader.read_dataset(
            io.BytesIO(encoded), transfer_syntax_uid == IMPLICIT, transfer_syntax_uid != BIG
        )
        assert {tag: read[tag].value for tag in IDENTIFYING_UIDS} == UIDS
