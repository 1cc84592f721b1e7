"""The service primitives of PS3.8 clause 7 and the items they carry: the one family of classes.

Plain data, the ground floor: nothing here knows how it looks on the wire (`ul.wire` does) or when it may be
sent (`ul.fsm`, `ul.session`). The same class serves request, indication, response and confirm.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Union

APPLICATION_CONTEXT_NAME: Final = "1.2.840.10008.3.1.1.1"  # PS3.7 A.2.1


@dataclass(slots=True)
class PresentationContextDefinition:
    """One proposed presentation context (PS3.8 9.3.2.2)."""

    context_id: int
    abstract_syntax: str
    transfer_syntaxes: list[str]


@dataclass(slots=True)
class PresentationContextResult:
    """The acceptor's answer to one proposed presentation context (PS3.8 9.3.3.2).

    `result`: 0 acceptance, 1 user-rejection, 2 no-reason, 3 abstract-syntax-not-supported,
    4 transfer-syntaxes-not-supported. `transfer_syntax` is significant for 0 only.
    """

    context_id: int
    result: int
    transfer_syntax: str = ""


@dataclass(slots=True)
class MaximumLengthNotification:
    """The largest P-DATA-TF the sender of this item can receive, in bytes; 0 is unlimited (PS3.8 D.1)."""

    maximum_length_received: int = 0


@dataclass(slots=True)
class ImplementationClassUIDNotification:
    """PS3.7 D.3.3.2.1."""

    implementation_class_uid: str = ""


@dataclass(slots=True)
class ImplementationVersionNameNotification:
    """PS3.7 D.3.3.2.3: 1 to 16 characters."""

    implementation_version_name: str = ""


@dataclass(slots=True)
class AsynchronousOperationsWindowNegotiation:
    """PS3.7 D.3.3.3: how many operations may be outstanding; 0 is unlimited."""

    maximum_number_operations_invoked: int = 1
    maximum_number_operations_performed: int = 1


@dataclass(slots=True)
class SCP_SCU_RoleSelectionNegotiation:
    """PS3.7 D.3.3.4: the roles of the association requestor for one SOP class."""

    sop_class_uid: str = ""
    scu_role: bool = False
    scp_role: bool = False


@dataclass(slots=True)
class SOPClassExtendedNegotiation:
    """PS3.7 D.3.3.5."""

    sop_class_uid: str = ""
    service_class_application_information: bytes = b""


@dataclass(slots=True)
class SOPClassCommonExtendedNegotiation:
    """PS3.7 D.3.3.6."""

    sop_class_uid: str = ""
    service_class_uid: str = ""
    related_general_sop_class_identification: list[str] = field(default_factory=list)


@dataclass(slots=True)
class UserIdentityNegotiation:
    """PS3.7 D.3.3.7: the RQ's sub-item carries type and fields, the AC's the server response alone."""

    user_identity_type: int | None = None
    positive_response_requested: bool = False
    primary_field: bytes = b""
    secondary_field: bytes = b""
    server_response: bytes | None = None


@dataclass(slots=True)
class UnknownItem:
    """An item or sub-item of a type this library does not know: kept, and otherwise ignored (PS3.8 9.3.1)."""

    item_type: int
    content: bytes


UserInformationItem = Union[
    MaximumLengthNotification,
    ImplementationClassUIDNotification,
    ImplementationVersionNameNotification,
    AsynchronousOperationsWindowNegotiation,
    SCP_SCU_RoleSelectionNegotiation,
    SOPClassExtendedNegotiation,
    SOPClassCommonExtendedNegotiation,
    UserIdentityNegotiation,
    UnknownItem,
]


@dataclass(slots=True)
class A_ASSOCIATE:
    """PS3.8 7.1.1. `result` tells which: None the request, 0 accepted, 1 and 2 rejected (permanent, transient).

    Titles are str without padding. `called_presentation_address` (host, port) is where a request goes; it is not
    on the wire. `encoded` is the PDU this primitive was decoded from (or was last encoded
    to), so that equal requests can be answered from memory; whoever changes a field sets it to None.
    """

    calling_ae_title: str = ""
    called_ae_title: str = ""
    application_context_name: str = APPLICATION_CONTEXT_NAME
    presentation_context_definition_list: list[PresentationContextDefinition] = field(default_factory=list)
    presentation_context_definition_results_list: list[PresentationContextResult] = field(default_factory=list)
    user_information: list[UserInformationItem] = field(default_factory=list)
    result: int | None = None
    result_source: int | None = None
    diagnostic: int | None = None
    protocol_version: int = 1
    unknown_items: list[UnknownItem] = field(default_factory=list)
    called_presentation_address: tuple[str, int] | None = None
    encoded: bytes | None = field(default=None, repr=False, compare=False)


@dataclass(slots=True)
class A_RELEASE:
    """PS3.8 7.2. `result` is None in the request and indication, "affirmative" in response and confirm."""

    result: str | None = None


@dataclass(slots=True)
class A_ABORT:
    """PS3.8 7.3: the service-user's abort. `abort_source`: 0 service-user, 2 service-provider."""

    abort_source: int = 0


@dataclass(slots=True)
class A_P_ABORT:
    """PS3.8 7.4: the service-provider's abort. `provider_reason` as in PS3.8 Table 9-26.

    As an indication: the provider, here or at the peer, gave the association up. As a request: a service-user
    above found what a provider must answer (a PDV for an unknown context, say): the machine sees Evt19.
    `transport_lost` tells a closed transport connection from a broken protocol; `description` is for the log.
    """

    provider_reason: int = 0
    transport_lost: bool = False
    description: str = ""


# One presentation data value: context id, message control header (bit 0: command, bit 1: last), fragment.
PDV = tuple[int, int, Union[bytes, bytearray, memoryview]]


class P_DATA:
    """PS3.8 7.6: presentation data values, or pieces of them.

    What is received comes in the pieces in which the transport delivered it: `last` (bit 1) is set on the piece
    that ends a PDV whose own bit was set, so joined pieces read the same however TCP cut the stream. Fragments are
    views into the receive buffer, valid until the next `UpperLayer.receive`.
    """

    __slots__ = ("presentation_data_value_list",)

    def __init__(self, presentation_data_value_list: list[PDV]) -> None:
        self.presentation_data_value_list = presentation_data_value_list

    def __repr__(self) -> str:
        sizes = [(c, h, len(data)) for c, h, data in self.presentation_data_value_list]
        return f"P_DATA({sizes})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, P_DATA):
            return NotImplemented
        return self.presentation_data_value_list == other.presentation_data_value_list

    __hash__ = None  # type: ignore[assignment]


Primitive = Union[A_ASSOCIATE, A_RELEASE, A_ABORT, A_P_ABORT, P_DATA]
