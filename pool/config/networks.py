"""Networks: what a setting may say of peers' addresses, and whether one of them is meant.

An IPv4 address that an IPv6 socket shows as ::ffff:10.0.0.1 is the IPv4 address it stands for.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

Network = IPv4Network | IPv6Network

_MAPPED_PREFIX: Final = 96  # bits of ::ffff:0:0/96


def networks(text: str) -> tuple[Network, ...]:
    """Comma separated addresses and CIDR blocks; none where the text is empty."""
    return tuple(network(part.strip()) for part in text.split(",")) if text.strip() else ()


def network(text: str) -> Network:
    """One address or CIDR block."""
    try:
        found = ip_network(text)
    except ValueError as error:
        reason = str(error) if "host bits" in str(error) else f"{text!r} is no address"
        raise ValueError(f"{reason}; give addresses or networks, such as 192.168.0.7, 10.0.0.0/8 or fd00::/8") from None
    mapped = getattr(found.network_address, "ipv4_mapped", None)
    if mapped is None or found.prefixlen < _MAPPED_PREFIX:
        return found
    return IPv4Network((mapped, found.prefixlen - _MAPPED_PREFIX))  # as addresses are compared


def show_networks(networks: Iterable[Network]) -> str:
    return ",".join(map(str, networks))


def is_in(host: str, networks: Iterable[Network]) -> bool:
    """Whether the address `host` is in one of `networks`."""
    address = _address(host)
    if address is not None:
        for network in networks:  # any() would cost as much again: this is asked for every association
            if address in network:
                return True
    return False


@functools.lru_cache(4096)
def plain_host(host: str) -> str:
    """`host` as it is counted: one text for one address."""
    return str(_address(host) or host)


@functools.lru_cache(4096)
def _address(host: str) -> IPv4Address | IPv6Address | None:
    """None for what is no address of the Internet, such as a local socket's."""
    try:
        address = ip_address(host)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
