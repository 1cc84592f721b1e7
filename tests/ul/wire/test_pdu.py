"""The PDUs of PS3.8 9.3: bytes derived by hand, pynetdicom as a second opinion, round trips, limits, mutations."""

from __future__ import annotations

import contextlib
import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire_strategies import accepts, mutations, primitives, requests

from ul.errors import INVALID_PDU_PARAMETER_VALUE, UNRECOGNIZED_PDU, ProtocolError, UsageError
from ul.pdu_primitives import (
    A_ABORT,
    A_ASSOCIATE,
    A_P_ABORT,
    A_RELEASE,
    P_DATA,
    ImplementationClassUIDNotification,
    ImplementationVersionNameNotification,
    MaximumLengthNotification,
    PresentationContextDefinition,
    PresentationContextResult,
    SCP_SCU_RoleSelectionNegotiation,
    UnknownItem,
    UserIdentityNegotiation,
)
from ul.wire import pdu
from ul.wire.items import PRESENTATION_CONTEXT_AC, PRESENTATION_CONTEXT_RQ

VERIFICATION = "1.2.840.10008.1.1"
IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"

REQUEST = A_ASSOCIATE(
    calling_ae_title="ECHOSCU",
    called_ae_title="ANY-SCP",
    presentation_context_definition_list=[
        PresentationContextDefinition(1, VERIFICATION, [IMPLICIT]),
        PresentationContextDefinition(3, VERIFICATION, [EXPLICIT, IMPLICIT]),
    ],
    user_information=[MaximumLengthNotification(16382), ImplementationClassUIDNotification("1.2.3")],
)
FIXED_FIELDS = b"\x00\x01\x00\x00ANY-SCP         ECHOSCU         " + bytes(32)
APPLICATION_CONTEXT = b"\x10\x00\x00\x151.2.840.10008.3.1.1.1"
USER_INFORMATION = b"\x50\x00\x00\x11\x51\x00\x00\x04\x00\x00\x3f\xfe\x52\x00\x00\x051.2.3"
REQUEST_BODY = (
    FIXED_FIELDS
    + APPLICATION_CONTEXT
    + b"\x20\x00\x00\x2e\x01\x00\x00\x00\x30\x00\x00\x111.2.840.10008.1.1\x40\x00\x00\x111.2.840.10008.1.2"
    + b"\x20\x00\x00\x45\x03\x00\x00\x00\x30\x00\x00\x111.2.840.10008.1.1"
    + b"\x40\x00\x00\x131.2.840.10008.1.2.1\x40\x00\x00\x111.2.840.10008.1.2"
    + USER_INFORMATION
)

ACCEPT = A_ASSOCIATE(
    calling_ae_title="ECHOSCU",
    called_ae_title="ANY-SCP",
    presentation_context_definition_results_list=[
        PresentationContextResult(1, 0, IMPLICIT),
        PresentationContextResult(3, 4, ""),
    ],
    user_information=[MaximumLengthNotification(16382), ImplementationClassUIDNotification("1.2.3")],
    result=0,
)
ACCEPT_BODY = (
    FIXED_FIELDS
    + APPLICATION_CONTEXT
    + b"\x21\x00\x00\x19\x01\x00\x00\x00\x40\x00\x00\x111.2.840.10008.1.2"
    + b"\x21\x00\x00\x08\x03\x00\x04\x00\x40\x00\x00\x00"
    + USER_INFORMATION
)

GOLDEN = [
    (REQUEST, b"\x01\x00\x00\x00\x00\xed" + REQUEST_BODY),
    (ACCEPT, b"\x02\x00\x00\x00\x00\x9b" + ACCEPT_BODY),
    (A_ASSOCIATE(result=1, result_source=1, diagnostic=7), b"\x03\x00\x00\x00\x00\x04\x00\x01\x01\x07"),
    (A_ASSOCIATE(result=2, result_source=3, diagnostic=2), b"\x03\x00\x00\x00\x00\x04\x00\x02\x03\x02"),
    (A_RELEASE(), b"\x05\x00\x00\x00\x00\x04\x00\x00\x00\x00"),
    (A_RELEASE("affirmative"), b"\x06\x00\x00\x00\x00\x04\x00\x00\x00\x00"),
    (A_ABORT(), b"\x07\x00\x00\x00\x00\x04\x00\x00\x00\x00"),
    (A_P_ABORT(6), b"\x07\x00\x00\x00\x00\x04\x00\x00\x02\x06"),
]


def decode(encoded):
    return pdu.decode(encoded[0], encoded[6:])


def request_with(contexts):
    return A_ASSOCIATE(presentation_context_definition_list=contexts)


