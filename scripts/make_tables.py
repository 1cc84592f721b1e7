"""Writes the tables of UIDs from pydicom's dictionary, so that importing ul need not import pydicom.

Usage (the same pydicom gives the same bytes):
  python scripts/make_tables.py > ul/sop_class.py
  python scripts/make_tables.py keywords > pool/config/uids.py   (for settings: the acceptor does not import ul)
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import Final, NamedTuple

import pydicom
from pydicom.uid import UID_dictionary

SOP_CLASS_TYPES: Final = ("SOP Class", "Meta SOP Class")
INSTANCE_TYPE: Final = "Well-known SOP Instance"
TRANSFER_SYNTAX_TYPE: Final = "Transfer Syntax"

# Not encodings of a data set (they belonged to PS3.11 media and to the hosted applications of PS3.19).
NOT_A_DATA_SET = {"RFC2557MIMEEncapsulation", "XMLEncoding"}

# In PS3.6 but not yet in the dictionary of pydicom 3.0: UID, keyword, name, type.
NEWER = (
    (
        "1.2.840.10008.5.1.4.1.1.9.100.1",
        "WaveformPresentationStateStorage",
        "Waveform Presentation State Storage",
        "SOP Class",
    ),
    (
        "1.2.840.10008.5.1.4.1.1.9.100.2",
        "WaveformAcquisitionPresentationStateStorage",
        "Waveform Acquisition Presentation State Storage",
        "SOP Class",
    ),
    (
        "1.2.840.10008.5.1.4.1.1.66.7",
        "LabelMapSegmentationStorage",
        "Label Map Segmentation Storage",
        "SOP Class",
    ),
    (
        "1.2.840.10008.5.1.4.1.1.66.8",
        "HeightMapSegmentationStorage",
        "Height Map Segmentation Storage",
        "SOP Class",
    ),
    ("1.2.840.10008.1.2.4.110", "JPEGXLLossless", "JPEG XL Lossless", "Transfer Syntax"),
    ("1.2.840.10008.1.2.4.111", "JPEGXLJPEGRecompression", "JPEG XL JPEG Recompression", "Transfer Syntax"),
    ("1.2.840.10008.1.2.4.112", "JPEGXL", "JPEG XL", "Transfer Syntax"),
    (
        "1.2.840.10008.1.2.8.1",
        "DeflatedImageFrameCompression",
        "Deflated Image Frame Compression",
        "Transfer Syntax",
    ),
)

# The service classes of PS3.4: the name of the constant, the name, and the keywords of the SOP classes that belong to
# it. The first row that matches counts. Storage comes with the names that end so, but for a mark of trial, retirement
# or purpose; the DICOMDIR lives on media only (PS3.3 Annex F), Storage Commitment and Storage Management end otherwise.
# fmt: off
SERVICE_CLASSES = (
    ("VERIFICATION", "Verification", r"Verification"),
    ("MEDIA_STORAGE", "Media Storage", r"MediaStorageDirectoryStorage"),
    ("NON_PATIENT_OBJECT_STORAGE", "Non-Patient Object Storage",
     r"((CT|XA)DefinedProcedureProtocol|ProtocolApproval|Inventory|HangingProtocol|ColorPalette"
     r"|(GenericImplant|ImplantAssembly)Template|ImplantTemplateGroup)Storage"),
    ("STORAGE", "Storage", r"\w+Storage(Trial|Retired|ForPresentation|ForProcessing)?"),
    ("QUERY_RETRIEVE", "Query/Retrieve",
     r"(Patient|Study)\w+QueryRetrieveInformationModel\w+|CompositeInstance\w*Retrieve\w+|RepositoryQuery"),
    ("PROCEDURE_STEP", "Procedure Step", r"ModalityPerformedProcedureStep\w*"),
    ("PRINT_MANAGEMENT", "Print Management",
     r"\w+(FilmSession|FilmBox|ImageBox|AnnotationBox|OverlayBox|PrintManagementMeta)|Print\w+|PullPrintRequest"
     r"|(Presentation|VOI)LUT(Box)?"),
    ("STORAGE_COMMITMENT", "Storage Commitment", r"StorageCommitment\w+"),
    ("BASIC_WORKLIST_MANAGEMENT", "Basic Worklist Management", r"ModalityWorklist\w+"),
    ("GENERAL_PURPOSE_WORKLIST_MANAGEMENT", "General Purpose Worklist Management", r"GeneralPurpose\w+"),
    ("APPLICATION_EVENT_LOGGING", "Application Event Logging", r"(ProceduralEvent|SubstanceAdministration)Logging"),
    ("RELEVANT_PATIENT_INFORMATION_QUERY", "Relevant Patient Information Query",
     r"\w+RelevantPatientInformationQuery"),
    ("INSTANCE_AVAILABILITY_NOTIFICATION", "Instance Availability Notification", r"InstanceAvailabilityNotification"),
    ("MEDIA_CREATION_MANAGEMENT", "Media Creation Management", r"MediaCreationManagement"),
    ("HANGING_PROTOCOL_QUERY_RETRIEVE", "Hanging Protocol Query/Retrieve", r"HangingProtocolInformationModel\w+"),
    ("SUBSTANCE_ADMINISTRATION_QUERY", "Substance Administration Query",
     r"(ProductCharacteristics|SubstanceApproval)Query"),
    ("COLOR_PALETTE_QUERY_RETRIEVE", "Color Palette Query/Retrieve", r"ColorPalette\w+InformationModel\w+"),
    ("IMPLANT_TEMPLATE_QUERY_RETRIEVE", "Implant Template Query/Retrieve", r"\w*ImplantTemplate\w*InformationModel\w+|"
     r"ImplantAssemblyTemplateInformationModel\w+"),
    ("UNIFIED_PROCEDURE_STEP", "Unified Procedure Step", r"UnifiedProcedureStep\w+"),
    ("RT_MACHINE_VERIFICATION", "RT Machine Verification", r"RT\w+MachineVerification(Trial)?"),
    ("DISPLAY_SYSTEM_MANAGEMENT", "Display System Management", r"DisplaySystem"),
    ("DEFINED_PROCEDURE_PROTOCOL_QUERY_RETRIEVE", "Defined Procedure Protocol Query/Retrieve",
     r"DefinedProcedureProtocolInformationModel\w+"),
    ("PROTOCOL_APPROVAL_QUERY_RETRIEVE", "Protocol Approval Query/Retrieve", r"ProtocolApprovalInformationModel\w+"),
    ("INVENTORY_QUERY_RETRIEVE", "Inventory Query/Retrieve", r"Inventory(Find|Move|Get)"),
    ("STORAGE_MANAGEMENT", "Storage Management", r"InventoryCreation"),
    ("DETACHED_MANAGEMENT", "Patient, Study and Results Management",
     r"Detached\w+|StudyComponentManagement|BasicStudyContentNotification"),
)
# fmt: on

# Names that scripts have from the years before PS3.6 had keywords, by rule ...
OLDER_BY_RULE = (
    (r"(?!DICOS)(\w+)StorageFor(Presentation|Processing)", r"\1\2Storage"),
    (r"(Ultrasound|)MultiFrame(\w*ImageStorage)", r"\1Multiframe\2"),
    (r"(\w+)Instance", r"\1SOPInstance"),
)
# ... and one by one, misspellings that were published included.
OLDER = {
    "ColorPaletteInformationModelFind": "ColorPaletteQueryRetrieveInformationModelFind",
    "ColorPaletteInformationModelGet": "ColorPaletteQueryRetrieveInformationModelGet",
    "ColorPaletteInformationModelMove": "ColorPaletteQueryRetrieveInformationModelMove",
    "KeyObjectSelectionStorage": "KeyObjectSelectionDocumentStorage",
    "MacularGridThicknessAndVolumeReport": "MacularGridThicknessAndVolumeReportStorage",
    "ModalityWorklistInformationFind": "ModalityWorklistInformationModelFind",
    "OphthlamicOpticalCoherenceTomographyBScanVolumeAnalysisStorage": (
        "OphthalmicOpticalCoherenceTomographyBscanVolumeAnalysisStorage"
    ),
    "OphthlamicOpticalCoherenceTomographyBscanVolumeAnalysisStorage": (
        "OphthalmicOpticalCoherenceTomographyBscanVolumeAnalysisStorage"
    ),
    "PerformedImagingAgestAdministrationSRStorage": "PerformedImagingAgentAdministrationSRStorage",
    "ProcedureSRStorage": "ProcedureLogStorage",
    "ProductCharacteristicsQueryInformationModelFind": "ProductCharacteristicsQuery",
    "PseudoColorSoftcopyPresentationStageStorage": "PseudoColorSoftcopyPresentationStateStorage",
    "PseudocolorSoftcopyPresentationStageStorage": "PseudoColorSoftcopyPresentationStateStorage",
    "RTBrachyApplicationSetupDeliveryInstructionsStorage": "RTBrachyApplicationSetupDeliveryInstructionStorage",
    "RoboticArmRadiationRecordStorage": "RoboticRadiationRecordStorage",
    "SubstanceApprovalQueryInformationModelFind": "SubstanceApprovalQuery",
    "VariableModalityLUTSoftcopyPresentationStageStorage": "VariableModalityLUTSoftcopyPresentationStateStorage",
}

HEADER = '''\
"""UIDs of SOP classes, well-known SOP instances and transfer syntaxes, by the keywords of PS3.6 and by older names.

