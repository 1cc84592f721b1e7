"""Every conversation between two sessions: negotiation, messages, windows, release, abort, silence."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Any
from unittest.mock import Mock

import pytest
from conversation import EXPLICIT, IMPLICIT, Conversation, Memory, bytewise, ct_offer, whole
from hypothesis import given, settings
from hypothesis import strategies as st

from ul.acse import (
    CALLED_AE_TITLE_NOT_RECOGNIZED,
    CALLING_AE_TITLE_NOT_RECOGNIZED,
    LOCAL_LIMIT_EXCEEDED,
    Rejection,
    SupportedContext,
    request,
)
from ul.association_control import ENDED, REQUESTED
from ul.dimse import MAXIMUM_COMMAND_LENGTH, MAXIMUM_EMPTY_FRAGMENTS, BytesSource, largest_fragment
from ul.errors import ProtocolError, StatusError, UsageError
from ul.pdu_primitives import (
    A_ABORT,
    A_ASSOCIATE,
    A_P_ABORT,
    A_RELEASE,
    P_DATA,
    AsynchronousOperationsWindowNegotiation,
    PresentationContextDefinition,
    SCP_SCU_RoleSelectionNegotiation,
)
from ul.services.query_retrieve import get_request
from ul.services.storage import store_request
from ul.services.verification import echo_request
from ul.session import Session
from ul.session_events import (
    AssociationAborted,
    AssociationAccepted,
    AssociationRejected,
    AssociationReleased,
    ResponseReceived,
    Timeouts,
)
from ul.sop_class import CTImageStorage, MRImageStorage, Verification
from ul.wire import p_data
from ul.wire.command import C_CANCEL_RQ, C_ECHO_RSP, C_FIND_RQ, C_STORE_RQ, Command, encode_command
from ul.wire.pdu import encode

UID = "1.2.3"
DATA = bytes(range(256)) * 37


def store(conversation: Conversation, data: bytes = DATA, message_id: int = 1, **changes: Any) -> Conversation:
    request = store_request(message_id, CTImageStorage, UID)
    for name, value in changes.items():
        setattr(request, name, value)
    conversation.requestor.session.send(3, request, conversation.requestor.time, BytesSource(data))
    return conversation.run()


def echo(conversation: Conversation, message_id: int = 1) -> Conversation:
    conversation.requestor.session.send(1, echo_request(message_id), conversation.requestor.time)
    return conversation.run()


def statuses(conversation: Conversation) -> list[int]:
    return [e.response.Status for e in conversation.requestor.events if isinstance(e, ResponseReceived)]


def inject(conversation: Conversation, *values: tuple[int, int, bytes]) -> Conversation:
    """Presentation data values that no session of ours would send."""
    conversation.acceptor.take(b"".join(bytes(part) for part in p_data.encode(list(values))))
    return conversation.run()


# -- negotiation


def test_accepts_what_both_support_and_answers_every_proposed_context() -> None:
    contexts = [
        PresentationContextDefinition(1, Verification, [IMPLICIT]),
        PresentationContextDefinition(3, MRImageStorage, [IMPLICIT]),
        PresentationContextDefinition(5, CTImageStorage, ["1.2.840.10008.1.2.4.50"]),
        PresentationContextDefinition(7, CTImageStorage, [EXPLICIT, IMPLICIT]),
    ]
    conversation = Conversation().associate(contexts=contexts)
    negotiated = conversation.requestor.session.negotiated
    assert {c.context_id: c.transfer_syntax for c in negotiated.contexts.values()} == {1: IMPLICIT, 7: EXPLICIT}
    confirm = conversation.requestor.indications[0]
    assert isinstance(confirm, A_ASSOCIATE)
    assert [r.result for r in confirm.presentation_context_definition_results_list] == [0, 3, 4, 0]


def test_roles_are_the_default_ones_unless_negotiated() -> None:
    conversation = Conversation().associate()
    assert all(c.as_scu and not c.as_scp for c in conversation.requestor.session.negotiated.contexts.values())
    assert all(c.as_scp and not c.as_scu for c in conversation.acceptor.session.negotiated.contexts.values())


@pytest.mark.parametrize("scu", [True, False])
@pytest.mark.parametrize("scp", [True, False])
def test_both_sides_read_a_role_selection_alike(scu: bool, scp: bool) -> None:
    offer = ct_offer(contexts={CTImageStorage: SupportedContext((IMPLICIT,), scu_role=scu, scp_role=scp)})
    conversation = Conversation(offer).associate(
        extended=[SCP_SCU_RoleSelectionNegotiation(CTImageStorage, True, True)]
    )
    requestor = conversation.requestor.session.negotiated.contexts[3]
    acceptor = conversation.acceptor.session.negotiated.contexts[3]
    assert (requestor.as_scu, requestor.as_scp) == (scu, scp) == (acceptor.as_scp, acceptor.as_scu)


@pytest.mark.parametrize(
    ("proposed", "supported", "agreed"),
    [(None, (4, 4), (1, 1)), ((8, 8), (1, 1), (1, 1)), ((8, 2), (4, 4), (4, 2)), ((0, 0), (3, 0), (3, 0))],
)
def test_the_operations_window_is_negotiated_down(
    proposed: tuple[int, int] | None, supported: tuple[int, int], agreed: tuple[int, int]
) -> None:
    extended = [AsynchronousOperationsWindowNegotiation(*proposed)] if proposed else []
    conversation = Conversation(ct_offer(operations_window=supported)).associate(extended=extended)
    requestor, acceptor = conversation.requestor.session.negotiated, conversation.acceptor.session.negotiated
    assert (requestor.may_invoke, requestor.may_perform) == agreed
    assert (acceptor.may_perform, acceptor.may_invoke) == agreed


def test_unknown_sop_classes_are_accepted_on_request_only() -> None:
    private = [PresentationContextDefinition(1, "1.2.3.4.5", [EXPLICIT])]
    assert not Conversation().associate(contexts=private).requestor.session.negotiated.contexts
    offer = ct_offer(unknown_contexts=SupportedContext((EXPLICIT,)))
    assert Conversation(offer).associate(contexts=private).requestor.session.negotiated.contexts[1]


def test_equal_requests_are_answered_from_memory_and_others_are_not() -> None:
    offer = ct_offer()
    first, second = Conversation(offer).associate(), Conversation(offer).associate()
    other = Conversation(offer).associate(calling_ae_title="OTHER")
    assert first.acceptor.session.negotiated is second.acceptor.session.negotiated
    assert first.acceptor.session.negotiated is not other.acceptor.session.negotiated
    for number in range(200):
        Conversation(offer).associate(calling_ae_title=f"SCU{number}")
    assert len(offer._memo) <= 64


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"called_ae_titles": ("ELSE",)}, CALLED_AE_TITLE_NOT_RECOGNIZED),
        ({"calling_ae_titles": ("ELSE",)}, CALLING_AE_TITLE_NOT_RECOGNIZED),
    ],
)
def test_titles_can_be_required(changes: dict[str, Any], expected: Rejection) -> None:
    conversation = Conversation(ct_offer(**changes)).associate()
    assert conversation.requestor.events == [AssociationRejected(expected)]
    assert conversation.acceptor.events == [AssociationRejected(expected, locally=True)]


def test_another_application_context_is_rejected() -> None:
    conversation = Conversation()
    conversation.acceptor.upper.transport_opened(0.0)
    conversation.acceptor.take(encode(A_ASSOCIATE("A", "B", application_context_name="1.2.3")))
    assert conversation.acceptor.events == [AssociationRejected(Rejection(1, 1, 2), locally=True)]


def test_rejection_at_a_limit_reaches_the_requestor_and_the_transport_is_left_to_the_peer() -> None:
    conversation = Conversation(admit=False).associate()
    conversation.acceptor.session.reject(LOCAL_LIMIT_EXCEEDED, 0.0)
    conversation.run()
    assert conversation.requestor.events == [AssociationRejected(LOCAL_LIMIT_EXCEEDED)]
    assert conversation.requestor.upper.should_close
    assert conversation.acceptor.upper.state_machine.current_state == "Sta13"


def test_an_acceptor_that_makes_contexts_up_does_not_get_them() -> None:
    conversation = Conversation().associate()
    definitions = [PresentationContextDefinition(1, Verification, [EXPLICIT])]
    from ul.acse import agreed

    confirm = conversation.requestor.indications[0]
    assert isinstance(confirm, A_ASSOCIATE)
    proposal = request(calling_ae_title="A", called_ae_title="B", contexts=definitions)
    assert not agreed(proposal, confirm).contexts  # 1 with a transfer syntax never proposed, 3 never proposed at all


# -- messages


@pytest.mark.parametrize("cut", [whole, bytewise])
@pytest.mark.parametrize("maximum", [0, 8, 9, 128, 16382, 131072])
def test_a_message_arrives_whole_whatever_the_maximum_and_the_cut(cut: Any, maximum: int) -> None:
    conversation = Conversation(ct_offer(maximum_length=maximum), cut=cut).associate()
    data = DATA[:700] if cut is bytewise or maximum < 16 else DATA
    store(conversation, data)
    assert statuses(conversation) == [0]
    assert conversation.acceptor.instances[0].data == data
    assert conversation.acceptor.instances[0].kept


@given(maximum=st.integers(0, 300))
def test_fragments_are_even_and_fit(maximum: int) -> None:
    size = largest_fragment(maximum)
    assert size % 2 == 0
    assert size >= 2
    assert not maximum >= 8 or size + 6 <= maximum


@settings(max_examples=60)
@given(data=st.data())
def test_any_legal_fragmentation_reads_the_same(data: st.DataObject) -> None:
    """Command and data set in one P-DATA-TF, several messages in one, one byte per PDV, empty fragments between."""
    conversation = Conversation().associate()
    values: list[tuple[int, int, bytes]] = []
    for message_id in range(1, 4):
        command = encode_command(store_request(message_id, CTImageStorage, UID))
        for header, part in ((1, command), (0, DATA[:50])):
            cuts = sorted(data.draw(st.lists(st.integers(0, len(part)), max_size=5)))
            edges = [0, *cuts, len(part)]
            pieces = [part[a:b] for a, b in pairwise(edges)]
            values += [(3, header, piece) for piece in pieces[:-1]] + [(3, header | 2, pieces[-1])]
    at = data.draw(st.integers(1, len(values)))
    stream = b"".join(bytes(b) for group in (values[:at], values[at:]) if group for b in p_data.encode(group))
    where = data.draw(st.integers(0, len(stream)))
    for piece in (stream[:where], stream[where:]):
        if piece:
            conversation.acceptor.take(piece)
    assert [r.Status for r in conversation.acceptor.responses] == [0, 0, 0]
    assert [i.data for i in conversation.acceptor.instances] == [DATA[:50]] * 3


def test_echo_and_store_on_one_association() -> None:
    conversation = Conversation().associate()
    echo(conversation, 1)
    store(conversation, message_id=2)
    echo(conversation, 3)
    assert statuses(conversation) == [0, 0, 0]


def test_a_second_request_before_the_response_waits_for_its_turn() -> None:
    conversation = Conversation().associate()
    conversation.acceptor.commit_blocks = True
    store(conversation)
    inject(conversation, (1, 3, encode_command(echo_request(2))))
    assert not conversation.acceptor.session.want_read
    assert not conversation.acceptor.responses
    conversation.acceptor.unblock()
    conversation.acceptor.pump()
    assert [r.MessageIDBeingRespondedTo for r in conversation.acceptor.responses] == [1, 2]
    assert conversation.acceptor.session.want_read


def test_what_came_in_one_pdu_with_a_request_above_the_window_outlives_the_receive_buffer() -> None:
    conversation = Conversation().associate()
    conversation.acceptor.commit_blocks = True
    store(conversation)
    echoes = [(1, 3, encode_command(echo_request(message_id))) for message_id in (2, 3, 4)]
    inject(conversation, *echoes)
    assert not conversation.acceptor.responses
    conversation.acceptor.unblock()
    conversation.acceptor.pump()
    assert [r.MessageIDBeingRespondedTo for r in conversation.acceptor.responses] == [1, 2, 3, 4]


def test_what_waits_for_room_in_the_window_does_not_hold_our_release_up() -> None:
    conversation = Conversation().associate()
    conversation.acceptor.commit_blocks = True
    store(conversation)
    inject(conversation, (1, 3, encode_command(echo_request(2))), (1, 3, encode_command(echo_request(3))))
    assert not conversation.acceptor.session.want_read
    conversation.acceptor.session.release(0.0)
    assert conversation.acceptor.session.want_read
    inject(conversation, (1, 3, encode_command(echo_request(4))))
    assert conversation.acceptor.session.want_read
    conversation.acceptor.unblock()
    conversation.run()
    assert conversation.acceptor.session.state == ENDED
    assert [r.MessageIDBeingRespondedTo for r in conversation.acceptor.responses] == [1]


def test_nothing_begins_behind_the_end() -> None:
    conversation = Conversation()
    session = conversation.acceptor.session
    session.abort(0.0)
    conversation.associate()
    assert session.state == ENDED
    assert session.response is None


def test_within_a_window_the_second_operation_may_answer_first() -> None:
    offer = ct_offer(operations_window=(2, 2))
    conversation = Conversation(offer).associate(extended=[AsynchronousOperationsWindowNegotiation(2, 2)])
    conversation.acceptor.commit_blocks = True
    store(conversation)
    echo(conversation, 2)
    with pytest.raises(UsageError, match="outstanding"):
        echo(conversation, 3) if statuses(conversation) == [] else store(conversation, message_id=1)
    conversation.acceptor.unblock()
    conversation.run()
    answers = [e.response for e in conversation.requestor.events if isinstance(e, ResponseReceived)]
    assert [a.MessageIDBeingRespondedTo for a in answers] == [2, 1]


def test_the_requestor_keeps_to_the_window() -> None:
    conversation = Conversation().associate()
    conversation.acceptor.commit_blocks = True
    store(conversation)
    with pytest.raises(UsageError, match="1 operations are outstanding"):
        conversation.requestor.session.send(1, echo_request(2), 0.0)


def test_sending_on_a_context_that_was_not_accepted_is_refused_here() -> None:
    conversation = Conversation().associate()
    with pytest.raises(UsageError, match="context 9"):
        conversation.requestor.session.send(9, echo_request(1), 0.0)


def test_c_cancel_marks_the_operation_and_gets_no_answer() -> None:
    conversation = Conversation().associate()
    conversation.acceptor.commit_blocks = True
    store(conversation)
    operation = conversation.acceptor.session.operations[0]
    inject(conversation, (3, 3, encode_command(Command(C_CANCEL_RQ, MessageIDBeingRespondedTo=1))))
    assert operation.cancelled
    assert not conversation.acceptor.responses


@pytest.mark.parametrize("context_id", [1, 3])
def test_a_service_that_cannot_even_begin_is_answered_and_told(
    context_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversation = Conversation().associate()
    fault = RuntimeError("who handles it")
    monkeypatch.setattr(conversation.acceptor, "handler", Mock(side_effect=fault))
    if context_id == 1:
        echo(conversation)
    else:
        store(conversation)
    assert statuses(conversation) == [0x0110]
    assert conversation.acceptor.faults == [fault]
    monkeypatch.undo()
    echo(conversation, 2)
    assert statuses(conversation) == [0x0110, 0]


# -- storage statuses


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"AffectedSOPClassUID": MRImageStorage}, 0xA900),
        ({"AffectedSOPClassUID": None}, 0xA900),
        ({"AffectedSOPInstanceUID": None}, 0x0117),
    ],
)
def test_a_store_that_cannot_be_is_answered_after_its_data_set(changes: dict[str, Any], status: int) -> None:
    conversation = Conversation().associate()
    store(conversation, **changes)
    echo(conversation, 2)
    assert statuses(conversation) == [status, 0]
    assert not conversation.acceptor.instances
    assert conversation.acceptor.responses[0].ErrorComment


def test_a_store_without_a_data_set_fails() -> None:
    conversation = Conversation().associate()
    request = Command(
        C_STORE_RQ, MessageID=1, AffectedSOPClassUID=CTImageStorage, AffectedSOPInstanceUID=UID, Priority=0
    )
    conversation.requestor.session.send(3, request, 0.0)
    conversation.run()
    assert statuses(conversation) == [0x0110]


def test_a_provider_that_has_no_place_is_heard() -> None:
    conversation = Conversation().associate()
    conversation.acceptor.refuse_with = StatusError(0xA700, "disk full")
    store(conversation)
    conversation.acceptor.refuse_with = None
    store(conversation, message_id=2)
    assert statuses(conversation) == [0xA700, 0]
    assert conversation.acceptor.responses[0].ErrorComment == "disk full"


@pytest.mark.parametrize("blocks", [True, False])
def test_a_commit_that_fails_is_never_success(blocks: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    conversation = Conversation().associate()
    acceptor = conversation.acceptor
    acceptor.commit_blocks = blocks

    def fail() -> bytes:
        raise StatusError(0xA700, "no space left on device")

    monkeypatch.setattr(Memory, "commit", lambda self: fail())
    store(conversation)
    if blocks:
        assert not acceptor.responses
        acceptor.unblock()
        conversation.run()
    assert statuses(conversation) == [0xA700]
    assert acceptor.instances[-1].discarded


def test_an_unforeseen_fault_answers_0110_and_the_association_goes_on() -> None:
    conversation = Conversation().associate()
    conversation.acceptor.refuse_with = KeyError("surprise")
    store(conversation)
    echo(conversation, 2)
    assert statuses(conversation) == [0x0110, 0]
    assert len(conversation.acceptor.faults) == 1


def test_an_operation_the_sop_class_does_not_have_is_unrecognized() -> None:
    conversation = Conversation().associate()
    find = Command(C_FIND_RQ, MessageID=1, AffectedSOPClassUID=CTImageStorage, Priority=0, CommandDataSetType=1)
    conversation.requestor.session.send(3, find, 0.0, BytesSource(b"\0" * 20))
    conversation.run()
    echo(conversation, 2)
    assert statuses(conversation) == [0x0211, 0]


def test_an_instance_whose_sender_leaves_is_discarded() -> None:
    conversation = Conversation().associate()
    command = encode_command(store_request(1, CTImageStorage, UID))
    inject(conversation, (3, 3, command), (3, 0, b"half"))
    conversation.requestor.session.abort(0.0)
    conversation.run()
    conversation.acceptor.performances.close()
    assert conversation.acceptor.instances[0].discarded


# -- release and abort


def test_release_ends_both_sides_and_the_acceptor_waits_for_the_transport() -> None:
    conversation = Conversation().associate()
    conversation.requestor.session.release(0.0)
    conversation.run()
    assert conversation.requestor.events[-1] == conversation.acceptor.events[-1] == AssociationReleased()
    assert conversation.requestor.upper.should_close
    assert not conversation.acceptor.upper.should_close
    conversation.at(29.0)
    assert not conversation.acceptor.upper.should_close
    conversation.at(30.0)
    assert conversation.acceptor.upper.should_close


def test_a_release_request_amid_an_operation_gets_the_response_first() -> None:
    conversation = Conversation().associate()
    conversation.acceptor.commit_blocks = True
    store(conversation)
    conversation.requestor.session.release(0.0)
    conversation.run()
    assert AssociationReleased() not in conversation.acceptor.events
    conversation.acceptor.unblock()
    conversation.run()
    assert statuses(conversation) == [0]
    assert conversation.requestor.events[-1] == AssociationReleased()


def test_release_collision() -> None:
    conversation = Conversation().associate()
    conversation.requestor.session.release(0.0)
    conversation.acceptor.session.release(0.0)
    conversation.run()
    assert conversation.requestor.events[-1] == conversation.acceptor.events[-1] == AssociationReleased()
    assert conversation.requestor.upper.should_close or conversation.acceptor.upper.should_close


@pytest.mark.parametrize("side", ["requestor", "acceptor"])
def test_who_asks_for_release_too_late_to_say_so_is_asked(side: str) -> None:
    """The peer's request is there before ours could leave, behind a message: no collision."""
    session = getattr(Conversation().associate(), side).session
    session.release(0.0)
    session.indication(A_RELEASE(), 0.0)
    assert [session.next_request(0.0), session.next_request(0.0)] == [A_RELEASE("affirmative"), None]
    assert session.next_event(0.0) == AssociationReleased()


