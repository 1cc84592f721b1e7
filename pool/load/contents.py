"""Contents: what an instance consists of behind its head, read in views and never copied, however much it is.

A file is mapped. The pixels of synthetic instances are a block of random bytes, again and again where there are more of
them than it has: a generator that sends gigabytes is no larger than one that sends kilobytes.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Final

LARGEST_PIECE: Final = 1 << 20  # bytes that are seen as one view
PERIOD: Final = 8 << 20  # bytes: more than a compressor looks back

_EMPTY: Final = memoryview(b"")


class Contents:
    """`length` bytes: the block, or where they are more, its first PERIOD bytes again and again."""

    __slots__ = ("_block", "_length", "_period")

    def __init__(self, block: memoryview, length: int | None = None) -> None:
        self._block = block
        self._length = len(block) if length is None else length
        # Else a piece would be short of what it is asked for, or nothing, and its reader would never come to the end.
        assert self._length <= len(block) or len(block) >= PERIOD + LARGEST_PIECE, (self._length, len(block))
        self._period = PERIOD if self._length > len(block) else max(len(block), 1)

    def __len__(self) -> int:
        return self._length

    def piece(self, begin: int, size: int) -> memoryview:
        """So many bytes from there on, or LARGEST_PIECE, or as many as there are."""
        size = min(size, LARGEST_PIECE, self._length - begin)
        begin %= self._period
        return self._block[begin : begin + size] if size > 0 else _EMPTY

    def __iter__(self) -> Iterator[memoryview]:
        """All of them, piece by piece."""
        return (self.piece(begin, LARGEST_PIECE) for begin in range(0, self._length, LARGEST_PIECE))


def random_block(seed: int, length: int) -> memoryview:
    """What `length` random bytes can be made of; a piece that begins in the last of a period goes on in the first."""
    drawn = random.Random(seed)
    block = bytearray()
    while len(block) < min(length, PERIOD):
        block += drawn.randbytes(LARGEST_PIECE)
    return memoryview(bytes(block[:length] if length <= PERIOD else block + block[:LARGEST_PIECE]))
