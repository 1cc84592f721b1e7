"""Negotiation: how an association of the blocking API comes about, as seen from its AE and its handlers.

Belongs here: asking the AE and the handlers whether and how a request is accepted, and telling what was agreed in the
form that the API hands out. Not here: what follows from the items alone (`ul.acse`), when it may be said
(`ul.session`).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any, Final, Protocol

from ul import acse, evt
from ul.acse import AcceptedContext, Answer, Rejection
from ul.memo import Memo
from ul.pdu_primitives import (
    A_ASSOCIATE,
    AsynchronousOperationsWindowNegotiation,
    SOPClassExtendedNegotiation,
    UserIdentityNegotiation,
    UserInformationItem,
)
from ul.presentation import PresentationContext, copies
from ul.service_user import ServiceUser, context_of

LOGGER: Final = logging.getLogger(__name__)

_Contexts = tuple[list[PresentationContext], list[PresentationContext]]  # accepted and rejected


class Negotiating(Protocol):
    """The association that comes about, in either shell."""

    ae: Any
    handlers: evt.Handlers

    @property
    def is_requestor(self) -> bool:
        """Whether the local AE asks."""

    @property
    def requestor(self) -> ServiceUser:
        """Who asks."""

    @property
    def acceptor(self) -> ServiceUser:
        """Who is asked."""

    @property
    def acse_timeout(self) -> float | None:
        """Seconds; None for ever."""

    @property
    def negotiated_contexts(self) -> Iterable[AcceptedContext]:
        """What was agreed on."""

    def reject(self, rejection: Rejection) -> None:
        """Answer the request with a rejection."""

    def abort(self, block: bool = True) -> None:
        """Abort the association."""


class Negotiation:
    """The ACSE of `assoc`. What handlers of EVT_REQUESTED call here comes before any answer of the AE's own."""

    def __init__(self, assoc: Negotiating) -> None:
        self._assoc = assoc

    # -- what handlers may do

    def send_reject(self, result: int, source: int, diagnostic: int) -> None:
        """Reject the association: result, source and diagnostic as in PS3.8 Table 9-21."""
        if (result, source) not in _DIAGNOSTICS or diagnostic not in _DIAGNOSTICS[result, source]:
            raise ValueError(f"({result}, {source}, {diagnostic}) is no rejection of PS3.8 Table 9-21")
        self._assoc.reject(Rejection(result, source, diagnostic))

    def send_abort(self, source: int = 0) -> None:
        """Abort the association."""
        self._assoc.abort(block=False)

    @property
    def acse_timeout(self) -> float | None:
        """Seconds for the answer to a request for association or release."""
        return self._assoc.acse_timeout

    @property
    def requestor(self) -> ServiceUser:
        """Who asks."""
        return self._assoc.requestor

    @property
    def acceptor(self) -> ServiceUser:
        """Who is asked."""
        return self._assoc.acceptor

    # -- as requestor

    def requesting(self, request: A_ASSOCIATE) -> None:
        """The local AE is about to ask for the association."""
        requestor, acceptor = self._assoc.requestor, self._assoc.acceptor
        requestor.primitive = request
        requestor.ae_title, acceptor.ae_title = request.calling_ae_title, request.called_ae_title
        if request.called_presentation_address is not None:
            acceptor.located(request.called_presentation_address)

    # -- as acceptor

    def requested(self, request: A_ASSOCIATE) -> None:
        """The peer asks for the association."""
        requestor = self._assoc.requestor
        requestor.primitive = request
        requestor.ae_title = request.calling_ae_title

    @property
    def asks_handlers(self) -> bool:
        """Whether handlers have a say, and may take their time for it."""
        return self._assoc.handlers.hear(*_ASKED)

    def decide(self, answer: Answer) -> Answer | Rejection:
        """Reject, or accept with `answer` and what handlers add to it."""
        request = self._assoc.requestor.primitive
        assert request is not None
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        decision = self.extended(answer)
        if isinstance(decision, Answer) and not self._assoc.ae._admit(self._assoc):
            return acse.LOCAL_LIMIT_EXCEEDED
        return decision

    def extended(self, answer: Answer) -> Answer | Rejection:
        """What the handlers of extended negotiation make of `answer`."""
        request = self._assoc.requestor.primitive
        assert request is not None
        if not self._assoc.requestor.extended_negotiation:
            return answer
        user_identity = self._user_identity(request)
        if user_identity is None:
            return acse.USER_IDENTITY_REFUSED
        items = [*user_identity, *self._sop_class_extended()]
        window = self._window(request)
        return acse.extended(answer, window, items) if items or window else answer

    def _refusal(self, request: A_ASSOCIATE) -> Rejection | None:
        """What the AE says to the titles; the called one comes first."""
        ae, assoc = self._assoc.ae, self._assoc
        if ae.require_called_aet and request.called_ae_title.strip() != assoc.acceptor.ae_title:
            return acse.CALLED_AE_TITLE_NOT_RECOGNIZED
        if ae.require_calling_aet:
            titles = [title.decode("ascii").strip() for title in ae.require_calling_aet]
            if request.calling_ae_title.strip() not in titles:
                return acse.CALLING_AE_TITLE_NOT_RECOGNIZED
        return None

    def _user_identity(self, request: A_ASSOCIATE) -> list[UserInformationItem] | None:
        """The answer to the requestor's user identity, none or one; None where that user is not welcome."""
        item = acse.item_of(request, UserIdentityNegotiation)
        if item is None:
            return []
        try:
            accepted, response = self._ask(
                evt.EVT_USER_ID,
                user_id_type=item.user_identity_type,
                primary_field=item.primary_field,
                secondary_field=item.secondary_field or None,
            )
        except evt.HandlerError:
            LOGGER.exception("%s: the handler of %s failed", self._assoc, evt.EVT_USER_ID)
            return None
        if not accepted:
            return None
        if not item.positive_response_requested:
            return []
        return [UserIdentityNegotiation(server_response=response or b"")]

    def _window(self, request: A_ASSOCIATE) -> AsynchronousOperationsWindowNegotiation | None:
        """A handler's answer, never above what was proposed; without one the association is synchronous."""
        proposed = acse.item_of(request, AsynchronousOperationsWindowNegotiation)
        if proposed is None or evt.EVT_ASYNC_OPS not in self._assoc.handlers:
            return None
        try:
            invoked, performed = self._ask(
                evt.EVT_ASYNC_OPS,
                nr_invoked=proposed.maximum_number_operations_invoked,
                nr_performed=proposed.maximum_number_operations_performed,
            )
            return acse.agree_window(proposed, (int(invoked), int(performed)))
        except evt.HandlerError:
            LOGGER.exception("%s: the handler of %s failed", self._assoc, evt.EVT_ASYNC_OPS)
            return None

    def _sop_class_extended(self) -> list[UserInformationItem]:
        """What handlers answer to SOP class extended negotiation. The common one has no answer on the wire."""
        requestor, acceptor = self._assoc.requestor, self._assoc.acceptor
        items: list[UserInformationItem] = []
        try:
            if requestor.sop_class_extended:
                answered = self._ask(evt.EVT_SOP_EXTENDED, app_info=requestor.sop_class_extended)
                items += [SOPClassExtendedNegotiation(uid, bytes(app_info)) for uid, app_info in answered.items()]
            if requestor.sop_class_common_extended:
                answered = self._ask(evt.EVT_SOP_COMMON, items=requestor.sop_class_common_extended)
                acceptor.agreed_common_extended = dict(answered)
        except evt.HandlerError:
            LOGGER.exception("%s: a handler of SOP class extended negotiation failed", self._assoc)
        return items

    def _ask(self, event: evt.InterventionEvent, **given: Any) -> Any:
        return self._assoc.handlers.ask(self._assoc, event, **given)

    # -- what came of it

    def negotiated_contexts(self) -> _Contexts:
        """The accepted and the rejected contexts in the form that the API has for them; empty before the acceptance."""
        request, response = self._assoc.requestor.primitive, self._assoc.acceptor.primitive
        if request is None or response is None or response.result != 0:
            return [], []
        asked, answered = request.encoded, response.encoded
        if asked is None or answered is None:
            return _negotiated(request, response, self._assoc.negotiated_contexts)
        key = asked, answered, self._assoc.is_requestor  # roles are those of the local AE
        accepted, rejected = _negotiated_before.get(key) or _negotiated_before.keep(
            key, _negotiated(request, response, self._assoc.negotiated_contexts), len(asked) + len(answered)
        )
        return copies(accepted), copies(rejected)

    def rejected(self, rejection: Rejection) -> None:
        """Keep what the rejection said."""
        result, source, diagnostic = rejection
        self._assoc.acceptor.primitive = A_ASSOCIATE(result=result, result_source=source, diagnostic=diagnostic)