@pytest.mark.parametrize("side", ["requestor", "acceptor"])
def test_an_abort_by_the_user_says_so(side: str) -> None:
    conversation = Conversation().associate()
    near = getattr(conversation, side)
    far = conversation.acceptor if side == "requestor" else conversation.requestor
    near.session.abort(0.0, "enough")
    conversation.run()
    assert near.events[-1] == AssociationAborted(0, 0, True, "enough")
    assert far.events[-1] == AssociationAborted(0, 0, False, "A-ABORT from the peer")
    assert far.indications[-1] == A_ABORT(0)


def test_a_lost_connection_ends_the_session() -> None:
    conversation = Conversation().associate()
    conversation.acceptor.upper.receive_eof(0.0)
    conversation.acceptor.pump()
    assert conversation.acceptor.events[-1] == AssociationAborted(2, 0, False, "transport connection closed")
    assert conversation.acceptor.session.state == ENDED


def test_an_answer_after_the_end_is_not_sent() -> None:
    conversation = Conversation().associate()
    conversation.acceptor.commit_blocks = True
    store(conversation)
    conversation.requestor.session.abort(0.0)
    conversation.run()
    conversation.acceptor.unblock()
    conversation.acceptor.pump()
    assert conversation.acceptor.sent() == b""


def test_what_the_state_does_not_allow_is_refused_here() -> None:
    conversation = Conversation()
    with pytest.raises(UsageError):
        conversation.requestor.session.release(0.0)
    with pytest.raises(UsageError):
        conversation.acceptor.session.accept(0.0)
    with pytest.raises(UsageError):
        _ = conversation.requestor.session.negotiated
    conversation.associate()
    with pytest.raises(UsageError):
        conversation.acceptor.session.reject(LOCAL_LIMIT_EXCEEDED, 0.0)


