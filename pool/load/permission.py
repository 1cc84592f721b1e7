"""Whom load may be put on: this machine, whoever the allow-list names, and anybody when somebody says so each time.

The allow-list is a file that a person writes: an address, or a network such as 10.1.2.0/24, per line; # begins a
comment. It is judged by the numeric address that is connected to, never by a name, which may point elsewhere tomorrow.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

SYSTEM_LIST: Final = Path("/etc/ulpool/load-allow")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class AllowListError(ValueError):
    """A line of an allow-list is no address and no network."""


def allow_lists(environ: Mapping[str, str]) -> tuple[Path, ...]:
    """Where allow-lists are looked for: the user's, then the system's."""
    home = environ.get("XDG_CONFIG_HOME") or Path(environ.get("HOME", "/"), ".config")
    return Path(home, "ulpool", "load-allow"), SYSTEM_LIST


def is_permitted(host: str, lists: Iterable[Path]) -> bool:
    """Whether load may be put on a numeric address without being told so. Raises AllowListError, and OSError."""
    address = ipaddress.ip_address(host.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return address.is_loopback or any(address in network for path in lists for network in _networks(path))


def _networks(path: Path) -> Iterable[Network]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return
    for number, line in enumerate(lines, 1):
        text = line.partition("#")[0].strip()
        if not text:
            continue
        try:
            yield ipaddress.ip_network(text)
        except ValueError as error:
            raise AllowListError(f"{path}, line {number}: {error}; give an address, or a network") from None


def advice(environ: Mapping[str, str]) -> str:
    """How to be permitted."""
    mine = allow_lists(environ)[0]
    return f"say --yes-really if it may be put under load, or write its address into {mine} or {SYSTEM_LIST}"
