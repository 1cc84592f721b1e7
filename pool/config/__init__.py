"""The settings of the server: what values may be (`values`), the table (`settings`), and who says so (`sources`).

What does not belong here: opening sockets, directories or logs.
"""

from pool.config.binds import Bind, show_bind, show_binds
from pool.config.networks import Network, is_in, plain_host
from pool.config.peers import KnownPeer
from pool.config.rows import ENVIRONMENT_PREFIX, SECTIONS, Setting
from pool.config.settings import SETTINGS, Settings
from pool.config.sources import SettingError, read_file, resolve
from pool.config.values import (
    LAYOUT_FIELDS,
    LONGEST_TIMEOUT,
    Address,
    Space,
    ae_title,
    password_source,
    seconds,
    seconds_or_never,
    show_address,
)

__all__ = [
    "ENVIRONMENT_PREFIX",
    "LAYOUT_FIELDS",
    "LONGEST_TIMEOUT",
    "SECTIONS",
    "SETTINGS",
    "Address",
    "Bind",
    "KnownPeer",
    "Network",
    "Setting",
    "SettingError",
    "Settings",
    "Space",
    "ae_title",
    "is_in",
    "password_source",
    "plain_host",
    "read_file",
    "resolve",
    "seconds",
    "seconds_or_never",
    "show_address",
    "show_bind",
    "show_binds",
]
