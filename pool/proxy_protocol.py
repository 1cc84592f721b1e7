"""The PROXY protocol, versions 1 and 2: the header that a balancer puts before a connection's first byte.

Bytes in, addresses out; no I/O. The clauses are those of HAProxy's doc/proxy-protocol.txt. Whose headers are believed,
and what becomes of a connection that has none, is `pool.worker.entrance`'s business.
"""

from __future__ import annotations

import functools
import re
import struct
from collections.abc import Collection, Iterator
from ipaddress import IPv4Address, IPv6Address
from typing import Final, NamedTuple

V1: Final = 1
V2: Final = 2

LONGEST_V1: Final = 107  # bytes, CRLF included (2.1)
LONGEST_V2: Final = 4096  # bytes, ours: the largest address block has 216, all that is registered as TLV fits too

_PREFIX_V1: Final = b"PROXY "
_SIGNATURE_V2: Final = b"\r\n\r\n\0\r\nQUIT\n"
_FIXED_V2: Final = struct.Struct(">12sBBH")
_LINE: Final = re.compile(r"PROXY (TCP[46]) ([^ %]+) ([^ %]+) (0|[1-9][0-9]{0,4}) (0|[1-9][0-9]{0,4})")

_LOCAL, _PROXY = 0x20, 0x21  # version and command (2.2)
_UNSPEC, _INET, _INET6, _UNIX = range(4)  # address families
_STREAM, _DGRAM = 1, 2
_ADDRESS_LENGTH: Final = {_UNSPEC: 0, _INET: 12, _INET6: 36, _UNIX: 216}
_CRC32C: Final = 0x03  # the type of the TLV with the checksum (2.2.3)


class Header(NamedTuple):
    """What a header says."""

    length: int  # bytes: what follows is the connection's own
    source: tuple[str, int] | None = None  # the client; None: the header names none, the socket's own address holds


class HeaderError(ValueError):
    """These bytes do not begin a PROXY header that is wanted."""


def parse(data: bytes, versions: Collection[int]) -> Header | None:
    """The header at the start of `data`; None as long as it is not whole. Raises HeaderError, as early as possible."""
    for version, start, read in ((V1, _PREFIX_V1, _parse_v1), (V2, _SIGNATURE_V2, _parse_v2)):
        if data[: len(start)] == start[: len(data)]:
            if data and version not in versions:
                raise HeaderError(f"a PROXY header of version {version}, which is not wanted here")
            return read(data) if len(data) >= len(start) else None
    raise HeaderError("no PROXY header")


def _parse_v1(data: bytes) -> Header | None:
    line, end, _ = data[:LONGEST_V1].partition(b"\r\n")
    if not end:
        if len(data) >= LONGEST_V1 or b"\n" in line or b"\r" in line[:-1]:
            raise HeaderError("PROXY header, version 1: no CRLF where it has to be")
        return None
    length = len(line) + len(end)
    if line.startswith(b"PROXY UNKNOWN") and line[13:14] in (b"", b" "):
        return Header(length)
    form = _LINE.fullmatch(line.decode("latin-1"))
    if form is None:
        raise HeaderError("PROXY header, version 1: not PROXY TCP4|TCP6 ADDRESS ADDRESS PORT PORT")
    family, source, destination, source_port, destination_port = form.groups()
    kind = IPv4Address if family == "TCP4" else IPv6Address
    try:
        host = str(kind(source))
        kind(destination)
    except ValueError:
        raise HeaderError(f"PROXY header, version 1: not an address of {family}") from None
    if int(source_port) > 65535 or int(destination_port) > 65535:
        raise HeaderError("PROXY header, version 1: a port above 65535")
    return Header(length, (host, int(source_port)))


def _parse_v2(data: bytes) -> Header | None:
    if len(data) < _FIXED_V2.size:
        return None
    _, command, kind, rest = _FIXED_V2.unpack_from(data)
    length = _FIXED_V2.size + rest
    family, transport = kind >> 4, kind & 15
    if command not in (_LOCAL, _PROXY):
        raise HeaderError(f"PROXY header, version 2: version and command {command:02X}H")
    if family not in _ADDRESS_LENGTH or transport > _DGRAM:
        raise HeaderError(f"PROXY header, version 2: address family and protocol {kind:02X}H")
    if length > LONGEST_V2:
        raise HeaderError(f"PROXY header, version 2: {length} bytes, more than {LONGEST_V2}")
    if command == _PROXY and rest < _ADDRESS_LENGTH[family]:
        raise HeaderError(f"PROXY header, version 2: {rest} bytes are too few for its addresses")
    if len(data) < length:
        return None
    if command == _LOCAL:  # "discard the protocol block including the family"
        return Header(length)
    _verify(data[:length], _FIXED_V2.size + _ADDRESS_LENGTH[family])
    return Header(length, _source(data, family) if transport == _STREAM else None)


def _source(data: bytes, family: int) -> tuple[str, int] | None:
    if family == _INET:
        host, port = struct.unpack_from(">4s4xH", data, _FIXED_V2.size)
        return str(IPv4Address(host)), port
    if family == _INET6:
        host, port = struct.unpack_from(">16s16xH", data, _FIXED_V2.size)
        return str(IPv6Address(host)), port
    return None


def _verify(header: bytes, offset: int) -> None:
    """Look through the TLVs, and hold the checksum against the header, where there is one."""
    for kind, start, end in _tlvs(header, offset):
        if kind != _CRC32C:
            continue
        blank = header[:start] + bytes(end - start) + header[end:]
        if end - start != 4 or crc32c(blank) != int.from_bytes(header[start:end], "big"):
            raise HeaderError("PROXY header, version 2: its checksum does not fit")


def _tlvs(header: bytes, offset: int) -> Iterator[tuple[int, int, int]]:
    """(type, start of the value, its end) of each."""
    while offset < len(header):
        if offset + 3 > len(header):
            raise HeaderError("PROXY header, version 2: a TLV goes past its end")
        kind, length = struct.unpack_from(">BH", header, offset)
        start, offset = offset + 3, offset + 3 + length
        if offset > len(header):
            raise HeaderError("PROXY header, version 2: a TLV goes past its end")
        yield kind, start, offset


def crc32c(data: bytes) -> int:
    """The checksum of RFC 4960, Appendix B."""
    table, value = _table(), 0xFFFFFFFF
    for byte in data:
        value = table[(value ^ byte) & 0xFF] ^ (value >> 8)
    return value ^ 0xFFFFFFFF


@functools.cache
def _table() -> tuple[int, ...]:
    def entry(value: int) -> int:
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        return value

    return tuple(map(entry, range(256)))
