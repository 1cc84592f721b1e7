"""ApplicationEntity: the examples of its documentation, its defaults, and what its setters refuse."""

from __future__ import annotations

import logging

import pytest
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from ul import AE, VerificationPresentationContexts, _config, build_context, evt
from ul.ae import ApplicationEntity
from ul.evt import EventHandlerType
from ul.sop_class import CTImageStorage, VerificationSOPClass

ALL_THREE = """
Abstract Syntax: Verification SOP Class
Transfer Syntax(es):
=Implicit VR Little Endian
=Explicit VR Little Endian
=Explicit VR Big Endian
"""
IMPLICIT_ONLY = "Abstract Syntax: Verification SOP Class Transfer Syntax(es): =Implicit VR Little Endian"


def prints(context: object, text: str) -> bool:
    """Whether `context` prints as in the documentation, which does not keep line ends and indentation."""
    return str(context).split() == text.split()


# --- the examples, in the order of the documentation -----------------------------------------------------------------


def test_add_requested_context_by_uid() -> None:
    ae = AE()
    ae.add_requested_context("1.2.840.10008.1.1")
    assert prints(ae.requested_contexts[0], ALL_THREE)


def test_add_requested_context_by_name() -> None:
    ae = AE()
    ae.add_requested_context(VerificationSOPClass)
    assert prints(ae.requested_contexts[0], ALL_THREE)


def test_add_requested_context_with_one_transfer_syntax() -> None:
    ae = AE()
    ae.add_requested_context(VerificationSOPClass, ImplicitVRLittleEndian)
    assert prints(ae.requested_contexts[0], IMPLICIT_ONLY)


def test_add_requested_context_twice() -> None:
    ae = AE()
    ae.add_requested_context(VerificationSOPClass, [ImplicitVRLittleEndian, ExplicitVRBigEndian])
    ae.add_requested_context(VerificationSOPClass, ExplicitVRLittleEndian)
    assert len(ae.requested_contexts) == 2
    assert prints(
        ae.requested_contexts[0],
        "Abstract Syntax: Verification SOP Class Transfer Syntax(es): "
        "=Implicit VR Little Endian =Explicit VR Big Endian",
    )
    assert prints(
        ae.requested_contexts[1],
        "Abstract Syntax: Verification SOP Class Transfer Syntax(es): =Explicit VR Little Endian",
    )


def test_add_supported_context_by_uid() -> None:
    ae = AE()
    ae.add_supported_context("1.2.840.10008.1.1")
    assert prints(ae.supported_contexts[0], ALL_THREE)


def test_add_supported_context_by_name() -> None:
    ae = AE()
    ae.add_supported_context(VerificationSOPClass)
    assert prints(ae.supported_contexts[0], ALL_THREE)


def test_add_supported_context_with_one_transfer_syntax() -> None:
    ae = AE()
    ae.add_supported_context(VerificationSOPClass, ImplicitVRLittleEndian)
    assert prints(ae.supported_contexts[0], IMPLICIT_ONLY)


def test_add_supported_context_extends_and_keeps_the_default_order() -> None:
    ae = AE()
    ae.add_supported_context(VerificationSOPClass, [ImplicitVRLittleEndian, ExplicitVRBigEndian])
    ae.add_supported_context(VerificationSOPClass, ExplicitVRLittleEndian)
    assert len(ae.supported_contexts) == 1
    assert prints(ae.supported_contexts[0], ALL_THREE)


def test_add_supported_context_with_roles() -> None:
    ae = AE()
    ae.add_supported_context(CTImageStorage, scu_role=True, scp_role=True)
    context = ae.supported_contexts[0]
    assert (context.scu_role, context.scp_role) == (True, True)


def test_remove_requested_context_by_uid() -> None:
    ae = AE()
    ae.add_requested_context("1.2.840.10008.1.1")
    assert prints(ae.requested_contexts[0], ALL_THREE)
    ae.remove_requested_context("1.2.840.10008.1.1")
    assert len(ae.requested_contexts) == 0


def test_remove_requested_context_by_name() -> None:
    ae = AE()
    ae.add_requested_context(VerificationSOPClass)
    ae.remove_requested_context(VerificationSOPClass)
    assert len(ae.requested_contexts) == 0


