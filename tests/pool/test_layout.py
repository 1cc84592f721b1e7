"""Names: what a peer sends becomes part of a path only as a UID, and templates keep instances apart."""

import re
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pool.storage.layout import LONGEST_NAME, MISSING, MOST_VERSIONS, Layout, is_name

DEFAULT = "{StudyInstanceUID}/{SeriesInstanceUID}/{SOPInstanceUID}.dcm"
HOSTILE = [
    "",
    ".",
    "..",
    "../../etc/passwd",
    "/etc/passwd",
    "1.2/../../3",
    "1.2\0.3",
    "1.2.3\n",
    "\n1.2.3",
    " 1.2.3",
    "1..2",
    ".1.2",
    "1.2.",
    "-1",
    "1.2~2",
    "1.2.3.dcm",
    "{SOPInstanceUID}",
    "%s",
    "~root",
    "1,2",
    "١.٢",  # noqa: RUF001 - digits, but not PS3.5's
    "１.２",  # noqa: RUF001
    "1" * 65,
    "1." * 150,
    "A" * 300,
]


@pytest.mark.parametrize("uid", HOSTILE)
def test_what_is_no_uid_is_no_name(uid: str) -> None:
    assert not is_name(uid)


@pytest.mark.parametrize("uid", ["1", "0", "1.2.840.10008.5.1.4.1.1.2", "1" * 64, "00.01"])
def test_what_is_a_uid_is_a_name(uid: str) -> None:
    assert is_name(uid)


@pytest.mark.parametrize("uid", HOSTILE)
def test_a_bad_study_or_series_goes_to_the_fixed_folder(uid: str) -> None:
    assert Layout(DEFAULT).place("1.2", uid, "1.4").folders == (MISSING, "1.4")
    assert Layout(DEFAULT).place("1.2", "1.3", uid).folders == ("1.3", MISSING)


@given(st.text(max_size=100), st.text(max_size=100))
def test_any_text_stays_below_the_root(study: str, series: str) -> None:
    place = Layout(DEFAULT).place("1.2", study, series)
    path = PurePosixPath(*place.folders, place.name(1))
    assert len(path.parts) == 3
    assert all(part == MISSING or re.fullmatch(r"[0-9.]{1,64}(\.dcm)?", part) for part in path.parts)
    assert ".." not in path.parts


def test_flat_is_one_folder() -> None:
    place = Layout("flat").place("1.2.3", "1.4", "1.5")
    assert (place.folders, place.name(1)) == ((), "1.2.3.dcm")


@pytest.mark.parametrize(
    ("template", "first", "second"),
    [
        ("flat", "1.2.3.dcm", "1.2.3~2.dcm"),
        ("{SOPInstanceUID}", "1.2.3", "1.2.3~2"),
        ("{SOPInstanceUID}/image.dcm", "image.dcm", "image~2.dcm"),
        ("a/{SOPInstanceUID}.v1.dcm", "1.2.3.v1.dcm", "1.2.3.v1~2.dcm"),
    ],
)
def test_versions_differ_before_the_extension(template: str, first: str, second: str) -> None:
    place = Layout(template).place("1.2.3", "1.4", "1.5")
    assert (place.name(1), place.name(2)) == (first, second)


@pytest.mark.parametrize(
    "template",
    [
        "",
        "/{SOPInstanceUID}",
        "../{SOPInstanceUID}",
        "a/../{SOPInstanceUID}",
        "./{SOPInstanceUID}",
        ".hidden/{SOPInstanceUID}",
        "a//{SOPInstanceUID}",
        "{SOPInstanceUID}/",
        "{StudyInstanceUID}/{SeriesInstanceUID}",
        "{PatientName}/{SOPInstanceUID}",
        "{SOPInstanceUID.__class__}",
        "{SOPInstanceUID!r}",
        "{SOPInstanceUID:>100}",
        "{0}{SOPInstanceUID}",
        "{}",
        "{SOPInstanceUID",
        "a\0b/{SOPInstanceUID}",
        "a\n/{SOPInstanceUID}",
        "é/{SOPInstanceUID}",
    ],
)
def test_templates_that_will_not_do(template: str) -> None:
    with pytest.raises(ValueError, match="flat, or a relative path"):
        Layout(template)


@pytest.mark.parametrize(
    "template",
    [
        "{StudyInstanceUID}{SOPInstanceUID}",
        "{StudyInstanceUID}.{SOPInstanceUID}",
        "{SOPInstanceUID}1{StudyInstanceUID}",
    ],
)
def test_two_uids_must_not_run_together(template: str) -> None:
    """1.2 and 3.4 would look like 1.23 and .4: one instance could replace another."""
    with pytest.raises(ValueError, match="digits and dots"):
        Layout(template)


def test_names_stay_within_what_file_systems_take() -> None:
    fits = "x" * (LONGEST_NAME - 64 - len(f"~{MOST_VERSIONS}.dcm")) + "{SOPInstanceUID}.dcm"
    assert len(Layout(fits).place("9" * 64, "1", "1").name(MOST_VERSIONS)) == LONGEST_NAME
    with pytest.raises(ValueError, match="255 bytes"):
        Layout("x" + fits)
