"""The PROXY header: the specification's own bytes, every cut of them, and everything that is nearly one."""

from __future__ import annotations

import socket
import struct
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pool.proxy_protocol import LONGEST_V1, LONGEST_V2, V1, V2, Header, HeaderError, crc32c, parse

BOTH = (V1, V2)
SIGNATURE = bytes.fromhex("0D0A0D0A000D0A515549540A")

hosts4 = st.integers(0, 2**32 - 1).map(IPv4Address).map(str)
hosts6 = st.integers(0, 2**128 - 1).map(IPv6Address).map(str)
ports = st.integers(0, 65535)
tails = st.binary(max_size=50)


def v2(command: int, kind: int, block: bytes) -> bytes:
    return SIGNATURE + struct.pack(">BBH", command, kind, len(block)) + block


def tlv(kind: int, value: bytes) -> bytes:
    return struct.pack(">BH", kind, len(value)) + value


INET = bytes([192, 0, 2, 7, 198, 51, 100, 1]) + struct.pack(">HH", 56324, 104)


@pytest.mark.parametrize(
    ("data", "header"),
    [
        # 2.1, with its example and its longest lines
        (b"PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n", Header(47, ("192.168.0.1", 56324))),
        (b"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", Header(56, ("255.255.255.255", 65535))),
        (b"PROXY TCP6 " + b"ffff:" * 7 + b"ffff " + b"ffff:" * 7 + b"ffff 65535 65535\r\n", None),
        (b"PROXY TCP6 ::1 ::1 1 0\r\n", Header(24, ("::1", 1))),
        (b"PROXY UNKNOWN\r\n", Header(15)),
        (b"PROXY UNKNOWN " + b"ffff:" * 7 + b"ffff " + b"ffff:" * 7 + b"ffff 65535 65535\r\n", Header(107)),
        (b"PROXY UNKNOWN whatever \xff\r\n", Header(26)),
        # 2.2
        (v2(0x20, 0x00, b""), Header(16)),
        (v2(0x20, 0x11, INET), Header(28)),  # "discard the protocol block including the family"
        (v2(0x20, 0xFF & 0x21, bytes(100)), Header(116)),
        (v2(0x21, 0x00, b""), Header(16)),
        (v2(0x21, 0x11, INET), Header(28, ("192.0.2.7", 56324))),
        (v2(0x21, 0x12, INET), Header(28)),
        (v2(0x21, 0x21, bytes(15) + b"\1" + bytes(16) + struct.pack(">HH", 5, 6)), Header(52, ("::1", 5))),
        (v2(0x21, 0x31, bytes(216)), Header(232)),
        (v2(0x21, 0x11, INET + tlv(4, bytes(9)) + tlv(5, b"unique")), Header(28 + 12 + 9, ("192.0.2.7", 56324))),
    ],
)
def test_headers(data: bytes, header: Header | None) -> None:
    expected = header or Header(len(data), (":".join(["ffff"] * 8), 65535))
    for cut in range(len(data)):
        assert parse(data[:cut], BOTH) is None
    assert parse(data, BOTH) == parse(data + b"\x01\0and more\r\n", BOTH) == expected
    assert expected.length == len(data)


