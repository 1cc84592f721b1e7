"""The items of PS3.8 9.3 and the user information sub-items of PS3.7 Annex D: one row each.

A row ties an item type to the class of `ul.pdu_primitives` it is and to its fields on the wire. Nothing here knows in
which PDU an item belongs (`ul.wire.pdu`) or how a field is read (`ul.wire.fields`).
"""

from __future__ import annotations

from typing import Any, Final

from ul.errors import UsageError
from ul.pdu_primitives import (
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
from ul.wire.fields import (
    BYTES,
    TEXT,
    Fixed,
    Layout,
    Many,
    One,
    Prefixed,
    Rest,
    items_of,
    list_of,
    record,
)

_RESERVED: Final = Fixed("x")

# fmt: off
# PS3.8 9.3.2 and 9.3.3, inside out. These are the text they hold.
APPLICATION_CONTEXT: Final = Layout(0x10, "application context item", TEXT)
ABSTRACT_SYNTAX: Final = Layout(0x30, "abstract syntax sub-item", TEXT)
TRANSFER_SYNTAX: Final = Layout(0x40, "transfer syntax sub-item", TEXT)

PRESENTATION_CONTEXT_RQ: Final = Layout(0x20, "presentation context item", record(
    PresentationContextDefinition,
    Fixed("B", "context_id"), _RESERVED, _RESERVED, _RESERVED,
    One("abstract_syntax", ABSTRACT_SYNTAX), Many("transfer_syntaxes", TRANSFER_SYNTAX)))
PRESENTATION_CONTEXT_AC: Final = Layout(0x21, "presentation context item", record(
    PresentationContextResult,
    Fixed("B", "context_id"), _RESERVED, Fixed("B", "result"), _RESERVED,
    One("transfer_syntax", TRANSFER_SYNTAX, required=False)))

# PS3.8 D.1 and PS3.7 D.3.3: the sub-items of the user information item.
USER_IDENTITY_RQ: Final = Layout(0x58, "user identity sub-item", record(
    UserIdentityNegotiation,
    Fixed("B", "user_identity_type"), Fixed("?", "positive_response_requested"),
    Prefixed("primary_field", BYTES), Prefixed("secondary_field", BYTES)))
USER_IDENTITY_AC: Final = Layout(0x59, "user identity sub-item", record(
    UserIdentityNegotiation,
    Prefixed("server_response", BYTES), names=True))
_USER_INFORMATION_SUB_ITEMS: Final = (
    Layout(0x51, "maximum length sub-item", record(
        MaximumLengthNotification,
        Fixed("L", "maximum_length_received"))),
    Layout(0x52, "implementation class UID sub-item", record(
        ImplementationClassUIDNotification,
        Rest("implementation_class_uid", TEXT))),
    Layout(0x53, "asynchronous operations window sub-item", record(
        AsynchronousOperationsWindowNegotiation,
        Fixed("H", "maximum_number_operations_invoked"), Fixed("H", "maximum_number_operations_performed"))),
    Layout(0x54, "SCP/SCU role selection sub-item", record(
        SCP_SCU_RoleSelectionNegotiation,
        Prefixed("sop_class_uid", TEXT), Fixed("?", "scu_role"), Fixed("?", "scp_role"))),
    Layout(0x55, "implementation version name sub-item", record(
        ImplementationVersionNameNotification,
        Rest("implementation_version_name", TEXT))),
    Layout(0x56, "SOP class extended negotiation sub-item", record(
        SOPClassExtendedNegotiation,
        Prefixed("sop_class_uid", TEXT), Rest("service_class_application_information", BYTES))),
    # 57H has a version, 0, where others have a reserved byte. What a later version adds comes after these fields.
    Layout(0x57, "SOP class common extended negotiation sub-item", record(
        SOPClassCommonExtendedNegotiation,
        Prefixed("sop_class_uid", TEXT), Prefixed("service_class_uid", TEXT),
        Prefixed("related_general_sop_class_identification", list_of(TEXT)))),
    USER_IDENTITY_RQ,
    USER_IDENTITY_AC,
)
# fmt: on

_LAYOUTS_BY_CLASS: Final = {layout.record_class: layout for layout in _USER_INFORMATION_SUB_ITEMS}


def _encode_sub_item(item: Any) -> bytes:
    """58H and 59H share a class: the server's response tells them apart."""
    if isinstance(item, UnknownItem):
        return encode_unknown_item(item)
    layout = _LAYOUTS_BY_CLASS.get(type(item))
    if layout is None:
        raise UsageError(f"{type(item).__name__} is no sub-item of the user information item")
    if layout is USER_IDENTITY_AC and item.server_response is None:
        layout = USER_IDENTITY_RQ
    return layout.encode(item)


def encode_unknown_item(item: UnknownItem) -> bytes:
    return Layout(item.item_type, "unknown item", BYTES).encode(item.content)


USER_INFORMATION: Final = Layout(0x50, "user information item", items_of(_USER_INFORMATION_SUB_ITEMS, _encode_sub_item))
