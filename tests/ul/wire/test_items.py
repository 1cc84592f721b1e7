"""Items and sub-items: bytes derived by hand from PS3.8 9.3 and PS3.7 Annex D, round trips, and lengths that lie."""

from __future__ import annotations

import pytest
from hypothesis import given
from wire_strategies import definitions, results, user_information_items

from ul.errors import ProtocolError, UsageError
from ul.pdu_primitives import (
    AsynchronousOperationsWindowNegotiation,
    ImplementationClassUIDNotification,
    ImplementationVersionNameNotification,
    MaximumLengthNotification,
    PresentationContextDefinition,
    PresentationContextResult,
    SCP_SCU_RoleSelectionNegotiation,
    SOPClassCommonExtendedNegotiation,
    SOPClassExtendedNegotiation,
    UnknownItem,
    UserIdentityNegotiation,
)
from ul.wire.fields import MAXIMUM_ITEMS, by_type, read_items
from ul.wire.items import (
    ABSTRACT_SYNTAX,
    APPLICATION_CONTEXT,
    PRESENTATION_CONTEXT_AC,
    PRESENTATION_CONTEXT_RQ,
    TRANSFER_SYNTAX,
    USER_INFORMATION,
)

ITEMS = [
    (APPLICATION_CONTEXT, "1.2.840.10008.3.1.1.1", b"\x10\x00\x00\x151.2.840.10008.3.1.1.1"),
    (ABSTRACT_SYNTAX, "1.2.840.10008.1.1", b"\x30\x00\x00\x111.2.840.10008.1.1"),
    (TRANSFER_SYNTAX, "1.2.840.10008.1.2", b"\x40\x00\x00\x111.2.840.10008.1.2"),
    (
        PRESENTATION_CONTEXT_RQ,
        PresentationContextDefinition(3, "1.2", ["1.3", "1.4.5"]),
        b"\x20\x00\x00\x1b\x03\x00\x00\x00\x30\x00\x00\x031.2\x40\x00\x00\x031.3\x40\x00\x00\x051.4.5",
    ),
    (
        PRESENTATION_CONTEXT_AC,
        PresentationContextResult(255, 4, "1.3"),
        b"\x21\x00\x00\x0b\xff\x00\x04\x00\x40\x00\x00\x031.3",
    ),
    (
        PRESENTATION_CONTEXT_AC,
        PresentationContextResult(1, 3, ""),
        b"\x21\x00\x00\x08\x01\x00\x03\x00\x40\x00\x00\x00",
    ),
]

SUB_ITEMS = [
    (MaximumLengthNotification(16384), b"\x51\x00\x00\x04\x00\x00\x40\x00"),
    (ImplementationClassUIDNotification("1.2.3"), b"\x52\x00\x00\x051.2.3"),
    (AsynchronousOperationsWindowNegotiation(5, 258), b"\x53\x00\x00\x04\x00\x05\x01\x02"),
    (SCP_SCU_RoleSelectionNegotiation("1.2", True, False), b"\x54\x00\x00\x07\x00\x031.2\x01\x00"),
    (SCP_SCU_RoleSelectionNegotiation("1.2.3", False, True), b"\x54\x00\x00\x09\x00\x051.2.3\x00\x01"),
    (ImplementationVersionNameNotification("ULPOOL_1"), b"\x55\x00\x00\x08ULPOOL_1"),
    (SOPClassExtendedNegotiation("1.2", b"\x02\x00\x01"), b"\x56\x00\x00\x08\x00\x031.2\x02\x00\x01"),
    (
        SOPClassCommonExtendedNegotiation("1.2", "1.3", ["1.4", "1.5.6"]),
        b"\x57\x00\x00\x18\x00\x031.2\x00\x031.3\x00\x0c\x00\x031.4\x00\x051.5.6",
    ),
    (SOPClassCommonExtendedNegotiation("1.2", "1.3", []), b"\x57\x00\x00\x0c\x00\x031.2\x00\x031.3\x00\x00"),
    (UserIdentityNegotiation(1, True, b"me"), b"\x58\x00\x00\x08\x01\x01\x00\x02me\x00\x00"),
    (UserIdentityNegotiation(2, False, b"me", b"pw!"), b"\x58\x00\x00\x0b\x02\x00\x00\x02me\x00\x03pw!"),
    (UserIdentityNegotiation(server_response=b"ok"), b"\x59\x00\x00\x04\x00\x02ok"),
    (UserIdentityNegotiation(server_response=b""), b"\x59\x00\x00\x02\x00\x00"),
    (UnknownItem(0x7F, b"abc"), b"\x7f\x00\x00\x03abc"),
]


