"""Association negotiation as pure functions (PS3.8 7.1.1 and Annex D, PS3.7 Annex D).


Belongs here: reading an A-ASSOCIATE primitive and building its answer. Not here: when either may be sent (`ul.fsm`),
who may associate on other grounds than titles (the server's admission), or what is said on it (`ul.dimse`).

A modality sends the same request every time, so an `Offer` remembers its answers by the request's own bytes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple, TypeVar

from ul.memo import Memo
from ul.pdu_primitives import (
    A_ASSOCIATE,
    APPLICATION_CONTEXT_NAME,
    AsynchronousOperationsWindowNegotiation,
    ImplementationClassUIDNotification,
    ImplementationVersionNameNotification,
    MaximumLengthNotification,
    PresentationContextDefinition,
    PresentationContextResult,
    SCP_SCU_RoleSelectionNegotiation,
    UserInformationItem,
)
from ul.sop_class import TRANSFER_SYNTAXES, Verification, may_be_storage

# Derived from a UUID (PS3.5 B.2): names this implementation and belongs to nobody else.
IMPLEMENTATION_CLASS_UID: Final = "2.25.339905227811164247810970030750372672646"
IMPLEMENTATION_VERSION_NAME: Final = "ULPOOL_0.1"

DEFAULT_MAXIMUM_LENGTH: Final = 131072  # bytes; DCMTK's own ceiling: the largest P-DATA-TF a common sender will fill

# PS3.8 Table 9-18: results of one presentation context
ACCEPTANCE: Final = 0
ABSTRACT_SYNTAX_NOT_SUPPORTED: Final = 3
TRANSFER_SYNTAXES_NOT_SUPPORTED: Final = 4


class Rejection(NamedTuple):
    """Result, source and reason of an A-ASSOCIATE-RJ (PS3.8 Table 9-21)."""

    result: int
    source: int
    diagnostic: int

    @property
    def names(self) -> tuple[str, str, str]:
        """What the table calls them; a value that is not in it is its own name."""
        result, source, diagnostic = self
        reasons = _REASONS.get(source, {})
        return (
            _RESULTS.get(result, str(result)),
            _SOURCES.get(source, str(source)),
            reasons.get(diagnostic, str(diagnostic)),
        )


# PS3.8 Table 9-21
_RESULTS: Final = {1: "rejected-permanent", 2: "rejected-transient"}
_SOURCES: Final = {1: "service-user", 2: "service-provider-acse", 3: "service-provider-presentation"}
_REASONS: Final = {
    1: {
        1: "no-reason-given",
        2: "application-context-name-not-supported",
        3: "calling-ae-title-not-recognized",
        7: "called-ae-title-not-recognized",
    },
    2: {1: "no-reason-given", 2: "protocol-version-not-supported"},
    3: {1: "temporary-congestion", 2: "local-limit-exceeded"},
}

APPLICATION_CONTEXT_NAME_NOT_SUPPORTED: Final = Rejection(1, 1, 2)
CALLING_AE_TITLE_NOT_RECOGNIZED: Final = Rejection(1, 1, 3)
USER_IDENTITY_REFUSED: Final = Rejection(2, 2, 1)
CALLED_AE_TITLE_NOT_RECOGNIZED: Final = Rejection(1, 1, 7)
LOCAL_LIMIT_EXCEEDED: Final = Rejection(2, 3, 2)


class AcceptedContext(NamedTuple):
    """A presentation context both sides agreed on. `as_scu` and `as_scp` are our own roles in it."""

    context_id: int
    abstract_syntax: str
    transfer_syntax: str
    as_scu: bool
    as_scp: bool


class SupportedContext(NamedTuple):
    """What an acceptor supports for one abstract syntax. A role of None leaves role proposals unanswered."""

    transfer_syntaxes: Collection[str]
    scu_role: bool | None = None
    scp_role: bool | None = None


class _Every(frozenset[str]):
    """All transfer syntaxes there are. Those that can be listed are PS3.6's; private ones are in it too."""

    def __contains__(self, uid: object) -> bool:
        return True


IN_ANY_TRANSFER_SYNTAX: Final = SupportedContext(_Every(TRANSFER_SYNTAXES))  # the requestor's first


