"""The built-in sink: instances to files, so that Success means what the durability setting says.

`Store` and `Incoming` are all that the rest of the pool needs. Names come from UIDs alone (`layout`), directories are
held open and made durable in `folders`, what has no final name yet is in `temporaries`.
"""

from pool.storage.store import Incoming, Store, Stored

__all__ = ["Incoming", "Store", "Stored"]
