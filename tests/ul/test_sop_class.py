"""The generated tables against their source, pydicom, and against a second opinion, pynetdicom."""

import copy
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pydicom
import pynetdicom.sop_class
import pytest
from pydicom.uid import AllTransferSyntaxes, UID_dictionary
from pynetdicom import ALL_TRANSFER_SYNTAXES, AllStoragePresentationContexts

from ul import sop_class
from ul.uid import UID

ROOT = Path(__file__).parents[2]
# In the standard before they were in pydicom; importing pynetdicom adds some of them to its dictionary.
NEWER = {
    "WaveformPresentationStateStorage",
    "WaveformAcquisitionPresentationStateStorage",
    "LabelMapSegmentationStorage",
    "HeightMapSegmentationStorage",
    "JPEGXLLossless",
    "JPEGXLJPEGRecompression",
    "JPEGXL",
    "DeflatedImageFrameCompression",
}
GENERATOR = ROOT / "scripts" / "make_tables.py"
TABLED_TYPES = ("SOP Class", "Meta SOP Class", "Well-known SOP Instance", "Transfer Syntax")
NO_DATA_SET = {"RFC2557MIMEEncapsulation", "XMLEncoding"}

# What the reference of the 1.5 line lists under another name than today's keyword.
NAMES_OF_1_5 = {
    "BasicAnnotationBoxSOPClass": "1.2.840.10008.5.1.1.15",
    "BasicColorImageBoxSOPClass": "1.2.840.10008.5.1.1.4.1",
    "BasicColorPrintManagementMetaSOPClass": "1.2.840.10008.5.1.1.18",
    "BasicFilmBoxSOPClass": "1.2.840.10008.5.1.1.2",
    "BasicFilmSessionSOPClass": "1.2.840.10008.5.1.1.1",
    "BasicGrayscaleImageBoxSOPClass": "1.2.840.10008.5.1.1.4",
    "BasicGrayscalePrintManagementMetaSOPClass": "1.2.840.10008.5.1.1.9",
    "BreastProjectionXRayImagePresentationStorage": "1.2.840.10008.5.1.4.1.1.13.1.4",
    "BreastProjectionXRayImageProcessingStorage": "1.2.840.10008.5.1.4.1.1.13.1.5",
    "ColorPaletteInformationModelFind": "1.2.840.10008.5.1.4.39.2",
    "ColorPaletteInformationModelGet": "1.2.840.10008.5.1.4.39.4",
    "ColorPaletteInformationModelMove": "1.2.840.10008.5.1.4.39.3",
    "DigitalIntraOralXRayImagePresentationStorage": "1.2.840.10008.5.1.4.1.1.1.3",
    "DigitalIntraOralXRayImageProcessingStorage": "1.2.840.10008.5.1.4.1.1.1.3.1",
    "DigitalMammographyXRayImagePresentationStorage": "1.2.840.10008.5.1.4.1.1.1.2",
    "DigitalMammographyXRayImageProcessingStorage": "1.2.840.10008.5.1.4.1.1.1.2.1",
    "DigitalXRayImagePresentationStorage": "1.2.840.10008.5.1.4.1.1.1.1",
    "DigitalXRayImageProcessingStorage": "1.2.840.10008.5.1.4.1.1.1.1.1",
    "DisplaySystemSOPClass": "1.2.840.10008.5.1.1.40",
    "DisplaySystemSOPInstance": "1.2.840.10008.5.1.1.40.1",
    "InstanceAvailabilityNotificationSOPClass": "1.2.840.10008.5.1.4.33",
    "IntravascularOpticalCoherenceTomographyImagePresentationStorage": "1.2.840.10008.5.1.4.1.1.14.1",
    "IntravascularOpticalCoherenceTomographyImageProcessingStorage": "1.2.840.10008.5.1.4.1.1.14.2",
    "KeyObjectSelectionStorage": "1.2.840.10008.5.1.4.1.1.88.59",
    "MacularGridThicknessAndVolumeReport": "1.2.840.10008.5.1.4.1.1.79.1",
    "MediaCreationManagementSOPClass": "1.2.840.10008.5.1.1.33",
    "ModalityPerformedProcedureStepNotificationSOPClass": "1.2.840.10008.3.1.2.3.5",
    "ModalityPerformedProcedureStepRetrieveSOPClass": "1.2.840.10008.3.1.2.3.4",
    "ModalityPerformedProcedureStepSOPClass": "1.2.840.10008.3.1.2.3.3",
    "ModalityWorklistInformationFind": "1.2.840.10008.5.1.4.31",
    "MultiframeGrayscaleByteSecondaryCaptureImageStorage": "1.2.840.10008.5.1.4.1.1.7.2",
    "MultiframeGrayscaleWordSecondaryCaptureImageStorage": "1.2.840.10008.5.1.4.1.1.7.3",
    "MultiframeSingleBitSecondaryCaptureImageStorage": "1.2.840.10008.5.1.4.1.1.7.1",
    "MultiframeTrueColorSecondaryCaptureImageStorage": "1.2.840.10008.5.1.4.1.1.7.4",
    "OphthlamicOpticalCoherenceTomographyBScanVolumeAnalysisStorage": "1.2.840.10008.5.1.4.1.1.77.1.5.8",
    "PerformedImagingAgestAdministrationSRStorage": "1.2.840.10008.5.1.4.1.1.88.75",
    "PresentationLUTSOPClass": "1.2.840.10008.5.1.1.23",
    "PrintJobSOPClass": "1.2.840.10008.5.1.1.14",
    "PrinterConfigurationRetrievalSOPClass": "1.2.840.10008.5.1.1.16.376",
    "PrinterConfigurationRetrievalSOPInstance": "1.2.840.10008.5.1.1.17.376",
    "PrinterSOPClass": "1.2.840.10008.5.1.1.16",
    "PrinterSOPInstance": "1.2.840.10008.5.1.1.17",
    "ProceduralEventLoggingSOPClass": "1.2.840.10008.1.40",
    "ProceduralEventLoggingSOPInstance": "1.2.840.10008.1.40.1",
    "ProcedureSRStorage": "1.2.840.10008.5.1.4.1.1.88.40",
    "ProductCharacteristicsQueryInformationModelFind": "1.2.840.10008.5.1.4.41",
    "PseudocolorSoftcopyPresentationStageStorage": "1.2.840.10008.5.1.4.1.1.11.3",
    "RTBrachyApplicationSetupDeliveryInstructionsStorage": "1.2.840.10008.5.1.4.34.10",
    "StorageCommitmentPushModelSOPClass": "1.2.840.10008.1.20.1",
    "StorageCommitmentPushModelSOPInstance": "1.2.840.10008.1.20.1.1",
    "SubstanceAdministrationLoggingSOPClass": "1.2.840.10008.1.42",
    "SubstanceAdministrationLoggingSOPInstance": "1.2.840.10008.1.42.1",
    "SubstanceApprovalQueryInformationModelFind": "1.2.840.10008.5.1.4.42",
    "UPSFilteredGlobalSubscriptionSOPInstance": "1.2.840.10008.5.1.4.34.5.1",
    "UPSGlobalSubscriptionSOPInstance": "1.2.840.10008.5.1.4.34.5",
    "UltrasoundMultiframeImageStorage": "1.2.840.10008.5.1.4.1.1.3.1",
    "UnifiedProcedureStepEventSOPClass": "1.2.840.10008.5.1.4.34.6.4",
    "UnifiedProcedureStepPullSOPClass": "1.2.840.10008.5.1.4.34.6.3",
    "UnifiedProcedureStepPushSOPClass": "1.2.840.10008.5.1.4.34.6.1",
    "UnifiedProcedureStepQuerySOPClass": "1.2.840.10008.5.1.4.34.6.5",
    "UnifiedProcedureStepWatchSOPClass": "1.2.840.10008.5.1.4.34.6.2",
    "VerificationSOPClass": "1.2.840.10008.1.1",
}


