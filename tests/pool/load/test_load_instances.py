"""Instances under other UIDs: what pydicom reads of them is what was there, but for what was to change."""

from __future__ import annotations

import tracemalloc
from io import BytesIO
from pathlib import Path
from statistics import median, quantiles

import pydicom
import pytest
from samples import samples

from pool.exchange import request_form, response_form
from pool.load.contents import LARGEST_PIECE, PERIOD, Contents, random_block
from pool.load.instances import MODALITIES, Template, from_file, sizes, templates
from pool.load.lanes import INSTANCE, SERIES, STUDY, UID_LENGTH, Lane, Serials, uid
from pool.load.plan import Plan, Size, StoreWork
from pool.load.process import descriptors_for
from pool.load.storing import DataSetSource, Storable
from pool.load.values import LARGEST_SIZE
from pool.scu import Peer
from ul.acse import AcceptedContext
from ul.dimse import largest_fragment
from ul.services.storage import store_request
from ul.services.verification import echo_request
from ul.sop_class import CTImageStorage, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from ul.wire.command import Command, decode_command, encode_command
from ul.wire.p_data import encode
from ul.wire.part10 import encode_preface

PEER = Peer("ULPOOL", "127.0.0.1", 11112)
UIDS = tuple(uid(17, 3, level, 9) for level in (INSTANCE, STUDY, SERIES))


def contents(length: int) -> Contents:
    return Contents(random_block(1, length), length)


CT_CONTEXT = AcceptedContext(5, CTImageStorage, ExplicitVRLittleEndian, True, False)


def p_data(command: Command, context_id: int = 1) -> bytes:
    """A P-DATA-TF with a command set."""
    return b"".join(map(bytes, encode([(context_id, 3, encode_command(command))])))


def read(template: Template, uids: tuple[bytes, ...] = UIDS) -> pydicom.Dataset:
    preface = encode_preface(template.sop_class_uid, "1.2.3", template.transfer_syntax_uid, "1.2.3")
    return pydicom.dcmread(BytesIO(preface + template.head(*uids) + b"".join(template.rest)))


def test_uids_are_good_and_always_as_long() -> None:
    made = {
        uid(seed, process, level, serial)
        for seed in (0, 10**15 - 1)
        for process in (0, 9999)
        for level in (1, 3)
        for serial in (0, 10**18 - 1)
    }
    assert len(made) == 16
    for one in made:
        assert len(one) == UID_LENGTH and pydicom.uid.UID(one.decode()).is_valid
        assert int(one[5:]) < 1 << 128  # PS3.5 B.2


