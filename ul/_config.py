"""Switches of the whole library: `from ul import _config`, then set them before associations and servers are made.

Belongs here: what the API leaves to a program in this form and not as a setting of its AE. What other switches of this
name choose between, needs no choice here: files leave as they are and unread, and what is received goes to a file where
it is large and is at `event.dataset_path` in any case.
"""

from __future__ import annotations

# Accept every SOP class of storage, private and unknown ones too, in the first transfer syntax that is proposed; the
# storage contexts that an AE supports do not count then, those of other services do.
UNRESTRICTED_STORAGE_SERVICE: bool = False

# Refuse UIDs that break PS3.5 9.1 in contexts and roles of our own; otherwise only those of more than 64 characters.
ENFORCE_UID_CONFORMANCE: bool = False

STORE_SEND_CHUNKED_DATASET: bool = True  # always so
STORE_RECV_CHUNKED_DATASET: bool = True  # always so
