"""The same handlers on every core: `ulpool serve served:keep`."""

from __future__ import annotations

import handlers

from pool import Application
from ul import AE, StoragePresentationContexts, VerificationPresentationContexts, evt

ae = AE()
ae.supported_contexts = [*VerificationPresentationContexts, *StoragePresentationContexts]

keep = Application(ae, [(evt.EVT_C_STORE, handlers.keep)])
read = Application(ae, [(evt.EVT_C_STORE, handlers.read)])
