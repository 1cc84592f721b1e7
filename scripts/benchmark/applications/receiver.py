"""A receiver of one process: `receiver.py LIBRARY HANDLER PORT`, until it is killed."""

from __future__ import annotations

import sys

import handlers
from library import LIBRARY, NO_DELAY, evt

MANY = 1000  # associations at a time


def main() -> None:
    handler, port = getattr(handlers, sys.argv[2]), int(sys.argv[3])
    ae = LIBRARY.AE()
    ae.maximum_associations = MANY
    ae.supported_contexts = [*LIBRARY.VerificationPresentationContexts, *LIBRARY.StoragePresentationContexts]
    ae.start_server(("127.0.0.1", port), evt_handlers=[(evt.EVT_C_STORE, handler), *NO_DELAY])


if __name__ == "__main__":
    main()
