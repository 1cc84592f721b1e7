"""The work of a plan: what is proposed for it, and what can be said where some of that was accepted."""

from __future__ import annotations

from typing import Final

from pool.load.identifiers import FIND_MODELS, encoded_identifier
from pool.load.plan import ECHO, FIND, STORE, Plan
from pool.load.speech import EchoSpeech, FindSpeech, Repertoire, Speech
from pool.load.storing import Storing
from ul.acse import Negotiated
from ul.pdu_primitives import PresentationContextDefinition
from ul.sop_class import (
    STORAGE_SOP_CLASSES,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    Verification,
)

MAXIMUM_CONTEXTS: Final = 128  # PS3.8 9.3.2.2: odd ids from 1 to 255
_NATIVE: Final = (ImplicitVRLittleEndian, ExplicitVRLittleEndian)

Proposal = tuple[str, tuple[str, ...]]  # an abstract syntax and its transfer syntaxes
ECHO_PROPOSAL: Final[Proposal] = (Verification, _NATIVE)


class Work:
    """What one process of a plan has to say: what it proposes, and the repertoire where some of that was accepted."""

    def __init__(self, plan: Plan, process: int) -> None:
        self._plan = plan
        self._process = process
        self._identifier = encoded_identifier(plan.find) if plan.find and FIND in plan.mix else b""
        self._storing = Storing(plan, process) if STORE in plan.mix else None
        proposals: dict[Proposal, None] = {}
        if ECHO in plan.mix:
            proposals[ECHO_PROPOSAL] = None
        if plan.find and FIND in plan.mix:
            proposals[FIND_MODELS[plan.find.model], (ImplicitVRLittleEndian,)] = None
        if self._storing is not None:
            proposals.update(dict.fromkeys(self._storing.proposals))
        self.contexts = _contexts(list(proposals), plan.contexts)

    def repertoire(self, negotiated: Negotiated) -> Repertoire:
        """What can be said."""
        speeches: list[tuple[Speech, float]] = []
        for kind, weight in self._plan.mix.items():
            speech = self._speech(kind, negotiated)
            if speech is not None:
                speeches.append((speech, weight))
        return Repertoire(speeches, f"{self._plan.seed} {self._process}")

    def _speech(self, kind: str, negotiated: Negotiated) -> Speech | None:
        if kind == STORE:
            assert self._storing is not None
            return self._storing.speech(negotiated)
        wanted = Verification if kind == ECHO else FIND_MODELS[self._plan.find.model]  # type: ignore[union-attr]
        for context in negotiated.contexts.values():
            if context.abstract_syntax == wanted and context.as_scu:
                return EchoSpeech(context) if kind == ECHO else FindSpeech(context, self._identifier)
        return None


def _contexts(proposals: list[Proposal], at_least: int) -> list[PresentationContextDefinition]:
    """Presentation contexts for what is to be sent, and others if there are to be more."""
    if len(proposals) > MAXIMUM_CONTEXTS:
        raise ValueError(f"{len(proposals)} presentation contexts are needed, and an association has at most 128")
    others = ((uid, (transfer_syntax,)) for transfer_syntax in _NATIVE for uid in STORAGE_SOP_CLASSES)
    while len(proposals) < at_least:
        other = next(others)
        if other not in proposals:
            proposals.append(other)
    return [
        PresentationContextDefinition(2 * number + 1, abstract_syntax, list(transfer_syntaxes))
        for number, (abstract_syntax, transfer_syntaxes) in enumerate(proposals)
    ]