def read(layout, data):
    [(_, item)] = read_items(data, 0, len(data), by_type([layout]))
    return item


def user_information(sub_items):
    return b"\x50\x00" + len(sub_items).to_bytes(2, "big") + sub_items


@pytest.mark.parametrize(("layout", "item", "encoded"), ITEMS)
def test_item_has_the_bytes_of_the_standard(layout, item, encoded):
    assert layout.encode(item) == encoded
    assert read(layout, encoded) == item


@pytest.mark.parametrize(("item", "encoded"), SUB_ITEMS)
def test_user_information_sub_item_has_the_bytes_of_the_standard(item, encoded):
    assert USER_INFORMATION.encode([item]) == user_information(encoded)
    assert read(USER_INFORMATION, user_information(encoded)) == [item]


@given(definitions)
def test_presentation_context_rq_round_trip(item):
    assert read(PRESENTATION_CONTEXT_RQ, PRESENTATION_CONTEXT_RQ.encode(item)) == item


@given(results)
def test_presentation_context_ac_round_trip(item):
    assert read(PRESENTATION_CONTEXT_AC, PRESENTATION_CONTEXT_AC.encode(item)) == item


@given(user_information_items)
def test_user_information_round_trip(item):
    encoded = USER_INFORMATION.encode([item, item])
    assert read(USER_INFORMATION, encoded) == [item, item]
    assert USER_INFORMATION.encode(read(USER_INFORMATION, encoded)) == encoded


@pytest.mark.parametrize(("item", "encoded"), SUB_ITEMS)
def test_sub_item_cut_anywhere_is_an_item_or_a_protocol_error(item, encoded):
    for length in range(len(encoded) - 4):
        cut = encoded[:2] + length.to_bytes(2, "big") + encoded[4 : 4 + length]
        try:
            read(USER_INFORMATION, user_information(cut))
        except ProtocolError as error:
            assert "at offset 4" in str(error)


@pytest.mark.parametrize("padding", [b"\x00", b" ", b"\x00\x00", b" \x00"])
def test_padding_of_uids_is_stripped(padding):
    uid = b"1.2.840.10008.1.2" + padding
    assert read(TRANSFER_SYNTAX, b"\x40\x00" + len(uid).to_bytes(2, "big") + uid) == "1.2.840.10008.1.2"


def test_reserved_bytes_are_not_tested():
    encoded = b"\x20\xff\x00\x0e\x03\xff\xff\xff\x30\xff\x00\x011\x40\xff\x00\x012"
    assert read(PRESENTATION_CONTEXT_RQ, encoded) == PresentationContextDefinition(3, "1", ["2"])


def test_any_non_zero_role_is_a_role():
    assert read(USER_INFORMATION, user_information(b"\x54\x00\x00\x05\x00\x011\x02\xff")) == [
        SCP_SCU_RoleSelectionNegotiation("1", True, True)
    ]


def test_fields_of_a_later_version_are_ignored():
    later = b"\x57\x01\x00\x0a\x00\x011\x00\x012\x00\x00zz"
    assert read(USER_INFORMATION, user_information(later)) == [SOPClassCommonExtendedNegotiation("1", "2", [])]


def test_unknown_sub_items_of_a_presentation_context_are_ignored():
    encoded = b"\x20\x00\x00\x13\x03\x00\x00\x00\x99\x00\x00\x01x\x30\x00\x00\x011\x40\x00\x00\x012"
    assert read(PRESENTATION_CONTEXT_RQ, encoded) == PresentationContextDefinition(3, "1", ["2"])