# -- breaches: answered as the standard says, never with a bare close

COMMAND = encode_command(store_request(1, CTImageStorage, UID))


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([(9, 3, COMMAND)], id="unknown context"),
        pytest.param([(3, 2, b"data")], id="data set without a command"),
        pytest.param([(3, 3, COMMAND), (3, 1, COMMAND)], id="command while a data set is due"),
        pytest.param([(3, 3, COMMAND), (1, 0, b"data")], id="data set on another context"),
        pytest.param([(3, 1, COMMAND[:10]), (1, 3, COMMAND[10:])], id="command on two contexts"),
        pytest.param([(3, 1, b"")] * (MAXIMUM_EMPTY_FRAGMENTS + 1), id="empty fragments without end"),
        pytest.param([(3, 1, bytes(65536))] * (MAXIMUM_COMMAND_LENGTH // 65536 + 1), id="endless command"),
    ],
)
def test_a_breach_of_ps3_8_is_aborted_by_the_provider(values: list[tuple[int, int, bytes]]) -> None:
    conversation = Conversation(ct_offer(maximum_length=0)).associate()
    inject(conversation, *values)
    event = conversation.acceptor.events[-1]
    assert isinstance(event, AssociationAborted)
    assert (event.source, event.reason, event.locally) == (2, 6, True)
    abort = conversation.requestor.indications[-1]
    assert isinstance(abort, A_P_ABORT)
    assert abort.provider_reason == 6


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(b"\xff" * 20, id="garbage"),
        pytest.param(COMMAND[:-3], id="truncated"),
        pytest.param(
            encode_command(Command(C_ECHO_RSP, MessageIDBeingRespondedTo=7, Status=0)), id="response to nothing"
        ),
    ],
)
def test_a_breach_of_ps3_7_is_aborted_by_the_user(command: bytes) -> None:
    conversation = Conversation().associate()
    inject(conversation, (3, 3, command))
    event = conversation.acceptor.events[-1]
    assert isinstance(event, AssociationAborted)
    assert (event.source, event.locally) == (0, True)
    assert conversation.requestor.indications[-1] == A_ABORT(0)


