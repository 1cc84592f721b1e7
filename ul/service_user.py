"""ServiceUser: one side of an association, requestor or acceptor, as far as it is known on this one.

Belongs here: reading what a side said of itself in its A-ASSOCIATE primitive. Not here: what was agreed (`ul.acse`).
"""

from __future__ import annotations

from typing import Any, Final, TypeVar

from ul.acse import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME, item_of, roles
from ul.pdu_primitives import (
    A_ASSOCIATE,
    AsynchronousOperationsWindowNegotiation,
    ImplementationClassUIDNotification,
    ImplementationVersionNameNotification,
    MaximumLengthNotification,
    PresentationContextDefinition,
    SCP_SCU_RoleSelectionNegotiation,
    SOPClassCommonExtendedNegotiation,
    SOPClassExtendedNegotiation,
    UserIdentityNegotiation,
    UserInformationItem,
)
from ul.presentation import PresentationContext

REQUESTOR: Final = "requestor"
ACCEPTOR: Final = "acceptor"

_EXTENDED: Final = (
    AsynchronousOperationsWindowNegotiation,
    SCP_SCU_RoleSelectionNegotiation,
    SOPClassExtendedNegotiation,
    SOPClassCommonExtendedNegotiation,
    UserIdentityNegotiation,
)

_Item = TypeVar("_Item")


class ServiceUser:
    """The `mode` side ("requestor" or "acceptor") of an association.

    What a side says of itself is in its `primitive`; before there is one, what it is going to say.
    """

    def __init__(self, mode: str) -> None:
        self.mode = mode
        self.ae_title = ""
        self.address = ""
        self.port: int | None = None
        self.address_info: tuple[Any, ...] | None = None  # host, port and for IPv6 flow information and scope
        self.primitive: A_ASSOCIATE | None = None
        self._requested_contexts: list[PresentationContext] | None = None
        self.supported_contexts: list[PresentationContext] = []
        self.proposed: list[UserInformationItem] = []  # what stands in for the primitive's until there is one
        # What a handler of EVT_SOP_COMMON agreed to, by SOP class: it is not on the wire
        self.agreed_common_extended: dict[str, SOPClassCommonExtendedNegotiation] = {}
        self._maximum_length = 16382
        self._implementation_class_uid: str | None = IMPLEMENTATION_CLASS_UID
        self._implementation_version_name: str | None = IMPLEMENTATION_VERSION_NAME

    @property
    def is_requestor(self) -> bool:
        """Whether this side asked for the association."""
        return self.mode == REQUESTOR

    @property
    def is_acceptor(self) -> bool:
        """Whether this side was asked."""
        return self.mode == ACCEPTOR

    @property
    def requested_contexts(self) -> list[PresentationContext]:
        """The contexts that this side proposes; empty for the acceptor. Made when they are asked for."""
        if self.primitive is None or not self.is_requestor:
            return []
        if self._requested_contexts is None:
            self._requested_contexts = [context_of(d) for d in self.primitive.presentation_context_definition_list]
        return self._requested_contexts

    def _all(self, kind: type[_Item]) -> list[_Item]:
        return [item for item in self.user_information if isinstance(item, kind)]

    @property
    def user_information(self) -> list[UserInformationItem]:
        """The items of the user information."""
        return self.proposed if self.primitive is None else self.primitive.user_information

    @property
    def maximum_length(self) -> int:
        """The largest P-DATA-TF that this side takes, in bytes; 0 for no limit."""
        if self.primitive is None:
            return self._maximum_length
        item = item_of(self.primitive, MaximumLengthNotification)
        return item.maximum_length_received if item else 0

    @maximum_length.setter
    def maximum_length(self, value: int) -> None:
        self._maximum_length = value

    @property
    def implementation_class_uid(self) -> str | None:
        """Which implementation this side is; None where it does not say."""
        if self.primitive is None:
            return self._implementation_class_uid
        item = item_of(self.primitive, ImplementationClassUIDNotification)
        return item.implementation_class_uid if item else None

    @implementation_class_uid.setter
    def implementation_class_uid(self, value: str | None) -> None:
        self._implementation_class_uid = value

    @property
    def implementation_version_name(self) -> str | None:
        """Which version of it; None where it does not say."""
        if self.primitive is None:
            return self._implementation_version_name
        item = item_of(self.primitive, ImplementationVersionNameNotification)
        return item.implementation_version_name if item else None

    @implementation_version_name.setter
    def implementation_version_name(self, value: str | None) -> None:
        self._implementation_version_name = value

    # -- extended negotiation (PS3.7 D.3.3)

    @property
    def extended_negotiation(self) -> list[UserInformationItem]:
        """The items of extended negotiation."""
        return [item for item in self.user_information if isinstance(item, _EXTENDED)]

    @property
    def asynchronous_operations(self) -> tuple[int, int]:
        """How many operations the requestor may invoke and perform at a time, by this side; 0 for no limit."""
        found = self._all(AsynchronousOperationsWindowNegotiation)
        if not found:
            return 1, 1
        return found[0].maximum_number_operations_invoked, found[0].maximum_number_operations_performed

    @property
    def role_selection(self) -> dict[str, SCP_SCU_RoleSelectionNegotiation]:
        """The role selection items by SOP class."""
        if self.primitive is not None:
            return roles(self.primitive)
        return {item.sop_class_uid: item for item in self._all(SCP_SCU_RoleSelectionNegotiation)}

    @property
    def sop_class_extended(self) -> dict[str, bytes]:
        """Service class application information by SOP class."""
        found = self._all(SOPClassExtendedNegotiation)
        return {item.sop_class_uid: item.service_class_application_information for item in found}

    @property
    def sop_class_common_extended(self) -> dict[str, SOPClassCommonExtendedNegotiation]:
        """The common extended negotiation items by SOP class."""
        return {item.sop_class_uid: item for item in self._all(SOPClassCommonExtendedNegotiation)}

    @property
    def user_identity(self) -> UserIdentityNegotiation | None:
        """Who the requestor's user is, or the acceptor's answer to that."""
        found = self._all(UserIdentityNegotiation)
        return found[0] if found else None

    # -- in short

    def located(self, address: tuple[Any, ...]) -> None:
        """This side's end of the connection."""
        self.address_info = address
        self.address, self.port = address[:2]

    @property
    def info(self) -> dict[str, Any]:
        """What is known of this side, by name."""
        return {
            "ae_title": self.ae_title,
            "address": self.address,
            "port": self.port,
            "mode": self.mode,
            "pdv_size": self.maximum_length,
        }

    def __str__(self) -> str:
        return f"{self.ae_title}@{self.address}:{self.port}"


def context_of(definition: PresentationContextDefinition) -> PresentationContext:
    """A proposed context in the form that the API has for it."""
    syntaxes = dict.fromkeys(filter(None, definition.transfer_syntaxes))  # each once
    return PresentationContext.proposed(definition.context_id, definition.abstract_syntax, syntaxes)
