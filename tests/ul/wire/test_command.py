"""The DIMSE command set: the table against PS3.7 Annex E, bytes by hand and by pynetdicom, round trips, mutations."""

from __future__ import annotations

import contextlib
import struct
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wire_strategies import commands, mutations

from ul.errors import ProtocolError, UsageError
from ul.wire import command as wire_command
from ul.wire.command import MESSAGES, Command, decode_command, encode_command
from ul.wire.command_dictionary import ELEMENTS

CT = "1.2.840.10008.5.1.4.1.1.2"


def us(number, value):
    return struct.pack("<HHLH", 0, number, 2, value)


def text(number, raw):
    return struct.pack("<HHL", 0, number, len(raw)) + raw


def command_set(*elements):
    content = b"".join(elements)
    return struct.pack("<HHLL", 0, 0, 4, len(content)) + content


ECHO_RQ = (
    b"\x00\x00\x00\x00\x04\x00\x00\x00\x38\x00\x00\x00"
    b"\x00\x00\x02\x00\x12\x00\x00\x001.2.840.10008.1.1\x00"
    b"\x00\x00\x00\x01\x02\x00\x00\x00\x30\x00"
    b"\x00\x00\x10\x01\x02\x00\x00\x00\x07\x00"
    b"\x00\x00\x00\x08\x02\x00\x00\x00\x01\x01"
)
ECHO_RSP = (
    b"\x00\x00\x00\x00\x04\x00\x00\x00\x42\x00\x00\x00"
    b"\x00\x00\x02\x00\x12\x00\x00\x001.2.840.10008.1.1\x00"
    b"\x00\x00\x00\x01\x02\x00\x00\x00\x30\x80"
    b"\x00\x00\x20\x01\x02\x00\x00\x00\x07\x00"
    b"\x00\x00\x00\x08\x02\x00\x00\x00\x01\x01"
    b"\x00\x00\x00\x09\x02\x00\x00\x00\x00\x00"
)
STORE_RQ = command_set(
    text(0x0002, b"1.2.840.10008.5.1.4.1.1.2\0"),
    us(0x0100, 0x0001),
    us(0x0110, 65535),
    us(0x0700, 2),
    us(0x0800, 1),
    text(0x1000, b"1.2.3\0"),
    text(0x1030, b"MOVER "),
    us(0x1031, 9),
)

GOLDEN = [
    (Command(wire_command.C_ECHO_RQ, MessageID=7, AffectedSOPClassUID="1.2.840.10008.1.1"), ECHO_RQ),
    (
        Command(
            wire_command.C_ECHO_RSP,
            MessageIDBeingRespondedTo=7,
            AffectedSOPClassUID="1.2.840.10008.1.1",
            Status=0,
        ),
        ECHO_RSP,
    ),
    (
        Command(
            wire_command.C_STORE_RQ,
            MessageID=65535,
            AffectedSOPClassUID=CT,
            AffectedSOPInstanceUID="1.2.3",
            Priority=2,
            CommandDataSetType=1,
            MoveOriginatorApplicationEntityTitle="MOVER",
            MoveOriginatorMessageID=9,
        ),
        STORE_RQ,
    ),
    (
        Command(
            wire_command.C_STORE_RSP,
            MessageIDBeingRespondedTo=1,
            Status=0xA900,
            OffendingElement=[0x00080018, 0x7FE00010],
            ErrorComment="Bad UID",
        ),
        command_set(
            us(0x0100, 0x8001),
            us(0x0120, 1),
            us(0x0800, 0x0101),
            us(0x0900, 0xA900),
            text(0x0901, b"\x08\x00\x18\x00\xe0\x7f\x10\x00"),
            text(0x0902, b"Bad UID "),
        ),
    ),
    (
        Command(wire_command.C_CANCEL_RQ, MessageIDBeingRespondedTo=5),
        command_set(us(0x0100, 0x0FFF), us(0x0120, 5), us(0x0800, 0x0101)),
    ),
    (
        Command(
            wire_command.N_GET_RQ,
            MessageID=2,
            RequestedSOPClassUID="1.2",
            RequestedSOPInstanceUID="1.3.4",
            AttributeIdentifierList=[0x00100010],
        ),
        command_set(
            text(0x0003, b"1.2\0"),
            us(0x0100, 0x0110),
            us(0x0110, 2),
            us(0x0800, 0x0101),
            text(0x1001, b"1.3.4\0"),
            text(0x1005, b"\x10\x00\x10\x00"),
        ),
    ),
]


