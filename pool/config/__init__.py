"""The settings of the server: what values may be (`values`), the table (`settings`), and who says so (`sources`).

What does not belong here: opening sockets, directories or logs.
"""

from pool.config.settings import ENVIRONMENT_PREFIX, SECTIONS, SETTINGS, Setting, Settings
from pool.config.sources import SettingError, read_file, resolve
from pool.config.values import (
    LAYOUT_FIELDS,
    LONGEST_TIMEOUT,
    Address,
    ae_title,
    seconds,
    seconds_or_never,
    show_address,
    show_addresses,
)

__all__ = [
    "ENVIRONMENT_PREFIX",
    "LAYOUT_FIELDS",
    "LONGEST_TIMEOUT",
    "SECTIONS",
    "SETTINGS",
    "Address",
    "Setting",
    "SettingError",
    "Settings",
    "ae_title",
    "read_file",
    "resolve",
    "seconds",
    "seconds_or_never",
    "show_address",
    "show_addresses",
]