def test_a_lane_begins_series_and_studies_as_it_is_told() -> None:
    lane = Lane(0, Serials(1, 2), StoreWork(images_per_series=3, series_per_study=2))
    given = [(lane.next_instance(), lane.series, lane.study) for _ in range(9)]
    assert [serial for (serial, _), _, _ in given] == list(range(1, 10))
    assert [series for _, series, _ in given] == [1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert [study for _, _, study in given] == [1, 1, 1, 1, 1, 1, 2, 2, 2]
    assert given[4][0][1] == uid(1, 2, INSTANCE, 5)


@pytest.mark.parametrize("modality", MODALITIES)
@pytest.mark.parametrize("transfer_syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_synthetic_instances_are_what_they_say(modality: str, transfer_syntax: str) -> None:
    work = StoreWork(modality=modality, size=Size("fixed", 100_000), transfer_syntaxes=(transfer_syntax,))
    plan = Plan(peer=PEER, address=PEER.resolve(), count=1, mix={"store": 1}, store=work, seed=5)
    (template,) = templates(plan, work)
    assert 90_000 < template.length <= 101_000 and not template.length % 2
    data_set = read(template)
    assert (data_set.SOPInstanceUID, data_set.StudyInstanceUID, data_set.SeriesInstanceUID) == tuple(
        one.decode() for one in UIDS
    )
    assert data_set.SOPClassUID == MODALITIES[modality].sop_class_uid
    assert data_set.PatientID == "ULPLOAD-5"
    pixels = data_set.Rows * data_set.Columns * data_set.BitsAllocated // 8 * data_set.SamplesPerPixel
    assert len(data_set.PixelData) == pixels + pixels % 2


CHANGED = {
    pydicom.tag.Tag(keyword) for keyword in ("PatientID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
}
HAS_ITS_UID_TWICE = "winter.dcm"


def elements(data_set: pydicom.Dataset) -> dict[object, object]:
    """All that is not to change, not decoded any further than pydicom reads it."""
    return {
        tag: (element.value and bytes(element.value)) if element.is_raw else str(element)
        for tag, element in ((tag, data_set.get_item(tag)) for tag in sorted({*data_set.keys()} - CHANGED))
    }


@pytest.mark.filterwarnings("ignore")  # several are there because something is wrong with them
def test_files_keep_all_but_what_says_whose_they_are() -> None:
    refused = []
    for path in (sample.path for sample in samples() if sample.path.name != HAS_ITS_UID_TWICE):
        try:
            template = from_file(path, "ULPLOAD-1")
        except ValueError as error:
            assert str(path) in str(error)
            refused.append(path)
            continue
        now = read(template)
        assert now.PatientID == "ULPLOAD-1", path
        assert (now.SOPInstanceUID, now.StudyInstanceUID, now.SeriesInstanceUID) == tuple(
            one.decode() for one in UIDS
        ), path
        assert elements(now) == elements(pydicom.dcmread(path)), path
    assert len(samples()) > 150
    assert len(refused) < 10, refused


def test_sizes_have_their_distribution() -> None:
    assert sizes(Size("fixed", 10)) == [10]
    uniform = sizes(Size("uniform", 1000, 2000))
    assert min(uniform) > 1000 and max(uniform) < 2000 and median(uniform) == pytest.approx(1500, rel=0.01)
    lognormal = sizes(Size("lognormal", 10_000, 1_000_000))
    twentieths = quantiles(lognormal, n=20)
    assert twentieths[0] == pytest.approx(10_000, rel=0.3)
    assert twentieths[-1] == pytest.approx(1_000_000, rel=0.3)
    assert median(lognormal) == pytest.approx(100_000, rel=0.1)


# --- bytes as they leave ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [1, 900, 1500, 131_000, 131_066, 131_068, 400_000])
@pytest.mark.parametrize("maximum", [2048, 16384, 131072, 0])
def test_what_leaves_is_what_the_session_would_have_sent(length: int, maximum: int) -> None:
    template = Template(CTImageStorage, ExplicitVRLittleEndian, (b"a" * 8, b"b" * 8, b"c" * 8, b"d"), contents(length))
    storable = Storable(0, template, AcceptedContext(5, CTImageStorage, ExplicitVRLittleEndian, True, False), maximum)
    sent = b"".join(map(bytes, storable.buffers(77, *UIDS)))
    command = store_request(77, CTImageStorage, UIDS[0].decode())
    expected = p_data(command, context_id=5)
    data, largest = template.head(*UIDS) + b"".join(template.rest), largest_fragment(maximum)
    for begin in range(0, len(data), largest):
        fragment = data[begin : begin + largest]
        expected += b"".join(map(bytes, encode([(5, 2 if begin + largest >= len(data) else 0, fragment)])))
    assert sent == expected


@pytest.mark.parametrize("length", [0, 1, 5, LARGEST_PIECE - 1, LARGEST_PIECE, 3 * LARGEST_PIECE + 1])
@pytest.mark.parametrize("size", [1000, LARGEST_PIECE, 4 * LARGEST_PIECE])
def test_a_source_reads_head_and_contents_in_turn(length: int, size: int) -> None:
    source = DataSetSource(b"head" * 300, contents(length))
    read = b""
    while remaining := source.remaining:
        piece = source.read(min(size, remaining))
        assert 0 < len(piece) <= size and source.remaining == remaining - len(piece)
        read += piece
    assert read == b"head" * 300 + b"".join(contents(length))


def test_contents_larger_than_their_block_repeat_it() -> None:
    length = 2 * PERIOD + 5
    many = Contents(random_block(1, length), length)
    whole = b"".join(many)
    assert len(many) == len(whole) == length
    assert whole[:PERIOD] == whole[PERIOD : 2 * PERIOD] and whole[:5] == whole[-5:]
    for begin in (0, PERIOD - 1, PERIOD, length - 3):
        piece = bytes(many.piece(begin, 1000))
        assert piece == whole[begin : begin + 1000] and len(piece) == min(1000, length - begin)
    assert len(many.piece(PERIOD - 1, LARGEST_PIECE)) == LARGEST_PIECE
    assert len(random_block(1, 1 << 40)) == PERIOD + LARGEST_PIECE
    assert bytes(random_block(1, 100)) == bytes(random_block(1, 1 << 40)[:100])


@pytest.mark.parametrize("modality", ["CT", "XA"])
def test_the_largest_size_makes_an_instance(modality: str) -> None:
    work = StoreWork(modality=modality, size=Size("fixed", LARGEST_SIZE))
    (template,) = templates(Plan(peer=PEER, address=PEER.resolve(), count=1, mix={"store": 1}, store=work), work)
    assert template.length == pytest.approx(LARGEST_SIZE, rel=1e-3)
    assert Storable(0, template, CT_CONTEXT, 131072).tail is None  # too many fragments to have beforehand


@pytest.mark.parametrize("modality", MODALITIES)
@pytest.mark.parametrize("size", [1, 2, 3, 4, 705])
def test_the_smallest_sizes_make_whole_instances(modality: str, size: int) -> None:
    """A pixel of three samples is more than was asked for."""
    work = StoreWork(modality=modality, size=Size("fixed", size))
    (template,) = templates(Plan(peer=PEER, address=PEER.resolve(), count=1, mix={"store": 1}, store=work), work)
    assert sum(map(len, template.rest)) == len(template.rest) > 0
    source = DataSetSource(template.head(*UIDS), template.rest)
    while source.remaining:
        assert len(source.read(LARGEST_PIECE))


@pytest.mark.parametrize("length", [3, PERIOD + 1])
def test_contents_have_what_they_say(length: int) -> None:
    with pytest.raises(AssertionError):
        Contents(memoryview(bytes(length - 1)), length)


def test_a_head_that_does_not_fit_the_first_fragment_is_the_sessions_to_cut() -> None:
    template = Template(CTImageStorage, ExplicitVRLittleEndian, (b"a" * 2000, b"", b"", b""), contents(1))
    assert Storable(0, template, CT_CONTEXT, 1024).tail is None


def test_a_response_is_foreseen_from_another_one() -> None:
    requests = [store_request(number, CTImageStorage, UIDS[number].decode()) for number in (0, 2)]
    was, will_be = (p_data(request.response(Status=0), context_id=3) for request in requests)
    form = response_form(was, 0, UIDS[0])
    assert form is not None
    assert form.message(2, UIDS[2]) == will_be
    assert decode_command(will_be[12:]).MessageIDBeingRespondedTo == 2


def test_what_is_not_one_whole_response_is_not_foreseen() -> None:
    data = p_data(echo_request(1).response(Status=0))
    assert response_form(data, 1) is not None
    for other in (b"", data[:-1], data + b"\0", data + data, b"\x07" + data[1:]):
        assert response_form(other, 1) is None
    assert response_form(data, 2) is None


def test_a_request_has_room_for_the_message_id() -> None:
    form = request_form(1, echo_request(1))
    assert form.message(300) == p_data(echo_request(300))


def deflated(path: Path, pixels: bytes) -> Path:
    data_set = pydicom.Dataset()
    data_set.SOPClassUID, data_set.SOPInstanceUID = CTImageStorage, "1.2.3"
    data_set.StudyInstanceUID, data_set.SeriesInstanceUID, data_set.PatientID = "1.2", "1.2.2", "somebody"
    data_set.PixelData = pixels
    data_set["PixelData"].VR = "OB"
    data_set.file_meta = pydicom.dataset.FileMetaDataset()
    data_set.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
    data_set.save_as(path, enforce_file_format=True)
    return path


@pytest.mark.parametrize(
    "pixels",
    [bytes(range(256)) * 500, bytes(5 * LARGEST_PIECE), random_block(1, 3 * LARGEST_PIECE).tobytes()],
    ids=["short", "a thousandth of it deflated", "as long deflated"],
)
def test_a_deflated_file_takes_other_uids_too(pixels: bytes, tmp_path: Path) -> None:
    template = from_file(deflated(tmp_path / "deflated.dcm", pixels), "ULPLOAD-1")
    assert not template.length % 2  # PS3.5 A.5
    again = read(template)
    assert (again.SOPInstanceUID, again.StudyInstanceUID, again.SeriesInstanceUID) == tuple(
        one.decode() for one in UIDS
    )
    assert again.PatientID == "ULPLOAD-1" and again.PixelData == pixels


def test_a_deflated_file_is_not_inflated_as_a_whole(tmp_path: Path) -> None:
    path = deflated(tmp_path / "deflated.dcm", bytes(64 << 20))
    tracemalloc.start()
    try:
        from_file(path, "ULPLOAD-1")
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


def test_a_deflated_file_that_cannot_be_inflated_says_so(tmp_path: Path) -> None:
    path = deflated(tmp_path / "deflated.dcm", random_block(1, 3 * LARGEST_PIECE).tobytes())
    data = bytearray(path.read_bytes())
    for begin in range(LARGEST_PIECE, len(data), 1000):  # behind the head
        data[begin : begin + 500] = b"\xff" * 500
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"deflated\.dcm: its data set cannot be inflated"):
        from_file(path, "ULPLOAD-1")


def test_the_descriptors_of_mapped_files_are_counted(tmp_path: Path) -> None:
    files = []
    for number, length in enumerate((1000, 1 << 20, 3 << 20)):
        (path := tmp_path / str(number)).write_bytes(bytes(length))
        files.append(str(path))
    without = Plan(peer=PEER, address=PEER.resolve(), count=1)
    work = StoreWork(files=(*files, "/nowhere.dcm"))
    plan = Plan(peer=PEER, address=PEER.resolve(), count=1, mix={"store": 1}, store=work)
    assert descriptors_for(plan) == descriptors_for(without) + 2
