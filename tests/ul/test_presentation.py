"""Presentation contexts: their printed form, their rules, and the lists against pynetdicom's."""

from __future__ import annotations

import copy
import logging
import pickle
from typing import Any

import pydicom.uid
import pynetdicom
import pynetdicom.presentation
import pytest
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

import ul
from ul import presentation
from ul.pdu_primitives import SCP_SCU_RoleSelectionNegotiation
from ul.presentation import (
    ALL_TRANSFER_SYNTAXES,
    DEFAULT_TRANSFER_SYNTAXES,
    PresentationContext,
    PresentationContextTuple,
    build_context,
    build_role,
)
from ul.sop_class import CTImageStorage, Verification, VerificationSOPClass
from ul.uid import UID

VERIFICATION_IN = """\
Abstract Syntax: Verification SOP Class
Transfer Syntax(es):
"""
IMPLICIT = "    =Implicit VR Little Endian"
LITTLE = "    =Explicit VR Little Endian"
BIG = "    =Explicit VR Big Endian"


# --- the printed form, as the reference's examples show it


@pytest.mark.parametrize(
    ("abstract_syntax", "transfer_syntax", "printed"),
    [
        ("1.2.840.10008.1.1", None, [IMPLICIT, LITTLE, BIG]),
        (VerificationSOPClass, None, [IMPLICIT, LITTLE, BIG]),
        (VerificationSOPClass, ImplicitVRLittleEndian, [IMPLICIT]),
        (VerificationSOPClass, ExplicitVRLittleEndian, [LITTLE]),
        (VerificationSOPClass, [ImplicitVRLittleEndian, ExplicitVRBigEndian], [IMPLICIT, BIG]),
        (pydicom.uid.UID("1.2.840.10008.1.1"), [ExplicitVRBigEndian], [BIG]),
        (b"1.2.840.10008.1.1", (b"1.2.840.10008.1.2",), [IMPLICIT]),
    ],
)
def test_a_context_prints_as_the_reference_shows(
    abstract_syntax: Any, transfer_syntax: Any, printed: list[str]
) -> None:
    assert str(build_context(abstract_syntax, transfer_syntax)) == VERIFICATION_IN + "\n".join(printed)


def test_a_negotiated_context_prints_all_of_it() -> None:
    context = build_context(CTImageStorage, ImplicitVRLittleEndian)
    context.context_id, context.result, context.as_scu, context.as_scp = 3, 0, True, True
    assert str(context) == (
        "ID: 3\nAbstract Syntax: CT Image Storage\nTransfer Syntax(es):\n"
        "    =Implicit VR Little Endian\nResult: Accepted\nRole: SCU and SCP"
    )


def test_an_empty_context_prints_too() -> None:
    assert str(PresentationContext()) == "Transfer Syntax(es):\n    (none)"
    assert repr(PresentationContext()) == "(no abstract syntax)"


