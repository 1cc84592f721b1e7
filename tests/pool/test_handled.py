"""Handlers of negotiation, of queries and of several operations at a time, under a pool of one worker."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from applications import Folder
from pydicom import Dataset
from pydicom.data import get_testdata_file
from requestor import Requestor
from samples import INSTANCE, encoded
from serving import RunningServer

from ul import AE, build_role, evt
from ul.association import Association
from ul.dimse import BytesSource
from ul.pdu_primitives import AsynchronousOperationsWindowNegotiation, UserIdentityNegotiation
from ul.sop_class import (
    CTImageStorage,
    ModalityWorklistInformationFind,
    PatientRootQueryRetrieveInformationModelGet,
    Verification,
)
from ul.status import SUCCESS

Serve = Callable[[str], AbstractContextManager[RunningServer]]


@pytest.fixture
def serve(tmp_path: Path) -> Serve:
    return Folder(tmp_path).serving


def associate(port: int, *contexts: str, ext_neg: list[object] | None = None) -> Association:
    ae = AE("SCU")
    for context in contexts:
        ae.add_requested_context(context)
    return ae.associate("127.0.0.1", port, ext_neg=ext_neg)  # type: ignore[arg-type]


# Negotiation


@pytest.mark.parametrize("how", ["assoc.acse.send_reject(1, 1, 3)", "assoc.abort()"])
def test_a_handler_of_the_request_comes_before_any_answer(serve: Serve, how: str) -> None:
    source = f"""
    def requested(event):
        assoc = event.assoc
        if assoc.requestor.ae_title == "SCU":
            {how}

    app = pool.Application(ae, [(evt.EVT_REQUESTED, requested)])
    """
    with serve(source) as running:
        refused = associate(running.port, Verification)
        assert (refused.is_rejected, refused.is_aborted) == ("reject" in how, "abort" in how)
        with Requestor(running.port, calling_ae_title="OTHER") as other:
            assert other.echo() == SUCCESS


def test_user_identity(serve: Serve) -> None:
    source = """
    def user(event):
        note(f"{event.user_id_type} {event.primary_field} {event.secondary_field}")
        return event.secondary_field == b"right", b"ticket"

    app = pool.Application(ae, [(evt.EVT_USER_ID, user)])
    """
    with serve(source) as running:
        welcome = associate(running.port, Verification, ext_neg=[UserIdentityNegotiation(2, True, b"me", b"right")])
        assert welcome.is_established
        identity = welcome.acceptor.user_identity
        assert identity is not None and identity.server_response == b"ticket"
        welcome.release()
        assert associate(
            running.port, Verification, ext_neg=[UserIdentityNegotiation(2, True, b"me", b"wrong")]
        ).is_rejected


def test_several_operations_at_a_time(serve: Serve) -> None:
    source = """
    second = threading.Event()

    def on_store(event):
        if event.message_id == 1:
            assert second.wait(20)
        else:
            second.set()
        return 0

    app = pool.Application(ae, [(evt.EVT_C_STORE, on_store), (evt.EVT_ASYNC_OPS, lambda event: (2, 1))])
    """
    with serve(source) as running:
        window = AsynchronousOperationsWindowNegotiation(5, 1)
        with Requestor(running.port, extended=[window]) as requestor:
            assert requestor.negotiated is not None and requestor.negotiated.may_invoke == 2
            for uid in (INSTANCE, "1.2.3"):
                requestor.say(requestor.store_request(uid), BytesSource(encoded(uid)))
            requestor.wait_for(lambda: len(requestor.responses) == 2)
            assert [response.MessageIDBeingRespondedTo for response in requestor.responses] == [2, 1]
            assert {response.Status for response in requestor.responses} == {SUCCESS}


# Queries


def test_a_generator_runs_on_one_thread(serve: Serve, tmp_path: Path) -> None:
    source = """
    def find(event):
        try:
            for number in range(3):
                note(f"{threading.get_ident()}")
                ds = Dataset()
                ds.PatientID = str(number)
                yield 0xFF00, ds
        finally:
            note(f"{threading.get_ident()}")

    app = pool.Application(ae, [(evt.EVT_C_FIND, find)])
    """
    with serve(source) as running:
        association = associate(running.port, ModalityWorklistInformationFind)
        answers = list(association.send_c_find(Dataset(), ModalityWorklistInformationFind))
        association.release()
    assert [status.Status for status, _ in answers] == [0xFF00, 0xFF00, 0xFF00, SUCCESS]
    assert [found.PatientID for _, found in answers[:-1]] == ["0", "1", "2"]
    notes = (tmp_path / "notes").read_text().splitlines()
    assert len(notes) == 4 and len(set(notes)) == 1


def test_a_cancel_is_seen_and_a_peer_that_does_not_read_stops_the_handler(serve: Serve, tmp_path: Path) -> None:
    source = """
    def find(event):
        number = 0
        while not event.is_cancelled:
            number += 1
            ds = Dataset()
            ds.PatientComments = "x" * 10000
            yield 0xFF00, ds
        note(number)
        yield 0xFE00, None

    app = pool.Application(ae, [(evt.EVT_C_FIND, find)])
    """
    with serve(source) as running:
        association = associate(running.port, ModalityWorklistInformationFind)
        answers = association.send_c_find(Dataset(), ModalityWorklistInformationFind, msg_id=7)
        assert next(answers)[0].Status == 0xFF00
        association.send_c_cancel(7, query_model=ModalityWorklistInformationFind)
        assert [status.Status for status, _ in answers][-1] == 0xFE00
        association.release()
    assert int((tmp_path / "notes").read_text()) >= 1


def test_the_messages_of_an_association_are_told(serve: Serve, tmp_path: Path) -> None:
    source = """
    def told(event):
        note(f"{event.event} {event.message.type.name}")

    app = pool.Application(ae, [(evt.EVT_DIMSE_RECV, told), (evt.EVT_DIMSE_SENT, told)])
    """
    with serve(source) as running, Requestor(running.port) as requestor:
        assert requestor.echo() == SUCCESS
        assert requestor.store(INSTANCE, encoded()).Status == 0xC211
        requestor.release()
        running.wait_for_log("association.closed")
        assert running.terminate() == 0
    assert (tmp_path / "notes").read_text().splitlines() == [
        "EVT_DIMSE_RECV C-ECHO-RQ",
        "EVT_DIMSE_SENT C-ECHO-RSP",
        "EVT_DIMSE_RECV C-STORE-RQ",
        "EVT_DIMSE_SENT C-STORE-RSP",
    ]


def test_the_sub_operations_of_a_retrieval_are_told(serve: Serve, tmp_path: Path) -> None:
    source = f"""
