"""Every name that scripts and handlers of this API touch is there. What each does is tested where it is done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

import ul
from ul import AE, Association, _config, build_context, evt, pdu_primitives, sop_class, status
from ul.dul import DULServiceProvider
from ul.service_user import REQUESTOR

MEMBERS = {
    "AE": """
        acse_timeout active_associations add_requested_context add_supported_context ae_title associate
        connection_timeout dimse_timeout implementation_class_uid implementation_version_name make_server
        maximum_associations maximum_pdu_size network_timeout remove_requested_context remove_supported_context
        requested_contexts require_called_aet require_calling_aet shutdown start_server supported_contexts""",
    "Association": """
        abort accepted_contexts acceptor acse acse_timeout ae bind dimse dimse_timeout dul get_events get_handlers ident
        is_aborted is_acceptor is_alive is_established is_rejected is_released is_requestor join kill local mode name
        native_id network_timeout network_timeout_response rejected_contexts release remote requestor send_c_cancel
        send_c_echo send_c_find send_c_get send_c_move send_c_store send_n_action send_n_create send_n_delete
        send_n_event_report send_n_get send_n_set unbind""",
    "ACSE": "send_abort send_reject",
    "ServiceUser": """
        address address_info ae_title asynchronous_operations extended_negotiation implementation_class_uid
        implementation_version_name info maximum_length mode port primitive requested_contexts role_selection
        sop_class_common_extended sop_class_extended supported_contexts user_identity user_information""",
    "DULServiceProvider": """
        artim_timer assoc association daemon event_queue getName ident idle_timer_expired isAlive isDaemon is_alive join
        kill_dul name network_timeout peek_next_pdu receive_pdu run run_reactor send_pdu setDaemon setName socket start
        state_machine stop_dul to_provider_queue to_user_queue""",
    "StateMachine": "current_state do_action transition",
    "server": """
        active_associations ae ae_title bind contexts get_events get_handlers serve_forever server_address shutdown
        socket ssl_context unbind""",
    "PresentationContext": """
        abstract_syntax as_scp as_scu as_tuple context_id result scp_role scu_role status transfer_syntax""",
    "ul": """
        AE ALL_TRANSFER_SYNTAXES DEFAULT_TRANSFER_SYNTAXES PYNETDICOM_IMPLEMENTATION_UID
        PYNETDICOM_IMPLEMENTATION_VERSION _config build_context build_role debug_logger evt register_uid sop_class
        status""",
    "pdu_primitives": """
        AsynchronousOperationsWindowNegotiation SCP_SCU_RoleSelectionNegotiation SOPClassCommonExtendedNegotiation
        SOPClassExtendedNegotiation UserIdentityNegotiation""",
    "sop_class": "Verification VerificationSOPClass uid_to_service_class uid_to_sop_class",
    "status": "Status code_to_category code_to_status",
    "_config": """
        CODECS ENFORCE_UID_CONFORMANCE LOG_HANDLER_LEVEL LOG_REQUEST_IDENTIFIERS LOG_RESPONSE_IDENTIFIERS
        PASS_CONTEXTVARS STORE_RECV_CHUNKED_DATASET STORE_SEND_CHUNKED_DATASET UNRESTRICTED_STORAGE_SERVICE
        USE_SHORT_DIMSE_AET VALIDATORS WINDOWS_TIMER_RESOLUTION""",
}


@pytest.fixture(scope="module")
def owners() -> Iterator[dict[str, Any]]:
    ae = AE()
    ae.add_supported_context(sop_class.Verification)
    association = Association(ae, REQUESTOR)
    context = build_context(sop_class.Verification)
    context.context_id = 1
    server: Any = ae.start_server(("127.0.0.1", 0), block=False)
    with closing(server.socket):
        yield {
            "AE": ae,
            "Association": association,
            "ACSE": association.acse,
            "ServiceUser": association.requestor,
            "DULServiceProvider": association.dul,
            "StateMachine": association.dul.state_machine,
            "server": server,
            "PresentationContext": context,
            "ul": ul,
            "pdu_primitives": pdu_primitives,
            "sop_class": sop_class,
            "status": status,
            "_config": _config,
        }
        ae.shutdown()


@pytest.mark.parametrize("owner", MEMBERS)
def test_members(owners: dict[str, Any], owner: str) -> None:
    assert [name for name in MEMBERS[owner].split() if not hasattr(owners[owner], name)] == []


def test_there_are_32_events() -> None:
    assert len({name for name in vars(evt) if name.startswith("EVT_")}) == 32


def test_names_of_threads_warn_of_nothing() -> None:
    """`threading` has deprecated its own; warnings are errors here."""
    dul = DULServiceProvider(Association(AE(), REQUESTOR))
    dul.setName("upper layer")
    dul.setDaemon(True)
    assert (dul.getName(), dul.isDaemon(), dul.isAlive()) == ("upper layer", True, False)
