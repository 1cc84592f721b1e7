"""The DICOM Conformance Statement: what PS3.2 asks for, taken from what the server works with.

Presentation contexts are those of the very `Offer` that requests for associations are answered from, services those of
the registry that requests are given to, limits the settings as they are: nothing here is written twice, so it is true
of the configuration it was asked of. Plain data; how it looks is `pool.cli.conformance`'s business.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from importlib.metadata import version
from typing import Any, Final

from pool import tls
from pool.admission import RULES
from pool.application.application import Application, load
from pool.config import SETTINGS, Settings, show_bind
from pool.worker.handled import offer_of
from pool.worker.offers import offer_from
from ul import evt
from ul.acse import (
    APPLICATION_CONTEXT_NAME_NOT_SUPPORTED,
    CALLED_AE_TITLE_NOT_RECOGNIZED,
    CALLING_AE_TITLE_NOT_RECOGNIZED,
    IN_ANY_TRANSFER_SYNTAX,
    Offer,
    Rejection,
    SupportedContext,
)
from ul.evt import InterventionEvent
from ul.pdu_primitives import APPLICATION_CONTEXT_NAME
from ul.services.registry import messages_of
from ul.status import (
    CANNOT_UNDERSTAND,
    DATA_SET_DOES_NOT_MATCH_SOP_CLASS,
    DUPLICATE_SOP_INSTANCE,
    INVALID_SOP_INSTANCE,
    OUT_OF_RESOURCES,
    PROCESSING_FAILURE,
    SUCCESS,
)
from ul.uid import UID
from ul.wire.command import C_STORE_RQ, MessageType

Table = list[dict[str, Any]]

# Who performs an operation
SERVER: Final = "server"
STORE: Final = "built-in store"
APPLICATION: Final = "application"
NOBODY: Final = "nobody"

_STORE_STATUSES: Final = (
    (SUCCESS, "the instance is kept as --durability says, or was kept before, byte for byte"),
    (OUT_OF_RESOURCES, "no space, no descriptors, an I/O error; sending it again may succeed"),
    (DATA_SET_DOES_NOT_MATCH_SOP_CLASS, "SOP class or instance of the command, the context and the data set differ"),
    (CANNOT_UNDERSTAND, "the data set is empty, or its head cannot be read"),
    (INVALID_SOP_INSTANCE, "the SOP Instance UID is missing, or not a UID"),
    (PROCESSING_FAILURE, "no data set came"),
)
# Secure transport connection profiles, by the names of --tls-profile (PS3.15 B.12 and B.13)
_TLS_PROFILES: Final = {
    "bcp195": "BCP 195 RFC 8996, 9325 TLS Secure Transport Connection Profile",
    "modified": "Modified BCP 195 RFC 8996, 9325 TLS Secure Transport Connection Profile",
}
_SECURITY: Final = ("tls", "proxy")  # what names of settings begin with


class Subject:
    """What is to be stated: the settings, and the application where they name one. Raises ApplicationError."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.application: Application | None = None
        if settings.application:
            self.application = load(settings.application, settings.app_dir)
        self.offer: Offer = offer_of(self.application, settings) if self.application else offer_from(settings)
        self.stores = self.application is None or self.application.storage is not None


def statement(subject: Subject) -> dict[str, Any]:
    """All of it, as plain data."""
    settings, offer = subject.settings, subject.offer
    return {
        "implementation": {
            "name": "ulpool",
            "version": version("ulpool"),
            "implementation_class_uid": offer.implementation_class_uid,
            "implementation_version_name": offer.implementation_version_name,
        },
        "application_entity": {
            "ae_title": settings.aet,
            "application": settings.application or None,
            "addresses": [show_bind(bind) for bind in settings.bind],
        },
        "sop_classes": [_sop_class(subject, uid, context) for uid, context in offer.contexts.items()],
        "unknown_sop_classes": _unknown(offer),
        "unknown_transfer_syntaxes": offer.unknown_contexts is IN_ANY_TRANSFER_SYNTAX,
        "transfer_syntaxes": _transfer_syntaxes(offer),
        "negotiation": _negotiation(subject),
        "rejections": list(_rejections(settings)),
        "responses": list(_responses(subject)),
        "peers": [_peer(peer) for peer in settings.peer],
        "settings": _settings(settings),
        "security": _security(settings),
    }


def _sop_class(subject: Subject, uid: str, context: SupportedContext) -> dict[str, Any]:
    known = UID(uid)
    negotiates_roles = context.scu_role is not None and context.scp_role is not None
    return {
        "uid": str(uid),
        "name": known.name,
        "service_class": known.service_class,
        "scp": not negotiates_roles or bool(context.scu_role),
        "scu": negotiates_roles and bool(context.scp_role),
        "services": {_service(message): _performer(subject, message) for message in messages_of(uid)},
        "transfer_syntaxes": sorted(map(str, context.transfer_syntaxes)),
    }


def _service(message: MessageType) -> str:
    return message.name.removesuffix("-RQ")


def _event(message: MessageType) -> InterventionEvent:
    event: InterventionEvent = getattr(evt, f"EVT_{_service(message).replace('-', '_')}")
    return event


