"""The generated tables against their source, pydicom, and against a second opinion, pynetdicom."""

import subprocess
import sys
from pathlib import Path

import pydicom
import pytest
from pydicom.uid import AllTransferSyntaxes, UID_dictionary
from pynetdicom import ALL_TRANSFER_SYNTAXES, AllStoragePresentationContexts

from ul import sop_class

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


def known_to_pydicom(uid_type: str) -> dict[str, str]:
    return {uid: row[4] for uid, row in UID_dictionary.items() if row[1] == uid_type and row[4]}


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
    assert left_out == {"RFC2557MIMEEncapsulation", "XMLEncoding"}
    assert {*map(str, AllTransferSyntaxes), *map(str, ALL_TRANSFER_SYNTAXES)} <= sop_class.TRANSFER_SYNTAXES.keys()


def test_importing_it_does_not_import_pydicom() -> None:
    check = "import sys, ul.sop_class; sys.exit('pydicom' in sys.modules)"
    subprocess.run([sys.executable, "-c", check], check=True, cwd=ROOT)
