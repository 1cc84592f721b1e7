"""The machine alone: the grid against its second transcription, and the two rules. What the actions do to bytes,
indications, timer and transport is run cell by cell in `test_upper_layer`."""

from __future__ import annotations

import pytest
from table_9_10 import EVENTS, STATES, cells

from ul import fsm
from ul.errors import UsageError
from ul.fsm import ACTIONS, TABLE, StateMachine

CELLS = cells()


class Deaf:
    """A provider that does nothing, or fails at everything."""

    requestor = True
    error: Exception | None = None

    def __getattr__(self, name: str):
        def do(*_: object) -> None:
            if self.error is not None:
                raise self.error

        return do


def test_the_grid_has_every_state_and_event() -> None:
    assert list(fsm.STATES) == STATES
    assert list(fsm.EVENTS) == EVENTS
    assert list(TABLE) == EVENTS
    assert len(ACTIONS) == 28


def test_the_grid_is_table_9_10() -> None:
    grid = {
        (event, state): (cell, ACTIONS[cell][1])
        for event, row in TABLE.items()
        for state, cell in zip(STATES, row.split(), strict=True)
        if cell != "."
    }
    assert grid == CELLS


@pytest.mark.parametrize("state", STATES)
def test_a_blank_cell_is_a_usage_error_and_changes_nothing(state: str) -> None:
    machine = StateMachine(Deaf())
    machine.transition(state)
    assert {event for event in EVENTS if machine.allows(event)} == {event for event, at in CELLS if at == state}
    for event in EVENTS:
        if not machine.allows(event):
            with pytest.raises(UsageError, match=rf"^{event} \(.+\) cannot happen in {state} \(.+\)$"):
                machine.do_action(event)
    assert machine.current_state == state


def test_an_action_that_raises_leaves_the_state() -> None:
    provider = Deaf()
    machine = StateMachine(provider)
    machine.transition("Sta6")
    provider.error = UsageError("cannot be encoded")
    with pytest.raises(UsageError, match="cannot be encoded"):
        machine.do_action("Evt11")
    assert machine.current_state == "Sta6"
    provider.error = None
    machine.do_action("Evt11")
    assert machine.current_state == "Sta7"


def test_begins_in_sta1_and_takes_only_names_of_the_standard() -> None:
    machine = StateMachine(Deaf())
    assert machine.current_state == "Sta1"
    with pytest.raises(UsageError, match="'Evt20' is no event"):
        machine.do_action("Evt20")
    with pytest.raises(UsageError, match="'Sta14' is no state"):
        machine.transition("Sta14")
    assert machine.current_state == "Sta1"


def test_whether_data_is_transferred_follows_the_state_however_it_is_set() -> None:
    machine = StateMachine(Deaf())
    for state in STATES:
        machine.current_state = state
        assert machine.transfers_data == (state == "Sta6")
    machine.current_state = "Sta6"
    machine.observer = lambda *step: None
    assert not machine.transfers_data
    machine.observer = None
    assert machine.transfers_data