def test_rejected_context_needs_no_transfer_syntax():
    assert read(PRESENTATION_CONTEXT_AC, b"\x21\x00\x00\x04\x01\x00\x03\x00") == PresentationContextResult(1, 3, "")


LIES = [
    # (user information sub-item, what the message names)
    (b"\x51\x00\x00\x05\x00\x00\x40\x00", "maximum length sub-item (51H) at offset 4: length 5, 4 bytes left"),
    (b"\x51\x00\x00\x03\x00\x00\x40", "maximum length sub-item (51H) at offset 4: 3 bytes left at offset 8"),
    (b"\x51\x00\x00", "item at offset 4: its header is cut off"),
    (b"\x54\x00\x00\x05\x00\x041.2", "(54H) at offset 4: sop_class_uid at offset 8: length 4, 3 bytes left"),
    (b"\x54\x00\x00\x05\x00\x031.2", "(54H) at offset 4: 0 bytes left at offset 13"),
    (b"\x54\x00\x00\x01\x00", "sop_class_uid at offset 8: its length is cut off"),
    (b"\x58\x00\x00\x06\x01\x01\x00\x02me", "secondary_field at offset 14: its length is cut off"),
    (b"\x59\x00\x00\x02\xff\xff", "server_response at offset 8: length 65535, 0 bytes left"),
    # A list whose member passes the list, though not the item.
    (
        b"\x57\x00\x00\x0f\x00\x011\x00\x012\x00\x05\x00\x041.2zz",
        "member at offset 16: length 4, 3 bytes left",
    ),
    (b"\x99\x00\x01\x00zz", "unknown item (99H) at offset 4: length 256, 2 bytes left in its parent"),
]


@pytest.mark.parametrize(("sub_item", "message"), LIES)
def test_length_past_its_parent_names_item_and_offset(sub_item, message):
    # What follows the parent would be enough: the parent's length counts, not the buffer's.
    data = user_information(sub_item) + b"\x00" * 70000
    with pytest.raises(ProtocolError) as caught:
        read_items(data, 0, 4 + len(sub_item), by_type([USER_INFORMATION]))
    assert message in str(caught.value)
    assert str(caught.value).startswith("user information item (50H) at offset 0: ")


@pytest.mark.parametrize(
    ("sub_items", "message"),
    [
        (b"", "has 0 of abstract syntax"),
        (b"\x30\x00\x00\x011\x30\x00\x00\x012", "has 2 of abstract syntax"),
        (b"\x30\x00\x00\x021", "length 2, 1 bytes left"),
    ],
)
def test_presentation_context_has_one_abstract_syntax(sub_items, message):
    encoded = b"\x20\x00" + (4 + len(sub_items)).to_bytes(2, "big") + b"\x01\x00\x00\x00" + sub_items
    with pytest.raises(ProtocolError, match=message):
        read(PRESENTATION_CONTEXT_RQ, encoded)


def test_number_of_items_in_a_parent_is_bounded():
    assert len(read(USER_INFORMATION, user_information(b"\x52\x00\x00\x00" * MAXIMUM_ITEMS))) == MAXIMUM_ITEMS
    with pytest.raises(ProtocolError, match="more than"):
        read(USER_INFORMATION, user_information(b"\x52\x00\x00\x00" * (MAXIMUM_ITEMS + 1)))


@pytest.mark.parametrize(
    "item",
    [
        MaximumLengthNotification(-1),
        MaximumLengthNotification(1 << 32),
        ImplementationClassUIDNotification("1" * 65536),
        ImplementationVersionNameNotification("\u65e5"),
        SOPClassExtendedNegotiation("1.2", b"x" * 65536),
        UserIdentityNegotiation(None),
        UnknownItem(256, b""),
        UnknownItem(0x99, b"x" * 65536),
        "1.2.3",
    ],
)
def test_value_that_does_not_fit_is_a_usage_error(item):
    with pytest.raises(UsageError):
        USER_INFORMATION.encode([item])
