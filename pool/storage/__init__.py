"""The built-in sink: instances to files, so that Success means what the durability setting says.

`Store` and `Incoming` are all that the rest of the pool needs. Names come from UIDs alone (`layout`), directories are
held open and made durable in `folders`, temporaries of file systems without O_TMPFILE live in `partial`.
"""

from pool.storage.store import Incoming, Store, Stored

__all__ = ["Incoming", "Store", "Stored"]
