"""AssociationControl: a Session's association as ACSE has it: asked for, answered, released, aborted. Sans-I/O.

Belongs here: who may say which of A-ASSOCIATE, A-RELEASE and A-ABORT when (PS3.8 clause 7), and what is known of the
association for that. Not here: what is negotiated (`ul.acse`), what is told (`ul.session_events`), messages, operations
and the time that all of it may take (`ul.session`).
"""

from __future__ import annotations

from typing import Final

from ul.acse import Answer, Negotiated, Offer, Rejection, agreed
from ul.errors import UsageError
from ul.pdu_primitives import A_ABORT, A_ASSOCIATE, A_P_ABORT, A_RELEASE, Primitive
from ul.session_events import (
    AssociationAborted,
    AssociationAccepted,
    AssociationRejected,
    AssociationReleased,
    AssociationRequested,
    Event,
)

# States of a session, in the order in which they come
IDLE: Final = "idle"  # nothing was said yet
REQUESTED: Final = "requested"  # an A-ASSOCIATE request waits for its answer, the peer's or ours
ESTABLISHED: Final = "established"
RELEASING: Final = "releasing"  # our A-RELEASE request waits for its answer
ENDED: Final = "ended"


class AssociationControl:
    """The association. A subclass is a session: it says what its operations have to do with a release."""

    __slots__ = (
        "_answer",
        "_connecting",
        "_events",
        "_negotiated",
        "_offer",
        "_release_due",
        "_release_sent",
        "_request",
        "_requests",
        "_waiting_since",
        "state",
    )

    def __init__(self, offer: Offer | None) -> None:
        self.state = IDLE
        self._offer = offer
        self._request: A_ASSOCIATE | None = None
        self._answer: Answer | None = None
        self._negotiated: Negotiated | None = None
        # Kept as short lists: a thousand associations wait most of their lives.
        self._events: list[Event] = []
        self._requests: list[Primitive] = []
        self._connecting = False
        self._release_due = False  # the peer waits for our A-RELEASE response
        self._release_sent = False
        self._waiting_since = 0.0

    @property
    def _owes_responses(self) -> bool:
        """Responses are still to leave: a release waits for them."""
        raise NotImplementedError

    def _drop_what_awaits_peer(self) -> None:
        """The peer sends nothing more."""
        raise NotImplementedError

    # -- what a shell asks

    @property
    def negotiated(self) -> Negotiated:
        """What was agreed. Raises UsageError before the association is accepted."""
        if self._negotiated is None:
            raise UsageError("no association was accepted yet")
        return self._negotiated

    @property
    def answer(self) -> Answer | None:
        """What an acceptor answers to the request, from AssociationRequested on."""
        return self._answer

    @property
    def request(self) -> A_ASSOCIATE | None:
        """The A-ASSOCIATE request, the peer's or ours."""
        return self._request

    @property
    def response(self) -> A_ASSOCIATE | None:
        """The A-ASSOCIATE response that this side accepted the association with."""
        return None if self._answer is None or self._negotiated is None else self._answer.response

    @property
    def peer_ae_title(self) -> str:
        """The AE title of the other side; "" while nobody asked for an association."""
        if self._request is None:
            return ""
        return self._request.called_ae_title if self._offer is None else self._request.calling_ae_title

    # -- from the upper layer

    def _associate_indication(self, primitive: A_ASSOCIATE) -> None:
        if self._offer is not None and primitive.result is None:
            self._associate_request(primitive, self._offer)
        elif primitive.result == 0 and self._request is not None:
            self._negotiated = agreed(self._request, primitive)
            self._establish()
            self._events.append(AssociationAccepted(self._negotiated))
        else:
            rejection = Rejection(primitive.result or 0, primitive.result_source or 0, primitive.diagnostic or 0)
            self._end(AssociationRejected(rejection))

    def _associate_request(self, primitive: A_ASSOCIATE, offer: Offer) -> None:
        self.state = REQUESTED
        self._request = primitive
        answer = offer.answer(primitive)
        if isinstance(answer, Rejection):
            self._reject(answer)
        else:
            self._answer = answer
            self._events.append(AssociationRequested(primitive))

    def _establish(self) -> None:
        self.state = ESTABLISHED

    def _release_indication(self, primitive: A_RELEASE) -> None:
        if primitive.result is not None:  # the confirm of our own request
            if self._release_due:  # a collision: the acceptor answers after the confirm (AR-10, Sta12)
                self._requests.append(A_RELEASE("affirmative"))
            self._end(AssociationReleased())
        elif self._release_sent:
            self._release_due = True
            if self._offer is None:  # a collision: the requestor answers first (AR-8, Sta9)
                self._release_due = False
                self._requests.append(A_RELEASE("affirmative"))
        else:
            self.state = ESTABLISHED  # if ours was still to be asked for: the peer was first
            self._release_due = True
            self._drop_what_awaits_peer()
            self._answer_release()

    def _answer_release(self) -> None:
        """Release once every response has left: the peer may ask for release before it has them (AR-7)."""
        if self._release_due and self.state == ESTABLISHED and not self._owes_responses:
            self._release_due = False
            self._requests.append(A_RELEASE("affirmative"))
            self._end(AssociationReleased())

    def _provider_abort_indication(self, primitive: A_P_ABORT) -> None:
        locally = bool(primitive.description) and not primitive.transport_lost
        description = primitive.description or "A-ABORT from the peer's service-provider"
        self._end(AssociationAborted(2, primitive.provider_reason, locally, description, breach=locally))

    def _end(self, event: AssociationAborted | AssociationReleased | AssociationRejected) -> None:
        self.state = ENDED
        self._events.append(event)

    # -- from the user

    def associate(self, request: A_ASSOCIATE, now: float, *, connecting: bool = False) -> None:
        """Ask the peer for an association. While `connecting`, which `transport_opened` ends, no answer is due."""
        if self.state != IDLE:
            raise UsageError(f"associate: the session is {self.state}")
        self.state = REQUESTED
        self._connecting = connecting
        self._waiting_since = now
        self._request = request
        self._requests.append(request)

    def transport_opened(self, now: float) -> None:
        """The transport connection that was waited for is there: the answer is due from now on."""
        self._connecting = False
        self._waiting_since = now

    def accept(self, now: float, answer: Answer | None = None) -> None:
        """Answer AssociationRequested with what was negotiated, or with the `answer` that was made of it."""
        answer = answer or self._answer
        if self.state != REQUESTED or answer is None:
            raise UsageError(f"accept: the session is {self.state}")
        self._waiting_since = now
        self._answer = answer
        self._negotiated = answer.negotiated
        self._requests.append(answer.response)
        self._establish()

    def reject(self, rejection: Rejection, now: float) -> None:
        """Answer AssociationRequested with an A-ASSOCIATE-RJ."""
        if self.state != REQUESTED or self._offer is None:
            raise UsageError(f"reject: the session is {self.state}")
        self._waiting_since = now
        self._reject(rejection)

    def _reject(self, rejection: Rejection) -> None:
        result, source, diagnostic = rejection
        self._requests.append(A_ASSOCIATE(result=result, result_source=source, diagnostic=diagnostic))
        self._end(AssociationRejected(rejection, locally=True))

    def release(self, now: float) -> None:
        """Ask for an orderly release."""
        if self.state != ESTABLISHED:
            raise UsageError(f"release: the session is {self.state}")
        if self._release_due:  # the peer asked first, and is answered once nothing else is on the way
            self._drop_what_awaits_peer()
            self._answer_release()
            return
        self.state = RELEASING
        self._waiting_since = now

    def abort(self, now: float, description: str = "aborted here", *, breach: bool = False) -> None:
        """End the association now with an A-ABORT from the service-user."""
        if self.state == ENDED:
            return
        if self.state != IDLE:
            self._requests.append(A_ABORT(0))
        self._end(AssociationAborted(0, 0, True, description, breach))
