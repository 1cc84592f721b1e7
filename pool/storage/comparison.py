"""Whether a kept file holds the same instance: the same data set bytes in the same transfer syntax.

Group 0002 differs by sender and does not count. Neither of the two is ever in memory as a whole.
"""

from __future__ import annotations

import os
import stat
from typing import Final

from ul.errors import UsageError
from ul.wire.part10 import LARGEST_PREFACE, read_preface

COMPARED_TOGETHER: Final = 1 << 18  # bytes


def has_same_data_set(fd: int, offset: int, size: int, transfer_syntax_uid: str, kept_fd: int) -> bool:
    """Compares the `size` bytes at `offset` of `fd` with the data set of the DICOM file `kept_fd`."""
    kept = os.fstat(kept_fd)
    if not stat.S_ISREG(kept.st_mode) or not 0 <= kept.st_size - size <= LARGEST_PREFACE:
        return False
    try:
        preface = read_preface(os.pread(kept_fd, LARGEST_PREFACE, 0))
    except UsageError:
        return False
    kept_offset = preface.data_set_offset
    if preface.transfer_syntax_uid != transfer_syntax_uid or kept.st_size - kept_offset != size:
        return False
    return all(
        os.pread(fd, COMPARED_TOGETHER, offset + done) == os.pread(kept_fd, COMPARED_TOGETHER, kept_offset + done)
        for done in range(0, size, COMPARED_TOGETHER)
    )