class Restriction(NamedTuple):
    """What an acceptor supports less of towards one calling AE title; empty is no less.

    Verification is left out of it: it moves no data set.
    """

    abstract_syntaxes: Collection[str] = ()
    transfer_syntaxes: Collection[str] = ()

    def of(self, abstract_syntax: str, supported: SupportedContext) -> SupportedContext | None:
        """What is left of `supported`; None for nothing."""
        if abstract_syntax == Verification:
            return supported
        if self.abstract_syntaxes and abstract_syntax not in self.abstract_syntaxes:
            return None
        if not self.transfer_syntaxes:
            return supported
        left = tuple(uid for uid in self.transfer_syntaxes if uid in supported.transfer_syntaxes)
        return supported._replace(transfer_syntaxes=left)


class Negotiated(NamedTuple):
    """What an association has to go by, once it is accepted.

    `peer_maximum_length` is the largest P-DATA-TF body the peer takes, in bytes (0: unlimited). `may_invoke` and
    `may_perform` are how many operations may be outstanding in either direction (0: unlimited).
    """

    contexts: Mapping[int, AcceptedContext]
    peer_maximum_length: int
    may_invoke: int
    may_perform: int


class Answer(NamedTuple):
    """The A-ASSOCIATE response and what it agrees to. Shared between associations: read only."""

    response: A_ASSOCIATE
    negotiated: Negotiated


@dataclass(slots=True)
class Offer:
    """What an acceptor offers, the same for every association of one listener.

    `contexts` by abstract syntax. `unknown_contexts`: take any storage SOP class that is not there (private storage
    classes) with these transfer syntaxes. `restrictions` by calling AE title. `operations_window`: how many operations
    (the requestor may invoke, may perform); 1 keeps to synchronous operation.
    """

    contexts: Mapping[str, SupportedContext]
    unknown_contexts: SupportedContext | None = None
    called_ae_titles: Collection[str] = ()
    calling_ae_titles: Collection[str] = ()
    maximum_length: int = DEFAULT_MAXIMUM_LENGTH
    implementation_class_uid: str = IMPLEMENTATION_CLASS_UID
    implementation_version_name: str = IMPLEMENTATION_VERSION_NAME
    operations_window: tuple[int, int] = (1, 1)
    restrictions: Mapping[str, Restriction] = field(default_factory=dict)
    _memo: Memo[bytes, Rejection | Answer] = field(default_factory=Memo, init=False, repr=False)

    def answer(self, request: A_ASSOCIATE) -> Rejection | Answer:
        """Answer `request`, from memory where the same bytes were answered before."""
        encoded = request.encoded
        if encoded is None:
            return self._negotiate(request)
        return self._memo.get(encoded) or self._memo.keep(encoded, self._negotiate(request), len(encoded))

    def _negotiate(self, request: A_ASSOCIATE) -> Rejection | Answer:
        return self._refusal(request) or self._accept(request)

    def _refusal(self, request: A_ASSOCIATE) -> Rejection | None:
        if request.application_context_name != APPLICATION_CONTEXT_NAME:
            return APPLICATION_CONTEXT_NAME_NOT_SUPPORTED
        if self.called_ae_titles and request.called_ae_title not in self.called_ae_titles:
            return CALLED_AE_TITLE_NOT_RECOGNIZED
        if self.calling_ae_titles and request.calling_ae_title not in self.calling_ae_titles:
            return CALLING_AE_TITLE_NOT_RECOGNIZED
        return None

    def _accept(self, request: A_ASSOCIATE) -> Answer:
        proposed_roles = roles(request)
        restriction = self.restrictions.get(request.calling_ae_title)
        results: list[PresentationContextResult] = []
        contexts: dict[int, AcceptedContext] = {}
        answered_roles: dict[str, SCP_SCU_RoleSelectionNegotiation] = {}
        for definition in request.presentation_context_definition_list:
            supported = self._supported(definition.abstract_syntax, restriction)
            result = select_transfer_syntax(definition, supported)
            results.append(result)
            if supported is None or result.result != ACCEPTANCE:
                continue
            role = agree_role(proposed_roles.get(definition.abstract_syntax), supported)
            if role is not None:
                answered_roles[definition.abstract_syntax] = role
            # The requestor's roles; without an answered proposal it is the SCU and we are the SCP (PS3.7 D.3.3.4).
            peer_scu, peer_scp = (role.scu_role, role.scp_role) if role else (True, False)
            contexts[definition.context_id] = AcceptedContext(
                definition.context_id, definition.abstract_syntax, result.transfer_syntax, peer_scp, peer_scu
            )
        window = agree_window(item_of(request, AsynchronousOperationsWindowNegotiation), self.operations_window)
        response = A_ASSOCIATE(
            calling_ae_title=request.calling_ae_title,
            called_ae_title=request.called_ae_title,
            presentation_context_definition_results_list=results,
            user_information=[
                *self._implementation(),
                *([window] if window else ()),
                *answered_roles.values(),
            ],
            result=0,
        )
        may_perform, may_invoke = _operations(window)
        return Answer(response, Negotiated(contexts, peer_maximum_length(request), may_invoke, may_perform))

    def _supported(self, abstract_syntax: str, restriction: Restriction | None) -> SupportedContext | None:
        supported = self.contexts.get(abstract_syntax)
        if supported is None and may_be_storage(abstract_syntax):
            supported = self.unknown_contexts
        if supported is None or restriction is None:
            return supported
        return restriction.of(abstract_syntax, supported)

    def _implementation(self) -> list[UserInformationItem]:
        return implementation_items(
            self.maximum_length, self.implementation_class_uid, self.implementation_version_name
        )