_ASKED: Final = (evt.EVT_REQUESTED, evt.EVT_USER_ID, evt.EVT_ASYNC_OPS, evt.EVT_SOP_EXTENDED, evt.EVT_SOP_COMMON)

# By what the request and its answer were, and whether the local AE asked.
_negotiated_before: Memo[tuple[bytes, bytes, bool], _Contexts] = Memo()


def _negotiated(request: A_ASSOCIATE, response: A_ASSOCIATE, contexts: Iterable[AcceptedContext]) -> _Contexts:
    accepted: list[PresentationContext] = []
    rejected: list[PresentationContext] = []
    agreed = {context.context_id: context for context in contexts}
    results = {result.context_id: result for result in response.presentation_context_definition_results_list}
    for definition in request.presentation_context_definition_list:
        context, ours = context_of(definition), agreed.get(definition.context_id)
        if ours is not None:
            context.transfer_syntax = [ours.transfer_syntax]
            context.result = 0
            context.as_scu, context.as_scp = ours.as_scu, ours.as_scp
            accepted.append(context)
        else:
            result = results.get(definition.context_id)
            context.result = result.result if result is not None and result.result else _NO_REASON
            rejected.append(context)
    return accepted, rejected


_NO_REASON: Final = 2  # PS3.8 Table 9-18: of a context that was not answered, or not as proposed

# PS3.8 Table 9-21: the diagnostics of each result and source
_DIAGNOSTICS: Final = {
    (result, source): diagnostics
    for result in (1, 2)
    for source, diagnostics in ((1, (1, 2, 3, 7)), (2, (1, 2)), (3, (1, 2)))
}