def known_to_pydicom(uid_type: str) -> dict[str, str]:
    return {uid: row[4] for uid, row in UID_dictionary.items() if row[1] == uid_type and row[4]}


def pynetdicoms_names() -> dict[str, str]:
    members = vars(pynetdicom.sop_class).items()
    return {name: str(uid) for name, uid in members if isinstance(uid, pydicom.uid.UID)}


# --- the tables


def test_the_file_is_what_the_generator_writes() -> None:
    written = (ROOT / "ul" / "sop_class.py").read_text()
    if f"from pydicom {pydicom.__version__}:" not in written:
        pytest.skip(f"the tables were made from another pydicom than {pydicom.__version__}")
    made = subprocess.run([sys.executable, GENERATOR], capture_output=True, text=True, check=True)
    assert made.stdout == written


def test_every_name_is_pydicoms_keyword() -> None:
    keywords = known_to_pydicom("SOP Class") | known_to_pydicom("Transfer Syntax")
    named = sop_class.STORAGE_SOP_CLASSES | sop_class.TRANSFER_SYNTAXES
    assert {name for uid, name in named.items() if keywords.get(uid) != name} <= NEWER
    assert all(getattr(sop_class, name) == uid for uid, name in named.items())
    assert keywords[sop_class.Verification] == "Verification"


