"""Switches of the whole library: `from ul import _config`, then set them before associations and servers are made.

Belongs here: what the API leaves to a program in this form and not as a setting of its AE. The second half is there for
programs that read or set it: it says what is always so here, and setting it changes nothing.
"""

from __future__ import annotations

# Accept every SOP class of storage, private and unknown ones too, in the first transfer syntax that is proposed; the
# storage contexts that an AE supports do not count then, those of other services do.
UNRESTRICTED_STORAGE_SERVICE: bool = False

# Refuse UIDs that break PS3.5 9.1 in contexts and roles of our own; otherwise only those of more than 64 characters.
ENFORCE_UID_CONFORMANCE: bool = False

# Begin the threads of servers and associations, which handlers run on, with the context variables of the thread that
# made them: of `start_server` and `associate`.
PASS_CONTEXTVARS: bool = False

# --- always so -------------------------------------------------------------------------------------------------------

STORE_SEND_CHUNKED_DATASET: bool = True  # files leave as they are and unread
STORE_RECV_CHUNKED_DATASET: bool = True  # into a file where it is large, and at `event.dataset_path` in any case
USE_SHORT_DIMSE_AET: bool = True  # AE titles in commands are padded to an even length, no further
LOG_HANDLER_LEVEL: str = "none"  # no handlers of our own are bound for the log
LOG_REQUEST_IDENTIFIERS: bool = False  # what is looked for is the patient's affair
LOG_RESPONSE_IDENTIFIERS: bool = False
CODECS: tuple[str, ...] = ("latin-1",)  # of text in commands and negotiation: it takes every byte
VALIDATORS: dict[str, object] = {}  # titles and UIDs are checked where they are set
WINDOWS_TIMER_RESOLUTION: float | None = None  # nothing here ticks
