"""What a worker offers: presentation contexts, titles and restrictions, from the settings.

Belongs here: what an A-ASSOCIATE-RQ is answered from. Not here: how it is answered (`ul.acse`), and the limits that are
counted (`pool.admission`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from pool.config import Settings
from ul.acse import (
    CALLED_AE_TITLE_NOT_RECOGNIZED,
    CALLING_AE_TITLE_NOT_RECOGNIZED,
    Offer,
    Restriction,
    SupportedContext,
)
from ul.sop_class import STORAGE_SOP_CLASSES, TRANSFER_SYNTAXES, Verification

EVERYTHING: Final = SupportedContext(TRANSFER_SYNTAXES)

# The setting on account of which negotiation rejects.
REJECTED_BY: Final = {
    CALLED_AE_TITLE_NOT_RECOGNIZED: "require-called-aet",
    CALLING_AE_TITLE_NOT_RECOGNIZED: "require-calling-aet",
}


def offer_from(settings: Settings) -> Offer:
    """Verification and every storage SOP class, each in every transfer syntax: what arrives is kept as it is."""
    return limited(Offer(dict.fromkeys((Verification, *STORAGE_SOP_CLASSES), EVERYTHING)), settings)


def limited(offer: Offer, settings: Settings) -> Offer:
    """`offer` with what the settings say of it. A title that is listed as a peer's need not be listed again."""
    required = settings.require_calling_aet
    return replace(
        offer,
        unknown_contexts=EVERYTHING if settings.accept_unknown else offer.unknown_contexts,
        maximum_length=settings.max_pdu,
        called_ae_titles=(settings.aet,) if settings.require_called_aet else (),
        calling_ae_titles={*required, *(peer.title for peer in settings.peer)} if required else (),
        restrictions={peer.title: Restriction(peer.sop_classes, peer.transfer_syntaxes) for peer in settings.peer},
    )
