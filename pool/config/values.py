"""What a setting's text may say: a parser for each kind of value, and, where str is not it, the inverse.

Text -> value. A ValueError says what would do; `sources` adds where the text came from.
"""

from __future__ import annotations

import math
import re
import string
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, NamedTuple

from pool.cores import usable_cores

Address = tuple[str, int]

LAYOUT_FIELDS: Final = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
LONGEST_TIMEOUT: Final = 1_000_000.0  # seconds; past it epoll's milliseconds would overflow
LARGEST_PDU: Final = 0xFFFFFFFF  # the PDU-length field has four bytes (PS3.8 9.3.1)


def optional_address(text: str) -> Address | None:
    return address(text) if text else None


def show_optional_address(address: Address | None) -> str:
    return show_address(address) if address else ""


def address(text: str) -> Address:
    """HOST:PORT; an IPv6 host stands in brackets, an empty host means every IPv4 interface."""
    host, colon, port = text.rpartition(":")
    in_brackets = host.startswith("[") and host.endswith("]")
    if not colon or not (port.isascii() and port.isdigit()) or int(port) > 65535 or (":" in host and not in_brackets):
        raise ValueError("give HOST:PORT, such as 127.0.0.1:11112 or [::1]:11112, with a port from 0 to 65535")
    return (host[1:-1] if in_brackets else host) or "0.0.0.0", int(port)


def show_address(address: Address) -> str:
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def ae_title(text: str) -> str:
    """PS3.5 6.2, VR AE: 1 to 16 characters, spaces at the ends mean nothing, no backslash, no control characters."""
    title = text.strip(" ")
    if not 1 <= len(title) <= 16 or not (title.isascii() and title.isprintable()) or "\\" in title:
        raise ValueError("give an AE title of 1 to 16 ASCII characters without a backslash")
    return title


def ae_titles(text: str) -> tuple[str, ...]:
    """Comma separated AE titles; none where the text is empty."""
    return tuple(ae_title(part) for part in text.split(",")) if text.strip() else ()


def show_ae_titles(titles: Iterable[str]) -> str:
    return ",".join(titles)


def application(text: str) -> str:
    """MODULE:NAME as Python would import it; without a name it is `app`. Empty for no application."""
    module, colon, name = text.partition(":")
    parts = [*module.split("."), *(name.split(".") if colon else ())]
    if text and not all(part.isidentifier() for part in parts):
        raise ValueError("give MODULE:NAME, such as receiver:app for the app of receiver.py")
    return f"{module}:{name or 'app'}" if text else ""


def whole_number(low: int, high: int, *, or_zero: str = "") -> Callable[[str], int]:
    """A parser of whole numbers from `low` to `high`; `or_zero` says what 0 means where it is allowed too."""

    def parse(text: str) -> int:
        number = int(text) if text.isascii() and text.isdigit() else -1
        if not (low <= number <= high or (or_zero and number == 0)):
            raise ValueError(f"give a whole number from {low} to {high}" + (f", or 0 for {or_zero}" * bool(or_zero)))
        return number

    return parse


def worker_count(text: str) -> int:
    if text == "auto":
        return usable_cores()
    try:
        return whole_number(1, 1024)(text)
    except ValueError as error:
        raise ValueError(f"{error}, or auto for one per usable core") from None


def seconds(text: str) -> float:
    number = _float(text)
    if not 0 < number <= LONGEST_TIMEOUT:
        raise ValueError("give a number of seconds above 0, such as 30 or 0.5")
    return number


def seconds_or_at_once(text: str) -> float:
    if _float(text) == 0:
        return 0.0
    try:
        return seconds(text)
    except ValueError as error:
        raise ValueError(f"{error}, or 0 for at once") from None


def seconds_or_never(text: str) -> float | None:
    if _float(text) == 0:
        return None
    try:
        return seconds(text)
    except ValueError as error:
        raise ValueError(f"{error}, or 0 for no limit") from None


def show_seconds(value: float | None) -> str:
    return repr(value).removesuffix(".0") if value else "0"


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


_UNITS: Final = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_LARGEST_SIZE: Final = 1 << 60
_SIZE: Final = re.compile(r"(\d{1,19})\s*([KMGT]?)(?:i?B)?", re.ASCII | re.IGNORECASE)


def size(text: str) -> int:
    """Bytes; K, M, G and T are powers of 1024. 0 sets no limit."""
    match = _SIZE.fullmatch(text.strip())
    number = int(match[1]) * _UNITS[match[2].upper()] if match else -1
    if not 0 <= number <= _LARGEST_SIZE:
        raise ValueError("give a number of bytes, such as 65536, 512K or 2G, or 0 for no limit")
    return number


class Space(NamedTuple):
    """So much of a file system: bytes, or a share of it; 0 is none."""

    bytes: int = 0
    percent: float = 0.0

    def of(self, total: int) -> int:
        """Bytes, on a file system of `total` bytes."""
        return int(total * self.percent / 100) if self.percent else self.bytes


def space(text: str) -> Space:
    """A size, or a percentage of a file system."""
    if text.strip().endswith("%"):
        percent = _float(text.strip()[:-1])
        if 0 <= percent < 100:
            return Space(percent=percent)
    else:
        try:
            return Space(bytes=size(text))
        except ValueError:
            pass
    raise ValueError("give a size, such as 10G, or a percentage below 100, such as 5%, or 0 for no limit")


def show_space(value: Space) -> str:
    return f"{value.percent!r}%" if value.percent else str(value.bytes)


def choice(*names: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in names:
            raise ValueError(f"give {' or '.join(names) if len(names) < 3 else 'one of ' + ', '.join(names)}")
        return text

    return parse


def switch(text: str) -> bool:
    lower = text.lower()
    if lower not in ("true", "yes", "on", "1", "false", "no", "off", "0"):
        raise ValueError("give true or false")
    return lower in ("true", "yes", "on", "1")


def show_switch(value: bool) -> str:
    return "true" if value else "false"


def directory(text: str) -> Path:
    """Absolute from here on: what it is relative to must not change afterwards."""
    if not text or "\0" in text:
        raise ValueError("give a path")
    return Path.cwd() / Path(text).expanduser()


def optional_path(text: str) -> Path | None:
    return directory(text) if text else None


def show_optional_path(path: Path | None) -> str:
    return str(path or "")


def password_source(text: str) -> str:
    """Where a password is, in openssl's words; the password itself is no setting, and nothing shows it."""
    kind, colon, where = text.partition(":")
    if text and not (colon and where and kind in ("file", "env")):
        raise ValueError("give file:FILE or env:NAME, for the password itself would be seen in the list of processes")
    return f"file:{directory(where)}" if kind == "file" else text


def layout(text: str) -> str:
    """A template over the three UIDs; `flat` is short for one folder. Nothing a peer sends but UIDs becomes a name."""
    template = "{SOPInstanceUID}.dcm" if text == "flat" else text
    try:
        pieces = list(string.Formatter().parse(template))
    except ValueError:
        pieces = [("", None, None, None)]
    fields = [(name, spec or conversion) for _, name, spec, conversion in pieces if name is not None]
    parts = template.split("/")
    if (
        "SOPInstanceUID" not in [name for name, _ in fields]
        or any(name not in LAYOUT_FIELDS or extra for name, extra in fields)
        or any(part.startswith(".") or not part for part in parts)
        or not (template.isascii() and template.isprintable())
    ):
        raise ValueError(
            "give flat, or a relative path made of {StudyInstanceUID}, {SeriesInstanceUID} and {SOPInstanceUID}, the "
            "last one included, no part of it empty or beginning with a dot"
        )
    return template