@pytest.mark.parametrize(("command", "encoded"), GOLDEN, ids=[c.type.name for c, _ in GOLDEN])
def test_command_has_the_bytes_of_the_standard(command, encoded):
    assert encode_command(command) == encoded
    assert decode_command(encoded) == command


@given(commands())
def test_round_trip(command):
    encoded = encode_command(command)
    assert decode_command(encoded) == command
    assert encode_command(decode_command(encoded)) == encoded


@given(commands(), st.sampled_from([bytearray, memoryview]))
def test_any_buffer_is_read(command, kind):
    assert decode_command(kind(encode_command(command))) == command


@given(st.data())
def test_any_mutation_is_a_command_or_a_protocol_error(data):
    mutated = data.draw(mutations(encode_command(data.draw(commands()))))
    try:
        command = decode_command(mutated)
    except ProtocolError:
        return
    assert isinstance(command.message_id, int)
    assert isinstance(command.has_data_set, bool)


def test_every_truncation_is_a_command_or_a_protocol_error():
    for _, encoded in GOLDEN:
        for length in range(len(encoded)):
            with contextlib.suppress(ProtocolError):
                decode_command(encoded[:length])


# --- what recurs is remembered: the short ways and the general ones ---------------------------------------------------

RECURRING = [wire_command.C_ECHO_RQ, wire_command.C_STORE_RQ, wire_command.C_FIND_RQ]
BARE = [row for row in MESSAGES if not row.is_request]
WEIRD = [*range(3), 65535, 65536, -1, True, 0.0, None, "1", "1.2", "\u0100", [1]]


def outcome(function, argument):
    try:
        result = function(argument)
    except (ProtocolError, UsageError) as error:
        return str(error)
    return (result.type, list(vars(result).items())) if isinstance(result, Command) else result


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_remembered_request_is_read_as_one_that_is_not(data):
    command = data.draw(commands(RECURRING))
    encoded = encode_command(command)
    command.MessageID = data.draw(st.integers(0, 65535))
    if command.AffectedSOPInstanceUID is not None:
        command.AffectedSOPInstanceUID = data.draw(st.text("0123456789.\0 ", max_size=64))
    similar = encode_command(command)
    for one in (encoded, similar, data.draw(mutations(encoded)), data.draw(mutations(similar)), similar):
        assert outcome(decode_command, one) == outcome(wire_command._decode_anew, one)
        assert outcome(decode_command, one) == outcome(wire_command._decode_anew, one)


@pytest.mark.parametrize("uid", [b"", b"1\0", b"1.2.3.4.", bytes(64), b"\0\0\x10\1\2\0\0\0\7\0", b"\0\0\0\x10\2\0\0\0"])
def test_a_value_that_looks_like_a_tag_is_a_value(uid):
    class_first = text(0x0002, uid), us(0x0100, 1), us(0x0110, 5), us(0x0700, 0), us(0x0800, 1), text(0x1000, uid)
    twice = us(0x0100, 0x30), us(0x0110, 5), us(0x0800, 0x0101), us(0x0110, 6)
    for elements in (class_first, class_first[::-1], (*class_first, us(0x0110, 9)), twice, (*twice, text(0x1000, uid))):
        encoded = command_set(*elements)
        for one in (encoded, encoded.replace(us(0x0110, 5), us(0x0110, 7)), encoded):
            assert outcome(decode_command, one) == outcome(wire_command._decode_anew, one)