@pytest.mark.parametrize(
    "data",
    [
        b"\x01\0\0\0\0\xcd",  # an A-ASSOCIATE-RQ
        b"\x16\x03\x01",  # a TLS handshake
        b"PROXY TCP5 1.2.3.4 1.2.3.4 1 2\r\n",
        b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n",
        b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r \n",
        b"PROXY TCP4  1.2.3.4 1.2.3.4 1 2\r\n",
        b"PROXY TCP4 01.2.3.4 1.2.3.4 1 2\r\n",
        b"PROXY TCP4 1.2.3 1.2.3.4 1 2\r\n",
        b"PROXY TCP4 ::1 ::1 1 2\r\n",
        b"PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n",
        b"PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n",
        b"PROXY TCP4 1.2.3.4 1.2.3.4 65536 2\r\n",
        b"PROXY TCP4 1.2.3.4 1.2.3.4 1 99999\r\n",
        b"PROXY TCP4 1.2.3.4 1.2.3.4 \xb2 2\r\n",
        b"PROXY UNKNOWNS\r\n",
        b"PROXY " + b"x" * LONGEST_V1,
        v2(0x10, 0x11, INET),
        v2(0x22, 0x11, INET),
        v2(0x21, 0x41, bytes(300)),
        v2(0x21, 0x13, INET),
        v2(0x21, 0x11, INET[:-1]),
        v2(0x21, 0x21, bytes(35)),
        v2(0x21, 0x31, bytes(215)),
        v2(0x21, 0x11, INET + b"\4\0"),
        v2(0x21, 0x11, INET + b"\4\0\5abcd"),
        v2(0x20, 0x00, bytes(LONGEST_V2 - 15)),
        v2(0x21, 0x11, INET + tlv(3, bytes(4))),
        v2(0x21, 0x11, INET + tlv(3, bytes(3))),
    ],
)
def test_what_is_none(data: bytes) -> None:
    with pytest.raises(HeaderError):
        parse(data, BOTH)


def test_a_version_that_is_not_wanted() -> None:
    with pytest.raises(HeaderError, match="version 1, which is not wanted"):
        parse(b"PROXY UNKNOWN\r\n", (V2,))
    with pytest.raises(HeaderError, match="version 2, which is not wanted"):
        parse(v2(0x20, 0, b""), (V1,))
    with pytest.raises(HeaderError, match="not wanted"):
        parse(b"P", (V2,))


def test_the_checksum() -> None:
    assert crc32c(b"123456789") == 0xE3069283  # the check value of CRC-32C
    blank = v2(0x21, 0x11, INET + tlv(3, bytes(4)) + tlv(4, b"x"))
    signed = v2(0x21, 0x11, INET + tlv(3, struct.pack(">L", crc32c(blank))) + tlv(4, b"x"))
    assert parse(signed, BOTH) == Header(len(signed), ("192.0.2.7", 56324))
    with pytest.raises(HeaderError, match="checksum"):
        parse(signed[:-1] + b"y", BOTH)


@given(hosts4, hosts4, ports, ports, tails)
def test_any_ipv4_client(source: str, destination: str, port: int, other: int, tail: bytes) -> None:
    line = f"PROXY TCP4 {source} {destination} {port} {other}\r\n".encode()
    assert parse(line + tail, BOTH) == Header(len(line), (source, port))
    block = socket.inet_aton(source) + socket.inet_aton(destination) + struct.pack(">HH", port, other)
    binary = v2(0x21, 0x11, block)
    assert parse(binary + tail, BOTH) == Header(28, (source, port))


@given(hosts6, ports)
def test_any_ipv6_client(source: str, port: int) -> None:
    line = f"PROXY TCP6 {source} ::1 {port} 1\r\n".encode()
    assert parse(line, BOTH) == Header(len(line), (source, port))
    binary = v2(0x21, 0x21, socket.inet_pton(socket.AF_INET6, source) + bytes(16) + struct.pack(">HH", port, 1))
    assert parse(binary, BOTH) == Header(52, (source, port))


whole = st.sampled_from(
    [b"PROXY TCP4 1.2.3.4 5.6.7.8 9 10\r\n", v2(0x21, 0x11, INET + tlv(5, b"abc")), v2(0x20, 0, b""), b""]
)


@given(whole, st.binary(max_size=300), st.integers(0, 40), st.binary(max_size=4))
def test_anything_else_is_a_header_or_an_error_and_never_waits_for_ever(
    start: bytes, tail: bytes, position: int, spoilt: bytes
) -> None:
    data = start[:position] + spoilt + start[position + len(spoilt) :] + tail
    try:
        header = parse(data, BOTH)
    except HeaderError:
        return
    if header is None:
        longest = LONGEST_V1 if data.startswith(b"P") else LONGEST_V2
        assert len(data) < longest
    else:
        assert header.length <= len(data)
