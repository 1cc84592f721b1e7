"""Memo: what the same bytes came to before. A modality sends the same request every time, and is answered the same.

Belongs here: how much is remembered. Not here: what it is. What is handed out of a memo is shared: to be read only.
"""

from __future__ import annotations

from typing import Final, TypeVar

_ENTRIES: Final = 64
_LONGEST: Final = (
    65536  # bytes of PDUs that a key stands for: 64 of them, all of the costliest items, come to some 50 MiB
)

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class Memo(dict[_Key, _Value]):
    """A dictionary that begins anew when it is full: threads that share it need no lock for that."""

    def keep(self, key: _Key, value: _Value, length: int) -> _Value:
        """Remember what PDUs of `length` bytes came to, unless they are longer than any that is usual; the value."""
        if length <= _LONGEST:
            if len(self) >= _ENTRIES:
                self.clear()
            self[key] = value
        return value