def test_what_is_remembered_is_bounded_and_nobody_elses(monkeypatch):
    monkeypatch.setattr(wire_command, "_FRAMES", frames := {})
    monkeypatch.setattr(wire_command, "_MOST_FRAMES", 3)
    for number in range(10):
        encoded = command_set(
            text(0x0002, f"1.2.{number}\0".encode()), us(0x0100, 0x30), us(0x0110, 5), us(0x0800, 257)
        )
        decode_command(encoded).AffectedSOPClassUID = "spoilt"
        assert len(frames) <= 3
        assert decode_command(encoded).AffectedSOPClassUID == f"1.2.{number}"
    decode_command(encoded)
    assert encoded[:44] in [frame[:44] for frame in frames]
    frames.clear()
    decode_command(encoded + text(0x0902, bytes(600)))
    assert not frames


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(BARE), st.data())
def test_a_bare_response_is_written_as_any_other(row, data):
    elements = {keyword: data.draw(st.sampled_from(WEIRD)) for keyword in sorted(row.bare)}
    for strange in data.draw(st.sets(st.sampled_from(sorted(row.bare)), max_size=2)), set(elements):
        response = Command(row, **{k: v for k, v in elements.items() if k != "CommandField"})
        for keyword in row.bare - strange - {"CommandField"}:
            setattr(response, keyword, "1.2.3" if keyword.endswith("UID") else 7)
        assert outcome(encode_command, response) == outcome(wire_command._encode_anew, response)
        assert outcome(encode_command, response) == outcome(wire_command._encode_anew, response)


# --- the tables ------------------------------------------------------------------------------------------------------


def test_there_are_23_messages():
    assert len(MESSAGES) == len({row.command_field for row in MESSAGES}) == 23
    for row in MESSAGES:
        assert getattr(wire_command, row.name.replace("-", "_")) is row


def test_elements_are_those_of_the_data_dictionary():
    from pydicom.datadict import dictionary_keyword, dictionary_VR

    assert [row.number for row in ELEMENTS] == sorted(row.number for row in ELEMENTS)
    for row in ELEMENTS:
        assert (dictionary_keyword(row.number), dictionary_VR(row.number)) == (row.keyword, row.vr)


def test_messages_have_the_elements_pynetdicom_gives_them():
    from pynetdicom.dimse_messages import _COMMAND_SET_KEYWORDS

    # The main tables of PS3.7 9.3 and 10.3; what ours have beyond them are elements a failure status adds (PS3.7 C).
    assert _COMMAND_SET_KEYWORDS.keys() == {row.name for row in MESSAGES}
    for row in MESSAGES:
        theirs = set(_COMMAND_SET_KEYWORDS[row.name]) - {"CommandGroupLength"}
        missing = {"AffectedSOPClassUID"} if row in (wire_command.N_CREATE_RQ,) else set()
        assert theirs - missing <= row.elements
        assert row.elements - theirs <= {"OffendingElement", "ErrorComment", "ErrorID", "AttributeIdentifierList"}


def test_responses_follow_from_the_command_field():
    for row in MESSAGES:
        if row.is_request and row is not wire_command.C_CANCEL_RQ:
            assert row.response is not None
            assert row.response.name == row.name.replace("-RQ", "-RSP")
            assert row.response.command_field == row.command_field | 0x8000
        else:
            assert row.response is None


@pytest.mark.parametrize(
    ("name", "message_id", "sop_class", "sop_instance"),
    [
        ("C_ECHO_RQ", "MessageID", "AffectedSOPClassUID", None),
        ("C_STORE_RQ", "MessageID", "AffectedSOPClassUID", "AffectedSOPInstanceUID"),
        ("C_STORE_RSP", "MessageIDBeingRespondedTo", "AffectedSOPClassUID", "AffectedSOPInstanceUID"),
        ("C_CANCEL_RQ", "MessageIDBeingRespondedTo", None, None),
        ("N_EVENT_REPORT_RQ", "MessageID", "AffectedSOPClassUID", "AffectedSOPInstanceUID"),
        ("N_SET_RQ", "MessageID", "RequestedSOPClassUID", "RequestedSOPInstanceUID"),
        ("N_SET_RSP", "MessageIDBeingRespondedTo", "AffectedSOPClassUID", "AffectedSOPInstanceUID"),
    ],
)
def test_row_says_where_its_values_are(name, message_id, sop_class, sop_instance):
    row = getattr(wire_command, name)
    assert (row.message_id, row.sop_class, row.sop_instance) == (message_id, sop_class, sop_instance)


# --- commands --------------------------------------------------------------------------------------------------------


def test_missing_element_reads_as_none():
    command = Command(wire_command.C_ECHO_RQ, MessageID=1)
    assert command.AffectedSOPClassUID is None
    assert command.Status is None
    with pytest.raises(AttributeError):
        command.AffectedSopClassUid  # noqa: B018