@pytest.mark.parametrize("result", [None, 0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize("roles", [(None, None), (True, False), (False, True), (True, True), (False, False)])
@pytest.mark.parametrize("uid", ["1.2.840.10008.1.1", "1.2.3.4"])
def test_it_prints_as_pynetdicoms_does(result: int | None, roles: tuple[bool | None, bool | None], uid: str) -> None:
    ours = build_context(uid, ["1.2.840.10008.1.2", "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.70"])
    theirs = pynetdicom.build_context(uid, list(map(str, ours.transfer_syntax)))
    for context in (ours, theirs):
        context.context_id = 1
        context.result = result
    ours.as_scu, ours.as_scp = theirs._as_scu, theirs._as_scp = roles
    assert (str(ours), repr(ours), ours.status) == (str(theirs), repr(theirs), theirs.status)


# --- its rules


def test_abstract_and_transfer_syntaxes_know_their_names() -> None:
    context = build_context("1.2.840.10008.1.1")
    assert context.abstract_syntax is Verification
    assert [syntax.name for syntax in context.transfer_syntax] == [
        "Implicit VR Little Endian",
        "Explicit VR Little Endian",
        "Explicit VR Big Endian",
    ]
    assert not context.transfer_syntax[0].is_compressed


def test_a_transfer_syntax_is_there_once_and_in_its_order() -> None:
    context = build_context(Verification, [ExplicitVRBigEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian])
    context.add_transfer_syntax(ImplicitVRLittleEndian)
    context.add_transfer_syntax(None)
    context.add_transfer_syntax("")
    assert context.transfer_syntax == [ExplicitVRBigEndian, ImplicitVRLittleEndian]


def test_setting_the_transfer_syntaxes_replaces_them() -> None:
    context = build_context(Verification)
    context.transfer_syntax = ["1.2.840.10008.1.2.1"]
    assert context.transfer_syntax == ["1.2.840.10008.1.2.1"]
    with pytest.raises(TypeError, match="must be a list"):
        context.transfer_syntax = "1.2.840.10008.1.2"  # type: ignore[assignment]


def test_a_transfer_syntax_that_is_none_is_taken_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    context = build_context(Verification, [CTImageStorage, "1.2.3.4"])
    assert context.transfer_syntax == [CTImageStorage, "1.2.3.4"]
    assert [record.getMessage() for record in caplog.records] == [f"{CTImageStorage} is not known as a transfer syntax"]
    assert caplog.records[0].levelno == logging.WARNING


@pytest.mark.parametrize(("uid", "error"), [("1." * 32 + "1", ValueError), (1.2, TypeError), (None, TypeError)])
def test_what_is_no_uid(uid: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        build_context(uid)
    if uid is not None:
        with pytest.raises(error):
            build_context(Verification, [uid])
    with pytest.raises(error):
        build_role(uid)


@pytest.mark.parametrize("context_id", [1, 255, None])
def test_a_context_id(context_id: int | None) -> None:
    context = PresentationContext()
    context.context_id = context_id
    assert context.context_id == context_id


@pytest.mark.parametrize("context_id", [0, 2, 256, 257, -1])
def test_what_is_no_context_id(context_id: int) -> None:
    with pytest.raises(ValueError, match="odd number from 1 to 255"):
        PresentationContext().context_id = context_id


@pytest.mark.parametrize("role", ["scu_role", "scp_role"])
def test_a_role_is_a_bool_or_none(role: str) -> None:
    context = PresentationContext()
    for value in (True, False, None):
        setattr(context, role, value)
        assert getattr(context, role) is value
    with pytest.raises(TypeError, match=f"{role} must be a bool or None"):
        setattr(context, role, 1)


def test_an_accepted_context_as_tuple() -> None:
    context = build_context(Verification, ImplicitVRLittleEndian)
    with pytest.raises(ValueError, match="not accepted"):
        context.as_tuple  # noqa: B018
    context.context_id = 5
    assert context.as_tuple == (5, "1.2.840.10008.1.1", "1.2.840.10008.1.2")
    assert isinstance(context.as_tuple, PresentationContextTuple)
    assert context.as_tuple.transfer_syntax.name == "Implicit VR Little Endian"


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("context_id", 3),
        ("abstract_syntax", CTImageStorage),
        ("transfer_syntax", ["1.2.840.10008.1.2.1"]),
        ("result", 0),
        ("scu_role", True),
        ("scp_role", False),
        ("as_scu", True),
        ("as_scp", True),
    ],
)
def test_contexts_are_equal_when_all_of_them_is(attribute: str, value: Any) -> None:
    one, other = build_context(Verification), build_context("1.2.840.10008.1.1")
    assert one == other
    assert hash(one) == hash(other)
    setattr(one, attribute, value)
    assert one != other
    assert one != "1.2.840.10008.1.1"
    assert copy.deepcopy(one) == one == pickle.loads(pickle.dumps(one))


def test_a_copy_has_its_own_transfer_syntaxes() -> None:
    one = build_context(Verification, ImplicitVRLittleEndian)
    other = copy.deepcopy(one)
    other.add_transfer_syntax(ExplicitVRLittleEndian)
    assert len(one.transfer_syntax) == 1


def test_build_role() -> None:
    assert build_role(CTImageStorage) == SCP_SCU_RoleSelectionNegotiation("1.2.840.10008.5.1.4.1.1.2", False, False)
    role = build_role("1.2.3", scu_role=True, scp_role=True)
    assert (role.sop_class_uid, role.scu_role, role.scp_role) == ("1.2.3", True, True)


# --- transfer syntaxes and lists


def test_default_transfer_syntaxes() -> None:
    assert DEFAULT_TRANSFER_SYNTAXES == ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"]
    assert set(pynetdicom.DEFAULT_TRANSFER_SYNTAXES) - set(DEFAULT_TRANSFER_SYNTAXES) == {
        "1.2.840.10008.1.2.1.99"  # Deflated, since the 2.x line; the documented examples print three
    }


def test_all_transfer_syntaxes() -> None:
    assert set(ALL_TRANSFER_SYNTAXES) - set(pynetdicom.ALL_TRANSFER_SYNTAXES) == {
        "1.2.840.10008.1.2.1.98"  # Encapsulated Uncompressed, in PS3.5 since 2019
    }
    assert set(pynetdicom.ALL_TRANSFER_SYNTAXES) <= set(ALL_TRANSFER_SYNTAXES)
    assert [uid for uid in ALL_TRANSFER_SYNTAXES if UID(uid).is_retired] == ["1.2.840.10008.1.2.2"]


PREBUILT = sorted(name for name in vars(presentation) if name.endswith("PresentationContexts"))
THEIR_PREBUILT = sorted(name for name in vars(pynetdicom.presentation) if name.endswith("PresentationContexts"))


def test_there_are_the_24_lists() -> None:
    assert PREBUILT == THEIR_PREBUILT
    assert len(PREBUILT) == 24


@pytest.mark.parametrize("name", PREBUILT)
def test_a_list_has_the_classes_of_pynetdicoms_in_the_same_order(name: str) -> None:
    contexts, theirs = getattr(presentation, name), getattr(pynetdicom.presentation, name)
    assert [context.abstract_syntax for context in contexts] == [str(context.abstract_syntax) for context in theirs]
    assert all(context.transfer_syntax == DEFAULT_TRANSFER_SYNTAXES for context in contexts)
    assert {context.context_id for context in contexts} == {None}
    assert getattr(ul, name) is contexts


def test_the_selected_storage_classes_leave_room_in_a_request() -> None:
    assert len(presentation.StoragePresentationContexts) == 120
    assert len(presentation.AllStoragePresentationContexts) == 170
