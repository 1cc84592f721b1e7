"""What handlers ask of the association they are called for: operations, timeouts, its end."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from applications import Folder
from pydicom import Dataset
from pydicom.data import get_testdata_file
from requestor import CONTEXTS, CT, Requestor
from samples import INSTANCE, encoded

from ul import AE, build_role, evt
from ul.association import Association
from ul.dimse import BytesSource
from ul.pdu_primitives import AsynchronousOperationsWindowNegotiation, PresentationContextDefinition
from ul.sop_class import (
    CTImageStorage,
    ExplicitVRLittleEndian,
    ModalityPerformedProcedureStep,
    PatientRootQueryRetrieveInformationModelFind,
    PatientRootQueryRetrieveInformationModelGet,
    PatientRootQueryRetrieveInformationModelMove,
    StorageCommitmentPushModel,
    Verification,
)
from ul.status import SUCCESS

PATIENCE = 20.0
COMMITMENT = "1.2.840.10008.1.20.1.1"  # the well-known instance
WITH_COMMITMENT = (*CONTEXTS, PresentationContextDefinition(5, StorageCommitmentPushModel, [ExplicitVRLittleEndian]))
SUPPORTED = (
    *(Verification, CTImageStorage, ModalityPerformedProcedureStep, StorageCommitmentPushModel),
    PatientRootQueryRetrieveInformationModelFind,
    PatientRootQueryRetrieveInformationModelGet,
    PatientRootQueryRetrieveInformationModelMove,
)
# For any of them the requestor may have either role.
BOTH_ROLES = f"""
ae.supported_contexts = []
for uid in {SUPPORTED!r}:
    ae.add_supported_context(uid, scu_role=True, scp_role=True)

def reported(assoc, number):
    information = Dataset()
    information.TransactionUID = f"1.2.{{number}}"
    return assoc.send_n_event_report(information, number, "{StorageCommitmentPushModel}", "{COMMITMENT}", number)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def associated(port: int, *handlers: Any, ext_neg: Any = ()) -> Association:
    """An association on which either side has either role."""
    ae = AE("SCU")
    for uid in SUPPORTED:
        ae.add_requested_context(uid)
    roles = [build_role(uid, scu_role=True, scp_role=True) for uid in SUPPORTED]
    made = ae.associate("127.0.0.1", port, ext_neg=[*roles, *ext_neg], evt_handlers=handlers)
    assert made.is_established
    return made


def test_a_storage_commitment_is_reported_amid_the_action_and_after_it(folder: Folder) -> None:
    """With pynetdicom as the SCU: on the association that it asked on, as many SCPs do it."""
    theirs = pytest.importorskip("pynetdicom")
    source = (
        BOTH_ROLES
        + """
def action(event):
    status, reply = reported(event.assoc, 1)
    note(f"{status.Status} {reply.TransactionUID}")
    threading.Thread(target=afterwards, args=[event.assoc]).start()
    return 0x0000, None

def afterwards(assoc):
    status, reply = reported(assoc, 2)
    note(f"{status.Status} {reply.TransactionUID}")

app = pool.Application(ae, [(evt.EVT_N_ACTION, action)])
"""
    )
    told: list[tuple[int, str]] = []
    both = threading.Event()

    def report(event: Any) -> tuple[int, Dataset]:
        told.append((event.event_type, event.event_information.TransactionUID))
        if len(told) == 2:
            both.set()
        return 0, event.event_information

    ae = theirs.AE("SCU")
    ae.add_requested_context(StorageCommitmentPushModel)
    with folder.serving(source) as running:
        assoc = ae.associate("127.0.0.1", running.port, evt_handlers=[(theirs.evt.EVT_N_EVENT_REPORT, report)])
        assert assoc.is_established
        wanted = Dataset()
        wanted.TransactionUID = "1.2.3"
        status, _ = assoc.send_n_action(wanted, 1, StorageCommitmentPushModel, COMMITMENT)
        assert status.Status == SUCCESS
        assert both.wait(PATIENCE)
        assoc.release()
        assert running.terminate() == 0
    assert told == [(1, "1.2.1"), (2, "1.2.2")]
    assert folder.notes() == ["0 1.2.1", "0 1.2.2"]