def test_data_set_type_tells_whether_a_data_set_follows():
    assert not Command(wire_command.C_ECHO_RQ, MessageID=1).has_data_set
    for value in (0, 1, 0x0102, 0xFFFF):
        assert Command(wire_command.C_STORE_RQ, MessageID=1, CommandDataSetType=value).has_data_set


def test_element_of_another_message_is_a_usage_error():
    with pytest.raises(UsageError, match="C-ECHO-RQ has no Priority"):
        Command(wire_command.C_ECHO_RQ, MessageID=1, Priority=0)


def test_response_to_a_c_request():
    request = Command(wire_command.C_STORE_RQ, MessageID=3, AffectedSOPClassUID=CT, AffectedSOPInstanceUID="1.2")
    request.CommandDataSetType = 1
    assert request.response(Status=0) == Command(
        wire_command.C_STORE_RSP,
        MessageIDBeingRespondedTo=3,
        AffectedSOPClassUID=CT,
        AffectedSOPInstanceUID="1.2",
        Status=0,
        CommandDataSetType=0x0101,
    )


def test_response_to_an_n_request_turns_requested_into_affected():
    request = Command(
        wire_command.N_ACTION_RQ, MessageID=3, RequestedSOPClassUID="1.1", RequestedSOPInstanceUID="1.2", ActionTypeID=1
    )
    response = request.response(Status=0, CommandDataSetType=1, ActionTypeID=1)
    assert (response.AffectedSOPClassUID, response.AffectedSOPInstanceUID) == ("1.1", "1.2")
    assert (response.type, response.has_data_set, response.message_id) == (wire_command.N_ACTION_RSP, True, 3)


def test_response_may_name_the_instance_itself():
    request = Command(wire_command.N_CREATE_RQ, MessageID=3, AffectedSOPClassUID="1.1")
    assert request.response(Status=0) == Command(
        wire_command.N_CREATE_RSP, MessageIDBeingRespondedTo=3, AffectedSOPClassUID="1.1", Status=0
    )
    assert request.response(Status=0, AffectedSOPInstanceUID="1.9").AffectedSOPInstanceUID == "1.9"


def test_cancel_and_responses_have_no_response():
    for row in (wire_command.C_CANCEL_RQ, wire_command.C_ECHO_RSP):
        with pytest.raises(UsageError, match="has no response"):
            Command(row, MessageIDBeingRespondedTo=1).response(Status=0)


@pytest.mark.parametrize(
    "elements",
    [
        {"MessageID": 65536},
        {"MessageID": -1},
        {"MessageID": "1"},
        {"AffectedSOPClassUID": "1.\u0662"},
        {"AffectedSOPClassUID": 12},
        {"AffectedSOPClassUID": ["1.2"]},
    ],
)
def test_value_that_does_not_fit_is_a_usage_error(elements):
    with pytest.raises(UsageError, match=f"C-ECHO-RQ: {next(iter(elements))} cannot be encoded"):
        encode_command(Command(wire_command.C_ECHO_RQ, **elements))


def test_error_comment_in_any_script_can_be_sent():
    command = Command(wire_command.C_ECHO_RSP, MessageIDBeingRespondedTo=1, Status=0x0110, ErrorComment="\u65e5: no")
    assert decode_command(encode_command(command)).ErrorComment == "?: no"


# --- what is tolerated, and what is not ------------------------------------------------------------------------------

ESSENTIAL = (us(0x0100, 0x0030), us(0x0110, 1), us(0x0800, 0x0101))


@pytest.mark.parametrize("uid", [b"1.2", b"1.2\0", b"1.2 ", b"1.2\0\0\0", b"1.2 \0"])
def test_padding_is_stripped(uid):
    assert decode_command(command_set(text(0x0002, uid), *ESSENTIAL)).AffectedSOPClassUID == "1.2"


@pytest.mark.parametrize("uid", [b"", b"../../etc", b"1" * 65, b"1" * 300, b"\xff\xfe", b"a\0b\0"])
def test_odd_uids_are_kept_for_judgement(uid):
    command = decode_command(command_set(text(0x1000, uid), *ESSENTIAL))
    assert command.AffectedSOPInstanceUID == uid.decode("latin-1").rstrip("\0 ")


