"""Where to listen: addresses, each with what is different there."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from pool.config.values import address, ae_title, show_address

_FORM: Final = re.compile(r"(?:(?P<title>.*)@)?(?P<address>[^@+]*)(?:\+(?P<transport>tls|plain))?", re.DOTALL)


class Bind(NamedTuple):
    """An address to listen on."""

    host: str
    port: int
    ae_title: str = ""  # whoever connects here has to call us by it; empty: the rules for --aet hold
    tls: bool | None = None  # None: as --tls-cert says


def binds(text: str) -> tuple[Bind, ...]:
    """[AET@]HOST:PORT[+tls|+plain], comma separated."""
    return tuple(_bind(part.strip()) for part in text.split(","))


def _bind(text: str) -> Bind:
    form = _FORM.fullmatch(text)
    if form is None:
        raise ValueError("give [AET@]HOST:PORT[+tls|+plain], such as 0.0.0.0:104 or ARCHIVE@0.0.0.0:2762+tls")
    title, transport = form["title"], form["transport"]
    tls = None if transport is None else transport == "tls"
    return Bind(*address(form["address"]), "" if title is None else ae_title(title), tls)


def show_binds(binds: Iterable[Bind]) -> str:
    return ",".join(map(show_bind, binds))


def show_bind(bind: Bind) -> str:
    title = f"{bind.ae_title}@" if bind.ae_title else ""
    transport = "" if bind.tls is None else "+tls" if bind.tls else "+plain"
    return f"{title}{show_address((bind.host, bind.port))}{transport}"