def test_remove_the_only_requested_transfer_syntax() -> None:
    ae = AE()
    ae.add_requested_context(VerificationSOPClass, ImplicitVRLittleEndian)
    assert prints(ae.requested_contexts[0], IMPLICIT_ONLY)
    ae.remove_requested_context(VerificationSOPClass, ImplicitVRLittleEndian)
    assert len(ae.requested_contexts) == 0


def test_remove_some_requested_transfer_syntaxes() -> None:
    ae = AE()
    ae.add_requested_context(VerificationSOPClass)
    assert prints(ae.requested_contexts[0], ALL_THREE)
    ae.remove_requested_context(VerificationSOPClass, [ImplicitVRLittleEndian, ExplicitVRLittleEndian])
    assert prints(
        ae.requested_contexts[0],
        "Abstract Syntax: Verification SOP Class Transfer Syntax(es): =Explicit VR Big Endian",
    )


def test_remove_supported_context_by_uid() -> None:
    ae = AE()
    ae.add_supported_context("1.2.840.10008.1.1")
    assert prints(ae.supported_contexts[0], ALL_THREE)
    ae.remove_supported_context("1.2.840.10008.1.1")
    assert len(ae.supported_contexts) == 0


def test_remove_supported_context_by_name() -> None:
    ae = AE()
    ae.supported_contexts = VerificationPresentationContexts
    ae.remove_supported_context(VerificationSOPClass)
    assert len(ae.supported_contexts) == 0


def test_remove_the_only_supported_transfer_syntax() -> None:
    ae = AE()
    ae.add_supported_context(VerificationSOPClass, ImplicitVRLittleEndian)
    assert prints(ae.supported_contexts[0], IMPLICIT_ONLY)
    ae.remove_supported_context(VerificationSOPClass, ImplicitVRLittleEndian)
    assert len(ae.supported_contexts) == 0


def test_remove_some_supported_transfer_syntaxes() -> None:
    ae = AE()
    ae.add_supported_context(VerificationSOPClass)
    assert prints(ae.supported_contexts[0], ALL_THREE)
    ae.remove_supported_context(VerificationSOPClass, [ImplicitVRLittleEndian, ExplicitVRLittleEndian])
    assert prints(
        ae.supported_contexts[0],
        "Abstract Syntax: Verification SOP Class Transfer Syntax(es): =Explicit VR Big Endian",
    )


# --- defaults and setters --------------------------------------------------------------------------------------------


def test_defaults() -> None:
    ae = AE()
    assert AE is ApplicationEntity
    assert ae.ae_title == b"PYNETDICOM      "
    assert (ae.acse_timeout, ae.dimse_timeout, ae.network_timeout) == (30, 30, 60)
    assert ae.connection_timeout is None
    assert (ae.maximum_associations, ae.maximum_pdu_size) == (10, 16382)
    assert (ae.require_called_aet, ae.require_calling_aet) == (False, [])
    assert ae.requested_contexts == ae.supported_contexts == ae.active_associations == []
    assert ae.implementation_class_uid
    assert ae.implementation_version_name


@pytest.mark.parametrize("title", ["STORE", b"STORE", b"STORE\0", "  STORE "])
def test_titles_are_sixteen_bytes(title: str | bytes) -> None:
    assert AE(title).ae_title == b"STORE           "


@pytest.mark.parametrize("title", ["", " " * 16, "A" * 17, "A\\B", "A\nB", "\u00e4"])
def test_what_is_no_title(title: str) -> None:
    with pytest.raises(ValueError, match="AE title"):
        AE(title)


def test_calling_titles() -> None:
    ae = AE()
    ae.require_calling_aet = ["ONE", b"TWO"]  # type: ignore[list-item]
    assert ae.require_calling_aet == [b"ONE             ", b"TWO             "]
    with pytest.raises(TypeError, match="list"):
        ae.require_calling_aet = "ONE"  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("name", "bad", "instead"),
    [
        ("acse_timeout", "x", 30),
        ("dimse_timeout", -1, 30),
        ("network_timeout", "x", 60),
        ("connection_timeout", "x", None),
        ("maximum_associations", 0, 1),
        ("maximum_associations", "x", 1),
        ("maximum_pdu_size", -1, 16382),
    ],
)
def test_what_makes_no_sense_is_warned_of(
    name: str, bad: object, instead: object, caplog: pytest.LogCaptureFixture
) -> None:
    ae = AE()
    with caplog.at_level(logging.WARNING, "ul.ae"):
        setattr(ae, name, bad)
    assert getattr(ae, name) == instead
    assert caplog.records