def test_every_verb(folder: Folder) -> None:
    """The acceptor as SCU and as SCP of all services; its handler stands in for the program."""
    image = get_testdata_file("CT_small.dcm")
    models = dict(zip(("find", "get", "move"), SUPPORTED[-3:], strict=True))
    source = (
        BOTH_ROLES
        + f"""
import pydicom
IMAGE = {str(image)!r}
STEP = "{ModalityPerformedProcedureStep}"

def program(assoc):
    key = Dataset()
    key.QueryRetrieveLevel, key.PatientID = "PATIENT", "1CT1"
    note(["echo", assoc.send_c_echo().Status])
    note(["store", assoc.send_c_store(IMAGE).Status, assoc.send_c_store(pydicom.dcmread(IMAGE)).Status])
    note(["find", [(s.Status, d and d.PatientID) for s, d in assoc.send_c_find(key, "{models["find"]}")]])
    note(["get", [s.Status for s, d in assoc.send_c_get(key, "{models["get"]}")]])
    note(["move", [s.Status for s, d in assoc.send_c_move(key, "NOBODY", "{models["move"]}")]])
    endless = assoc.send_c_find(key, "{models["find"]}", msg_id=7, priority=1)
    first = next(endless)[0].Status
    assoc.send_c_cancel(7)
    note(["cancel", first, [s.Status for s, d in endless][-1]])
    note(["create", assoc.send_n_create(key, STEP, "1.2.3")[0].Status])
    note(["set", assoc.send_n_set(key, STEP, "1.2.3")[0].Status])
    note(["get", str(assoc.send_n_get([0x00100020], STEP, "1.2.3")[1].PatientID)])
    note(["action", assoc.send_n_action(key, 3, STEP, "1.2.3")[0].Status])
    note(["delete", assoc.send_n_delete(STEP, "1.2.3").Status])
    note(["report", reported(assoc, 5)[0].Status])
    assoc.release()
    assoc.join()
    note(["over", assoc.is_released, assoc.is_alive()])

def established(event):
    threading.Thread(target=program, args=[event.assoc]).start()

def on_store(event):
    note(["got", event.dataset.PatientID])
    return 0

app = pool.Application(ae, [(evt.EVT_ESTABLISHED, established), (evt.EVT_C_STORE, on_store)])
"""
    )

    def find(event: evt.Event) -> Iterator[Any]:
        if event.request.Priority == 1:
            while not event.is_cancelled:
                yield 0xFF00, event.identifier
            yield 0xFE00, None
            return
        yield 0xFF00, event.identifier

    def get(event: evt.Event) -> Iterator[Any]:
        from pydicom import dcmread

        yield 1
        yield 0xFF00, dcmread(image)

    def move(event: evt.Event) -> Iterator[Any]:
        yield None, None

    def same(event: evt.Event) -> tuple[int, Dataset]:
        answer = Dataset()
        answer.PatientID = "of " + event.request.msg_type
        return 0, answer

    n_events = (evt.EVT_N_CREATE, evt.EVT_N_SET, evt.EVT_N_GET, evt.EVT_N_ACTION, evt.EVT_N_EVENT_REPORT)
    handlers = [
        (evt.EVT_C_STORE, lambda event: 0xB000),
        (evt.EVT_C_FIND, find),
        (evt.EVT_C_GET, get),
        (evt.EVT_C_MOVE, move),
        *((event, same) for event in n_events),
        (evt.EVT_N_DELETE, lambda event: 0x0112),
    ]
    with folder.serving(source) as running:
        made = associated(running.port, *handlers)
        made.join(PATIENCE)
        assert made.is_released
        assert running.terminate() == 0
    assert folder.notes() == [
        str(note)
        for note in (
            ["echo", 0],
            ["store", 0xB000, 0xB000],
            ["find", [(0xFF00, "1CT1"), (0, None)]],
            ["got", "1CT1"],
            ["get", [0xFF00, 0]],
            ["move", [0xA801]],
            ["cancel", 0xFF00, 0xFE00],
            ["create", 0],
            ["set", 0],
            ["get", "of N-GET"],
            ["action", 0],
            ["delete", 0x0112],
            ["report", 0],
            ["over", True, False],
        )
    ]