Written by scripts/make_tables.py from pydicom {version}: change the script, not this file. No I/O, no
import of pydicom: whoever speaks DICOM at all imports this.
"""
# fmt: off
# ruff: noqa: E501

from keyword import iskeyword
from typing import Final

from ul.uid import UID

SOPClass = UID
'''

KEYWORDS_HEADER = '''\
"""UIDs by the keywords of PS3.6, for settings that name SOP classes and transfer syntaxes.

Written by scripts/make_tables.py from pydicom {version}: change the script, not this file. `ul.sop_class` is made from
the same rows; the acceptor, which reads settings, imports nothing of `ul`.
"""

from typing import Final
'''

FOOTER = '''
# The UIDs in these are plain str: other keys would slow down every look-up of what was received.
STORED: Final = (STORAGE, NON_PATIENT_OBJECT_STORAGE)
STORAGE_SOP_CLASSES: Final = {uid: row.keyword for uid, row in UID.registered.items() if row.service_class in STORED}
TRANSFER_SYNTAXES: Final = {uid: row.keyword for uid, row in UID.registered.items() if row.type == "Transfer Syntax"}
SERVICE_CLASSES: Final = {uid: row.service_class for uid, row in UID.registered.items() if row.service_class}


def uid_to_sop_class(uid: str) -> UID:
    """The SOP class of a UID, with its name and service where they are known."""
    return UID(uid)


def uid_to_service_class(uid: str) -> str:
    """The name of the service class (PS3.4) of a SOP class; "" where none is known."""
    return SERVICE_CLASSES.get(uid, "")


def may_be_storage(uid: str) -> bool:
    """Whether instances are stored under this SOP class, or the standard does not know it: it may be a private one."""
    return SERVICE_CLASSES.get(uid, STORAGE) in STORED


def register_uid(uid: str, keyword: str, service_class: str) -> None:
    """Make a private SOP class known to the services, and importable from here by its keyword.

    `service_class` is one of the names above, STORAGE for example. Raises ValueError where it is none of them, where
    `keyword` is no name that Python can import, and where another UID has it.
    """
    if service_class not in SERVICE_CLASSES.values():
        raise ValueError(f"{service_class!r} is no service class")
    if not keyword.isidentifier() or iskeyword(keyword):
        raise ValueError(f"{keyword!r} is no name that Python can import")
    if globals().get(keyword, uid) != uid:
        raise ValueError(f"{keyword} is the name of something else")
    globals()[keyword] = UID.register(uid, keyword, keyword, "SOP Class", service_class)
    SERVICE_CLASSES[uid] = service_class
    if service_class in STORED:
        STORAGE_SOP_CLASSES[uid] = keyword
'''


class Row(NamedTuple):
    """What the tables say of one UID."""

    uid: str
    keyword: str
    name: str
    type: str
    is_retired: bool = False

    @property
    def service_class(self) -> str:
        """The constant of the service class the UID's SOP class belongs to; "" for what belongs to none."""
        if self.type not in SOP_CLASS_TYPES:
            return ""
        return next((constant for constant, _, keywords in SERVICE_CLASSES if re.fullmatch(keywords, self.keyword)), "")


