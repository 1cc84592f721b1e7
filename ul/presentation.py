"""Presentation contexts as the API hands them out: PresentationContext, its builders, and the lists for every service.

Plain data. How contexts are negotiated is in `ul.acse`, how they look on the wire in `ul.wire`.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple, Union

from ul import _config, sop_class
from ul.pdu_primitives import SCP_SCU_RoleSelectionNegotiation
from ul.uid import UID

LOGGER: Final = logging.getLogger(__name__)

AnyUID = Union[str, bytes]

LONGEST_UID: Final = 64  # PS3.5 9.1
_CONFORMANT: Final = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))*")

DEFAULT_TRANSFER_SYNTAXES: Final[list[str]] = [
    sop_class.ImplicitVRLittleEndian,
    sop_class.ExplicitVRLittleEndian,
    sop_class.ExplicitVRBigEndian,
]

# All that PS3.5 has today, and the retired Explicit VR Big Endian that old archives still ask for.
ALL_TRANSFER_SYNTAXES: Final[list[str]] = [
    UID(uid) for uid in sop_class.TRANSFER_SYNTAXES if not UID(uid).is_retired or uid == sop_class.ExplicitVRBigEndian
]

# PS3.8 Table 9-18
_RESULTS: Final[dict[int | None, str]] = {
    None: "Pending",
    0: "Accepted",
    1: "User Rejected",
    2: "Provider Rejected",
    3: "Abstract Syntax Not Supported",
    4: "Transfer Syntax(es) Not Supported",
}

# (as SCU, as SCP)
_ROLES: Final = {
    (True, False): "SCU only",
    (True, True): "SCU and SCP",
    (False, True): "SCP only",
    (False, False): "(none)",
}


class PresentationContextTuple(NamedTuple):
    """An accepted presentation context: what handlers find in `event.context`."""

    context_id: int
    abstract_syntax: UID
    transfer_syntax: UID


def _uid(value: AnyUID, what: str) -> UID:
    """`value` as UID. Raises TypeError where it is neither str nor bytes, ValueError where it cannot be sent."""
    if isinstance(value, bytes):
        value = value.decode("ascii")
    if not isinstance(value, str):
        raise TypeError(f"{what} must be a UID as str or bytes, not {type(value).__name__}")
    if len(value) > LONGEST_UID:
        raise ValueError(f"{what} has {len(value)} characters, a UID has {LONGEST_UID} at most")
    if _config.ENFORCE_UID_CONFORMANCE and not _CONFORMANT.fullmatch(value):
        raise ValueError(f"{what} {value!r} is no UID: numbers without leading zeros, with dots between them")
    return UID(value)


def _role(value: bool | None, what: str) -> bool | None:
    if value is not None and not isinstance(value, bool):
        raise TypeError(f"{what} must be a bool or None")
    return value


class PresentationContext:
    """A presentation context that is requested, supported or negotiated (PS3.8 7.1.1.13, 9.3.2.2, 9.3.3.2).

    `result` is None until negotiated, then 0 to 4 (PS3.8 Table 9-18). `scu_role` and `scp_role` say, at an acceptor,
    whether to accept that role if the requestor proposes it for itself; with either None the proposal is not answered.
    `as_scu` and `as_scp` say what the local AE may be once the association is established; None before.
    """

    __slots__ = (
        "_abstract_syntax",
        "_context_id",
        "_scp_role",
        "_scu_role",
        "_transfer_syntax",
        "as_scp",
        "as_scu",
        "result",
    )

    def __init__(self) -> None:
        self._context_id: int | None = None
        self._abstract_syntax: UID | None = None
        self._transfer_syntax: list[UID] = []
        self._scu_role: bool | None = None
        self._scp_role: bool | None = None
        self.result: int | None = None
        self.as_scu: bool | None = None
        self.as_scp: bool | None = None

    @classmethod
    def proposed(cls, context_id: int, abstract_syntax: str, transfer_syntaxes: Iterable[str]) -> PresentationContext:
        """One that was on the wire, as it was: what peers say is not checked here."""
        context = cls()
        context._context_id = context_id
        context._abstract_syntax = UID(abstract_syntax)
        context._transfer_syntax = [UID(uid) for uid in transfer_syntaxes]
        return context

    @property
    def context_id(self) -> int | None:
        """An odd number from 1 to 255; None while it has none. Setting another raises ValueError."""
        return self._context_id

    @context_id.setter
    def context_id(self, value: int | None) -> None:
        if value is not None and not (1 <= value <= 255 and value % 2):
            raise ValueError(f"context_id must be an odd number from 1 to 255, not {value}")
        self._context_id = value

    @property
    def abstract_syntax(self) -> UID | None:
        """The UID of the SOP class; set as str, bytes or UID."""
        return self._abstract_syntax

    @abstract_syntax.setter
    def abstract_syntax(self, value: AnyUID) -> None:
        self._abstract_syntax = _uid(value, "abstract_syntax")

    @property
    def transfer_syntax(self) -> list[UID]:
        """The transfer syntaxes in order of preference; set as a list of str, bytes or UID."""
        return self._transfer_syntax

    @transfer_syntax.setter
    def transfer_syntax(self, values: list[str] | list[UID]) -> None:
        if not isinstance(values, list):
            raise TypeError("transfer_syntax must be a list")
        self._transfer_syntax = []
        for value in values:
            self.add_transfer_syntax(value)

    def add_transfer_syntax(self, syntax: AnyUID | None) -> None:
        """Append a transfer syntax unless it is there; None and "" (what comes with a rejection) add nothing."""
        if not syntax:
            return
        uid = _uid(syntax, "transfer_syntax")
        if uid in self._transfer_syntax:
            return
        if uid not in sop_class.TRANSFER_SYNTAXES and uid.startswith("1.2.840.10008."):
            LOGGER.warning("%s is not known as a transfer syntax", uid)
        self._transfer_syntax.append(uid)

    @property
    def scu_role(self) -> bool | None:
        """Whether a requestor that proposes to be SCU may; None to leave its role proposal unanswered."""
        return self._scu_role

    @scu_role.setter
    def scu_role(self, value: bool | None) -> None:
        self._scu_role = _role(value, "scu_role")

    @property
    def scp_role(self) -> bool | None:
        """Whether a requestor that proposes to be SCP may; None to leave its role proposal unanswered."""
        return self._scp_role

    @scp_role.setter
    def scp_role(self, value: bool | None) -> None:
        self._scp_role = _role(value, "scp_role")

    @property
    def status(self) -> str:
        """What `result` means."""
        return _RESULTS.get(self.result, "Unknown")

    @property
    def as_tuple(self) -> PresentationContextTuple:
        """Of an accepted context: id, abstract syntax and its one transfer syntax."""
        if self._context_id is None or self._abstract_syntax is None or not self._transfer_syntax:
            raise ValueError("a context without id, abstract syntax or transfer syntax was not accepted")
        return PresentationContextTuple(self._context_id, self._abstract_syntax, self._transfer_syntax[0])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PresentationContext):
            return NotImplemented
        return all(getattr(self, slot) == getattr(other, slot) for slot in PresentationContext.__slots__)

    def __hash__(self) -> int:
        return hash((self._context_id, self._abstract_syntax, *self._transfer_syntax))

    def __repr__(self) -> str:
        return "(no abstract syntax)" if self._abstract_syntax is None else self._abstract_syntax.name

    def __str__(self) -> str:
        lines = []
        if self._context_id is not None:
            lines.append(f"ID: {self._context_id}")
        if self._abstract_syntax is not None:
            lines.append(f"Abstract Syntax: {self._abstract_syntax.name}")
        lines.append("Transfer Syntax(es):")
        lines += [f"    ={syntax.name}" for syntax in self._transfer_syntax] or ["    (none)"]
        if self.result is not None:
            lines.append(f"Result: {self.status}")
        if self.as_scu is not None and self.as_scp is not None:
            lines.append(f"Role: {_ROLES[self.as_scu, self.as_scp]}")
        return "\n".join(lines)


Proposal = list[tuple[Union[UID, None], list[UID]]]  # abstract syntaxes and their transfer syntaxes


def proposal_of(contexts: Iterable[PresentationContext]) -> Proposal:
    """What a request proposes with these contexts, without the cost of the properties: there can be 128."""
    return [(context._abstract_syntax, context._transfer_syntax) for context in contexts]


class _Copy(PresentationContext):
    """One more of the same, to be changed apart, that copies each value when it is read.

    Associations have up to 128 contexts, most of them never looked at.
    """

    __slots__ = ("_original",)

    _original: PresentationContext

    def __getattr__(self, name: str) -> Any:
        if name not in PresentationContext.__slots__:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        value = getattr(self._original, name)
        if name == "_transfer_syntax":
            value = value.copy()
        setattr(self, name, value)
        return value


def copies(originals: Iterable[PresentationContext]) -> list[PresentationContext]:
    """One more of each. The originals must not change any more."""
    new, made = _Copy.__new__, list[PresentationContext]()
    for original in originals:
        copy = new(_Copy)
        copy._original = original
        made.append(copy)
    return made


def build_context(
    abstract_syntax: AnyUID, transfer_syntax: AnyUID | Iterable[AnyUID] | None = None
) -> PresentationContext:
    """A context for one abstract syntax, in one transfer syntax, several, or (None) DEFAULT_TRANSFER_SYNTAXES.

    Raises TypeError where a UID is neither str nor bytes, ValueError where it is longer than 64 characters.
    """
    if transfer_syntax is None:
        transfer_syntax = DEFAULT_TRANSFER_SYNTAXES
    elif isinstance(transfer_syntax, (str, bytes)):
        transfer_syntax = [transfer_syntax]
    context = PresentationContext()
    context.abstract_syntax = abstract_syntax
    for syntax in transfer_syntax:
        context.add_transfer_syntax(syntax)
    return context


def build_role(uid: AnyUID, scu_role: bool = False, scp_role: bool = False) -> SCP_SCU_RoleSelectionNegotiation:
    """The item by which a requestor proposes its roles for one SOP class, for `ext_neg` (PS3.7 D.3.3.4)."""
    return SCP_SCU_RoleSelectionNegotiation(str(_uid(uid, "uid")), scu_role, scp_role)


# --- a list for every service ----------------------------------------------------------------------------------------


def _is_offered(uid: UID) -> bool:
    """Current classes, and Patient/Study Only Query/Retrieve, retired long ago and still asked for.

    VOI LUT Box was never a class of the Basic print services. DICOS and DICONDE (NDE) classes are of other standards.
    """
    if uid.is_retired:
        return uid.keyword.startswith("PatientStudyOnly")
    return not uid.keyword.startswith(("VOILUTBox", "DICOS", "EddyCurrent"))


def _contexts(service_class: str, choose: Callable[[UID], object] = _is_offered) -> list[PresentationContext]:
    uids = [UID(uid) for uid, service in sop_class.SERVICE_CLASSES.items() if service == service_class]
    return [build_context(uid) for uid in sorted(uids) if choose(uid)]


# A request has room for 128 contexts and there are more storage classes. What a requestor that does not choose leaves
# out: families that came late and few devices know, the trial and other standards' classes.
_SELDOM_STORED: Final = re.compile(
    r"DICOS|EddyCurrent|Photoacoustic|Confocal|Dermoscopic|CornealTopography|WideField|TiledPyramidal|MicroscopyBulk"
    r"|\w*SRStorageTrial|WaveformStorageTrial|\w*DeliveryInstructionStorageTrial"
    r"|General32bit|Multichannel|\w*(Electroenc|Electromyo|Electrooculo)|BodyPosition|Waveform\w*(Presentation|SR)"
    r"|\w*Volumetric|AdvancedBlending|VariableModalityLUT|BreastProjection|ParametricMap|Tractography"
    r"|(LabelMap|HeightMap)Segmentation|OphthalmicOpticalCoherence|ContentAssessment"
    r"|(Extensible|Radiopharmaceutical\w+|AcquisitionContext|SimplifiedAdultEcho|PatientRadiation\w+)SR"
    r"|\w*ImagingAgentAdministrationSR|EnhancedXRayRadiationDoseSR|Encapsulated(STL|OBJ|MTL)|\w*PerformedProcedure"
    r"|RTPhysicianIntent|RTSegmentAnnotation|RTRadiation|CArm|Tomotherapeutic|Robotic|RTTreatmentPreparation"
    r"|Enhanced(Continuous)?RTImage|RTPatientPosition|RTBrachyApplication"
)


def _is_often_stored(uid: UID) -> bool:
    return not _SELDOM_STORED.match(uid.keyword)


AllStoragePresentationContexts: Final = _contexts(sop_class.STORAGE)
ApplicationEventLoggingPresentationContexts: Final = _contexts(sop_class.APPLICATION_EVENT_LOGGING)
BasicWorklistManagementPresentationContexts: Final = _contexts(sop_class.BASIC_WORKLIST_MANAGEMENT)
ColorPalettePresentationContexts: Final = _contexts(sop_class.COLOR_PALETTE_QUERY_RETRIEVE)
DefinedProcedureProtocolPresentationContexts: Final = _contexts(sop_class.DEFINED_PROCEDURE_PROTOCOL_QUERY_RETRIEVE)
DisplaySystemPresentationContexts: Final = _contexts(sop_class.DISPLAY_SYSTEM_MANAGEMENT)
HangingProtocolPresentationContexts: Final = _contexts(sop_class.HANGING_PROTOCOL_QUERY_RETRIEVE)
ImplantTemplatePresentationContexts: Final = _contexts(sop_class.IMPLANT_TEMPLATE_QUERY_RETRIEVE)
InstanceAvailabilityPresentationContexts: Final = _contexts(sop_class.INSTANCE_AVAILABILITY_NOTIFICATION)
MediaCreationManagementPresentationContexts: Final = _contexts(sop_class.MEDIA_CREATION_MANAGEMENT)
MediaStoragePresentationContexts: Final = _contexts(sop_class.MEDIA_STORAGE)
ModalityPerformedPresentationContexts: Final = _contexts(sop_class.PROCEDURE_STEP)
NonPatientObjectPresentationContexts: Final = _contexts(sop_class.NON_PATIENT_OBJECT_STORAGE)
PrintManagementPresentationContexts: Final = _contexts(sop_class.PRINT_MANAGEMENT)
ProcedureStepPresentationContexts: Final = _contexts(sop_class.PROCEDURE_STEP)
ProtocolApprovalPresentationContexts: Final = _contexts(sop_class.PROTOCOL_APPROVAL_QUERY_RETRIEVE)
QueryRetrievePresentationContexts: Final = _contexts(sop_class.QUERY_RETRIEVE)
RelevantPatientInformationPresentationContexts: Final = _contexts(sop_class.RELEVANT_PATIENT_INFORMATION_QUERY)
RTMachineVerificationPresentationContexts: Final = _contexts(sop_class.RT_MACHINE_VERIFICATION)
StoragePresentationContexts: Final = _contexts(sop_class.STORAGE, _is_often_stored)
StorageCommitmentPresentationContexts: Final = _contexts(sop_class.STORAGE_COMMITMENT)
SubstanceAdministrationPresentationContexts: Final = _contexts(sop_class.SUBSTANCE_ADMINISTRATION_QUERY)
UnifiedProcedurePresentationContexts: Final = _contexts(sop_class.UNIFIED_PROCEDURE_STEP)
VerificationPresentationContexts: Final = _contexts(sop_class.VERIFICATION)
