"""The words in which load is asked for: what they mean, and where they stop making sense."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset, dcmread
from pydicom.datadict import DicomDictionary

from pool.load import values
from pool.load.identifiers import encoded_identifier
from pool.load.plan import FIXED, LOGNORMAL, UNIFORM, FindWork, Size, Stage
from pool.load.reading import Misread
from pool.load.thresholds import threshold

PARSERS: list[Callable[[str], Any]] = [
    *(values.duration, values.pause, values.rate, values.stages, values.size, values.mix, values.key, threshold),
]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30", 30),
        ("30s", 30),
        ("500ms", 0.5),
        ("5m", 300),
        ("1h30m", 5400),
        ("1.5h", 5400),
        (" 2 min ", 120),
        (".5", 0.5),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert values.duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(("text", "rate"), [("200", 200), ("200/s", 200), ("6000/m", 100), ("7200/h", 2), ("0.5", 0.5)])
def test_rates(text: str, rate: float) -> None:
    assert values.rate(text) == pytest.approx(rate)


def test_stages_follow_one_another() -> None:
    assert values.stages("30s:100, 1m:500,10s:0") == (Stage(30, 0, 100), Stage(60, 100, 500), Stage(10, 500, 0))


def test_a_stage_of_no_time_is_a_jump() -> None:
    assert values.stages("0s:100,1m:100") == (Stage(60, 100, 100),)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1", Size(FIXED, 1)),
        ("512KiB", Size(FIXED, 524288)),
        ("1.5 MB", Size(FIXED, 1_500_000)),
        ("64KiB-8MiB", Size(UNIFORM, 65536, 8388608)),
        ("64KiB~8MiB", Size(LOGNORMAL, 65536, 8388608)),
    ],
)
def test_sizes(text: str, size: Size) -> None:
    assert values.size(text) == size


def test_mixes() -> None:
    assert values.mix("echo=1,store=3") == {"echo": 1, "store": 3}
    assert values.mix("echo=0.5, find") == {"echo": 0.5, "find": 1}


def test_keys() -> None:
    assert values.key("PatientID=ULPLOAD*") == ("PatientID", "ULPLOAD*")
    assert values.key("StudyInstanceUID=") == ("StudyInstanceUID", "")
    assert values.key("PatientName=A = B,c") == ("PatientName", "A = B,c")


@pytest.mark.parametrize(
    ("parse", "text", "column", "advice"),
    [
        (values.duration, "", 0, "give a duration"),
        (values.duration, "5x", 1, "give a unit"),
        (values.duration, "5m 3", 4, "give a unit"),
        (values.duration, "5s!", 2, "nothing may follow"),
        (values.duration, "0", 0, "above 0"),
        (values.duration, "-5", 0, "give a duration"),
        (values.duration, "9000h", 0, "at most 7 days"),
        (values.duration, "9" * 400, 0, "too large"),
        (values.rate, "100/d", 4, "give /s, /m or /h"),
        (values.rate, "0", 0, "above 0"),
        (values.stages, "30s", 3, "DURATION:RATE"),
        (values.stages, "30s:100,", 8, "give a duration"),
        (values.stages, "30s:100;1m:5", 7, "a comma and the next stage"),
        (values.stages, "30s:100,1x:5", 9, "'x' is no unit"),
        (values.stages, "30s:0", 0, "in no stage"),
        (values.stages, "0s:100", 0, "in no stage"),
        (values.size, "12XB", 2, "'XB' is no unit"),
        (values.size, "0", 0, "at least 1 byte"),
        (values.size, "8MiB-64KiB", 5, "above the lower one"),
        (values.size, "5GiB", 0, "at most 4 GiB"),
        (values.mix, "echo=1,stor=3", 7, "did you mean store?"),
        (values.mix, "echo=1,echo=3", 7, "has a weight already"),
        (values.mix, "echo=0", 5, "above 0"),
        (values.key, "PatientIDD=1", 0, "a keyword of the standard"),
        (values.key, "PatientID", 9, "KEYWORD=VALUE"),
        (values.key, "Rows=abc", 5, "Rows is a number"),
        (values.key, "Rows=70000", 5, "beyond what its VR can hold"),
        (values.key, "ReferencedStudySequence=x", 24, "VR SQ, which has no text: leave it empty"),
    ],
)
def test_what_makes_no_sense_is_marked(parse: Callable[[str], Any], text: str, column: int, advice: str) -> None:
    with pytest.raises(Misread, match=advice.replace("?", r"\?")) as caught:
        parse(text)
    assert caught.value.column == column


def test_the_caret_stands_under_the_place() -> None:
    assert Misread("30s:100,1x:5", 9, "no").marked == "  30s:100,1x:5\n           ^"


def test_the_caret_stands_right_after_wide_and_unprintable_characters() -> None:
    assert Misread("\x1b患x", 2, "no").marked == "  \N{REPLACEMENT CHARACTER}患x\n     ^"


@pytest.mark.parametrize("parse", PARSERS)
@given(text=st.text(max_size=30) | st.text("0123456789.smhKiB:,-~/=<>% storepecpn", max_size=30))
def test_any_text_is_read_or_marked(parse: Callable[[str], Any], text: str) -> None:
    try:
        parse(text)
    except Misread as error:
        assert 0 <= error.column <= len(text)
        assert str(error)


VALUED_BY_VR = sorted({vr: keyword for vr, _, _, _, keyword in DicomDictionary.values() if keyword}.values())


@given(keyword=st.sampled_from(VALUED_BY_VR), text=st.text(max_size=20) | st.sampled_from(["", "1", "-1", "1e400"]))
def test_a_key_that_is_read_can_be_sent(keyword: str, text: str) -> None:
    """Whatever the VR is; and no warning of what a peer may make of it."""
    try:
        found = values.key(f"{keyword}={text}")
    except Misread as error:
        assert str(error)
    else:
        assert encoded_identifier(FindWork(keys=(found,)))


def test_a_key_may_have_a_range_wildcards_and_any_script() -> None:
    keys = tuple(map(values.key, ("StudyDate=20200101-20200201", "PatientName=Ängström*", "Rows=512", "Modality=")))
    read = read_identifier(encoded_identifier(FindWork(keys=keys)))
    assert (read.StudyDate, read.PatientName, read.Rows, read.Modality) == ("20200101-20200201", "Ängström*", 512, "")


def read_identifier(encoded: bytes) -> Dataset:
    data_set = dcmread(BytesIO(encoded), force=True)
    data_set.decode()
    return data_set


@pytest.mark.parametrize(
    ("seconds", "ramp", "expected"),
    [
        (10, 0, (Stage(10, 5, 5),)),
        (10, 4, (Stage(4, 0, 5), Stage(6, 5, 5))),
        (10, 10, (Stage(10, 0, 5),)),
    ],
)
def test_a_ramp_is_the_first_part_of_the_duration(seconds: float, ramp: float, expected: tuple[Stage, ...]) -> None:
    assert values.ramped(seconds, 5, ramp) == expected