def test_unknown_elements_order_and_group_length_do_not_matter():
    unknown = [us(0x0001, 5), text(0x5010, b"RETIRED "), text(0x9999, b"")]
    elements = [*ESSENTIAL[::-1], *unknown, text(0x0002, b"1.2\0")]
    expected = Command(wire_command.C_ECHO_RQ, MessageID=1, AffectedSOPClassUID="1.2")
    assert decode_command(command_set(*elements)) == expected
    assert decode_command(b"".join(elements)) == expected
    assert decode_command(struct.pack("<HHLL", 0, 0, 4, 0) + b"".join(elements)) == expected


def test_empty_number_is_a_missing_one():
    assert decode_command(command_set(*ESSENTIAL, text(0x0700, b""))).Priority is None
    with pytest.raises(ProtocolError, match="C-ECHO-RQ: MessageID is missing"):
        decode_command(command_set(ESSENTIAL[0], text(0x0110, b""), ESSENTIAL[2]))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "CommandField is missing"),
        (command_set(), "CommandField is missing"),
        (command_set(us(0x0110, 1), us(0x0800, 1)), "CommandField is missing"),
        (command_set(us(0x0100, 0x0002), *ESSENTIAL[1:]), "CommandField 0002H is no message"),
        (command_set(ESSENTIAL[0], ESSENTIAL[2]), "C-ECHO-RQ: MessageID is missing"),
        (command_set(*ESSENTIAL[:2]), "C-ECHO-RQ: CommandDataSetType is missing"),
        (command_set(us(0x0100, 0x8030), us(0x0120, 1), us(0x0800, 0x0101)), "C-ECHO-RSP: Status is missing"),
        (command_set(us(0x0100, 0x0FFF), *ESSENTIAL[1:]), "C-CANCEL-RQ: MessageIDBeingRespondedTo is missing"),
        (command_set(*ESSENTIAL)[:-1], "(0000,0800) CommandDataSetType at offset 32: length 2, 1 bytes left"),
        (command_set(*ESSENTIAL)[:-5], "command element at offset 32: its tag and length are cut off"),
        (command_set(text(0x0100, b"\1\0\0\0")), "(0000,0100) CommandField at offset 12: length 4, not 2"),
        (command_set(text(0x0901, b"\1\0\0\0\0")), "(0000,0901) OffendingElement at offset 12: length 5"),
        (command_set(b"\x00\x00\x00\x10\xff\xff\xff\xff1.2"), "AffectedSOPInstanceUID at offset 12: length 4294967295"),
        (command_set(b"\x08\x00\x18\x00\x02\x00\x00\x001\x00"), "(0008,0018) unknown at offset 12: its group is not"),
    ],
)
def test_broken_command_set_names_element_and_offset(data, message):
    with pytest.raises(ProtocolError) as caught:
        decode_command(data)
    assert message in str(caught.value)


# --- a second opinion ------------------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(commands())
def test_pydicom_reads_the_same(command):
    from pydicom.config import disable_value_validation
    from pynetdicom.dsutils import decode

    encoded = encode_command(command)
    with disable_value_validation():
        dataset = decode(BytesIO(encoded), True, True)
        theirs_by_keyword = {element.keyword: element.value for element in dataset}
    assert dataset.CommandGroupLength == len(encoded) - 12
    for keyword, value in vars(command).items():
        theirs = theirs_by_keyword[keyword]
        if isinstance(value, list):
            theirs = [] if theirs is None else [theirs] if isinstance(theirs, int) else list(theirs)
            assert theirs == value
        elif isinstance(value, int) or keyword.endswith("UID"):
            assert theirs == value


def test_pynetdicom_encodes_the_same_request():
    from pynetdicom.dimse_messages import C_STORE_RQ
    from pynetdicom.dimse_primitives import C_STORE
    from pynetdicom.dsutils import encode

    primitive = C_STORE()
    primitive.MessageID, primitive.Priority = 65535, 2
    primitive.AffectedSOPClassUID, primitive.AffectedSOPInstanceUID = CT, "1.2.3"
    primitive.MoveOriginatorApplicationEntityTitle, primitive.MoveOriginatorMessageID = "MOVER", 9
    message = C_STORE_RQ()
    message.primitive_to_message(primitive)
    message.command_set.CommandDataSetType = 1
    message.command_set.CommandGroupLength = len(STORE_RQ) - 12
    assert encode(message.command_set, True, True) == STORE_RQ
