"""Associate with all storage contexts and release, one after the other: `requestor.py LIBRARY PORT SECONDS COUNT`."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from library import LIBRARY, NO_DELAY


def _visit(ae: Any, port: int) -> bool:
    """Whether every context was accepted."""
    association = ae.associate("127.0.0.1", port, evt_handlers=NO_DELAY)
    accepted = len(association.accepted_contexts) == len(ae.requested_contexts)
    association.release()
    return accepted


def main() -> None:
    port, seconds, count = int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
    ae = LIBRARY.AE()
    ae.requested_contexts = LIBRARY.StoragePresentationContexts
    failures, latencies = 0, list[int]()
    _visit(ae, port)  # what is imported at the first use is not counted
    begun = time.monotonic()
    while time.monotonic() < begun + seconds and len(latencies) + failures < count:
        start = time.monotonic_ns()
        if _visit(ae, port):
            latencies.append(time.monotonic_ns() - start)
        else:
            failures += 1
    json.dump({"seconds": time.monotonic() - begun, "failures": failures, "latencies": latencies}, sys.stdout)


if __name__ == "__main__":
    main()