import pydicom
from ul.sop_class import CTImageStorage, PatientRootQueryRetrieveInformationModelGet as GET
ae.add_supported_context(GET)
ae.add_supported_context(CTImageStorage, scu_role=False, scp_role=True)

def told(event):
    note(f"{{event.event}} {{event.message.type.name}}")

def get(event):
    yield 1
    yield 0xFF00, pydicom.dcmread({str(get_testdata_file("CT_small.dcm"))!r})

app = pool.Application(ae, [(evt.EVT_C_GET, get), (evt.EVT_DIMSE_RECV, told), (evt.EVT_DIMSE_SENT, told)])
"""
    model = PatientRootQueryRetrieveInformationModelGet
    with serve(source) as running:
        ae = AE("SCU")
        for uid in (model, CTImageStorage):
            ae.add_requested_context(uid)
        roles = [build_role(CTImageStorage, scp_role=True)]
        stored = (evt.EVT_C_STORE, lambda event: 0)
        association = ae.associate("127.0.0.1", running.port, ext_neg=roles, evt_handlers=[stored])  # type: ignore[arg-type]
        answers = [status.Status for status, _ in association.send_c_get(Dataset(), model)]
        association.release()
        assert running.terminate() == 0
    assert answers == [0xFF00, 0]
    assert (tmp_path / "notes").read_text().splitlines() == [
        "EVT_DIMSE_RECV C-GET-RQ",
        "EVT_DIMSE_SENT C-STORE-RQ",
        "EVT_DIMSE_RECV C-STORE-RSP",
        "EVT_DIMSE_SENT C-GET-RSP",
        "EVT_DIMSE_SENT C-GET-RSP",
    ]


def test_everything_that_passes_is_told(serve: Serve, tmp_path: Path) -> None:
    source = """
    def told(event):
        what = {
            "DATA": lambda: event.data[0],
            "PDU": lambda: type(event.pdu).__name__,
            "ACSE": lambda: type(event.primitive).__name__,
            "FSM": lambda: f"{event.current_state} {event.fsm_event} {event.action} {event.next_state}",
        }[event.event.name.split("_")[1]]()
        note(f"{event.event.name} {what}")

    names = ["DATA_RECV", "DATA_SENT", "PDU_RECV", "PDU_SENT", "ACSE_RECV", "ACSE_SENT", "FSM_TRANSITION"]
    app = pool.Application(ae, [(getattr(evt, f"EVT_{name}"), told) for name in names])
    """
    with serve(source) as running:
        with Requestor(running.port) as requestor:
            assert requestor.echo() == SUCCESS
        running.wait_for_log("association.closed")
        assert running.terminate() == 0
    notes = (tmp_path / "notes").read_text().splitlines()
    assert [note for note in notes if note.startswith("EVT_DATA")] == [
        *("EVT_DATA_RECV 1", "EVT_DATA_SENT 2"),
        *("EVT_DATA_RECV 4", "EVT_DATA_SENT 4"),
        *("EVT_DATA_RECV 5", "EVT_DATA_SENT 6"),
    ]
    assert [note for note in notes if note.startswith("EVT_PDU")] == [
        *("EVT_PDU_RECV A_ASSOCIATE", "EVT_PDU_SENT A_ASSOCIATE"),
        *("EVT_PDU_RECV P_DATA", "EVT_PDU_SENT P_DATA"),
        *("EVT_PDU_RECV A_RELEASE", "EVT_PDU_SENT A_RELEASE"),
    ]
    assert [note for note in notes if note.startswith("EVT_ACSE")] == [
        *("EVT_ACSE_RECV A_ASSOCIATE", "EVT_ACSE_SENT A_ASSOCIATE"),
        *("EVT_ACSE_RECV A_RELEASE", "EVT_ACSE_SENT A_RELEASE"),
    ]
    assert "EVT_FSM_TRANSITION Sta2 Evt6 AE-6 Sta3" in notes
    assert "EVT_FSM_TRANSITION Sta6 Evt12 AR-2 Sta8" in notes
