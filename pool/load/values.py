"""The words in which load is asked for: durations, rates, stages, sizes, mixes, keys. Text -> part of a `Plan`.

Every parser raises Misread, which marks the place; nothing is sent before all of them are content. The syntax of each
is its row of SYNTAX, which help texts show.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from pool.load.plan import FIXED, KINDS, LOGNORMAL, UNIFORM, FindWork, Size, Stage
from pool.load.reading import NUMBER, UNIT, Reader

_SECONDS_OF: Final = {"ms": 1e-3, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
_BYTES_OF: Final = {
    "B": 1,
    "kB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
}
_PER_SECOND_OF: Final = {"s": 1.0, "m": 1 / 60, "min": 1 / 60, "h": 1 / 3600}

LONGEST_RUN: Final = 7 * 86400.0  # seconds
HIGHEST_RATE: Final = 1e6  # per second
LARGEST_SIZE: Final = 0xFFFFFFFE  # bytes; the length of an element has four, and all ones mean undefined

SYNTAX: Final = {
    "duration": "30, 30s, 500ms, 5m, 1h30m",
    "rate": "200 or 200/s, 6000/m, 8000/h",
    "stages": "30s:200,1m:200,10s:0: in 30 s from 0 to 200 per second, 1 min at 200, in 10 s to 0; 0s:500 is a jump",
    "size": "512KiB; evenly 64KiB-8MiB; log-normal 64KiB~8MiB, with 90 % between these two",
    "mix": "echo=1,store=3: three C-STOREs to a C-ECHO",
    "key": "PatientID=ULPLOAD*",
}


def duration(text: str) -> float:
    """Seconds above 0."""
    reader = Reader(text)
    seconds = _duration(reader)
    reader.end(f"nothing may follow a duration, such as {SYNTAX['duration']}")
    if seconds <= 0:
        reader.refuse("a duration is above 0", 0)
    return seconds


def pause(text: str) -> float:
    """Seconds, 0 or more."""
    reader = Reader(text)
    seconds = _duration(reader)
    reader.end(f"nothing may follow a duration, such as {SYNTAX['duration']}")
    return seconds


def rate(text: str) -> float:
    """Per second, above 0."""
    reader = Reader(text)
    per_second = _rate(reader)
    reader.end(f"nothing may follow a rate, such as {SYNTAX['rate']}")
    if per_second <= 0:
        reader.refuse("a rate is above 0", 0)
    return per_second


def stages(text: str) -> tuple[Stage, ...]:
    """DURATION:RATE, comma separated: each begins with the rate the one before ended with, the first with none."""
    reader = Reader(text)
    found: list[Stage] = []
    before = 0.0
    while True:
        seconds = _duration(reader)
        reader.expect(":", "give DURATION:RATE, such as 30s:200")
        per_second = _rate(reader)
        if seconds:
            found.append(Stage(seconds, before, per_second))
        before = per_second
        if not reader.take(","):
            break
    reader.end(f"give a comma and the next stage, or nothing, such as {SYNTAX['stages'].partition(': ')[0]}")
    if not any(stage.rate_from or stage.rate_to for stage in found):
        reader.refuse("in no stage anything is started: give one a rate above 0 and a duration above 0", 0)
    if sum(stage.seconds for stage in found) > LONGEST_RUN:
        reader.refuse(f"these stages are longer than {LONGEST_RUN / 86400:.0f} days together", 0)
    return tuple(found)


def size(text: str) -> Size:
    """Bytes: one size, or LOW-HIGH, or LOW~HIGH."""
    reader = Reader(text)
    low = _size(reader)
    kind = {"": FIXED, "-": UNIFORM, "~": LOGNORMAL}[reader.take("-", "~")]
    start = reader.column
    high = _size(reader) if kind != FIXED else 0
    reader.end(f"nothing may follow a size, such as {SYNTAX['size']}")
    if kind != FIXED and high <= low:
        reader.refuse("the upper bound has to be above the lower one", start)
    return Size(kind, low, high)


def mix(text: str) -> Mapping[str, float]:
    """KIND=WEIGHT, comma separated; a kind alone has weight 1."""
    reader = Reader(text)
    weights: dict[str, float] = {}
    while True:
        start = reader.column
        kind = reader.one_of(KINDS, "kind of message")
        if kind in weights:
            reader.refuse(f"{kind} has a weight already", start)
        weights[kind] = _weight(reader) if reader.take("=") else 1.0
        if not reader.take(","):
            break
    reader.end(f"give a comma and the next kind, or nothing, such as {SYNTAX['mix'].partition(':')[0]}")
    return weights


def key(text: str) -> tuple[str, str]:
    """KEYWORD=VALUE of a C-FIND: one of the standard's keywords; the value may be empty."""
    reader = Reader(text)
    from pydicom.datadict import tag_for_keyword  # takes its time, and few ask by C-FIND

    from pool.load.identifiers import encoded_identifier

    keyword = reader.word()
    if not keyword or tag_for_keyword(keyword) is None:
        reader.refuse(f"give a keyword of the standard, such as {SYNTAX['key']}", 0)
    reader.expect("=", f"give KEYWORD=VALUE, such as {SYNTAX['key']}")
    found = keyword, text[reader.column :]
    try:
        encoded_identifier(FindWork(keys=(found,)))
    except ValueError as error:
        reader.refuse(str(error))
    return found


def _weight(reader: Reader) -> float:
    start = reader.column
    weight = reader.number("give a weight, such as 3")
    if weight <= 0:
        reader.refuse("a weight is above 0", start)
    return weight


def ramped(seconds: float, per_second: float, ramp: float) -> tuple[Stage, ...]:
    """A constant rate that the first `ramp` of the `seconds` lead up to."""
    constant = seconds - ramp
    rising: Sequence[Stage] = [Stage(ramp, 0.0, per_second)] if ramp else []
    return (*rising, *([Stage(constant, per_second, per_second)] if constant > 0 else []))


def _duration(reader: Reader) -> float:
    """Numbers with units one after the other; a number alone is seconds."""
    start = reader.column
    advice = f"give a duration, such as {SYNTAX['duration']}"
    units_advice = "give a unit: ms, s, m or h"
    number = reader.number(advice)
    if not reader.stands(UNIT):
        return _bounded(reader, number, LONGEST_RUN, "a run lasts at most 7 days", start)
    seconds = number * reader.unit(_SECONDS_OF, units_advice)
    while reader.stands(NUMBER):
        seconds += reader.number(advice) * reader.unit(_SECONDS_OF, units_advice)
    return _bounded(reader, seconds, LONGEST_RUN, "a run lasts at most 7 days", start)


def _rate(reader: Reader) -> float:
    start = reader.column
    number = reader.number(f"give a rate, such as {SYNTAX['rate']}")
    per = reader.unit(_PER_SECOND_OF, "give /s, /m or /h") if reader.take("/") else 1.0
    return _bounded(reader, number * per, HIGHEST_RATE, f"at most {HIGHEST_RATE:,.0f} per second", start)


def _size(reader: Reader) -> int:
    start = reader.column
    number = reader.number(f"give a size, such as {SYNTAX['size']}")
    total = int(number * reader.unit(_BYTES_OF, "give B, KiB, MiB, GiB, kB, MB or GB", bare=1))
    if total < 1:
        reader.refuse("a size is at least 1 byte", start)
    return int(_bounded(reader, total, LARGEST_SIZE, "a data set's value has at most 4 GiB", start))


def _bounded(reader: Reader, number: float, most: float, advice: str, start: int) -> float:
    if number > most:
        reader.refuse(advice, start)
    return number