def rows(*types: str) -> list[Row]:
    """The UIDs of these types in ascending order; the few retired ones without any name are left out."""
    found = {row.uid: row for row in (Row(*newer) for newer in NEWER) if row.type in types}
    for uid, (name, uid_type, _, retired, keyword) in UID_dictionary.items():
        if uid_type in types and keyword and keyword not in NOT_A_DATA_SET:
            found[uid] = Row(uid, keyword, name, uid_type, retired == "Retired")
    return sorted(found.values(), key=lambda row: [int(component) for component in row.uid.split(".")])


def constant(row: Row) -> str:
    retired = ", is_retired=True" if row.is_retired else ""
    service = f", {row.service_class}" if row.service_class else ""
    arguments = f'"{row.uid}", "{row.keyword}", "{row.name}", "{row.type}"{service}{retired}'
    return f"{row.keyword}: Final = UID.register({arguments})"


def older_names(row: Row) -> Iterator[str]:
    if not row.is_retired and "SOP Class" in row.name:
        yield f"{row.keyword}SOPClass"
    for keywords, older in OLDER_BY_RULE:
        if not row.is_retired and re.fullmatch(keywords, row.keyword):
            yield re.sub(keywords, older, row.keyword)
    yield from (older for older, keyword in OLDER.items() if keyword == row.keyword)