def body_of(*items):
    return FIXED_FIELDS + b"".join(items)


@pytest.mark.parametrize(("primitive", "encoded"), GOLDEN, ids=[bytes.hex(e[:1]) for _, e in GOLDEN])
def test_pdu_has_the_bytes_of_the_standard(primitive, encoded):
    assert pdu.encode(primitive) == encoded
    assert decode(encoded) == primitive


@given(primitives)
def test_round_trip(primitive):
    encoded = pdu.encode(primitive)
    assert decode(encoded) == primitive
    assert int.from_bytes(encoded[2:6], "big") == len(encoded) - 6


@given(st.one_of(requests, accepts))
def test_canonical_bytes_come_back(primitive):
    encoded = pdu.encode(primitive)
    decoded = decode(encoded)
    assert decoded.encoded == encoded
    assert pdu.encode(dataclasses.replace(decoded, encoded=None)) == encoded


@given(st.data())
def test_any_mutation_is_a_primitive_or_a_protocol_error(data):
    valid = pdu.encode(data.draw(primitives))
    mutated = data.draw(mutations(valid[6:]))
    with contextlib.suppress(ProtocolError):
        pdu.decode(data.draw(st.sampled_from([valid[0], 1, 2])), mutated)


def test_every_truncation_is_a_primitive_or_a_protocol_error():
    for primitive, encoded in GOLDEN:
        for length in range(len(encoded) - 6):
            try:
                pdu.decode(encoded[0], encoded[6 : 6 + length])
            except ProtocolError as error:
                assert str(error).startswith("A-")
            else:
                assert isinstance(primitive, A_ASSOCIATE)  # whole items may be missing, and are judged above


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_body_may_be_any_buffer(kind):
    assert pdu.decode(pdu.A_ASSOCIATE_RQ, kind(REQUEST_BODY)) == REQUEST


# --- what is tolerated -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "title"),
    [
        (b"STORESCP        ", "STORESCP"),
        (b"STORESCP\0\0\0\0\0\0\0\0", "STORESCP"),
        (b"STORESCP\0garbage", "STORESCP"),
        (b"   STORE SCP    ", "STORE SCP"),
        (b"SIXTEEN_CHARS_16", "SIXTEEN_CHARS_16"),
        (bytes(16), ""),
        (b" " * 16, ""),
        (b"\xffSCP\n           ", "\xffSCP\n"),
    ],
)
def test_titles_lose_their_padding(raw, title):
    primitive = pdu.decode(pdu.A_ASSOCIATE_RQ, b"\x00\x01\x00\x00" + raw + raw + bytes(32))
    assert (primitive.called_ae_title, primitive.calling_ae_title) == (title, title)


def test_unknown_items_are_kept_and_ignored():
    primitive = pdu.decode(pdu.A_ASSOCIATE_RQ, b"".join([REQUEST_BODY, b"\x99\x00\x00\x02ab", b"\x21\x00\x00\x00"]))
    assert primitive.unknown_items == [UnknownItem(0x99, b"ab"), UnknownItem(0x21, b"")]
    assert primitive.presentation_context_definition_list == REQUEST.presentation_context_definition_list


def test_missing_items_are_judged_above():
    primitive = pdu.decode(pdu.A_ASSOCIATE_RQ, FIXED_FIELDS)
    assert primitive.application_context_name == ""
    assert primitive.presentation_context_definition_list == primitive.user_information == []


def test_protocol_version_and_reserved_bytes_are_only_read():
    body = b"\x80\x03\xff\xff" + REQUEST_BODY[4:36] + b"\xff" * 32 + REQUEST_BODY[68:]
    assert pdu.decode(pdu.A_ASSOCIATE_RQ, body).protocol_version == 0x8003


def test_rejected_context_may_carry_any_transfer_syntax():
    results = [PresentationContextResult(1, 3, ""), PresentationContextResult(3, 4, "not a UID")]
    body = body_of(*map(PRESENTATION_CONTEXT_AC.encode, results), b"\x21\x00\x00\x04\x05\x00\x02\x00")
    primitive = pdu.decode(pdu.A_ASSOCIATE_AC, body)
    assert primitive.presentation_context_definition_results_list == [*results, PresentationContextResult(5, 2, "")]


def test_abort_source_tells_who_aborted():
    assert pdu.decode(pdu.A_ABORT_PDU, b"\x00\x00\x00\x05") == A_ABORT(0)  # the reason is a provider's only
    assert pdu.decode(pdu.A_ABORT_PDU, b"\x00\x00\x01\x00") == A_ABORT(1)
    assert pdu.decode(pdu.A_ABORT_PDU, b"\x00\x00\x02\x05") == A_P_ABORT(5)


