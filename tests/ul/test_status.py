"""Statuses: the table against pynetdicom's dictionaries, categories for every code there can be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pynetdicom.status
import pytest

from ul import status
from ul.status import GENERAL_STATUS, STATUSES, Status, code_to_category, code_to_status

DICTIONARIES = sorted(name for name in vars(pynetdicom.status) if name.endswith("_STATUS") and name.isupper())
CODES = sorted(
    {0, *range(0x0001, 0x0220), *range(0xA000, 0xA010), *range(0xFE00, 0xFF10), 0xFFFF}
    | {code for row in STATUSES for code in (row.first, row.last, row.first - 1, row.last + 1) if code >= 0}
)


def test_there_are_the_dictionaries_of_every_service() -> None:
    assert len(DICTIONARIES) == 18
    assert all(isinstance(getattr(status, name), Mapping) for name in DICTIONARIES)


@pytest.mark.parametrize("name", DICTIONARIES)
def test_a_dictionary_has_pynetdicoms_codes_and_categories(name: str) -> None:
    ours, theirs = getattr(status, name), getattr(pynetdicom.status, name)
    assert set(ours) == set(theirs)
    assert len(ours) == len(theirs)
    assert {code: ours[code][0] for code in theirs} == {code: meaning[0] for code, meaning in theirs.items()}
    # Success and Cancel need no more words
    assert {code for code in ours if not ours[code][1]} == {0x0000, 0xFE00}


def test_categories_are_pynetdicoms() -> None:
    theirs = {code: pynetdicom.status.code_to_category(code) for code in CODES}
    assert {code: code_to_category(code) for code in CODES} == theirs


def test_the_tables_agree_with_code_to_category() -> None:
    for row in STATUSES:
        assert code_to_category(row.first) == code_to_category(row.last) == row.category


def test_a_single_code_stands_before_the_range_that_holds_it() -> None:
    ups = status.UNIFIED_PROCEDURE_STEP_SERVICE_CLASS_STATUS
    assert ups[0xC300] == ("Failure", "The UPS may no longer be updated")
    assert ups[0xC3FF] == ("Failure", "Unable to process")
    assert status.PROCEDURE_STEP_STATUS[0x0110][1].startswith("Performed procedure step")
    assert GENERAL_STATUS[0x0110] == ("Failure", "Processing failure")


def test_no_row_is_hidden_by_another() -> None:
    for row in STATUSES:
        for service in row.services:
            meanings = status.ServiceStatuses(service)
            assert meanings[row.first] == (row.category, row.description)


@pytest.mark.parametrize("code", [0x0001, 0xA700, 0xC000, 0x1234])
def test_a_code_that_is_not_general(code: int) -> None:
    assert code not in GENERAL_STATUS
    with pytest.raises(KeyError):
        GENERAL_STATUS[code]


def test_what_the_library_sends_is_in_the_general_table_or_in_storages() -> None:
    sent = (
        *(status.SUCCESS, status.PROCESSING_FAILURE, status.DUPLICATE_SOP_INSTANCE, status.INVALID_SOP_INSTANCE),
        *(status.UNRECOGNIZED_OPERATION, status.OUT_OF_RESOURCES, status.DATA_SET_DOES_NOT_MATCH_SOP_CLASS),
        status.CANNOT_UNDERSTAND,
    )
    assert all(code in status.STORAGE_SERVICE_CLASS_STATUS for code in sent)


def test_code_to_status() -> None:
    answer = code_to_status(0xA700)
    assert (answer.Status, len(answer)) == (0xA700, 1)


@pytest.mark.parametrize("code", [-1, "0", 1.5, None])
def test_what_is_no_code(code: Any) -> None:
    for function in (code_to_status, code_to_category):
        with pytest.raises(ValueError, match="whole number"):
            function(code)


def test_status_has_the_common_codes_and_takes_more() -> None:
    assert (Status.SUCCESS, Status.CANCEL, Status.PENDING, Status.MOVE_DESTINATION_UNKNOWN) == (
        0,
        0xFE00,
        0xFF00,
        0xA801,
    )
    Status.add("UNABLE_TO_PROCESS", 0xC000)
    try:
        assert Status.UNABLE_TO_PROCESS == 0xC000  # type: ignore[attr-defined]
    finally:
        del Status.UNABLE_TO_PROCESS  # type: ignore[attr-defined]
