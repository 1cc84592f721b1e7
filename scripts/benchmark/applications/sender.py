"""Send files: `sender.py LIBRARY PORT FOLDER`, timed from the association to its release."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from library import LIBRARY, NO_DELAY


def _send(ae: Any, port: int, paths: Sequence[Path]) -> int:
    """How many were not answered with Success."""
    association = ae.associate("127.0.0.1", port, evt_handlers=NO_DELAY)
    statuses = [association.send_c_store(path) for path in paths]
    association.release()
    return sum(not status or status.Status != 0x0000 for status in statuses)


def main() -> None:
    port, folder = int(sys.argv[2]), Path(sys.argv[3])
    paths = sorted(folder.iterdir())
    ae = LIBRARY.AE()
    ae.add_requested_context("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2.1")
    _send(ae, port, paths[:1])  # what is imported at the first use is not counted either
    begun, cpu = time.monotonic(), time.process_time()
    failures = _send(ae, port, paths)
    seconds, cpu = time.monotonic() - begun, time.process_time() - cpu
    json.dump({"seconds": seconds, "cpu": cpu, "failures": failures}, sys.stdout)


if __name__ == "__main__":
    main()