# --- what is not -----------------------------------------------------------------------------------------------------


def test_128_contexts_are_accepted():
    contexts = [PresentationContextDefinition(n, VERIFICATION, [IMPLICIT]) for n in range(1, 256, 2)]
    encoded = pdu.encode(request_with(contexts))
    assert decode(encoded).presentation_context_definition_list == contexts


@pytest.mark.parametrize(
    ("context_ids", "message"),
    [
        ([*range(1, 256, 2), 1], "129 presentation contexts"),
        ([1, 2], "id 2 is not odd"),
        ([0], "id 0 is not odd"),
        ([1, 3, 1], "id 1 is repeated"),
    ],
)
def test_context_ids_are_odd_and_unique(context_ids, message):
    definitions = [PRESENTATION_CONTEXT_RQ.encode(PresentationContextDefinition(n, "1", ["2"])) for n in context_ids]
    results = [PRESENTATION_CONTEXT_AC.encode(PresentationContextResult(n, 0, "2")) for n in context_ids]
    for pdu_type, items in [(pdu.A_ASSOCIATE_RQ, definitions), (pdu.A_ASSOCIATE_AC, results)]:
        with pytest.raises(ProtocolError, match=message) as caught:
            pdu.decode(pdu_type, body_of(*items))
        assert caught.value.reason == INVALID_PDU_PARAMETER_VALUE


@pytest.mark.parametrize(
    ("items", "message"),
    [
        (
            b"\x20\x00\x00\x10\x01\x00\x00\x00\x30\x00\x01\x2c1.2.",
            "A-ASSOCIATE-RQ: presentation context item (20H) at offset 74: length 16, 12 bytes left in its parent",
        ),
        (
            b"\x20\x00\x00\x0c\x01\x00\x00\x00\x30\x00\x01\x2c1.2.",
            "A-ASSOCIATE-RQ: presentation context item (20H) at offset 74: "
            "abstract syntax sub-item (30H) at offset 82: length 300, 4 bytes left in its parent",
        ),
        (b"\x20\x00\x00\x03\x01\x00\x00", "(20H) at offset 74: 3 bytes left at offset 78, its fixed fields take 4"),
        (b"\x50\x00\x00\x04\x51\x00\x00\x04", "user information item (50H) at offset 74: maximum length sub-item"),
        (b"\x10\x00\x00", "item at offset 74: its header is cut off"),
    ],
)
def test_error_names_pdu_item_and_offset(items, message):
    with pytest.raises(ProtocolError) as caught:
        pdu.decode(pdu.A_ASSOCIATE_RQ, body_of(items))
    assert message in str(caught.value)


@pytest.mark.parametrize("item", [APPLICATION_CONTEXT, USER_INFORMATION])
def test_item_that_may_be_there_once(item):
    with pytest.raises(ProtocolError, match=r"has 2 of .*, not one"):
        pdu.decode(pdu.A_ASSOCIATE_RQ, body_of(item, item))


def test_fixed_fields_cut_off():
    with pytest.raises(ProtocolError, match="A-ASSOCIATE-RQ: ends at offset 73, within its fixed fields"):
        pdu.decode(pdu.A_ASSOCIATE_RQ, FIXED_FIELDS[:67])


@pytest.mark.parametrize("pdu_type", [pdu.A_ASSOCIATE_RJ, pdu.A_RELEASE_RQ, pdu.A_RELEASE_RP, pdu.A_ABORT_PDU])
@pytest.mark.parametrize("length", [0, 3, 5])
def test_pdus_of_fixed_length(pdu_type, length):
    with pytest.raises(ProtocolError, match=f"length {length}, not 4"):
        pdu.decode(pdu_type, b"\x00\x01\x01\x01\x00"[:length])


@pytest.mark.parametrize("result", [0, 3])
def test_rejection_never_reads_as_an_acceptance(result):
    with pytest.raises(ProtocolError, match="neither permanent nor transient"):
        pdu.decode(pdu.A_ASSOCIATE_RJ, bytes([0, result, 1, 1]))


@pytest.mark.parametrize("pdu_type", [0, 4, 8, 255])
def test_unknown_pdu_type(pdu_type):
    with pytest.raises(ProtocolError) as caught:
        pdu.decode(pdu_type, b"")
    assert caught.value.reason == UNRECOGNIZED_PDU


