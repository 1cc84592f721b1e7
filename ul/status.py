"""DIMSE statuses: the codes this library sends, and one table of what every code means to which service.

Belongs here: PS3.7 Annex C and the status tables of PS3.4. Which code answers what is for the services to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import IntEnum
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from pydicom import Dataset

# What this library itself sends (PS3.7 Annex C, PS3.4 B.2.3)
SUCCESS: Final = 0x0000
PROCESSING_FAILURE: Final = 0x0110
DUPLICATE_SOP_INSTANCE: Final = 0x0111
INVALID_SOP_INSTANCE: Final = 0x0117
SOP_CLASS_NOT_SUPPORTED: Final = 0x0122
UNRECOGNIZED_OPERATION: Final = 0x0211
OUT_OF_RESOURCES: Final = 0xA700
DATA_SET_DOES_NOT_MATCH_SOP_CLASS: Final = 0xA900
CANNOT_UNDERSTAND: Final = 0xC000

PENDING: Final = (0xFF00, 0xFF01)  # more responses follow

# Categories (PS3.7 C.1)
STATUS_SUCCESS: Final = "Success"
STATUS_FAILURE: Final = "Failure"
STATUS_WARNING: Final = "Warning"
STATUS_CANCEL: Final = "Cancel"
STATUS_PENDING: Final = "Pending"
STATUS_UNKNOWN: Final = "Unknown"


class Meaning(NamedTuple):
    """What the codes from `first` to `last` mean to `services`."""

    first: int
    last: int
    category: str
    description: str
    services: tuple[str, ...]


def _row(codes: int | tuple[int, int], category: str, services: str, description: str = "") -> Meaning:
    first, last = codes if isinstance(codes, tuple) else (codes, codes)
    return Meaning(first, last, category, description, tuple(services.split()))


# Who is meant by a row: the first rows are PS3.7's and everybody's, the others are those of the annexes of PS3.4 named
# below. Where two rows of a service hold a code, the first one says what it means: single codes stand before ranges.
# fmt: off
_OK, _NO, _ODD, _MORE = STATUS_SUCCESS, STATUS_FAILURE, STATUS_WARNING, STATUS_PENDING
STATUSES: Final = (
    _row(0x0001, _ODD, "PPS MEDIA UPS", "Requested optional attributes are not supported"),
    _row(0x0110, _NO, "PPS", "Performed procedure step object may no longer be updated"),
    # PS3.7 Annex C
    _row(0x0000, _OK, "ALL"),
    _row(0x0105, _NO, "ALL", "No such attribute"),
    _row(0x0106, _NO, "ALL", "Invalid attribute value"),
    _row(0x0107, _ODD, "ALL", "Attribute list error"),
    _row(0x0110, _NO, "ALL", "Processing failure"),
    _row(0x0111, _NO, "ALL", "Duplicate SOP instance"),
    _row(0x0112, _NO, "ALL", "No such SOP instance"),
    _row(0x0113, _NO, "ALL", "No such event type"),
    _row(0x0114, _NO, "ALL", "No such argument"),
    _row(0x0115, _NO, "ALL", "Invalid argument value"),
    _row(0x0116, _ODD, "ALL", "Attribute value out of range"),
    _row(0x0117, _NO, "ALL", "Invalid SOP instance"),
    _row(0x0118, _NO, "ALL", "No such SOP class"),
    _row(0x0119, _NO, "ALL", "Class-instance conflict"),
    _row(0x0120, _NO, "ALL", "Missing attribute"),
    _row(0x0121, _NO, "ALL", "Missing attribute value"),
    _row(0x0122, _NO, "ALL", "Refused: SOP class not supported"),
    _row(0x0123, _NO, "ALL", "No such action"),
    _row(0x0124, _NO, "ALL", "Refused: not authorized"),
    _row(0x0210, _NO, "ALL", "Duplicate invocation"),
    _row(0x0211, _NO, "ALL", "Unrecognized operation"),
    _row(0x0212, _NO, "ALL", "Mistyped argument"),
    _row(0x0213, _NO, "ALL", "Resource limitation"),
    _row(0xFE00, STATUS_CANCEL, "ALL"),
    # PS3.4 Table B.2-1
    _row(0xB000, _ODD, "STORE", "Coercion of data elements"),
    _row(0xB006, _ODD, "STORE", "Elements discarded"),
    _row(0xB007, _ODD, "STORE", "Data set does not match SOP class"),
    _row((0xA700, 0xA7FF), _NO, "STORE", "Refused: out of resources"),
    _row((0xA900, 0xA9FF), _NO, "STORE", "Data set does not match SOP class"),
    _row((0xC000, 0xCFFF), _NO, "STORE", "Cannot understand"),
    # PS3.4 Annex GG
    _row(0xA700, _NO, "NON_PATIENT", "Out of resources"),
    _row(0xA900, _NO, "NON_PATIENT", "Data set does not match SOP class"),
    _row(0xC000, _NO, "NON_PATIENT", "Cannot understand"),
    # PS3.4 C.4.1 (FIND) and the annexes that refer to it; K, V and CC
    _row(0xA700, _NO, "FIND WORKLIST SUBSTANCE UPS RELEVANT", "Refused: out of resources"),
    _row(0xA710, _NO, "FIND", "Invalid prior record key"),
    _row(0xA900, _NO, "FIND WORKLIST SUBSTANCE UPS RELEVANT", "Identifier does not match SOP class"),
    _row(0xB001, _ODD, "FIND", "Matching reached response limit, subsequent request may return additional matches"),
    _row(0xFF00, _MORE, "FIND WORKLIST SUBSTANCE UPS RELEVANT", "Matches are continuing: current match is supplied"),
    _row(0xFF01, _MORE, "FIND WORKLIST SUBSTANCE UPS",
         "Matches are continuing: optional keys were not supported for existence for this identifier"),
    # PS3.4 C.4.2 (MOVE), C.4.3 (GET), Y.4
    _row(0xA701, _NO, "MOVE GET", "Refused: out of resources, unable to calculate number of matches"),
    _row(0xA702, _NO, "MOVE GET", "Refused: out of resources, unable to perform sub-operations"),
    _row(0xA801, _NO, "MOVE", "Refused: move destination unknown"),
    _row(0xA900, _NO, "MOVE GET", "Identifier does not match SOP class"),
    _row(0xAA00, _NO, "MOVE GET", "None of the frames requested were found in the SOP instance"),
    _row(0xAA01, _NO, "MOVE GET", "Unable to create new object for this SOP class"),
    _row(0xAA02, _NO, "MOVE GET", "Unable to extract frames"),
    _row(0xAA03, _NO, "MOVE GET", "Time-based request received for a non-time-based original SOP instance"),
    _row(0xAA04, _NO, "MOVE GET", "Invalid request"),
    _row(0xB000, _ODD, "MOVE GET", "Sub-operations complete: one or more failures or warnings"),
    _row(0xFF00, _MORE, "MOVE GET", "Sub-operations are continuing"),
    # PS3.4 Annex Q
    _row(0xC000, _NO, "RELEVANT", "Unable to process"),
    _row(0xC100, _NO, "RELEVANT", "More than one match found"),
    _row(0xC200, _NO, "RELEVANT", "Unable to support requested template"),
    # PS3.4 Annex CC
    _row(0xB300, _ODD, "UPS", "The UPS was created with modifications"),
    _row(0xB301, _ODD, "UPS", "Deletion lock not granted"),
    _row(0xB304, _ODD, "UPS", "The UPS is already in the requested state of CANCELED"),
    _row(0xB305, _ODD, "UPS", "Coerced invalid values to valid values"),
    _row(0xB306, _ODD, "UPS", "The UPS is already in the requested state of COMPLETED"),
    _row(0xC300, _NO, "UPS", "The UPS may no longer be updated"),
    _row(0xC301, _NO, "UPS", "The correct Transaction UID was not provided"),
    _row(0xC302, _NO, "UPS", "The UPS is already IN PROGRESS"),
    _row(0xC303, _NO, "UPS", "The UPS may only become SCHEDULED via N-CREATE, not N-SET or N-ACTION"),
    _row(0xC304, _NO, "UPS", "The UPS has not met final state requirements for the requested state change"),
    _row(0xC307, _NO, "UPS", "SOP Instance UID does not exist or is not a UPS instance managed by this SCP"),
    _row(0xC308, _NO, "UPS", "Receiving AE title is unknown to this SCP"),
    _row(0xC309, _NO, "UPS", "The provided value of UPS State was not SCHEDULED"),
    _row(0xC310, _NO, "UPS", "The UPS is not yet in the IN PROGRESS state"),
    _row(0xC311, _NO, "UPS", "The UPS is already COMPLETED"),
    _row(0xC312, _NO, "UPS", "The performer cannot be contacted"),
    _row(0xC313, _NO, "UPS", "Performer chooses not to cancel"),
    _row(0xC314, _NO, "UPS", "Specified action is not appropriate for specified instance"),
    _row(0xC315, _NO, "UPS", "SCP does not support event reports"),
    _row((0xC000, 0xCFFF), _NO, "FIND WORKLIST SUBSTANCE UPS MOVE GET", "Unable to process"),
    # PS3.4 Annex H
    _row(0xB600, _ODD, "PRINT", "Memory allocation not supported"),
    _row(0xB601, _ODD, "PRINT", "Film session printing (collation) is not supported"),
    _row(0xB602, _ODD, "PRINT", "Film session holds no image box (empty page)"),
    _row(0xB603, _ODD, "PRINT", "Film box holds no image box (empty page)"),
    _row(0xB604, _ODD, "PRINT", "Image is larger than image box, it has been demagnified"),
    _row(0xB605, _ODD, "PRINT", "Requested density is outside of the printer's range, its limit is used instead"),
    _row(0xB609, _ODD, "PRINT", "Image is larger than image box, it has been cropped to fit"),
    _row(0xB60A, _ODD, "PRINT", "Image or combined print image is larger than image box, it has been decimated to fit"),
    _row(0xC600, _NO, "PRINT", "Film session holds no film box"),
    _row(0xC601, _NO, "PRINT", "Unable to create print job: print queue is full"),
    _row(0xC602, _NO, "PRINT", "Unable to create print job: print queue is full"),
    _row(0xC603, _NO, "PRINT", "Image is larger than image box"),
    _row(0xC605, _NO, "PRINT", "Insufficient memory in printer to store the image"),
    _row(0xC613, _NO, "PRINT", "Combined print image is larger than image box"),
    _row(0xC616, _NO, "PRINT", "A film box has not been printed, and the film session cannot be"),
    # PS3.4 Annex P
    _row(0xB101, _ODD, "LOGGING", "Synchronization frame of reference does not match the SCP's"),
    _row(0xB102, _ODD, "LOGGING", "Study Instance UID coercion: event logged under a different one"),
    _row(0xB104, _ODD, "LOGGING", "IDs inconsistent in matching a current study: event logged"),
    _row(0xC101, _NO, "LOGGING", "Procedural logging not available for specified Study Instance UID"),
    _row(0xC102, _NO, "LOGGING", "Event information does not match template"),
    _row(0xC103, _NO, "LOGGING", "Cannot match event to a current study"),
    _row(0xC104, _NO, "LOGGING", "IDs inconsistent in matching a current study: event not logged"),
    _row(0xC10E, _NO, "LOGGING", "Operator not authorized to add entry to medication administration record"),
    _row(0xC110, _NO, "LOGGING", "Patient cannot be identified from Patient ID or Admission ID"),
    _row(0xC111, _NO, "LOGGING", "Update of medication administration record failed"),
    # PS3.4 Annex S
    _row(0xA510, _NO, "MEDIA", "Media creation was already initiated for this SOP instance"),
    _row(0xC201, _NO, "MEDIA", "Media creation request already completed"),
    _row(0xC202, _NO, "MEDIA", "Media creation request already in progress and cannot be interrupted"),
    _row(0xC203, _NO, "MEDIA", "Cancellation denied for unspecified reason"),
    # PS3.4 Annex DD
    _row(0xC112, _NO, "RT", "Applicable machine verification instance not found"),
    _row(0xC221, _NO, "RT", "Referenced fraction group does not exist in the referenced plan"),
    _row(0xC222, _NO, "RT", "No beams exist within the referenced fraction group"),
    _row(0xC223, _NO, "RT", "SCU already verifying and cannot currently process this request"),
    _row(0xC224, _NO, "RT", "Referenced beam not found within the referenced fraction group"),
    _row(0xC225, _NO, "RT", "Referenced device or accessory not supported"),
    _row(0xC226, _NO, "RT", "Referenced device or accessory not found within the referenced beam"),
    _row(0xC227, _NO, "RT", "Referenced RT plan not found"),
    # Storage Management
    _row(0xB010, _ODD, "INVENTORY", "One or more key attributes are not supported for matching"),
)
# fmt: on


class ServiceStatuses(Mapping[int, "tuple[str, str]"]):
    """What every code means to one service: code -> (category, description). Ranges are looked up, not written out."""

    def __init__(self, service: str = "ALL") -> None:
        self._rows = [row for row in STATUSES if service in row.services or "ALL" in row.services]

    def __getitem__(self, code: int) -> tuple[str, str]:
        for row in self._rows:
            if row.first <= code <= row.last:
                return row.category, row.description
        raise KeyError(code)

    def __iter__(self) -> Iterator[int]:
        return iter(sorted({code for row in self._rows for code in range(row.first, row.last + 1)}))

    def __len__(self) -> int:
        return sum(1 for _ in self)


GENERAL_STATUS: Final = ServiceStatuses()
VERIFICATION_SERVICE_CLASS_STATUS: Final = GENERAL_STATUS
STORAGE_COMMITMENT_SERVICE_CLASS_STATUS: Final = GENERAL_STATUS
STORAGE_SERVICE_CLASS_STATUS: Final = ServiceStatuses("STORE")
NON_PATIENT_SERVICE_CLASS_STATUS: Final = ServiceStatuses("NON_PATIENT")
QR_FIND_SERVICE_CLASS_STATUS: Final = ServiceStatuses("FIND")
QR_GET_SERVICE_CLASS_STATUS: Final = ServiceStatuses("GET")
QR_MOVE_SERVICE_CLASS_STATUS: Final = ServiceStatuses("MOVE")
MODALITY_WORKLIST_SERVICE_CLASS_STATUS: Final = ServiceStatuses("WORKLIST")
RELEVANT_PATIENT_SERVICE_CLASS_STATUS: Final = ServiceStatuses("RELEVANT")
SUBSTANCE_ADMINISTRATION_SERVICE_CLASS_STATUS: Final = ServiceStatuses("SUBSTANCE")
PROCEDURE_STEP_STATUS: Final = ServiceStatuses("PPS")
PRINT_JOB_MANAGEMENT_SERVICE_CLASS_STATUS: Final = ServiceStatuses("PRINT")
APPLICATION_EVENT_LOGGING_SERVICE_CLASS_STATUS: Final = ServiceStatuses("LOGGING")
MEDIA_CREATION_MANAGEMENT_SERVICE_CLASS_STATUS: Final = ServiceStatuses("MEDIA")
UNIFIED_PROCEDURE_STEP_SERVICE_CLASS_STATUS: Final = ServiceStatuses("UPS")
RT_MACHINE_VERIFICATION_SERVICE_CLASS_STATUS: Final = ServiceStatuses("RT")
STORAGE_MANAGEMENT_SERVICE_CLASS_STATUS: Final = ServiceStatuses("INVENTORY")

# What the first digit tells of a code that no table has (PS3.7 C.1).
_CATEGORIES: Final = {0xA: STATUS_FAILURE, 0xB: STATUS_WARNING, 0xC: STATUS_FAILURE}


class Status(IntEnum):
    """Codes that handlers answer most; `Status.add` gives others a name."""

    SUCCESS = 0x0000
    CANCEL = 0xFE00
    PENDING = 0xFF00
    MOVE_DESTINATION_UNKNOWN = 0xA801

    @classmethod
    def add(cls, name: str, code: int) -> None:
        """From now on `Status.<name>` is `code`."""
        setattr(cls, name, code)


def _checked(code: int) -> int:
    if not isinstance(code, int) or code < 0:
        raise ValueError("a status is a whole number, 0 or greater")
    return code


def code_to_status(code: int) -> Dataset:
    """A data set with `code` as its Status (0000,0900). Raises ValueError for what is no whole number from 0 on."""
    from pydicom import Dataset

    status = Dataset()
    status.Status = _checked(code)
    return status


def code_to_category(code: int) -> str:
    """Success, Warning, Failure, Cancel, Pending or Unknown. Raises ValueError as `code_to_status` does."""
    if _checked(code) in PENDING:
        return STATUS_PENDING
    if code == 0x0001:
        return STATUS_WARNING
    if code in GENERAL_STATUS:
        return GENERAL_STATUS[code][0]
    return _CATEGORIES.get(code >> 12, STATUS_UNKNOWN)