def test_a_message_id_in_use_is_a_breach() -> None:
    offer = ct_offer(operations_window=(0, 0))
    conversation = Conversation(offer).associate(extended=[AsynchronousOperationsWindowNegotiation(0, 0)])
    conversation.acceptor.commit_blocks = True
    store(conversation)
    inject(conversation, (1, 3, encode_command(echo_request(1))))
    assert conversation.requestor.indications[-1] == A_ABORT(0)


@settings(max_examples=150)
@given(seed=st.integers(0, 2**32))
def test_no_mutation_of_a_conversation_raises(seed: int) -> None:
    """Whatever the peer sends, the session ends or goes on; nothing but events comes out."""
    chance = random.Random(seed)
    source = Conversation().associate()
    source.requestor.session.send(3, store_request(1, CTImageStorage, UID), 0.0, BytesSource(DATA[:300]))
    source.requestor.pump()
    stream = bytearray(source.requestor.sent())
    for _ in range(chance.randint(1, 6)):
        stream[chance.randrange(len(stream))] = chance.randrange(256)
    target = Conversation().associate()
    at = chance.randrange(len(stream))
    for piece in (stream[:at], stream[at:]):
        target.acceptor.take(bytes(piece))
    assert not target.acceptor.faults
    assert not any(isinstance(fault, ProtocolError) for fault in target.acceptor.faults)


