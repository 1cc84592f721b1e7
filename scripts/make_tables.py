"""Writes ul/sop_class.py from pydicom's UID dictionary, so that importing ul need not import pydicom.

Usage: python scripts/make_tables.py > ul/sop_class.py   (the same pydicom gives the same bytes)
"""

from __future__ import annotations

import sys

import pydicom
from pydicom.uid import UID_dictionary

# Named "... Storage" without being stored by C-STORE: the DICOMDIR, which lives on media only (PS3.3 Annex F).
NOT_STORED = {"MediaStorageDirectoryStorage"}
# Not encodings of a data set (they belonged to PS3.11 media and to the hosted applications of PS3.19).
NOT_A_DATA_SET = {"RFC2557MIMEEncapsulation", "XMLEncoding"}
# In PS3.6 but not yet in the dictionary of pydicom 3.0.
NEWER_SOP_CLASSES = {
    "1.2.840.10008.5.1.4.1.1.9.100.1": "WaveformPresentationStateStorage",
    "1.2.840.10008.5.1.4.1.1.9.100.2": "WaveformAcquisitionPresentationStateStorage",
    "1.2.840.10008.5.1.4.1.1.66.7": "LabelMapSegmentationStorage",
    "1.2.840.10008.5.1.4.1.1.66.8": "HeightMapSegmentationStorage",
}
NEWER_TRANSFER_SYNTAXES = {
    "1.2.840.10008.1.2.4.110": "JPEGXLLossless",
    "1.2.840.10008.1.2.4.111": "JPEGXLJPEGRecompression",
    "1.2.840.10008.1.2.4.112": "JPEGXL",
    "1.2.840.10008.1.2.8.1": "DeflatedImageFrameCompression",
}

HEADER = '''\
"""UIDs of SOP classes and transfer syntaxes, by the keywords of PS3.6.

Written by scripts/make_tables.py from pydicom {version}: change the script, not this file. Nothing else belongs here.
"""
# ruff: noqa: E501

from typing import Final
'''


def uid_order(uid: str) -> list[int]:
    return [int(component) for component in uid.split(".")]


def keywords(uid_type: str) -> dict[str, str]:
    """UID -> keyword of every UID of one type; the few retired UIDs without any name are left out."""
    return {uid: row[4] for uid, row in UID_dictionary.items() if row[1] == uid_type and row[4]}


def is_storage(keyword: str) -> bool:
    """Whether instances of the class travel by C-STORE: Storage and Non-Patient Object Storage (PS3.4 B, GG).

    "Storage" ends the name but for a trial, retired or purpose mark; Storage Commitment ends otherwise.
    """
    for mark in ("Trial", "Retired", "ForPresentation", "ForProcessing"):
        keyword = keyword.removesuffix(mark)
    return keyword.endswith("Storage") and keyword not in NOT_STORED


def storage_sop_classes() -> dict[str, str]:
    return NEWER_SOP_CLASSES | {uid: keyword for uid, keyword in keywords("SOP Class").items() if is_storage(keyword)}


def transfer_syntaxes() -> dict[str, str]:
    encodings = {uid: keyword for uid, keyword in keywords("Transfer Syntax").items() if keyword not in NOT_A_DATA_SET}
    return NEWER_TRANSFER_SYNTAXES | encodings


def section(title: str, table: str, uids: dict[str, str]) -> list[str]:
    """The names one by one, for `from ul.sop_class import ...`, then the table from UID to name."""
    rows = [(uids[uid], uid) for uid in sorted(uids, key=uid_order)]
    constants = [f'{keyword}: Final = "{uid}"' for keyword, uid in rows]
    lookup = [f'    {keyword}: "{keyword}",' for keyword, _ in rows]
    return ["", f"# {title}", *constants, "", f"{table}: Final[dict[str, str]] = {{", *lookup, "}"]


def render() -> str:
    lines = [HEADER.format(version=pydicom.__version__)]
    lines += ["# PS3.4 Annex A", 'Verification: Final = "1.2.840.10008.1.1"']
    lines += section("PS3.4 Annexes B and GG", "STORAGE_SOP_CLASSES", storage_sop_classes())
    lines += section("PS3.5 Annex A", "TRANSFER_SYNTAXES", transfer_syntaxes())
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(render())
