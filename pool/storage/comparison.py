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


def may_hold(kept: os.stat_result, size: int) -> bool:
    """Whether a file may hold a data set of `size` bytes, by its kind and its own size: most versions need no look."""
    return stat.S_ISREG(kept.st_mode) and 0 <= kept.st_size - size <= LARGEST_PREFACE


def has_same_data_set(fd: int, offset: int, size: int, transfer_syntax_uid: str, kept_fd: int) -> bool:
    """Compares the `size` bytes at `offset` of `fd` with the data set of the DICOM file `kept_fd`."""
    kept = os.fstat(kept_fd)
    if not may_hold(kept, size):
        return False
    kept_offset = kept.st_size - size
    for done in range(0, size, COMPARED_TOGETHER):
        if os.pread(fd, COMPARED_TOGETHER, offset + done) != os.pread(kept_fd, COMPARED_TOGETHER, kept_offset + done):
            return False
    try:
        head = read_preface(os.pread(kept_fd, LARGEST_PREFACE, 0))
    except UsageError:
        return False
    return head.data_set_offset == kept_offset and head.transfer_syntax_uid == transfer_syntax_uid