def test_setting_contexts_adds_and_an_empty_list_clears() -> None:
    ae = AE()
    ae.requested_contexts = VerificationPresentationContexts
    ae.requested_contexts = [build_context(CTImageStorage)]
    assert [context.abstract_syntax for context in ae.requested_contexts] == [VerificationSOPClass, CTImageStorage]
    ae.requested_contexts = []
    assert ae.requested_contexts == []
    ae.supported_contexts = [build_context(CTImageStorage)]
    ae.supported_contexts = VerificationPresentationContexts
    assert [context.abstract_syntax for context in ae.supported_contexts] == [VerificationSOPClass, CTImageStorage]
    with pytest.raises(ValueError, match="PresentationContext"):
        ae.supported_contexts = ["1.2.840.10008.1.1"]  # type: ignore[list-item]


def test_what_is_set_is_not_shared() -> None:
    ae = AE()
    ae.supported_contexts = VerificationPresentationContexts
    ae.remove_supported_context(VerificationSOPClass, ImplicitVRLittleEndian)
    assert len(VerificationPresentationContexts[0].transfer_syntax) == 3


def test_at_most_128_requested_contexts() -> None:
    ae = AE()
    for number in range(128):
        ae.add_requested_context(f"1.2.3.{number}")
    with pytest.raises(ValueError, match="128"):
        ae.add_requested_context("1.2.3.128")


def test_a_server_needs_contexts_and_so_does_a_request() -> None:
    ae = AE()
    with pytest.raises(ValueError, match="No supported Presentation Contexts have been defined"):
        ae.start_server(("127.0.0.1", 0), block=False)
    with pytest.raises(RuntimeError, match="contexts"):
        ae.associate("127.0.0.1", 1)
    ae.add_requested_context(VerificationSOPClass)
    with pytest.raises(TypeError, match="addr"):
        ae.associate(1, 1)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="port"):
        ae.associate("127.0.0.1", "1")  # type: ignore[arg-type]


def test_it_says_what_it_is() -> None:
    ae = AE("ECHO")
    ae.supported_contexts = VerificationPresentationContexts
    text = str(ae)
    assert "'ECHO'" in text
    assert "Verification SOP Class" in text


def test_an_unrestricted_storage_service_takes_what_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_config, "UNRESTRICTED_STORAGE_SERVICE", True)
    acceptor, requestor = AE(), AE()
    acceptor.add_supported_context(CTImageStorage, ImplicitVRLittleEndian)  # does not restrict it either
    jpeg, private = "1.2.840.10008.1.2.4.50", "1.2.3.4"
    requestor.add_requested_context(private, [jpeg, ImplicitVRLittleEndian])
    requestor.add_requested_context(CTImageStorage, jpeg)
    requestor.add_requested_context(VerificationSOPClass)  # another service: it has to be supported
    stored: list[EventHandlerType] = [
        (evt.EVT_C_STORE, lambda event: int(event.request.AffectedSOPClassUID != private))
    ]
    server = acceptor.start_server(("127.0.0.1", 0), block=False, evt_handlers=stored)
    assert server is not None
    association = requestor.associate(*server.server_address[:2])
    assert [context.as_tuple[1:] for context in association.accepted_contexts] == [
        (private, jpeg),
        (CTImageStorage, jpeg),
    ]
    assert [context.abstract_syntax for context in association.rejected_contexts] == [VerificationSOPClass]
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID, dataset.file_meta = private, "1.2.3", FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(jpeg)
    assert association.send_c_store(dataset).Status == 0
    association.release()
    acceptor.shutdown()


def test_uids_can_be_held_to_the_standard(monkeypatch: pytest.MonkeyPatch) -> None:
    AE().add_requested_context("1.02.private")
    monkeypatch.setattr(_config, "ENFORCE_UID_CONFORMANCE", True)
    AE().add_requested_context("1.2.3")
    with pytest.raises(ValueError, match=r"'1\.02' is no UID"):
        AE().add_requested_context("1.02")