@pytest.mark.parametrize(
    "primitive",
    [
        A_ASSOCIATE(calling_ae_title="SEVENTEEN_CHARS_1"),
        A_ASSOCIATE(called_ae_title="\u65e5\u672c"),
        A_ASSOCIATE(result=3),
        A_ASSOCIATE(result=1),  # without source and diagnostic
        A_ASSOCIATE(protocol_version=-1),
        A_ASSOCIATE(presentation_context_definition_list=[PresentationContextDefinition(256, "1", ["2"])]),
        A_ASSOCIATE(user_information=[PresentationContextDefinition(1, "1", ["2"])]),
        A_ABORT(256),
        P_DATA([]),
    ],
)
def test_value_that_does_not_fit_is_a_usage_error(primitive):
    with pytest.raises(UsageError):
        pdu.encode(primitive)


# --- bytes that are remembered ---------------------------------------------------------------------------------------


def test_equal_requests_and_answers_are_decoded_once():
    assert pdu.decode(pdu.A_ASSOCIATE_RQ, REQUEST_BODY) is pdu.decode(pdu.A_ASSOCIATE_RQ, bytearray(REQUEST_BODY))
    assert pdu.decode(pdu.A_ASSOCIATE_AC, ACCEPT_BODY) is pdu.decode(pdu.A_ASSOCIATE_AC, bytearray(ACCEPT_BODY))


def test_long_requests_are_not_remembered():
    long_body = REQUEST_BODY + b"\x99\x00\xff\xf0" + bytes(0xFFF0)
    assert pdu.decode(pdu.A_ASSOCIATE_RQ, long_body) is not pdu.decode(pdu.A_ASSOCIATE_RQ, long_body)


def test_encoded_is_used_again():
    primitive = A_ASSOCIATE(calling_ae_title="ONCE")
    assert pdu.encode(primitive) is primitive.encoded is pdu.encode(primitive)


def test_request_that_was_given_a_result_is_encoded_anew():
    request = pdu.decode(pdu.A_ASSOCIATE_RQ, FIXED_FIELDS)
    rejection = dataclasses.replace(request, result=1, result_source=1, diagnostic=1)
    assert rejection.encoded == request.encoded
    assert pdu.encode(rejection) == b"\x03\x00\x00\x00\x00\x04\x00\x01\x01\x01"


# --- a second opinion ------------------------------------------------------------------------------------------------


def test_pynetdicom_encodes_the_same_request():
    from pynetdicom import pdu as theirs
    from pynetdicom import pdu_primitives as their_primitives
    from pynetdicom.presentation import build_context

    primitive = their_primitives.A_ASSOCIATE()
    primitive.application_context_name = "1.2.840.10008.3.1.1.1"
    primitive.calling_ae_title, primitive.called_ae_title = "ECHOSCU", "ANY-SCP"
    contexts = [build_context(VERIFICATION, [IMPLICIT]), build_context(VERIFICATION, [EXPLICIT, IMPLICIT])]
    contexts[0].context_id, contexts[1].context_id = 1, 3
    primitive.presentation_context_definition_list = contexts
    items = [
        their_primitives.MaximumLengthNotification(),
        their_primitives.ImplementationClassUIDNotification(),
        their_primitives.ImplementationVersionNameNotification(),
        their_primitives.SCP_SCU_RoleSelectionNegotiation(),
        their_primitives.UserIdentityNegotiation(),
    ]
    items[0].maximum_length_received = 16382
    items[1].implementation_class_uid = "1.2.3"
    items[2].implementation_version_name = "ULPOOL"
    items[3].sop_class_uid, items[3].scu_role, items[3].scp_role = VERIFICATION, True, True
    items[4].user_identity_type, items[4].primary_field, items[4].secondary_field = 2, b"me", b"pw"
    primitive.user_information = items
    their_pdu = theirs.A_ASSOCIATE_RQ()
    their_pdu.from_primitive(primitive)

    ours = decode(their_pdu.encode())
    assert ours.presentation_context_definition_list == REQUEST.presentation_context_definition_list
    assert ours.user_information == [
        *REQUEST.user_information,
        ImplementationVersionNameNotification("ULPOOL"),
        SCP_SCU_RoleSelectionNegotiation(VERIFICATION, True, True),
        UserIdentityNegotiation(2, False, b"me", b"pw"),
    ]
    ours.encoded = None
    assert pdu.encode(ours) == their_pdu.encode()


def test_pynetdicom_reads_our_accept():
    from pynetdicom.pdu import A_ASSOCIATE_AC

    theirs = A_ASSOCIATE_AC()
    theirs.decode(pdu.encode(ACCEPT))
    primitive = theirs.to_primitive()
    results = primitive.presentation_context_definition_results_list
    assert [(context.context_id, context.result) for context in results] == [(1, 0), (3, 4)]
    assert results[0].transfer_syntax == [IMPLICIT]
    assert primitive.maximum_length_received == 16382
