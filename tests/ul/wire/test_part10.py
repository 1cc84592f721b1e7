"""Group 0002 as written, read back by pydicom; and the data sets of real files, found as pydicom finds them."""

import contextlib
import io
import warnings
from pathlib import Path

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.filereader import _read_file_meta_info, dcmread, read_preamble

from ul import sop_class
from ul.errors import UsageError
from ul.wire.dataset import DEFLATED
from ul.wire.part10 import encode_preface, read_head, read_preface

TEST_FILES = Path(pydicom.__file__).parent / "data" / "test_files"
CLASS, INSTANCE, SYNTAX = sop_class.CTImageStorage, "1.2.3.4", sop_class.ExplicitVRLittleEndian
GROUP_8 = b"\x08\0\x05\0CS\x0a\0ISO_IR 100"


def preface(**changed: str) -> bytes:
    values = {
        "sop_class_uid": CLASS,
        "sop_instance_uid": INSTANCE,
        "transfer_syntax_uid": SYNTAX,
        "implementation_class_uid": "1.2.826.0.1",
        "implementation_version_name": "ULPOOL_TEST",
        "source_ae_title": "STORESCU",
    }
    return encode_preface(**{**values, **changed})


def test_what_is_written_is_what_pydicom_reads() -> None:
    written = preface()
    meta = dcmread(io.BytesIO(written)).file_meta
    assert written[:128] == bytes(128)
    assert meta.FileMetaInformationGroupLength == len(written) - 144
    assert meta.FileMetaInformationVersion == b"\0\1"
    assert [meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID] == [CLASS, INSTANCE]
    assert [meta.TransferSyntaxUID, meta.ImplementationClassUID] == [SYNTAX, "1.2.826.0.1"]
    assert [meta.ImplementationVersionName, meta.SourceApplicationEntityTitle] == ["ULPOOL_TEST", "STORESCU"]


def test_what_is_not_known_is_left_out() -> None:
    meta = dcmread(io.BytesIO(preface(implementation_version_name="", source_ae_title="  "))).file_meta
    assert "ImplementationVersionName" not in meta
    assert "SourceApplicationEntityTitle" not in meta


def test_a_title_of_any_bytes_stays_one_short_value() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom does not like such a title either.
        meta = dcmread(io.BytesIO(preface(source_ae_title="Ä\n" * 40))).file_meta
        assert len(meta.SourceApplicationEntityTitle) <= 16


@given(
    sop_instance_uid=st.from_regex(r"[0-9]{1,20}(\.[0-9]{1,20}){0,2}", fullmatch=True),
    data_set=st.binary(max_size=200),
    transfer_syntax_uid=st.sampled_from(sorted(sop_class.TRANSFER_SYNTAXES)),
)
def test_what_was_written_is_found_whatever_follows(
    sop_instance_uid: str, data_set: bytes, transfer_syntax_uid: str
) -> None:
    written = preface(sop_instance_uid=sop_instance_uid, transfer_syntax_uid=transfer_syntax_uid)
    following = data_set if transfer_syntax_uid in DEFLATED else b"\x08\0" + data_set
    assert read_preface(written + following) == (len(written), transfer_syntax_uid, CLASS, sop_instance_uid)


def test_a_deflated_data_set_that_looks_like_one_more_element() -> None:
    written = preface(transfer_syntax_uid=sop_class.DeflatedExplicitVRLittleEndian)
    assert read_preface(written + b"\x02\0\x17\0AE\2\0XX" * 3).data_set_offset == len(written)


@pytest.mark.parametrize("length", [0, 1, 7, 9999, 0xFFFFFFFF])
def test_a_wrong_group_length_does_not_mislead(length: int) -> None:
    written = preface()
    wrong = written[:140] + length.to_bytes(4, "little") + written[144:]
    assert read_preface(wrong + GROUP_8) == read_preface(written + GROUP_8)


def test_real_files_are_found_as_pydicom_finds_them() -> None:
    compared = 0
    for path in sorted(path for path in TEST_FILES.parent.rglob("*") if path.is_file()):
        with warnings.catch_warnings(), path.open("rb") as file:
            warnings.simplefilter("ignore")
            try:
                read_preamble(file, False)
                meta = _read_file_meta_info(file)
                offset = file.tell()
                data_set = dcmread(path, stop_before_pixels=True)
            except Exception:
                continue  # Some are broken on purpose.
            if "TransferSyntaxUID" not in meta:
                continue
            file.seek(0)
            head = read_head(file)
            assert head.data_set_offset == offset, path.name
            assert head.transfer_syntax_uid == meta.TransferSyntaxUID, path.name
            assert head.sop_class_uid == data_set.get("SOPClassUID", ""), path.name
            assert head.sop_instance_uid == data_set.get("SOPInstanceUID", ""), path.name
        compared += 1
    assert compared > 100


@pytest.mark.parametrize(
    ("name", "transfer_syntax_uid"),
    [
        ("ExplVR_BigEndNoMeta.dcm", sop_class.ExplicitVRBigEndian),
        ("ExplVR_LitEndNoMeta.dcm", sop_class.ExplicitVRLittleEndian),
        ("rtstruct.dcm", sop_class.ImplicitVRLittleEndian),
    ],
)
def test_bare_data_sets(name: str, transfer_syntax_uid: str) -> None:
    with (TEST_FILES / name).open("rb") as file:
        head = read_head(file)
    assert (head.data_set_offset, head.transfer_syntax_uid) == (0, transfer_syntax_uid)
    assert head.sop_instance_uid


def test_group_0002_without_a_preamble() -> None:
    without = preface()[132:]
    assert read_preface(without + GROUP_8) == (len(without), SYNTAX, CLASS, INSTANCE)


@pytest.mark.parametrize(
    "content", [b"", b"hello, world", bytes(4000), b"\x89PNG\r\n\x1a\n" * 100, bytes(128) + b"DICM"]
)
def test_what_is_no_dicom_file_says_so(content: bytes) -> None:
    with pytest.raises(UsageError, match="not a DICOM file"):
        read_head(io.BytesIO(content))


@given(content=st.binary(max_size=600), has_preamble=st.booleans())
def test_garbage_is_refused_or_read_and_nothing_else(content: bytes, has_preamble: bool) -> None:
    garbage = bytes(128) + b"DICM" + content if has_preamble else content
    with contextlib.suppress(UsageError):
        assert read_head(io.BytesIO(garbage)).data_set_offset >= 0
