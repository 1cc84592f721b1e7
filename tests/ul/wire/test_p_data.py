"""P-DATA-TF: golden bytes, the cutting into pieces, and every length that lies."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ul.errors import INVALID_PDU_PARAMETER_VALUE, ProtocolError, UsageError
from ul.pdu_primitives import PDV
from ul.wire.p_data import PDataReader, encode

LAST = 2


def item(context_id: int, control: int, fragment: bytes, length: int | None = None) -> bytes:
    return struct.pack(">LBB", len(fragment) + 2 if length is None else length, context_id, control) + fragment


def read(body: bytes, cuts: list[int] | None = None) -> list[tuple[int, int, bytes]]:
    """Every piece of one P-DATA-TF body that arrives cut at these offsets; a cut PDV header is joined again."""
    reader = PDataReader()
    pieces: list[PDV] = []
    cuts = sorted({cut for cut in cuts or [] if cut < len(body)})
    held = b""
    for index, (start, end) in enumerate(zip([0, *cuts], [*cuts, len(body)], strict=True)):
        held += body[start:end]
        view = memoryview(held)
        got, used = reader.begin(len(body), view, 0, len(view)) if index == 0 else reader.read(view, 0, len(view))
        pieces += got
        while reader.remaining and used < len(held):  # pieces before a fault come first, a cut header stays
            got, further = reader.read(view, used, len(view))
            if further == used:
                break
            pieces += got
            used = further
        held = held[used:]
    if reader.remaining:
        pieces += reader.read(memoryview(held), 0, len(held))[0]
    assert not reader.remaining
    return [(context_id, control, bytes(fragment)) for context_id, control, fragment in pieces]


def joined(pieces: list[tuple[int, int, bytes]]) -> list[tuple[int, int, bytes]]:
    messages: list[tuple[int, int, bytes]] = []
    for context_id, control, fragment in pieces:
        if messages and messages[-1][0] == context_id and messages[-1][1] == control & ~LAST:
            fragment = messages.pop()[2] + fragment
        messages.append((context_id, control, fragment))
    return messages


def test_one_pdv_is_one_piece_and_no_copy() -> None:
    body = item(3, LAST, b"data")
    reader = PDataReader()
    [(context_id, control, fragment)], used = reader.begin(len(body), memoryview(body), 0, len(body))
    assert (context_id, control, bytes(fragment), used) == (3, LAST, b"data", len(body))
    assert isinstance(fragment, memoryview)
    assert fragment.obj is body


def test_several_pdvs() -> None:
    body = item(1, 3, b"command") + item(1, 0, b"da") + item(1, LAST, b"ta")
    assert read(body) == [(1, 3, b"command"), (1, 0, b"da"), (1, LAST, b"ta")]


def test_only_the_piece_that_ends_its_pdv_is_last() -> None:
    body = item(1, 3, b"command")
    assert read(body, [8, 10]) == [(1, 1, b"co"), (1, 1, b"mm"), (1, 3, b"and")]
    assert read(body, [6]) == [(1, 3, b"command")]  # a cut behind the header makes no empty piece


def test_an_empty_pdv_is_an_empty_piece() -> None:
    body = item(1, 0, b"") + item(1, LAST, b"")
    assert read(body) == [(1, 0, b""), (1, LAST, b"")]
    assert read(body, list(range(len(body)))) == [(1, 0, b""), (1, LAST, b"")]


@pytest.mark.parametrize("length", range(6))
def test_a_pdu_that_holds_no_pdv(length: int) -> None:
    with pytest.raises(ProtocolError, match=rf"^P-DATA-TF: {length} bytes hold no presentation data value$") as caught:
        PDataReader().begin(length, memoryview(bytes(length)), 0, length)
    assert caught.value.reason == INVALID_PDU_PARAMETER_VALUE


@pytest.mark.parametrize("length", [0, 1, 7, 0x7FFFFFFF, 0xFFFFFFFF])
@pytest.mark.parametrize("cuts", [[], [6], [3]])
def test_an_item_length_below_its_header_or_past_its_pdu(length: int, cuts: list[int]) -> None:
    with pytest.raises(ProtocolError, match=rf"^P-DATA-TF: item length {length} with 6 bytes left of the PDU$"):
        read(item(1, LAST, b"data", length), cuts)


@pytest.mark.parametrize("left_over", range(1, 6))
def test_bytes_left_over(left_over: int) -> None:
    body = item(1, LAST, b"data") + bytes(left_over)
    with pytest.raises(ProtocolError, match=f"^P-DATA-TF: {left_over} bytes left over"):
        read(body)


def test_what_precedes_a_fault_is_handed_on_first() -> None:
    body = item(1, 0, b"good") + item(1, LAST, b"", 1)
    view = memoryview(body)
    reader = PDataReader()
    [(_, _, fragment)], used = reader.begin(len(body), view, 0, len(view))
    assert fragment == b"good"
    with pytest.raises(ProtocolError, match="item length 1 "):
        reader.read(view, used, len(view))
    reader.abandon()
    assert reader.remaining == 0


pdvs = st.lists(
    st.tuples(st.integers(0, 255), st.integers(0, 3), st.binary(max_size=40) | st.binary(min_size=500, max_size=600)),
    min_size=1,
    max_size=6,
)


@given(pdvs, st.lists(st.integers(1, 700), max_size=8))
def test_any_cut_reads_the_same(values: list[tuple[int, int, bytes]], cuts: list[int]) -> None:
    body = b"".join(item(*value) for value in values)
    assert read(body) == values
    assert joined(read(body, cuts)) == joined(values)


@given(pdvs)
def test_what_is_encoded_reads_back(values: list[tuple[int, int, bytes]]) -> None:
    pdu = b"".join(encode(values))
    assert pdu[:2] == b"\4\0"
    assert int.from_bytes(pdu[2:6], "big") == len(pdu) - 6
    assert read(pdu[6:]) == values


def test_golden_bytes() -> None:
    assert encode([(5, 3, b"abcd")]) == [b"\4\0\0\0\0\x0a\0\0\0\6\5\3abcd"]
    assert encode([(5, 3, b"ab"), (5, 2, memoryview(b"cd"))]) == [
        b"\4\0\0\0\0\x10\0\0\0\4\5\3ab\0\0\0\4\5\2cd",
    ]


def test_large_fragments_are_not_copied() -> None:
    first, second = bytes(512), memoryview(bytes(4096))
    buffers = encode([(1, 0, first)])
    assert len(buffers) == 2
    assert buffers[1] is first
    buffers = encode([(1, 3, b"command"), (1, 0, first), (1, 2, second)])
    assert [len(buffer) for buffer in buffers] == [6 + 6 + 7 + 6, 512, 6, 4096]
    assert buffers[1] is first
    assert buffers[3] is second


@pytest.mark.parametrize("values", [[], [(256, 0, b"")], [(1, 256, b"")], [(1, 0, b""), (1, -1, b"")]])
def test_what_no_header_can_describe(values: list[PDV]) -> None:
    with pytest.raises(UsageError, match=r"^P-DATA: "):
        encode(values)