def extended(
    answer: Answer, window: AsynchronousOperationsWindowNegotiation | None, items: Iterable[UserInformationItem]
) -> Answer:
    """`answer` with this operations window in place of its own, and more user information items. It stays as it is."""
    kept = [
        item
        for item in answer.response.user_information
        if not isinstance(item, AsynchronousOperationsWindowNegotiation)
    ]
    information = [*kept, *([window] if window else ()), *items]
    may_perform, may_invoke = _operations(window)
    return Answer(
        replace(answer.response, user_information=information, encoded=None),
        answer.negotiated._replace(may_invoke=may_invoke, may_perform=may_perform),
    )


def implementation_items(maximum_length: int, class_uid: str, version_name: str | None) -> list[UserInformationItem]:
    """The sub-items every A-ASSOCIATE carries: maximum length, implementation class UID, version name if any."""
    items: list[UserInformationItem] = [
        MaximumLengthNotification(maximum_length),
        ImplementationClassUIDNotification(class_uid),
    ]
    if version_name:
        items.append(ImplementationVersionNameNotification(version_name))
    return items


def select_transfer_syntax(
    definition: PresentationContextDefinition, supported: SupportedContext | None
) -> PresentationContextResult:
    """The first transfer syntax in the requestor's order that is supported: it knows best what its data are in."""
    if supported is None:
        return PresentationContextResult(
            definition.context_id, ABSTRACT_SYNTAX_NOT_SUPPORTED, _any_transfer_syntax(definition)
        )
    for transfer_syntax in definition.transfer_syntaxes:
        if transfer_syntax in supported.transfer_syntaxes:
            return PresentationContextResult(definition.context_id, ACCEPTANCE, transfer_syntax)
    return PresentationContextResult(
        definition.context_id, TRANSFER_SYNTAXES_NOT_SUPPORTED, _any_transfer_syntax(definition)
    )


def _any_transfer_syntax(definition: PresentationContextDefinition) -> str:
    """Not significant when refused (PS3.8 9.3.3.2), but some requestors insist on a well-formed UID."""
    return definition.transfer_syntaxes[0] if definition.transfer_syntaxes else "1.2.840.10008.1.2"


def agree_role(
    proposed: SCP_SCU_RoleSelectionNegotiation | None, supported: SupportedContext
) -> SCP_SCU_RoleSelectionNegotiation | None:
    """The answer to a role proposal (PS3.7 D.3.3.4), or None where the default roles hold."""
    if proposed is None or supported.scu_role is None or supported.scp_role is None:
        return None
    return SCP_SCU_RoleSelectionNegotiation(
        proposed.sop_class_uid, proposed.scu_role and supported.scu_role, proposed.scp_role and supported.scp_role
    )


def agree_window(
    proposed: AsynchronousOperationsWindowNegotiation | None, ours: tuple[int, int]
) -> AsynchronousOperationsWindowNegotiation | None:
    """The answer to a proposed window (PS3.7 D.3.3.3): never above it, 0 being unlimited; none where none was asked."""
    if proposed is None:
        return None
    invoked = _smaller(proposed.maximum_number_operations_invoked, ours[0])
    performed = _smaller(proposed.maximum_number_operations_performed, ours[1])
    return AsynchronousOperationsWindowNegotiation(invoked, performed)


