"""Hypothesis strategies for what travels on the wire: canonical values, which survive a round trip unchanged."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from ul.pdu_primitives import (
    A_ABORT,
    A_ASSOCIATE,
    A_P_ABORT,
    A_RELEASE,
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
from ul.wire.command import MESSAGES, Command, MessageType
from ul.wire.command_dictionary import ELEMENTS

uint8 = st.integers(0, 0xFF)
uint16 = st.integers(0, 0xFFFF)
uint32 = st.integers(0, 0xFFFFFFFF)
content = st.binary(max_size=40)
uids = st.text("0123456789.", min_size=1, max_size=64)
printable = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=16)
context_ids = st.integers(0, 127).map(lambda n: 2 * n + 1)

user_information_items = st.one_of(
    st.builds(MaximumLengthNotification, uint32),
    st.builds(ImplementationClassUIDNotification, uids),
    st.builds(ImplementationVersionNameNotification, printable),
    st.builds(AsynchronousOperationsWindowNegotiation, uint16, uint16),
    st.builds(SCP_SCU_RoleSelectionNegotiation, uids, st.booleans(), st.booleans()),
    st.builds(SOPClassExtendedNegotiation, uids, content),
    st.builds(SOPClassCommonExtendedNegotiation, uids, uids, st.lists(uids, max_size=4)),
    st.builds(UserIdentityNegotiation, uint8, st.booleans(), content, content),
    st.builds(UserIdentityNegotiation, server_response=content),
    st.builds(UnknownItem, st.integers(0x5A, 0xFF), content),
)

definitions = st.builds(PresentationContextDefinition, context_ids, uids, st.lists(uids, max_size=4))
results = st.builds(PresentationContextResult, context_ids, st.integers(0, 4), st.one_of(st.just(""), uids))


def _contexts(contexts: st.SearchStrategy) -> st.SearchStrategy:
    return st.lists(contexts, max_size=6, unique_by=lambda context: context.context_id)


_associate = {
    "calling_ae_title": printable,
    "called_ae_title": printable,
    "application_context_name": uids,
    "user_information": st.lists(user_information_items, max_size=6),
    "protocol_version": uint16,
    "unknown_items": st.lists(st.builds(UnknownItem, st.integers(0x60, 0xFF), content), max_size=2),
}
requests = st.builds(A_ASSOCIATE, presentation_context_definition_list=_contexts(definitions), **_associate)
accepts = st.builds(
    A_ASSOCIATE, presentation_context_definition_results_list=_contexts(results), result=st.just(0), **_associate
)
rejects = st.builds(A_ASSOCIATE, result=st.integers(1, 2), result_source=uint8, diagnostic=uint8)
primitives = st.one_of(
    requests,
    accepts,
    rejects,
    st.builds(A_RELEASE, st.sampled_from([None, "affirmative"])),
    st.builds(A_ABORT, st.integers(0, 1)),
    st.builds(A_P_ABORT, uint8),
)

_VALUES = {
    "UI": uids,
    "AE": printable,
    "LO": st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF), max_size=64).map(lambda s: s.strip("\0 ")),
    "US": uint16,
    "AT": st.lists(uint32, max_size=5),
}
_VALUE_BY_KEYWORD = {row.keyword: _VALUES[row.vr] for row in ELEMENTS if row.keyword != "CommandField"}


@st.composite
def commands(draw: st.DrawFn, message_types: Sequence[MessageType] = MESSAGES) -> Command:
    message_type = draw(st.sampled_from(message_types))
    optional = draw(st.sets(st.sampled_from(message_type.optional))) if message_type.optional else set()
    keywords = [keyword for keyword in (*message_type.required, *optional) if keyword != "CommandField"]
    return Command(message_type, **{keyword: draw(_VALUE_BY_KEYWORD[keyword]) for keyword in keywords})


@st.composite
def mutations(draw: st.DrawFn, valid: bytes) -> bytes:
    """`valid` with bytes changed, cut out, put in or cut off."""
    data = bytearray(valid)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(data) - 1, 0)))
        data[at : at + draw(st.integers(0, 8))] = draw(st.binary(max_size=8))
    return bytes(data[: draw(st.integers(0, len(data)))] if draw(st.booleans()) else data)
