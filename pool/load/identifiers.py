"""Identifiers: what a C-FIND asks for, from keywords and texts to an encoded data set.

Nothing is validated that can be encoded: a query has ranges and wildcards, and what a peer makes of nonsense may be
what somebody wants to know.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pool.load.plan import FindWork
from ul.data_sets import encode
from ul.sop_class import (
    ImplicitVRLittleEndian,
    ModalityWorklistInformationModelFind,
    PatientRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelFind,
)

if TYPE_CHECKING:
    from pydicom import DataElement

WORKLIST: Final = "worklist"
FIND_MODELS: Final = {
    "study": StudyRootQueryRetrieveInformationModelFind,
    "patient": PatientRootQueryRetrieveInformationModelFind,
    WORKLIST: ModalityWorklistInformationModelFind,
}

# VRs whose values are not written as text (PS3.5 6.2).
_NUMBERS: Final = {**dict.fromkeys(("US", "SS", "UL", "SL", "UV", "SV"), int), **dict.fromkeys(("FL", "FD"), float)}
_ANY_SCRIPT: Final = ("LO", "LT", "PN", "SH", "ST", "UC", "UT")  # of the Specific Character Set (PS3.5 6.1.2.2)
_NO_VR: Final = "NONE"  # of delimiters, in pydicom's dictionary
_NO_TEXT: Final = ("SQ", "AT", "OB", "OD", "OF", "OL", "OV", "OW", "UN")


def encoded_identifier(find: FindWork) -> bytes:
    """The identifier of a C-FIND in implicit VR little endian. Raises ValueError for what it cannot have in it."""
    from pydicom import Dataset

    identifier = Dataset()
    if not all(text.isascii() for _, text in find.keys):
        identifier.SpecificCharacterSet = "ISO_IR 192"
    if find.model != WORKLIST:
        identifier.QueryRetrieveLevel = find.level
    for keyword, text in find.keys:
        identifier.add(_key(keyword, text))
    try:
        return encode(identifier, ImplicitVRLittleEndian)
    except OSError:  # pydicom's, around whatever the struct module says
        raise ValueError("a number is beyond what its VR can hold") from None


def _key(keyword: str, text: str) -> DataElement:
    from pydicom import DataElement, config
    from pydicom.datadict import dictionary_VR, tag_for_keyword

    tag = tag_for_keyword(keyword)
    vr = dictionary_VR(tag).partition(" or ")[0] if tag is not None else _NO_VR
    if tag is None or vr == _NO_VR:
        raise ValueError(f"{keyword!r} is no attribute's keyword, such as PatientID")
    if not _is_unicode(text):
        raise ValueError("this is not UTF-8")
    if vr not in _ANY_SCRIPT and not text.isascii():
        raise ValueError(f"{keyword} has a value of VR {vr}, which has ASCII characters only")
    if text and vr in _NO_TEXT:
        raise ValueError(f"{keyword} has a value of VR {vr}, which has no text: leave it empty")
    try:
        value = _NUMBERS[vr](text) if text and vr in _NUMBERS else text
        return DataElement(tag, vr, value, validation_mode=config.IGNORE)
    except (ValueError, OverflowError):
        raise ValueError(f"{keyword} is a number (VR {vr})") from None


def _is_unicode(text: str) -> bool:
    """Bytes of a command line that are not come as surrogates."""
    return not any("\ud800" <= character <= "\udfff" for character in text)