def test_every_sop_class_instance_and_transfer_syntax_of_pydicom_is_there_as_pydicom_describes_it() -> None:
    for uid, (name, uid_type, _, retired, keyword) in UID_dictionary.items():
        if uid_type in TABLED_TYPES and keyword and keyword not in NO_DATA_SET:
            ours = getattr(sop_class, keyword)
            assert (ours, ours.name, ours.keyword, ours.type) == (uid, name, keyword, uid_type)
            assert ours.is_retired == (retired == "Retired")


def test_nothing_is_there_that_pydicom_does_not_have_but_what_is_newer() -> None:
    assert {row.keyword for row in UID.registered.values()} - {row[4] for row in UID_dictionary.values()} <= NEWER


def test_whatever_has_storage_in_its_name_is_there_but_three() -> None:
    by_name = {uid: name for uid, name in known_to_pydicom("SOP Class").items() if "Storage" in name}
    left_out = {name for uid, name in by_name.items() if uid not in sop_class.STORAGE_SOP_CLASSES}
    assert left_out == {
        "MediaStorageDirectoryStorage",
        "StorageCommitmentPushModel",
        "StorageCommitmentPullModel",
    }


def test_pynetdicom_knows_no_storage_sop_class_that_is_missing() -> None:
    theirs = {str(context.abstract_syntax) for context in AllStoragePresentationContexts}
    assert theirs <= sop_class.STORAGE_SOP_CLASSES.keys()


def test_every_transfer_syntax_but_the_two_that_encode_no_data_set() -> None:
    by_type = known_to_pydicom("Transfer Syntax")
    left_out = {name for uid, name in by_type.items() if uid not in sop_class.TRANSFER_SYNTAXES}
    assert left_out == NO_DATA_SET
    assert {*map(str, AllTransferSyntaxes), *map(str, ALL_TRANSFER_SYNTAXES)} <= sop_class.TRANSFER_SYNTAXES.keys()


def test_the_tables_have_plain_keys() -> None:
    tables = (sop_class.STORAGE_SOP_CLASSES, sop_class.TRANSFER_SYNTAXES, sop_class.SERVICE_CLASSES)
    assert {type(uid) for table in tables for uid in table} == {str}


# --- both generations of names


@pytest.mark.parametrize(("name", "uid"), NAMES_OF_1_5.items())
def test_a_name_of_the_first_generation(name: str, uid: str) -> None:
    assert getattr(sop_class, name) == uid


def test_every_name_of_pynetdicom() -> None:
    theirs = pynetdicoms_names()
    assert len(theirs) > 230
    assert {name: getattr(sop_class, name, None) for name in theirs} == theirs


# --- service classes


def spoken(name: str) -> str:
    return "".join(letter for letter in name.removesuffix("ServiceClass") if letter.isalpha())


def test_service_classes_are_pynetdicoms() -> None:
    for name, uid in pynetdicoms_names().items():
        theirs = pynetdicom.sop_class.uid_to_service_class(uid).__name__
        if theirs != "ServiceClass":
            assert spoken(sop_class.uid_to_service_class(uid)) == spoken(theirs), name


def test_every_sop_class_has_a_service_but_those_that_are_not_dimse() -> None:
    without = {row.keyword for row in UID.registered.values() if "SOP Class" in row.type and not row.service_class}
    assert without == {  # PS3.22: over RTP
        "AudioWaveformRealTimeCommunication",
        "RenditionSelectionDocumentRealTimeCommunication",
        "VideoEndoscopicImageRealTimeCommunication",
        "VideoPhotographicImageRealTimeCommunication",
    }


