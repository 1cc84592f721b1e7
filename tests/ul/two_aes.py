"""AEs of one process: an SCP of what the tests need, an SCU, a C-MOVE's destination; what their handlers were told."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import peers
from pydicom import Dataset
from pydicom.data import get_testdata_file
from pydicom.uid import ExplicitVRLittleEndian

from ul import AE, Association, evt
from ul.evt import EventHandlerType
from ul.sop_class import CTImageStorage, MRImageStorage, PatientRootQueryRetrieveInformationModelFind, Verification
from ul.transport import ThreadedAssociationServer

CT = Path(str(get_testdata_file("CT_small.dcm")))


@contextmanager
def serving(
    handlers: list[EventHandlerType] | None = None, ae: AE | None = None, **arguments: Any
) -> Iterator[tuple[AE, int]]:
    """An SCP of everything the tests need, and its port; at the end nothing of it runs any more."""
    ae = ae or AE("SCP")
    for uid in (Verification, CTImageStorage, PatientRootQueryRetrieveInformationModelFind):
        ae.add_supported_context(uid, scu_role=True, scp_role=True)
    server = ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers or [], **arguments)
    assert isinstance(server, ThreadedAssociationServer)
    try:
        yield ae, server.server_address[1]
    finally:
        ae.shutdown()
        for thread in threading.enumerate():
            if isinstance(thread, Association):
                thread.join(peers.DEADLINE)
                assert not thread.is_alive()


def scu(*uids: str) -> AE:
    ae = AE("SCU")
    for uid in uids or (Verification, CTImageStorage):
        ae.add_requested_context(uid, ExplicitVRLittleEndian)
    return ae


def associated(port: int, ae: AE | None = None, **arguments: Any) -> Association:
    association = (ae or scu()).associate("127.0.0.1", port, **arguments)
    assert association.is_established
    return association


class Destination:
    """Where a C-MOVE sends to: an SCP that stores, and the data sets that came."""

    def __init__(self) -> None:
        self.data_sets: queue.Queue[Dataset] = queue.Queue()
        self.ae = AE("DESTINATION")
        for uid in (CTImageStorage, MRImageStorage):
            self.ae.add_supported_context(uid)
        server = self.ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, self.store)])
        assert server is not None
        self.port: int = server.server_address[1]

    def store(self, event: evt.Event) -> int:
        """A handler of EVT_C_STORE."""
        self.data_sets.put(event.dataset)
        return 0

    def taken(self) -> list[Dataset]:
        """What came since the last time."""
        return [self.data_sets.get() for _ in range(self.data_sets.qsize())]


class Told:
    """What handlers were told, in order."""

    def __init__(self) -> None:
        self.events: queue.Queue[evt.Event] = queue.Queue()

    def __call__(self, event: evt.Event) -> None:
        self.events.put(event)

    def next(self) -> evt.Event:
        return self.events.get(timeout=peers.DEADLINE)
