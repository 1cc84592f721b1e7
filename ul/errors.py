"""The one family of errors of `ul`. Only these escape the core, whatever a peer sends.

A message names what was wrong and where (item, offset); what it never holds is a value of a data set.
"""

from __future__ import annotations

from typing import Final

# PS3.8 Table 9-26: the reasons of an A-ABORT whose source is the service-provider.
REASON_NOT_SPECIFIED: Final = 0
UNRECOGNIZED_PDU: Final = 1
UNEXPECTED_PDU: Final = 2
UNRECOGNIZED_PDU_PARAMETER: Final = 4
UNEXPECTED_PDU_PARAMETER: Final = 5
INVALID_PDU_PARAMETER_VALUE: Final = 6


class ULError(Exception):
    """Base of every error that `ul` raises on its own account."""


class ProtocolError(ULError):
    """The peer broke the protocol.

    `reason` is what an A-ABORT from the service-provider carries for it (PS3.8 Table 9-26).
    """

    def __init__(self, message: str, reason: int = INVALID_PDU_PARAMETER_VALUE) -> None:
        super().__init__(message)
        self.reason = reason


class UsageError(ULError):
    """The local user asked for what the present state or the negotiation does not allow."""


class StatusError(ULError):
    """An operation failed with a DIMSE status: what the response tells the invoker (PS3.7 Annex C).

    `status` is the code, `comment` the Error Comment (0000,0902): at most 64 characters, no patient data.
    """

    def __init__(self, status: int, comment: str = "") -> None:
        super().__init__(f"{status:04X}H {comment}".rstrip())
        self.status = status
        self.comment = comment[:64]
