"""What one side takes less of than it could: data sets up to a size, and less of some calling titles."""

from __future__ import annotations

import pytest
from conversation import EXPLICIT, IMPLICIT, Conversation, bytewise, ct_offer, whole
from hypothesis import given
from hypothesis import strategies as st

from ul import evt
from ul.acse import Offer, Restriction, SupportedContext
from ul.dimse import BytesSource
from ul.pdu_primitives import PresentationContextDefinition
from ul.services.storage import store_request
from ul.services.verification import echo_request
from ul.session_events import ResponseReceived
from ul.sop_class import CTImageStorage, JPEG2000Lossless, MRImageStorage, Verification
from ul.status import OUT_OF_RESOURCES, SUCCESS

MAXIMUM = 500


def stored(conversation: Conversation, *lengths: int) -> list[int]:
    """Store data sets of these lengths one after the other; the statuses."""
    requestor = conversation.requestor
    for number, length in enumerate(lengths, 1):
        request = store_request(number, CTImageStorage, f"1.2.{number}")
        requestor.session.send(3, request, requestor.time, BytesSource(bytes(length)))
        conversation.run()
    return [e.response.Status for e in requestor.events if isinstance(e, ResponseReceived)]


def limited(cut=whole, **offer) -> Conversation:
    conversation = Conversation(ct_offer(**offer), cut=cut)
    conversation.acceptor.session.maximum_data_set = MAXIMUM
    return conversation.associate()


@pytest.mark.parametrize("cut", [whole, bytewise])
@pytest.mark.parametrize("maximum_length", [128, 131072])
def test_a_data_set_is_taken_up_to_the_maximum_and_the_association_goes_on(cut, maximum_length):
    conversation = limited(cut, maximum_length=maximum_length)
    lengths = (MAXIMUM, MAXIMUM + 1, MAXIMUM - 1, 10 * MAXIMUM, 1)
    expected = [SUCCESS, OUT_OF_RESOURCES, SUCCESS, OUT_OF_RESOURCES, SUCCESS]
    assert stored(conversation, *lengths) == expected
    instances = conversation.acceptor.instances
    assert [instance.kept for instance in instances] == [status == SUCCESS for status in expected]
    assert all(instance.discarded is not instance.kept for instance in instances)
    for instance, length in zip(instances, lengths, strict=True):
        assert len(instance.data) == length if instance.kept else len(instance.data) <= MAXIMUM
    assert conversation.acceptor.faults == []
    conversation.requestor.session.send(1, echo_request(9), 0.0)
    conversation.run()
    assert conversation.requestor.events[-1].response.Status == SUCCESS


@given(st.lists(st.integers(1, 2 * MAXIMUM), max_size=5))
def test_nothing_of_one_data_set_counts_against_the_next(lengths):
    expected = [SUCCESS if length <= MAXIMUM else OUT_OF_RESOURCES for length in lengths]
    assert stored(limited(maximum_length=256), *lengths) == expected


def test_the_response_says_why():
    conversation = limited()
    stored(conversation, MAXIMUM + 1)
    (response,) = conversation.acceptor.responses
    assert response.ErrorComment == "Out of resources: a data set of more than 500 bytes"


def test_a_handler_is_not_called_for_what_is_too_large():
    conversation = limited()
    called = []
    conversation.acceptor.handlers.bind(evt.EVT_C_STORE, called.append)
    assert stored(conversation, MAXIMUM + 1) == [OUT_OF_RESOURCES]
    assert called == []


def test_what_is_refused_anyway_keeps_its_own_status():
    conversation = limited()
    request = store_request(1, MRImageStorage, "1.2.3")
    conversation.requestor.session.send(3, request, 0.0, BytesSource(bytes(2 * MAXIMUM)))
    conversation.run()
    assert conversation.requestor.events[-1].response.Status == 0xA900


# Less of some titles

EVERYTHING = SupportedContext((IMPLICIT, EXPLICIT, JPEG2000Lossless))
PROPOSED = [
    PresentationContextDefinition(1, Verification, [IMPLICIT]),
    PresentationContextDefinition(3, CTImageStorage, [IMPLICIT, JPEG2000Lossless]),
    PresentationContextDefinition(5, CTImageStorage, [IMPLICIT]),
    PresentationContextDefinition(7, MRImageStorage, [JPEG2000Lossless]),
    PresentationContextDefinition(9, "1.2.3.4", [JPEG2000Lossless]),
]


def results(title: str, **restriction) -> list[int]:
    offer = Offer(
        dict.fromkeys((Verification, CTImageStorage, MRImageStorage), EVERYTHING),
        unknown_contexts=EVERYTHING,
        restrictions={"CT1": Restriction(**restriction)},
    )
    conversation = Conversation(offer).associate(contexts=PROPOSED, calling_ae_title=title)
    (confirm,) = conversation.requestor.indications
    accepted = set(conversation.requestor.session.negotiated.contexts)
    answers = [result.result for result in confirm.presentation_context_definition_results_list]
    assert (
        accepted
        == {context.context_id for context, answer in zip(PROPOSED, answers, strict=True) if answer == 0}
        == set(conversation.acceptor.session.negotiated.contexts)
    )
    return answers


@pytest.mark.parametrize(
    ("restriction", "expected"),
    [
        ({}, [0, 0, 0, 0, 0]),
        ({"abstract_syntaxes": (CTImageStorage,)}, [0, 0, 0, 3, 3]),
        ({"abstract_syntaxes": ("1.2.3.4", MRImageStorage)}, [0, 3, 3, 0, 0]),
        ({"transfer_syntaxes": (JPEG2000Lossless,)}, [0, 0, 4, 0, 0]),
        ({"abstract_syntaxes": (CTImageStorage,), "transfer_syntaxes": (EXPLICIT,)}, [0, 4, 4, 3, 3]),
    ],
)
def test_a_restricted_title_gets_less_and_others_everything(restriction, expected):
    assert results("CT1", **restriction) == expected
    assert results("CT2", **restriction) == [0] * 5


def test_two_titles_with_the_same_proposal_are_not_taken_for_each_other():
    """Answers are remembered by the request's bytes, and those hold the title."""
    offer = Offer({CTImageStorage: EVERYTHING}, restrictions={"CT1": Restriction(("1.2.3",))})
    for title, expected in (("CT1", 3), ("CT2", 0), ("CT1", 3), ("CT2", 0)):
        conversation = Conversation(offer).associate(contexts=PROPOSED[1:2], calling_ae_title=title)
        (result,) = conversation.requestor.indications[0].presentation_context_definition_results_list
        assert result.result == expected