# -- silence


TIMEOUTS = Timeouts(acse=10.0, dimse=20.0, network=60.0)


def test_an_idle_association_is_aborted_after_the_network_timeout() -> None:
    conversation = Conversation(timeouts=TIMEOUTS).associate()
    assert conversation.acceptor.session.deadline == 60.0
    conversation.at(59.9)
    assert not isinstance(conversation.acceptor.events[-1], AssociationAborted)
    conversation.at(60.0)
    event = conversation.acceptor.events[-1]
    assert isinstance(event, AssociationAborted)
    assert "network idle timeout" in event.description


def test_half_a_message_is_waited_for_as_long_as_the_dimse_timeout() -> None:
    conversation = Conversation(timeouts=TIMEOUTS).associate().at(5.0)
    inject(conversation, (3, 3, COMMAND), (3, 0, b"half"))
    assert conversation.acceptor.session.deadline == 25.0
    conversation.at(25.0)
    event = conversation.acceptor.events[-1]
    assert isinstance(event, AssociationAborted)
    assert "DIMSE timeout" in event.description


def test_an_operation_of_ours_takes_the_time_it_takes() -> None:
    conversation = Conversation(timeouts=Timeouts(10.0, None, 60.0)).associate()
    conversation.acceptor.commit_blocks = True
    store(conversation)
    assert conversation.acceptor.session.deadline is None
    conversation.at(1000.0)
    conversation.acceptor.unblock()
    conversation.run()
    assert statuses(conversation) == [0]