def _smaller(a: int, b: int) -> int:
    return min(a, b) if a and b else a or b


def _operations(window: AsynchronousOperationsWindowNegotiation | None) -> tuple[int, int]:
    """How many operations the requestor may invoke and perform: absent means one of each (PS3.7 D.3.3.3)."""
    if window is None:
        return 1, 1
    return window.maximum_number_operations_invoked, window.maximum_number_operations_performed


def request(
    *,
    calling_ae_title: str,
    called_ae_title: str,
    contexts: Iterable[PresentationContextDefinition],
    maximum_length: int = DEFAULT_MAXIMUM_LENGTH,
    implementation_class_uid: str = IMPLEMENTATION_CLASS_UID,
    implementation_version_name: str | None = IMPLEMENTATION_VERSION_NAME,
    extended: Iterable[UserInformationItem] = (),
) -> A_ASSOCIATE:
    """An A-ASSOCIATE request; `extended` are further user information items, as role selection."""
    return A_ASSOCIATE(
        calling_ae_title=calling_ae_title,
        called_ae_title=called_ae_title,
        presentation_context_definition_list=list(contexts),
        user_information=[
            *implementation_items(maximum_length, implementation_class_uid, implementation_version_name),
            *extended,
        ],
    )


def agreed(request: A_ASSOCIATE, response: A_ASSOCIATE) -> Negotiated:
    """What the acceptor's positive answer means to the requestor. A context it made up or spoilt does not count."""
    asked, answered = request.encoded, response.encoded
    if asked is None or answered is None:
        return _agreed(request, response)
    key, length = (asked, answered), len(asked) + len(answered)
    return _agreed_before.get(key) or _agreed_before.keep(key, _agreed(request, response), length)


# By what the request and its answer were: who asks a peer often asks the same.
_agreed_before: Memo[tuple[bytes, bytes], Negotiated] = Memo()


def _agreed(request: A_ASSOCIATE, response: A_ASSOCIATE) -> Negotiated:
    definitions = {d.context_id: d for d in request.presentation_context_definition_list}
    proposed_roles, answered_roles = roles(request), roles(response)
    contexts: dict[int, AcceptedContext] = {}
    for result in response.presentation_context_definition_results_list:
        definition = definitions.get(result.context_id)
        if definition is None or result.result != ACCEPTANCE:
            continue
        if result.transfer_syntax not in definition.transfer_syntaxes:
            continue
        as_scu, as_scp = True, False
        proposed, role = (r.get(definition.abstract_syntax) for r in (proposed_roles, answered_roles))
        if proposed and role:
            as_scu, as_scp = proposed.scu_role and role.scu_role, proposed.scp_role and role.scp_role
        contexts[result.context_id] = AcceptedContext(
            result.context_id, definition.abstract_syntax, result.transfer_syntax, as_scu, as_scp
        )
    proposed_window = item_of(request, AsynchronousOperationsWindowNegotiation)
    answered = _operations(item_of(response, AsynchronousOperationsWindowNegotiation))
    window = agree_window(proposed_window, answered) if proposed_window else None
    may_invoke, may_perform = _operations(window)
    return Negotiated(contexts, peer_maximum_length(response), may_invoke, may_perform)


_Item = TypeVar("_Item")


def item_of(primitive: A_ASSOCIATE, kind: type[_Item]) -> _Item | None:
    """The first user information item of a kind."""
    return next((item for item in primitive.user_information if isinstance(item, kind)), None)


def roles(primitive: A_ASSOCIATE) -> dict[str, SCP_SCU_RoleSelectionNegotiation]:
    """The role selection items by SOP class."""
    return {
        item.sop_class_uid: item
        for item in primitive.user_information
        if isinstance(item, SCP_SCU_RoleSelectionNegotiation)
    }


def peer_maximum_length(primitive: A_ASSOCIATE) -> int:
    """The largest P-DATA-TF body the sender of `primitive` takes, in bytes; 0, and an absent item, mean no limit."""
    item = item_of(primitive, MaximumLengthNotification)
    return item.maximum_length_received if item else 0
