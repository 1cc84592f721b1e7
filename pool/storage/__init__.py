"""The built-in sink: instances to files, so that Success means what the durability setting says.

`Store` and `Incoming` are all that the rest of the pool needs. Names come from UIDs alone (`layout`), directories are
held open and made durable in `folders`, what has no final name yet is in `temporaries`.
"""

from pool.config import Settings
from pool.storage.store import Incoming, Store, Stored
from ul.acse import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME

__all__ = ["Incoming", "Store", "Stored", "store_from"]


def store_from(settings: Settings) -> Store:
    """The store that the settings describe. Raises OSError where its directory cannot be written."""
    return Store(
        settings.output_directory,
        settings.layout,
        settings.durability,
        settings.on_duplicate,
        implementation_class_uid=IMPLEMENTATION_CLASS_UID,
        implementation_version_name=IMPLEMENTATION_VERSION_NAME,
    )