def render() -> str:
    sop_classes, instances, transfer_syntaxes = rows(*SOP_CLASS_TYPES), rows(INSTANCE_TYPE), rows(TRANSFER_SYNTAX_TYPE)
    lines = [HEADER.format(version=pydicom.__version__), "# Service classes (PS3.4)"]
    lines += [f'{name}: Final = "{text}"' for name, text, _ in SERVICE_CLASSES]
    lines += ["", "# SOP classes (PS3.4)", *map(constant, sop_classes)]
    lines += ["", "# Well-known SOP instances (PS3.4)", *map(constant, instances)]
    lines += ["", "# Transfer syntaxes (PS3.5 Annex A)", *map(constant, transfer_syntaxes)]
    lines += ["", "# Older names"]
    for row in (*sop_classes, *instances):
        lines += [f"{older}: Final = {row.keyword}" for older in older_names(row)]
    return "\n".join([*lines, FOOTER])


def render_keywords() -> str:
    lines = [KEYWORDS_HEADER.format(version=pydicom.__version__)]
    for name, types in (("SOP_CLASSES", SOP_CLASS_TYPES), ("TRANSFER_SYNTAXES", (TRANSFER_SYNTAX_TYPE,))):
        lines += [f"{name}: Final = {{", *(f'    "{row.keyword}": "{row.uid}",' for row in rows(*types)), "}"]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    sys.stdout.write(render_keywords() if sys.argv[1:] == ["keywords"] else render())