def _performer(subject: Subject, message: MessageType) -> str:
    application = subject.application
    if message is C_STORE_RQ and subject.stores:
        return STORE
    if application is not None and _event(message) in application.handlers:
        return APPLICATION
    return NOBODY if _event(message).default is None else SERVER


def _unknown(offer: Offer) -> list[str] | None:
    """The transfer syntaxes of SOP classes that are none of the standard's; None where those are not accepted."""
    return sorted(map(str, offer.unknown_contexts.transfer_syntaxes)) if offer.unknown_contexts else None


def _transfer_syntaxes(offer: Offer) -> Table:
    contexts = [*offer.contexts.values(), *([offer.unknown_contexts] if offer.unknown_contexts else ())]
    uids = sorted({str(uid) for context in contexts for uid in context.transfer_syntaxes})
    return [{"uid": uid, "name": UID(uid).name} for uid in uids]


def _negotiation(subject: Subject) -> dict[str, Any]:
    invoked, performed = subject.offer.operations_window
    handlers: Collection[object] = subject.application.handlers if subject.application else ()  # type: ignore[assignment]
    return {
        "application_context_name": APPLICATION_CONTEXT_NAME,
        "maximum_length_received": subject.offer.maximum_length,
        "operations_invoked": invoked,
        "operations_performed": performed,
        "asynchronous_operations_by_application": evt.EVT_ASYNC_OPS in handlers,
        "sop_class_extended_by_application": evt.EVT_SOP_EXTENDED in handlers,
        "sop_class_common_extended_by_application": evt.EVT_SOP_COMMON in handlers,
        "user_identity_by_application": evt.EVT_USER_ID in handlers,
        "called_ae_titles": sorted(subject.offer.called_ae_titles),
        "calling_ae_titles": sorted(subject.offer.calling_ae_titles),
    }


def _rejections(settings: Settings) -> Iterator[dict[str, Any]]:
    """The A-ASSOCIATE-RJ that may come with these settings."""
    yield _rejection(APPLICATION_CONTEXT_NAME_NOT_SUPPORTED, "the application context name is not PS3.7's")
    if settings.require_called_aet:
        yield _rejection(CALLED_AE_TITLE_NOT_RECOGNIZED, "--require-called-aet")
    if settings.require_calling_aet:
        yield _rejection(CALLING_AE_TITLE_NOT_RECOGNIZED, "--require-calling-aet")
    for rule in RULES:
        yield _rejection(rule.rejection, f"--{rule.name}")
    yield _rejection((2, 3, 1), "the server stops")


def _rejection(values: tuple[int, int, int], when: str) -> dict[str, Any]:
    names = dict(zip(("result", "source", "reason"), values, strict=True))
    return names | {"name": ", ".join(Rejection(*values).names), "when": when}


def _responses(subject: Subject) -> Iterator[dict[str, Any]]:
    """The statuses that are the server's own; an application's handlers answer others as they like."""
    if subject.stores:
        for status, when in _STORE_STATUSES:
            yield {"service": "C-STORE", "status": f"{status:04X}", "when": when}
        if subject.settings.on_duplicate == "reject":
            when = "another data set is kept under the SOP Instance UID"
            yield {"service": "C-STORE", "status": f"{DUPLICATE_SOP_INSTANCE:04X}", "when": when}
    messages = {message for uid in subject.offer.contexts for message in messages_of(uid)}
    for message in sorted(messages, key=lambda message: message.command_field):
        if _performer(subject, message) in (APPLICATION, NOBODY):
            failure = f"{_event(message).failure:04X}"
            yield {"service": _service(message), "status": failure, "when": "the handler failed, or there is none"}


def _peer(peer: Any) -> dict[str, Any]:
    return {
        "ae_title": peer.title,
        "from": [str(network) for network in peer.networks],
        "maximum_associations": peer.maximum or None,
        "sop_classes": list(peer.sop_classes),
        "transfer_syntaxes": list(peer.transfer_syntaxes),
    }


def _security(settings: Settings) -> dict[str, Any]:
    is_tls = tls.secured(settings)
    profile = settings.tls_profile if any(is_tls) else None
    if profile is None or settings.tls_ca is None:
        client_certificate = "not asked for"
    else:
        client_certificate = "required" if settings.tls_require_client_cert else "verified where one is shown"
    return {
        "addresses": [
            {"address": show_bind(bind), "transport": "TLS" if secured else "plain TCP"}
            for bind, secured in zip(settings.bind, is_tls, strict=True)
        ],
        "profile": _TLS_PROFILES[profile] if profile else None,
        "cipher_suites": [
            {"version": version, "suite": suite} for version, suite in (tls.cipher_suites(profile) if profile else ())
        ],
        "client_certificate": client_certificate,
        "settings": {
            row.name: row.show(getattr(settings, row.name)) for row in SETTINGS if row.name.startswith(_SECURITY)
        },
    }


def _settings(settings: Settings) -> Table:
    """Every setting that is a promise or a limit towards a peer."""
    return [
        {"setting": row.flag, "section": row.section, "value": row.show(getattr(settings, row.name)), "help": row.help}
        for row in SETTINGS
        if row.section in ("Network", "Storage", "Limits", "Timeouts (seconds)")
    ]
