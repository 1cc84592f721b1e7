"""A row of the table of settings: what is said of a setting besides its value, and the sections rows are shown in."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pool.config.binds import binds
from pool.config.networks import networks
from pool.config.peers import SEPARATOR as BETWEEN_PEERS
from pool.config.peers import peer_of_table, peers
from pool.config.values import ae_titles, password_source, switch

ENVIRONMENT_PREFIX: Final = "ULPOOL_"


@dataclass(frozen=True)
class Setting:
    """One row. `show` is the inverse of `parse`: a value goes to the workers as the text it could have come from."""

    name: str
    flags: tuple[str, ...]
    parse: Callable[[str], Any]
    show: Callable[[Any], str]
    default: str
    help: str
    metavar: str
    section: str
    restart: bool = False  # a reload cannot change it

    @property
    def environment_name(self) -> str:
        return ENVIRONMENT_PREFIX + self.name.upper()

    @property
    def flag(self) -> str:
        """The long flag, which messages name."""
        return self.flags[-1]

    @property
    def is_secret(self) -> bool:
        """What is given in its place by mistake may be a secret: nothing repeats it."""
        return self.parse is password_source

    @property
    def is_switch(self) -> bool:
        return self.parse is switch

    @property
    def is_list(self) -> bool:
        return self.parse in (binds, ae_titles, networks, peers)

    @property
    def separator(self) -> str:
        """What stands between the values of a list."""
        return BETWEEN_PEERS if self.parse is peers else ","

    @property
    def of_table(self) -> Callable[[Mapping[str, object]], str] | None:
        """Makes the text of a table of the TOML file, where a value may be written as one."""
        return peer_of_table if self.parse is peers else None

    @property
    def is_argument(self) -> bool:
        """It has no flag: on the command line it stands alone."""
        return not self.flag.startswith("-")


def setting(
    *flags: str,
    parse: Callable[[str], Any],
    default: str,
    help: str,
    section: str,
    metavar: str = "",
    show: Callable[[Any], str] = str,
    restart: bool = False,
) -> Any:
    row = {
        "flags": flags,
        "parse": parse,
        "show": show,
        "default": default,
        "help": help,
        "metavar": metavar,
        "section": section,
        "restart": restart,
    }
    return field(default_factory=functools.partial(parse, default), metadata=row)


APPLICATION: Final = "Application"
NETWORK: Final = "Network"
TLS: Final = "TLS"
STORAGE: Final = "Storage"
LIMITS: Final = "Limits"
TIMEOUTS: Final = "Timeouts (seconds)"
OPERATION: Final = "Operation"
SECTIONS: Final = (APPLICATION, NETWORK, TLS, STORAGE, LIMITS, TIMEOUTS, OPERATION)
