"""The machinery of the declarative items: values, the fields a record is made of, and the walk over items side by side.

A `Layout` says once what an item of PS3.8 9.3 or PS3.7 Annex D looks like; decoding and encoding both follow from it.
Which items there are is `ul.wire.items`; what a PDU makes of them is `ul.wire.pdu`. Every item has the same head: type,
one reserved byte, length of what follows (big endian, as is everything here).

Records are compiled when they are declared: neighbouring fixed-width fields become one `struct`, neighbouring sub-items
one walk. A length that passes its parent is an error. Bytes that an item has after its last field are ignored, as
unknown items are: a later edition of the standard may have put them there (PS3.7 D.3.3.6 says so of 57H).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import groupby
from struct import Struct
from struct import error as StructError
from typing import Any, Final

from ul.errors import ProtocolError, UsageError
from ul.pdu_primitives import UnknownItem

ITEM_HEADER: Final = Struct(">BxH")
LENGTH: Final = Struct(">H")

# No parent needs more: 128 contexts with three negotiation items each are 384. It bounds what a request full of
# four-byte items makes us keep.
MAXIMUM_ITEMS: Final = 1024


# --- values ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Value:
    """How a value is read from its extent in a PDU (bytes, start, stop) and written to its bytes."""

    read: Callable[[bytes, int, int], Any]
    write: Callable[[Any], bytes]
    record_class: type | None = None  # where it is a record


@lru_cache(maxsize=1024)
def _recurring_text(raw: bytes) -> str:
    """UIDs recur within and between associations: remembering them is quick and keeps one str of each."""
    return raw.decode("latin-1").rstrip("\0 ")


def _read_text(data: bytes, start: int, stop: int) -> str:
    """A UID or name without trailing NUL or space. Latin-1 keeps every byte; whether it is legal is judged above."""
    raw = data[start:stop]
    return _recurring_text(raw) if len(raw) <= 64 else raw.decode("latin-1").rstrip("\0 ")


def _read_bytes(data: bytes, start: int, stop: int) -> bytes:
    return data[start:stop]


TEXT: Final = Value(_read_text, partial(str.encode, encoding="latin-1"))
BYTES: Final = Value(_read_bytes, bytes)


def list_of(value: Value) -> Value:
    """Values side by side, each after its own 16-bit length."""
    member = Prefixed("member", value)

    def read(data: bytes, start: int, stop: int) -> list[Any]:
        members = []
        while start < stop:
            item, start = member.read(data, start, stop)
            members.append(item)
        return members

    return Value(read, lambda members: b"".join(map(member.write, members)))


# --- fields ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fixed:
    """A field of fixed width, by its `struct` code. Without a name it is reserved: sent as zero and not tested."""

    code: str
    name: str = ""


@dataclass(frozen=True)
class Rest:
    """The rest of the item."""

    name: str
    value: Value

    def read(self, data: bytes, offset: int, end: int) -> tuple[Any, int]:
        return self.value.read(data, offset, end), end

    def write(self, value: Any) -> bytes:
        return self.value.write(value)


@dataclass(frozen=True)
class Prefixed:
    """A value after its own 16-bit length."""

    name: str
    value: Value

    def read(self, data: bytes, offset: int, end: int) -> tuple[Any, int]:
        start = offset + LENGTH.size
        if start > end:
            raise ProtocolError(f"{self.name} at offset {offset}: its length is cut off")
        stop = start + int(LENGTH.unpack_from(data, offset)[0])
        if stop > end:
            raise ProtocolError(f"{self.name} at offset {offset}: length {stop - start}, {end - start} bytes left")
        return self.value.read(data, start, stop), stop

    def write(self, value: Any) -> bytes:
        raw = self.value.write(value)
        return LENGTH.pack(len(raw)) + raw


@dataclass(frozen=True)
class One:
    """The one sub-item of this layout. Absent, it reads as "" unless it is `required`."""

    name: str
    layout: Layout
    required: bool = True

    def pick(self, found: list[Any]) -> Any:
        if len(found) == 1:
            return found[0]
        if found or self.required:
            raise ProtocolError(f"has {len(found)} of {self.layout.name}, not one")
        return ""

    def write(self, value: Any) -> bytes:
        return self.layout.encode(value)


@dataclass(frozen=True)
class Many:
    """All sub-items of this layout, in their order."""

    name: str
    layout: Layout

    def pick(self, found: list[Any]) -> list[Any]:
        return found

    def write(self, values: Iterable[Any]) -> bytes:
        return b"".join(map(self.layout.encode, values))


Field = Fixed | Rest | Prefixed | One | Many


# --- records: a class and its fields, in the order of the wire -------------------------------------------------------

# A step reads neighbouring fields between offset and end: it appends their values and returns the next offset.
_Step = Callable[[bytes, int, int, "list[Any]"], int]


def record(record_class: type, *fields: Field, names: bool = False) -> Value:
    """An object of this class. Its fields are its first arguments, or with `names` its keyword arguments."""
    runs = [(kind, list(run)) for kind, run in groupby(fields, _kind)]
    steps = [_STEPS[kind](run) for kind, run in runs]
    writers = [_WRITERS[kind](run) for kind, run in runs]
    keywords = [field.name for field in fields if field.name]

    def read(data: bytes, offset: int, end: int) -> Any:
        values: list[Any] = []
        for step in steps:
            offset = step(data, offset, end, values)
        return record_class(**dict(zip(keywords, values, strict=True))) if names else record_class(*values)

    return Value(read, lambda item: b"".join([write(item) for write in writers]), record_class)


def _kind(field: Field) -> str:
    """What neighbouring fields share that become one step."""
    if isinstance(field, Fixed):
        return "fixed"
    return "sub-items" if isinstance(field, (One, Many)) else "extents"


def _fixed_step(run: list[Any]) -> _Step:
    struct = _struct(run)
    unpack_from, size = struct.unpack_from, struct.size

    def step(data: bytes, offset: int, end: int, values: list[Any]) -> int:
        if offset + size > end:
            raise ProtocolError(f"{end - offset} bytes left at offset {offset}, its fixed fields take {size}")
        values += unpack_from(data, offset)
        return offset + size

    return step


def _extents_step(run: list[Any]) -> _Step:
    readers = [field.read for field in run]

    def step(data: bytes, offset: int, end: int, values: list[Any]) -> int:
        for read in readers:
            value, offset = read(data, offset, end)
            values.append(value)
        return offset

    return step


def _sub_items_step(run: list[Any]) -> _Step:
    layouts = by_type(field.layout for field in run)
    picks = [(field.layout.item_type, field.pick) for field in run]

    def step(data: bytes, offset: int, end: int, values: list[Any]) -> int:
        items = read_items(data, offset, end, layouts)
        for wanted, pick in picks:
            values.append(pick([item for item_type, item in items if item_type == wanted]))
        return end

    return step


def _struct(run: list[Any]) -> Struct:
    return Struct(">" + "".join(field.code for field in run))


def _fixed_writer(run: list[Any]) -> Callable[[Any], bytes]:
    pack, names = _struct(run).pack, [field.name for field in run if field.name]
    return lambda item: pack(*[getattr(item, name) for name in names])


def _writer(run: list[Any]) -> Callable[[Any], bytes]:
    parts = [(field.name, field.write) for field in run]
    return lambda item: b"".join([write(getattr(item, name)) for name, write in parts])


_STEPS: Final = {"fixed": _fixed_step, "extents": _extents_step, "sub-items": _sub_items_step}
_WRITERS: Final = {"fixed": _fixed_writer, "extents": _writer, "sub-items": _writer}


# --- items -----------------------------------------------------------------------------------------------------------


class Layout:
    """One kind of item: its type, its name in error messages, and the value it holds."""

    def __init__(self, item_type: int, name: str, value: Value) -> None:
        self.item_type = item_type
        self.name = f"{name} ({item_type:02X}H)"
        self.record_class = value.record_class
        self.read = value.read
        self._write = value.write

    def encode(self, value: Any) -> bytes:
        """The whole item, header included; UsageError where a value does not fit its field."""
        try:
            content = self._write(value)
            return ITEM_HEADER.pack(self.item_type, len(content)) + content
        except (StructError, UnicodeEncodeError, TypeError, AttributeError) as error:
            raise UsageError(f"{self.name} cannot be encoded: {error}") from error


def by_type(layouts: Iterable[Layout]) -> dict[int, Layout]:
    return {layout.item_type: layout for layout in layouts}


def items_of(layouts: Iterable[Layout], encode: Callable[[Any], bytes]) -> Value:
    """Items of any of these layouts and unknown ones, in their order. `encode` knows which layout an item has."""
    known = by_type(layouts)

    def read(data: bytes, start: int, stop: int) -> list[Any]:
        return [item for _, item in read_items(data, start, stop, known)]

    return Value(read, lambda items: b"".join(map(encode, items)))


def read_items(data: bytes, offset: int, end: int, layouts: Mapping[int, Layout]) -> list[tuple[int, Any]]:
    """(type, item) of each item in data[offset:end], the extent of their parent. Unknown types are UnknownItem.

    Raises ProtocolError, naming the item and its offset in `data`, for a length that passes the parent's end.
    """
    items: list[tuple[int, Any]] = []
    while offset < end:
        start = offset + 4
        if start > end:
            raise ProtocolError(f"item at offset {offset}: its header is cut off")
        item_type, length = ITEM_HEADER.unpack_from(data, offset)
        stop = start + length
        layout = layouts.get(item_type)
        try:
            if stop > end:
                raise ProtocolError(f"length {length}, {end - start} bytes left in its parent")
            item = layout.read(data, start, stop) if layout else UnknownItem(item_type, data[start:stop])
            items.append((item_type, item))
        except ProtocolError as error:
            name = layout.name if layout else f"unknown item ({item_type:02X}H)"
            raise ProtocolError(f"{name} at offset {offset}: {error}", error.reason) from None
        offset = stop
    if len(items) > MAXIMUM_ITEMS:
        raise ProtocolError(f"{len(items)} items up to offset {end} in one parent, more than {MAXIMUM_ITEMS}")
    return items