def test_a_response_is_waited_for_as_long_as_the_dimse_timeout() -> None:
    conversation = Conversation(timeouts=TIMEOUTS).associate()
    conversation.acceptor.commit_blocks = True
    store(conversation)
    conversation.at(20.0)
    event = conversation.requestor.events[-1]
    assert isinstance(event, AssociationAborted)
    assert event.locally


@pytest.mark.parametrize("stage", ["request", "release"])
def test_an_answer_of_the_association_is_waited_for_as_long_as_the_acse_timeout(stage: str) -> None:
    conversation = Conversation(timeouts=TIMEOUTS, admit=False).associate()
    if stage == "release":
        conversation.acceptor.session.accept(0.0)
        conversation.run()
        assert isinstance(conversation.requestor.events[-1], AssociationAccepted)
        conversation.requestor.session.release(0.0)
        conversation.requestor.pump()  # the acceptor never hears of it
        conversation.requestor.sent()
    assert conversation.requestor.session.deadline == 10.0
    conversation.requestor.time = 10.0
    conversation.requestor.session.handle_timeout(10.0)
    conversation.requestor.pump()
    event = conversation.requestor.events[-1]
    assert isinstance(event, AssociationAborted)
    assert "ACSE timeout" in event.description


def test_while_it_is_connected_to_the_peer_owes_no_answer() -> None:
    session = Session(TIMEOUTS)
    session.associate(request(calling_ae_title="A", called_ae_title="B", contexts=[]), 0.0, connecting=True)
    for now in (10.0, 20.0):
        session.handle_timeout(now)
        assert session.state == REQUESTED
    session.transport_opened(25.0)
    assert session.deadline == 35.0
    session.handle_timeout(35.0)
    assert session.state == ENDED


@pytest.mark.parametrize(("asked", "deadline"), [(echo_request(7), 25.0), (get_request(7, "1.2.3", 2), None)])
def test_a_response_is_due_also_while_this_side_is_at_work(asked: Command, deadline: float | None) -> None:
    """Only a C-GET waits for it: the peer's C-STORE requests come first."""
    conversation = Conversation(timeouts=TIMEOUTS).associate()
    conversation.acceptor.commit_blocks = True
    store(conversation)
    conversation.acceptor.session.send(1, asked, 5.0)
    assert conversation.acceptor.session.deadline == deadline


def test_no_timeouts_means_no_deadline() -> None:
    conversation = Conversation(timeouts=Timeouts(None, None, None)).associate()
    assert conversation.acceptor.session.deadline is None
    conversation.at(1e9)
    assert not isinstance(conversation.acceptor.events[-1], AssociationAborted)


def test_p_data_after_the_end_is_ignored() -> None:
    conversation = Conversation().associate()
    conversation.acceptor.session.abort(0.0)
    conversation.acceptor.session.indication(P_DATA([(1, 3, b"")]), 0.0)
    assert conversation.acceptor.session.next_event(0.0) is not None
    assert conversation.acceptor.session.next_event(0.0) is None
