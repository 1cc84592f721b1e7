"""The DIMSE statuses that this library itself sends (PS3.7 Annex C, PS3.4 B.2.3)."""

from __future__ import annotations

from typing import Final

SUCCESS: Final = 0x0000
PROCESSING_FAILURE: Final = 0x0110
DUPLICATE_SOP_INSTANCE: Final = 0x0111
INVALID_SOP_INSTANCE: Final = 0x0117
UNRECOGNIZED_OPERATION: Final = 0x0211
OUT_OF_RESOURCES: Final = 0xA700
DATA_SET_DOES_NOT_MATCH_SOP_CLASS: Final = 0xA900
CANNOT_UNDERSTAND: Final = 0xC000

PENDING: Final = (0xFF00, 0xFF01)  # more responses follow