def test_unknown_uids_have_no_service() -> None:
    assert sop_class.uid_to_service_class("1.2.3") == ""
    assert sop_class.uid_to_service_class(sop_class.ImplicitVRLittleEndian) == ""


# --- UID


def test_a_uid_is_its_text() -> None:
    plain = "1.2.840.10008.5.1.4.1.1.2"
    assert plain == sop_class.CTImageStorage
    assert hash(sop_class.CTImageStorage) == hash(plain)
    assert {plain: 1}[sop_class.CTImageStorage] == 1
    assert f"{sop_class.CTImageStorage}" == plain
    assert type(str(sop_class.CTImageStorage)) is str


def test_a_known_uid_is_the_one_of_the_tables() -> None:
    assert UID("1.2.840.10008.5.1.4.1.1.2") is sop_class.CTImageStorage
    assert sop_class.uid_to_sop_class("1.2.840.10008.1.1") is sop_class.VerificationSOPClass
    assert sop_class.CTImageStorage.name == "CT Image Storage"
    assert isinstance(sop_class.CTImageStorage, sop_class.SOPClass)


def test_an_unknown_uid_is_its_own_name() -> None:
    private = UID("1.2.3.4")
    assert (private, private.name, private.keyword, private.service_class) == ("1.2.3.4", "1.2.3.4", "", "")


@pytest.mark.parametrize("uid", ["1.2.840.10008.1.2", "1.2.3.4"])
def test_copies_and_pickles_are_equal_and_know_their_name(uid: str) -> None:
    original = UID(uid)
    for other in (copy.copy(original), copy.deepcopy(original), pickle.loads(pickle.dumps(original))):
        assert (type(other), other, other.name) == (UID, original, original.name)


def test_what_pydicom_can_tell_is_asked_of_pydicom() -> None:
    assert sop_class.ExplicitVRLittleEndian.is_implicit_VR is False
    assert sop_class.JPEGBaseline8Bit.is_compressed is True
    assert UID("1.2.3.4").is_private is True
    assert not hasattr(sop_class.CTImageStorage, "nonsense")


def test_pydicom_takes_it_where_it_takes_its_own() -> None:
    data_set = pydicom.Dataset()
    data_set.SOPClassUID = sop_class.CTImageStorage
    assert data_set.SOPClassUID.name == "CT Image Storage"
    assert sop_class.ExplicitVRLittleEndian in pydicom.uid.UncompressedTransferSyntaxes


@pytest.fixture
def unregistered() -> Iterator[None]:
    yield
    for table in (
        UID.registered,
        sop_class.STORAGE_SOP_CLASSES,
        sop_class.SERVICE_CLASSES,
    ):
        table.pop("1.2.246.352.70.1.70", None)
    vars(sop_class).pop("RTPlanOfTheirsStorage", None)


@pytest.mark.usefixtures("unregistered")
def test_a_private_class_joins_a_service_and_is_importable() -> None:
    sop_class.register_uid("1.2.246.352.70.1.70", "RTPlanOfTheirsStorage", sop_class.STORAGE)
    assert sop_class.RTPlanOfTheirsStorage.name == "RTPlanOfTheirsStorage"  # type: ignore[attr-defined]
    assert sop_class.uid_to_service_class("1.2.246.352.70.1.70") == sop_class.STORAGE
    assert sop_class.STORAGE_SOP_CLASSES["1.2.246.352.70.1.70"] == "RTPlanOfTheirsStorage"


@pytest.mark.parametrize(
    ("keyword", "service"),
    [("CTImageStorage", sop_class.STORAGE), ("not a name", sop_class.STORAGE), ("class", "Storage"), ("A", "Nothing")],
)
def test_a_private_class_that_cannot_join(keyword: str, service: str) -> None:
    with pytest.raises(ValueError, match=r"name|service class"):
        sop_class.register_uid("1.2.246.352.70.1.70", keyword, service)
    assert "1.2.246.352.70.1.70" not in UID.registered


def test_importing_it_does_not_import_pydicom() -> None:
    check = "import sys, ul.sop_class; ul.sop_class.CTImageStorage.name; sys.exit('pydicom' in sys.modules)"
    subprocess.run([sys.executable, "-c", check], check=True, cwd=ROOT)