@pytest.mark.parametrize("window", [1, 2])
def test_the_window_is_kept(folder: Folder, window: int) -> None:
    """Two threads ask at once; the second request leaves when the window has room for it."""
    source = (
        BOTH_ROLES
        + """
def report(assoc, number):
    note(reported(assoc, number)[0].Status)

def program(assoc):
    threads = [threading.Thread(target=report, args=[assoc, number]) for number in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assoc.release()

def established(event):
    threading.Thread(target=program, args=[event.assoc]).start()

handlers = [(evt.EVT_ESTABLISHED, established), (evt.EVT_ASYNC_OPS, lambda event: (0, 0))]
app = pool.Application(ae, handlers)
"""
    )
    at_work = 0
    most = 0
    done = threading.Barrier(window, timeout=PATIENCE)
    lock = threading.Lock()

    def report(event: evt.Event) -> tuple[int, None]:
        nonlocal at_work, most
        with lock:
            at_work += 1
            most = max(most, at_work)
        done.wait()
        with lock:
            at_work -= 1
        return 0, None

    with folder.serving(source) as running:
        windows = [AsynchronousOperationsWindowNegotiation(1, window)]
        made = associated(running.port, (evt.EVT_N_EVENT_REPORT, report), ext_neg=windows)
        made.join(PATIENCE)
        assert made.is_released
        assert running.terminate() == 0
    assert most == window
    assert folder.notes() == ["0", "0"]


# The association ends while a handler waits for a response

WAITS = (
    BOTH_ROLES
    + """
def ask(assoc):
    note("asks")
    status, reply = reported(assoc, 1)
    note(["empty", not status, reply])
    try:
        reported(assoc, 2)
    except RuntimeError as error:
        note(error)

def on_store(event):
    if event.message_id == 1:
        ask(event.assoc)
    else:  # have another thread do it
        asking = threading.Thread(target=ask, args=[event.assoc])
        asking.start()
        asking.join()
    return 0

app = pool.Application(ae, [(evt.EVT_C_STORE, on_store)])
"""
)


@pytest.mark.parametrize("how", ["abort", "release", "release, with a thread between", "silence", "kill"])
def test_no_response_is_waited_for_in_vain(folder: Folder, how: str) -> None:
    silent = ["--dimse-timeout", "1"] if how == "silence" else []
    with folder.serving(WAITS, *silent) as running:
        asked = Requestor(running.port, WITH_COMMITMENT)
        message_id = 2 if "thread" in how else 1
        asked.say(asked.store_request(INSTANCE, MessageID=message_id), BytesSource(encoded()), CT)
        asked.wait_for(lambda: asked.session.operations)  # the N-EVENT-REPORT; nobody answers it
        if how.startswith("release"):
            asked.release()
        elif how == "abort":
            asked.abort()
        elif how == "silence":
            asked.wait_for(lambda: asked.is_closed)
            assert "DIMSE timeout" in running.wait_for_log("association.closed")
        else:
            running.process.send_signal(2)
            assert running.process.wait(PATIENCE) == 0
        if how != "kill":
            assert running.terminate() == 0
        asked.close()
    notes = folder.notes()
    assert notes[:2] == ["asks", "['empty', True, None]"]
    assert notes[2] in (
        "there must be an established association before a DIMSE service can be used",
        "the association is over before the request could be sent",
    )


