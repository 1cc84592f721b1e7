"""PS3.8 Table 9-10 once more, transcribed apart from `ul.fsm` and column by column: it imports nothing from `ul`.

Each line is one state: `event action next-state`, as the cells of the table stand under that state's heading.
AE-6 and AR-8 have two next states.
"""

COLUMNS = {
    1: "1 AE-1 4; 5 AE-5 2",
    2: """3 AA-1 13; 4 AA-1 13; 6 AE-6 3/13; 10 AA-1 13; 12 AA-1 13; 13 AA-1 13; 16 AA-2 1; 17 AA-5 1; 18 AA-2 1;
          19 AA-1 13""",
    3: """3 AA-8 13; 4 AA-8 13; 6 AA-8 13; 7 AE-7 6; 8 AE-8 13; 10 AA-8 13; 12 AA-8 13; 13 AA-8 13; 15 AA-1 13;
          16 AA-3 1; 17 AA-4 1; 19 AA-8 13""",
    4: "2 AE-2 5; 15 AA-2 1; 17 AA-4 1",
    5: """3 AE-3 6; 4 AE-4 1; 6 AA-8 13; 10 AA-8 13; 12 AA-8 13; 13 AA-8 13; 15 AA-1 13; 16 AA-3 1; 17 AA-4 1;
          19 AA-8 13""",
    6: """3 AA-8 13; 4 AA-8 13; 6 AA-8 13; 9 DT-1 6; 10 DT-2 6; 11 AR-1 7; 12 AR-2 8; 13 AA-8 13; 15 AA-1 13;
          16 AA-3 1; 17 AA-4 1; 19 AA-8 13""",
    7: """3 AA-8 13; 4 AA-8 13; 6 AA-8 13; 10 AR-6 7; 12 AR-8 9/10; 13 AR-3 1; 15 AA-1 13; 16 AA-3 1; 17 AA-4 1;
          19 AA-8 13""",
    8: """3 AA-8 13; 4 AA-8 13; 6 AA-8 13; 9 AR-7 8; 10 AA-8 13; 12 AA-8 13; 13 AA-8 13; 14 AR-4 13; 15 AA-1 13;
          16 AA-3 1; 17 AA-4 1; 19 AA-8 13""",
    9: """3 AA-8 13; 4 AA-8 13; 6 AA-8 13; 10 AA-8 13; 12 AA-8 13; 13 AA-8 13; 14 AR-9 11; 15 AA-1 13; 16 AA-3 1;
          17 AA-4 1; 19 AA-8 13""",
    10: """3 AA-8 13; 4 AA-8 13; 6 AA-8 13; 10 AA-8 13; 12 AA-8 13; 13 AR-10 12; 15 AA-1 13; 16 AA-3 1; 17 AA-4 1;
           19 AA-8 13""",
    11: """3 AA-8 13; 4 AA-8 13; 6 AA-8 13; 10 AA-8 13; 12 AA-8 13; 13 AR-3 1; 15 AA-1 13; 16 AA-3 1; 17 AA-4 1;
           19 AA-8 13""",
    12: """3 AA-8 13; 4 AA-8 13; 6 AA-8 13; 10 AA-8 13; 12 AA-8 13; 13 AA-8 13; 14 AR-4 13; 15 AA-1 13; 16 AA-3 1;
           17 AA-4 1; 19 AA-8 13""",
    13: """3 AA-6 13; 4 AA-6 13; 6 AA-7 13; 10 AA-6 13; 12 AA-6 13; 13 AA-6 13; 16 AA-2 1; 17 AR-5 1; 18 AA-2 1;
           19 AA-7 13""",
}

EVENTS = [f"Evt{number}" for number in range(1, 20)]
STATES = [f"Sta{number}" for number in range(1, 14)]


def cells() -> dict[tuple[str, str], tuple[str, tuple[str, ...]]]:
    """(event, state) -> (action, next states) for every cell that is not blank."""
    table = {}
    for state, column in COLUMNS.items():
        for cell in column.split(";"):
            event, action, next_states = cell.split()
            following = tuple(f"Sta{number}" for number in next_states.split("/"))
            table[f"Evt{event}", f"Sta{state}"] = action, following
    return table