def test_what_was_not_accepted_or_cannot_be_encoded_is_said_at_once(folder: Folder) -> None:
    source = (
        BOTH_ROLES
        + """
def on_store(event):
    for send in (
        lambda: event.assoc.send_c_echo(),
        lambda: event.assoc.send_c_cancel(9),
        lambda: event.assoc.send_n_delete("1.2.3", "1.2.3"),
        lambda: event.assoc.send_c_get(Dataset(), "1.2.3"),
        lambda: event.assoc.join(),
        lambda: event.assoc.dul,
        lambda: event.assoc.start(),
        lambda: event.assoc.nothing,
    ):
        try:
            send()
        except Exception as error:
            note(f"{type(error).__name__}: {error}")
    return 0

app = pool.Application(ae, [(evt.EVT_C_STORE, on_store)])
"""
    )
    with folder.serving(source) as running, Requestor(running.port) as requestor:
        assert requestor.store(INSTANCE, encoded()).Status == SUCCESS
    assert folder.notes() == [
        "ValueError: no presentation context for 'Verification SOP Class' was accepted by the peer for the SCU role",
        "ValueError: no operation with message id 9 is under way: context_id or query_model is needed",
        "ValueError: no presentation context for '1.2.3' was accepted by the peer for the SCU role",
        "RuntimeError: the instances of a C-GET come to handlers of this association: invoke it on a thread",
        "RuntimeError: a handler cannot join the association that it is called for",
        "AttributeError: event.assoc.dul is not there under the pool: no association has a thread of its own",
        "AttributeError: event.assoc.start is not there under the pool: the worker began it, and runs it",
        "AttributeError: an association has no nothing",
    ]


# Timeouts


@pytest.mark.parametrize("response", ["A-ABORT", "A-RELEASE"])
def test_an_idle_association_ends_as_its_handler_says(folder: Folder, response: str) -> None:
    source = f"""
def established(event):
    assoc = event.assoc
    note([assoc.acse_timeout, assoc.dimse_timeout, assoc.network_timeout])
    assoc.network_timeout_response = "{response}"
    assoc.acse_timeout, assoc.dimse_timeout, assoc.network_timeout = 5, None, 0.1
    note([assoc.acse_timeout, assoc.dimse_timeout, assoc.network_timeout])

app = pool.Application(ae, [(evt.EVT_ESTABLISHED, established)])
"""
    with folder.serving(source) as running:
        requestor = Requestor(running.port)
        requestor.wait_for(lambda: requestor.is_closed)
        requestor.close()
        end = running.wait_for_log("association.closed")
        assert ("released" if response == "A-RELEASE" else "network idle timeout") in end
    assert folder.notes() == ["[30.0, 30.0, 60.0]", "[5, None, 0.1]"]


# Handlers that are bound while the association lasts


def test_handlers_bound_at_run_time(folder: Folder) -> None:
    source = """
def told(event):
    given = {"DATA": "data", "PDU": "pdu", "ACSE": "primitive", "FSM": "action"}[event.event.name.split("_")[1]]
    what = getattr(event, given)
    note(f"{event.event.name} {what if given == 'action' else len(what) if given == 'data' else type(what).__name__}")

names = ["DATA_RECV", "DATA_SENT", "PDU_RECV", "PDU_SENT", "ACSE_RECV", "ACSE_SENT", "FSM_TRANSITION"]

def on_echo(event):
    if event.message_id == 2:
        for name in names:
            event.assoc.bind(getattr(evt, f"EVT_{name}"), told)
    return 0

def on_store(event):
    event.assoc.unbind(evt.EVT_DATA_RECV, told)
    return 0

app = pool.Application(ae, [(evt.EVT_C_ECHO, on_echo), (evt.EVT_C_STORE, on_store)])
"""
    with folder.serving(source) as running:
        with Requestor(running.port) as bound, Requestor(running.port) as other:
            for _ in range(2):
                assert bound.echo() == SUCCESS
            assert other.echo() == SUCCESS
            assert bound.echo() == SUCCESS  # this one is told of
            assert bound.store(INSTANCE, encoded()).Status == SUCCESS
        running.wait_for_log("association.closed", 2)
        assert running.terminate() == 0
    notes = folder.notes()
    third = [
        *("EVT_DATA_RECV 80", "EVT_FSM_TRANSITION DT-2", "EVT_PDU_RECV P_DATA"),
        *("EVT_FSM_TRANSITION DT-1", "EVT_PDU_SENT P_DATA", "EVT_DATA_SENT 90"),
    ]
    begin = next(number for number, note in enumerate(notes) if note.startswith("EVT_DATA_RECV"))
    assert notes[begin : begin + 6] == third
    assert notes[-1] == "EVT_FSM_TRANSITION AR-5"
    assert "EVT_ACSE_RECV A_RELEASE" in notes and "EVT_ACSE_SENT A_RELEASE" in notes
