"""UpperLayer: every cell of Table 9-10 run, time, streams, bounds, borrowing, and two of them on a wire."""

from __future__ import annotations

import struct
import tracemalloc
from collections.abc import Callable, Iterable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from table_9_10 import EVENTS, STATES, cells

from ul.errors import (
    INVALID_PDU_PARAMETER_VALUE,
    UNEXPECTED_PDU,
    UNRECOGNIZED_PDU,
    UsageError,
)
from ul.pdu_primitives import (
    A_ABORT,
    A_ASSOCIATE,
    A_P_ABORT,
    A_RELEASE,
    P_DATA,
    ImplementationClassUIDNotification,
    MaximumLengthNotification,
    PresentationContextDefinition,
    PresentationContextResult,
    Primitive,
)
from ul.upper_layer import UpperLayer
from ul.wire.pdu import encode


def associate_request() -> A_ASSOCIATE:
    return A_ASSOCIATE(
        calling_ae_title="SCU",
        called_ae_title="SCP",
        presentation_context_definition_list=[
            PresentationContextDefinition(1, "1.2.840.10008.1.1", ["1.2.840.10008.1.2"]),
        ],
        user_information=[MaximumLengthNotification(16384), ImplementationClassUIDNotification("1.2.3")],
    )


def associate_accept() -> A_ASSOCIATE:
    return A_ASSOCIATE(
        calling_ae_title="SCU",
        called_ae_title="SCP",
        result=0,
        presentation_context_definition_results_list=[PresentationContextResult(1, 0, "1.2.840.10008.1.2")],
        user_information=[MaximumLengthNotification(16384), ImplementationClassUIDNotification("1.2.3")],
    )


def associate_reject() -> A_ASSOCIATE:
    return A_ASSOCIATE(result=1, result_source=1, diagnostic=7)


def p_data_tf(*pdvs: tuple[int, int, bytes]) -> bytes:
    items = b"".join(struct.pack(">LBB", len(data) + 2, context, control) + data for context, control, data in pdvs)
    return struct.pack(">BxL", 4, len(items)) + items


def abort_pdu(source: int, reason: int) -> bytes:
    return bytes([7, 0, 0, 0, 0, 4, 0, 0, source, reason])


RQ = encode(associate_request())
AC = encode(associate_accept())
RJ = encode(associate_reject())
DATA = p_data_tf((1, 3, b"command!"))
RELEASE_RQ = bytes([5, 0, 0, 0, 0, 4, 0, 0, 0, 0])
RELEASE_RP = bytes([6, 0, 0, 0, 0, 4, 0, 0, 0, 0])
ABORT = abort_pdu(0, 0)
UNKNOWN = bytes([9, 0, 0, 0, 0, 2, 0, 0])


def pull(upper_layer: UpperLayer, now: float = 0.0) -> list[Primitive]:
    primitives = []
    while (primitive := upper_layer.next_primitive(now)) is not None:
        primitives.append(primitive)
    return primitives


def receive(upper_layer: UpperLayer, data: bytes, now: float = 0.0) -> list[Primitive]:
    upper_layer.receive(data, now)
    return pull(upper_layer, now)


def sent(upper_layer: UpperLayer) -> bytes:
    return b"".join(upper_layer.data_to_send())


def state(upper_layer: UpperLayer) -> str:
    return upper_layer.state_machine.current_state


# --- Table 9-10, cell by cell ----------------------------------------------------------------------------------------

# The legal conversation that leads to each state, as steps (an event each) from Sta1, for each role that can get there.
ACCEPTOR_TO_6 = "Evt5 Evt6 Evt7"
REQUESTOR_TO_6 = "Evt1 Evt2 Evt3"
ROADS = {
    (False, "Sta1"): "",
    (True, "Sta1"): "",
    (False, "Sta2"): "Evt5",
    (False, "Sta3"): "Evt5 Evt6",
    (True, "Sta4"): "Evt1",
    (True, "Sta5"): "Evt1 Evt2",
    (False, "Sta6"): ACCEPTOR_TO_6,
    (True, "Sta6"): REQUESTOR_TO_6,
    (False, "Sta7"): f"{ACCEPTOR_TO_6} Evt11",
    (True, "Sta7"): f"{REQUESTOR_TO_6} Evt11",
    (False, "Sta8"): f"{ACCEPTOR_TO_6} Evt12",
    (True, "Sta8"): f"{REQUESTOR_TO_6} Evt12",
    (True, "Sta9"): f"{REQUESTOR_TO_6} Evt11 Evt12",
    (False, "Sta10"): f"{ACCEPTOR_TO_6} Evt11 Evt12",
    (True, "Sta11"): f"{REQUESTOR_TO_6} Evt11 Evt12 Evt14",
    (False, "Sta12"): f"{ACCEPTOR_TO_6} Evt11 Evt12 Evt13",
    (False, "Sta13"): f"{ACCEPTOR_TO_6} Evt15",
    (True, "Sta13"): f"{REQUESTOR_TO_6} Evt15",
}

REQUESTS: dict[str, Callable[[], Primitive]] = {
    "Evt1": associate_request,
    "Evt7": associate_accept,
    "Evt8": associate_reject,
    "Evt9": lambda: P_DATA([(1, 3, b"command!")]),
    "Evt11": A_RELEASE,
    "Evt14": lambda: A_RELEASE("affirmative"),
    "Evt15": A_ABORT,
}
PDUS = {
    "Evt3": AC,
    "Evt4": RJ,
    "Evt6": RQ,
    "Evt10": DATA,
    "Evt12": RELEASE_RQ,
    "Evt13": RELEASE_RP,
    "Evt16": ABORT,
    "Evt19": UNKNOWN,
}


def fire(upper_layer: UpperLayer, event: str, now: float) -> list[Primitive]:
    """Make the event happen by the door through which it comes; returns what was indicated."""
    if event in REQUESTS:
        upper_layer.request(REQUESTS[event](), now)
    elif event in PDUS:
        upper_layer.receive(PDUS[event], now)
    elif event in ("Evt2", "Evt5"):
        upper_layer.transport_opened(now)
    elif event == "Evt17":
        upper_layer.receive_eof(now)
    else:
        upper_layer.expire_artim(now)
    return pull(upper_layer, now)


def drive(requestor: bool, target: str) -> UpperLayer:
    upper_layer = UpperLayer(requestor)
    for event in ROADS[requestor, target].split():
        fire(upper_layer, event, 0.0)
    upper_layer.data_to_send()
    assert state(upper_layer) == target
    return upper_layer


def provider_abort(event: str) -> A_P_ABORT:
    return A_P_ABORT(UNRECOGNIZED_PDU if event == "Evt19" else UNEXPECTED_PDU)


# What each action sends, indicates, does to ARTIM (`started` at the event, `stopped`, else as it was) and to the
# transport connection. Where Evt17 brought it, the connection is closed already, and so is the object.
NOTHING: tuple[bytes, list[Primitive]] = b"", []


def effects(action: str, event: str) -> tuple[bytes, list[Primitive], str, bool]:
    reason = provider_abort(event).provider_reason
    return {
        "AE-1": (*NOTHING, "", False),
        "AE-2": (RQ, [], "", False),
        "AE-3": (b"", [associate_accept()], "", False),
        "AE-4": (b"", [associate_reject()], "", True),
        "AE-5": (*NOTHING, "started", False),
        "AE-6": (b"", [associate_request()], "stopped", False),
        "AE-7": (AC, [], "", False),
        "AE-8": (RJ, [], "started", False),
        "DT-1": (DATA, [], "", False),
        "DT-2": (b"", [P_DATA([(1, 3, b"command!")])], "", False),
        "AR-1": (RELEASE_RQ, [], "", False),
        "AR-2": (b"", [A_RELEASE()], "", False),
        "AR-3": (b"", [A_RELEASE("affirmative")], "", True),
        "AR-4": (RELEASE_RP, [], "started", False),
        "AR-5": (*NOTHING, "stopped", True),
        "AR-6": (b"", [P_DATA([(1, 3, b"command!")])], "", False),
        "AR-7": (DATA, [], "", False),
        "AR-8": (b"", [A_RELEASE()], "", False),
        "AR-9": (RELEASE_RP, [], "", False),
        "AR-10": (b"", [A_RELEASE("affirmative")], "", False),
        "AA-1": (abort_pdu(0, 0), [], "started", False),
        "AA-2": (*NOTHING, "stopped", True),
        "AA-3": (b"", [A_ABORT(0)], "", True),
        "AA-4": (b"", [A_P_ABORT(transport_lost=True)], "", True),
        "AA-5": (*NOTHING, "stopped", True),
        "AA-6": (*NOTHING, "", False),
        "AA-7": (abort_pdu(2, reason), [], "", False),
        "AA-8": (abort_pdu(2, reason), [provider_abort(event)], "started", False),
    }[action]  # type: ignore[return-value]


def undescribed(primitives: list[Primitive]) -> list[Primitive]:
    """Without the text for the log, which `test_an_abort_says_why` reads."""
    for primitive in primitives:
        if isinstance(primitive, A_P_ABORT):
            primitive.description = ""
    return primitives


def possible(requestor: bool, event: str, at: str) -> bool:
    """An acceptor has no transport confirmation, a requestor no indication, and only a requestor requests."""
    return event not in (("Evt5",) if requestor else ("Evt1", "Evt2")) or (event == "Evt1" and at != "Sta1")


RUNS = [(*road, event) for road in ROADS for event in EVENTS if possible(road[0], event, road[1])]


def test_every_state_is_driven_to_and_every_cell_is_run() -> None:
    assert {at for _, at in ROADS} == set(STATES)
    assert set(cells()) <= {(event, at) for _, at, event in RUNS}


@pytest.mark.parametrize(("requestor", "at", "event"), RUNS)
def test_cell(requestor: bool, at: str, event: str) -> None:
    upper_layer = drive(requestor, at)
    deadline, closing = upper_layer.deadline, upper_layer.should_close
    assert (deadline == 30.0) == (at in ("Sta2", "Sta13"))
    if (event, at) not in cells():
        check_blank(upper_layer, event, at, deadline)
        return
    action, next_states = cells()[event, at]
    data, indicated, timer, closes = effects(action, event)

    assert undescribed(fire(upper_layer, event, 10.0)) == indicated
    assert sent(upper_layer) == data
    assert state(upper_layer) == next_states[0 if requestor or action != "AR-8" else 1]
    assert upper_layer.deadline == {"started": 40.0, "stopped": None}.get(timer, deadline)
    assert upper_layer.should_close == (closes or closing)
    assert upper_layer.should_connect == (action == "AE-1")


def check_blank(upper_layer: UpperLayer, event: str, at: str, deadline: float | None) -> None:
    """The local user is told; what only the outside can do there is none of our business."""
    if event in REQUESTS or event in ("Evt2", "Evt5"):
        with pytest.raises(UsageError, match=rf"cannot happen in {at} "):
            fire(upper_layer, event, 10.0)
    else:
        assert fire(upper_layer, event, 10.0) == []
    assert state(upper_layer) == at
    assert sent(upper_layer) == b""
    assert upper_layer.deadline == deadline


def test_a_version_that_we_do_not_speak_is_rejected_by_the_provider() -> None:
    upper_layer = drive(False, "Sta2")
    assert receive(upper_layer, RQ[:6] + b"\0\2" + RQ[8:], 10.0) == []
    assert sent(upper_layer) == bytes([3, 0, 0, 0, 0, 4, 0, 1, 2, 2])
    assert (state(upper_layer), upper_layer.deadline) == ("Sta13", 40.0)


def test_a_version_among_others_is_ours() -> None:
    upper_layer = drive(False, "Sta2")
    assert len(receive(upper_layer, RQ[:6] + b"\xff\xff" + RQ[8:])) == 1
    assert state(upper_layer) == "Sta3"


def test_the_peers_provider_abort_is_indicated_as_such() -> None:
    upper_layer = drive(False, "Sta6")
    assert receive(upper_layer, abort_pdu(2, 5)) == [A_P_ABORT(5)]
    assert upper_layer.should_close


def test_an_acceptor_does_not_request() -> None:
    upper_layer = UpperLayer(False)
    with pytest.raises(UsageError, match="acceptor"):
        upper_layer.request(associate_request(), 0.0)
    assert (state(upper_layer), upper_layer.should_connect) == ("Sta1", False)


def test_a_request_that_cannot_be_encoded_changes_nothing() -> None:
    upper_layer = drive(False, "Sta6")
    with pytest.raises(UsageError, match="at least one"):
        upper_layer.request(P_DATA([]), 0.0)
    with pytest.raises(UsageError, match="no request primitive"):
        upper_layer.request(object(), 0.0)  # type: ignore[arg-type]
    assert (state(upper_layer), upper_layer.has_data_to_send) == ("Sta6", False)


def test_the_user_above_has_the_provider_abort() -> None:
    upper_layer = drive(False, "Sta6")
    breach = A_P_ABORT(INVALID_PDU_PARAMETER_VALUE, description="PDV for an unknown presentation context 9")
    upper_layer.request(breach, 0.0)
    assert sent(upper_layer) == abort_pdu(2, 6)
    assert pull(upper_layer) == [breach]
    assert state(upper_layer) == "Sta13"


def test_an_abort_says_why() -> None:
    [abort] = receive(drive(False, "Sta8"), RELEASE_RQ)
    assert abort == A_P_ABORT(
        UNEXPECTED_PDU,
        description="unexpected A-RELEASE PDU in Sta8 (awaiting local A-RELEASE response primitive)",
    )
    upper_layer = drive(False, "Sta6")
    [abort] = receive(upper_layer, UNKNOWN)
    assert abort == A_P_ABORT(UNRECOGNIZED_PDU, description="PDU type 09H is none of PS3.8 9.3")
    assert upper_layer.breach == "PDU type 09H is none of PS3.8 9.3"


# --- time ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", ["Sta2", "Sta13"])
def test_artim_closes(at: str) -> None:
    upper_layer = drive(False, at)
    assert upper_layer.deadline == 30.0
    upper_layer.handle_timeout(29.9)
    assert (state(upper_layer), upper_layer.should_close) == (at, False)
    upper_layer.handle_timeout(30.0)
    assert (state(upper_layer), upper_layer.should_close, upper_layer.deadline) == ("Sta1", True, None)
    assert receive(upper_layer, RQ) == []


def test_artim_can_be_made_to_expire_where_it_runs() -> None:
    upper_layer = drive(False, "Sta2")
    upper_layer.expire_artim(1.0)
    assert upper_layer.should_close
    upper_layer = drive(False, "Sta6")
    upper_layer.expire_artim(1.0)
    assert (state(upper_layer), upper_layer.should_close) == ("Sta6", False)


def test_without_a_timeout_nothing_runs_out_but_can_be_made_to() -> None:
    upper_layer = UpperLayer(False, artim_timeout=None)
    upper_layer.transport_opened(0.0)
    assert upper_layer.deadline is None
    upper_layer.handle_timeout(1e9)
    assert state(upper_layer) == "Sta2"
    upper_layer.expire_artim(1e9)
    assert upper_layer.should_close


def test_a_peer_that_keeps_sending_does_not_keep_the_connection() -> None:
    upper_layer = drive(False, "Sta13")
    for now in range(1, 30):
        assert receive(upper_layer, DATA + UNKNOWN + RQ + bytes(6), float(now)) == []
        assert upper_layer.deadline == 30.0
    assert sent(upper_layer)[:30] == abort_pdu(2, 1) + abort_pdu(2, 2) + abort_pdu(2, 1)  # AA-7 each time
    upper_layer.handle_timeout(30.0)
    assert upper_layer.should_close


def test_in_sta13_a_header_is_enough() -> None:
    upper_layer = drive(False, "Sta13")
    receive(upper_layer, RQ[:6])
    assert sent(upper_layer) == abort_pdu(2, UNEXPECTED_PDU)
    receive(upper_layer, RQ[6:] + ABORT[:6])
    assert upper_layer.should_close


# --- streams ---------------------------------------------------------------------------------------------------------


def answer(upper_layer: UpperLayer, primitive: Primitive) -> None:
    """A service-user that accepts and grants whatever is asked."""
    if isinstance(primitive, A_ASSOCIATE) and primitive.result is None:
        upper_layer.request(associate_accept(), 0.0)
    elif isinstance(primitive, A_RELEASE) and upper_layer.state_machine.allows("Evt14"):
        upper_layer.request(A_RELEASE("affirmative"), 0.0)


def record(log: list[object], primitive: Primitive) -> None:
    """P-DATA is joined: only the boundaries of messages count, not those of PDVs."""
    if not isinstance(primitive, P_DATA):
        log.append(primitive)
        return
    for context_id, control, fragment in primitive.presentation_data_value_list:
        data = bytes(fragment)
        if log and isinstance(log[-1], tuple) and log[-1][:2] == (context_id, control & ~2):
            data = log.pop()[2] + data  # type: ignore[index]
        log.append((context_id, control, data))


def converse(
    chunks: Iterable[bytes], requestor: bool = False, pull_each: bool = True, steps: list[str] | None = None
) -> tuple[list[object], bytes, str, str]:
    """What one side makes of a stream. Every chunk comes in the same buffer, which is overwritten for the next.

    With `steps` the machine is observed: it then takes every step, those with P-DATA in Sta6 too.
    """
    upper_layer = UpperLayer(requestor, maximum_length=4096, maximum_associate_length=8192)
    if steps is not None:
        upper_layer.state_machine.observer = lambda action, state, event, following: steps.append(action)
    if requestor:
        upper_layer.request(associate_request(), 0.0)
    upper_layer.transport_opened(0.0)
    log: list[object] = []

    def drain() -> None:
        while (primitive := upper_layer.next_primitive(0.0)) is not None:
            record(log, primitive)
            answer(upper_layer, primitive)

    buffer = bytearray(65536)
    for chunk in chunks:
        buffer[: len(chunk)] = chunk
        upper_layer.receive(memoryview(buffer)[: len(chunk)], 0.0)
        if pull_each:
            drain()
        upper_layer.retain()
        buffer[: len(chunk)] = b"\xee" * len(chunk)
    drain()
    upper_layer.receive_eof(0.0)
    drain()
    return log, sent(upper_layer), state(upper_layer), upper_layer.breach


def cut(stream: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cut for cut in cuts if cut < len(stream)), len(stream)]
    return [stream[start:end] for start, end in pairwise(edges)]


fragments = st.tuples(st.sampled_from([1, 3]), st.integers(0, 3), st.binary(max_size=30) | st.just(bytes(700)))
p_data_tfs = st.lists(fragments, min_size=1, max_size=4).map(lambda pdvs: p_data_tf(*pdvs))
lies = st.builds(
    lambda pdu_type, length, body: struct.pack(">BxL", pdu_type, length) + body,
    st.integers(0, 9),
    st.integers(0, 40) | st.just(5000) | st.just(0xFFFFFFFF),
    st.binary(max_size=40),
)
false_items = st.binary(max_size=12).map(
    lambda tail: struct.pack(">BxL", 4, 9 + len(tail)) + p_data_tf((1, 0, b"abc"))[6:] + tail
)
good_pdus = p_data_tfs | st.sampled_from([RELEASE_RQ, RELEASE_RP, ABORT, DATA])
any_pdus = p_data_tfs | false_items | lies | st.sampled_from([RQ, AC, RJ, RELEASE_RQ, RELEASE_RP, ABORT, UNKNOWN])
streams = st.tuples(st.booleans(), st.lists(good_pdus, max_size=5) | st.lists(any_pdus, max_size=5)).map(
    lambda drawn: (drawn[0], (AC if drawn[0] else RQ) + b"".join(drawn[1]))
)


@settings(max_examples=200)
@given(streams, st.lists(st.integers(0, 1500), max_size=12), st.booleans())
def test_any_split_gives_the_same(stream: tuple[bool, bytes], cuts: list[int], pull_each: bool) -> None:
    requestor, data = stream
    assert converse(cut(data, cuts), requestor, pull_each) == converse([data], requestor)


@settings(max_examples=200, deadline=None)
@given(
    streams,
    st.lists(st.tuples(st.integers(0, 1500), st.integers(0, 255)), max_size=3),
    st.lists(st.integers(0, 1500), max_size=12),
)
def test_the_short_way_of_p_data_gives_the_same(
    stream: tuple[bool, bytes], changes: list[tuple[int, int]], cuts: list[int]
) -> None:
    requestor, data = stream[0], bytearray(stream[1])
    for offset, value in changes:
        data[offset % len(data)] = value
    assert converse(cut(bytes(data), cuts), requestor) == converse([bytes(data)], requestor, steps=[])


@pytest.mark.parametrize(("excess", "passes"), [(0, True), (1, False)])
def test_a_whole_p_data_tf_above_the_maximum_is_refused_on_the_short_way_too(excess: int, passes: bool) -> None:
    stream = RQ + p_data_tf((1, 3, bytes(4090 + excess)))
    log, said, *_ = converse([stream])
    assert any(isinstance(entry, tuple) for entry in log) == passes
    assert (said[-10:] == abort_pdu(2, 6)) != passes
    assert (log, said) == converse([stream], steps=[])[:2]


def test_an_observed_machine_takes_the_steps_of_p_data() -> None:
    steps: list[str] = []
    log = converse([RQ + DATA + DATA], steps=steps)
    assert steps.count("DT-2") == 2
    assert log == converse([RQ + DATA + DATA])


@settings(max_examples=50)
@given(streams)
def test_one_byte_at_a_time_gives_the_same(stream: tuple[bool, bytes]) -> None:
    requestor, data = stream
    assert converse(cut(data, list(range(len(data)))), requestor) == converse([data], requestor)


CONVERSATION = RQ + p_data_tf((1, 3, b"command!"), (1, 0, bytes(100)), (1, 2, b"data")) + DATA + RELEASE_RQ


@settings(max_examples=200)
@given(st.lists(st.tuples(st.integers(0, len(CONVERSATION) - 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_any_mutation_gives_primitives_and_answers(mutations: list[tuple[int, int]]) -> None:
    stream = bytearray(CONVERSATION)
    for offset, value in mutations:
        stream[offset] = value
    log, _, final, _ = converse([bytes(stream)])
    assert final == "Sta1"
    assert all(isinstance(entry, (A_ASSOCIATE, A_RELEASE, A_ABORT, A_P_ABORT, tuple)) for entry in log)


@settings(max_examples=100)
@given(st.binary(max_size=200), st.sampled_from(sorted(ROADS)))
def test_garbage_in_any_state(garbage: bytes, road: tuple[bool, str]) -> None:
    upper_layer = drive(*road)
    receive(upper_layer, garbage)
    upper_layer.receive_eof(0.0)
    pull(upper_layer)
    assert state(upper_layer) == "Sta1"


def test_pulled_one_pdu_at_a_time() -> None:
    """Accept and P-DATA in one segment: the caller reacts to the one before it sees the other."""
    upper_layer = drive(True, "Sta5")
    upper_layer.receive(AC + DATA + RELEASE_RQ, 0.0)
    assert isinstance(upper_layer.next_primitive(0.0), A_ASSOCIATE)
    assert state(upper_layer) == "Sta6"
    assert upper_layer.events == ["Evt10"]
    assert isinstance(upper_layer.next_primitive(0.0), P_DATA)
    assert state(upper_layer) == "Sta6"
    assert isinstance(upper_layer.next_primitive(0.0), A_RELEASE)
    assert upper_layer.next_primitive(0.0) is None


def test_a_large_pdu_comes_in_pieces_and_not_in_copies() -> None:
    upper_layer = UpperLayer(False, maximum_length=0)
    upper_layer.transport_opened(0.0)
    receive(upper_layer, RQ)
    upper_layer.request(associate_accept(), 0.0)
    size = 1 << 20
    receive(upper_layer, struct.pack(">BxLLBB", 4, size + 6, size + 2, 1, 2))
    for index in range(size // 65536):
        chunk = bytes(65536)
        [primitive] = receive(upper_layer, chunk)
        assert isinstance(primitive, P_DATA)
        [(context_id, control, fragment)] = primitive.presentation_data_value_list
        assert (context_id, control) == (1, 2 if index == 15 else 0)
        assert isinstance(fragment, memoryview)
        assert fragment.obj is chunk
    assert upper_layer.events == []


def test_a_release_requested_in_the_middle_of_a_pdu_lets_its_rest_through() -> None:
    upper_layer = drive(False, "Sta6")
    assert receive(upper_layer, DATA[:14]) == [P_DATA([(1, 1, b"co")])]
    upper_layer.request(A_RELEASE(), 0.0)
    assert receive(upper_layer, DATA[14:] + DATA) == [P_DATA([(1, 3, b"mmand!")]), P_DATA([(1, 3, b"command!")])]
    assert state(upper_layer) == "Sta7"


def test_an_abort_in_the_middle_of_a_pdu_skips_its_rest() -> None:
    upper_layer = drive(False, "Sta6")
    receive(upper_layer, DATA[:14])
    upper_layer.request(A_ABORT(), 0.0)
    assert receive(upper_layer, DATA[14:] + DATA) == []
    assert state(upper_layer) == "Sta13"
    receive(upper_layer, ABORT)
    assert upper_layer.should_close


# --- bounds ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "header", "reason"),
    [
        ("Sta6", struct.pack(">BxL", 4, 131073), INVALID_PDU_PARAMETER_VALUE),
        ("Sta6", struct.pack(">BxL", 4, 0xFFFFFFFF), INVALID_PDU_PARAMETER_VALUE),
        ("Sta6", struct.pack(">BxL", 4, 0), INVALID_PDU_PARAMETER_VALUE),
        ("Sta6", struct.pack(">BxL", 4, 5), INVALID_PDU_PARAMETER_VALUE),
        ("Sta5", struct.pack(">BxL", 2, 262145), INVALID_PDU_PARAMETER_VALUE),
        ("Sta6", struct.pack(">BxL", 1, 0xFFFFFFFF), INVALID_PDU_PARAMETER_VALUE),
        ("Sta5", struct.pack(">BxL", 2, 0), INVALID_PDU_PARAMETER_VALUE),
        ("Sta5", struct.pack(">BxL", 3, 5), INVALID_PDU_PARAMETER_VALUE),
        ("Sta6", struct.pack(">BxL", 5, 3), INVALID_PDU_PARAMETER_VALUE),
        ("Sta7", struct.pack(">BxL", 6, 0), INVALID_PDU_PARAMETER_VALUE),
        ("Sta6", struct.pack(">BxL", 7, 0xFFFFFFFF), INVALID_PDU_PARAMETER_VALUE),
        ("Sta6", struct.pack(">BxL", 0, 0), UNRECOGNIZED_PDU),
        ("Sta6", b"GET / ", UNRECOGNIZED_PDU),
    ],
)
def test_refused_from_its_header(at: str, header: bytes, reason: int) -> None:
    upper_layer = drive(True, at)
    upper_layer.receive(header, 0.0)
    assert undescribed(pull(upper_layer)) == [A_P_ABORT(reason)]
    assert sent(upper_layer) == abort_pdu(2, reason)
    assert state(upper_layer) == "Sta13"
    assert upper_layer.breach


def test_an_oversized_request_is_refused_from_its_header() -> None:
    upper_layer = drive(False, "Sta2")
    assert receive(upper_layer, struct.pack(">BxL", 1, 262145)) == []
    assert sent(upper_layer) == abort_pdu(0, 0)  # AA-1
    assert upper_layer.breach == "A-ASSOCIATE-RQ: length 262145, more than the 262144 that are received here"


def test_the_largest_that_is_allowed_is_received() -> None:
    upper_layer = drive(False, "Sta6")
    [primitive] = receive(upper_layer, p_data_tf((1, 2, bytes(131072 - 6))))
    assert isinstance(primitive, P_DATA)


@pytest.mark.parametrize("pdu", [p_data_tf((1, 2, b"abc"))[:9] + bytes([length]) + b"\1\2abc" for length in (0, 1, 6)])
def test_an_item_length_that_lies(pdu: bytes) -> None:
    upper_layer = drive(False, "Sta6")
    assert undescribed(receive(upper_layer, pdu)) == [A_P_ABORT(INVALID_PDU_PARAMETER_VALUE)]
    assert sent(upper_layer) == abort_pdu(2, 6)
    assert receive(upper_layer, DATA) == []
    assert state(upper_layer) == "Sta13"


def test_what_is_allocated_follows_the_bytes_received() -> None:
    upper_layer = UpperLayer(False, maximum_length=0, maximum_associate_length=0xFFFFFFFF)
    upper_layer.transport_opened(0.0)
    request = struct.pack(">BxL", 1, 0xFFFFFFFF) + bytes(100)
    other = drive(False, "Sta6")
    other._maximum_length = 0xFFFFFFFF
    chunk = bytes(65536)
    tracemalloc.start()
    try:
        receive(upper_layer, request)
        receive(other, struct.pack(">BxLLBB", 4, 0xFFFFFFFF, 0xFFFFFFFB, 1, 2))
        for _ in range(64):
            assert len(receive(other, chunk)) == 1
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 32768
    assert (state(upper_layer), state(other)) == ("Sta2", "Sta6")


def test_a_large_request_that_comes_byte_by_byte() -> None:
    request = associate_request()
    request.user_information.append(ImplementationClassUIDNotification("1" * 20000))
    request.encoded = None
    data = encode(request)
    upper_layer = drive(False, "Sta2")
    for offset in range(len(data) - 1):
        assert receive(upper_layer, data[offset : offset + 1]) == []
    assert upper_layer.events == ["Evt6"]
    assert receive(upper_layer, data[-1:]) == [request]


# --- borrowing -------------------------------------------------------------------------------------------------------


def test_a_fragment_lies_in_the_buffer_that_was_received() -> None:
    upper_layer = drive(False, "Sta6")
    buffer = bytearray(DATA)
    [primitive] = receive(upper_layer, memoryview(buffer))  # type: ignore[arg-type]
    assert isinstance(primitive, P_DATA)
    [(_, _, fragment)] = primitive.presentation_data_value_list
    assert isinstance(fragment, memoryview)
    assert fragment.obj is buffer


@pytest.mark.parametrize("unread", [0, 5, len(DATA)])
def test_what_is_retained_or_used_up_lets_go_of_the_buffer(unread: int) -> None:
    upper_layer = drive(False, "Sta6")
    first, second = bytearray(DATA + DATA[:unread]), bytearray(DATA[unread:])
    upper_layer.receive(first, 0.0)
    primitive = upper_layer.next_primitive(0.0)
    upper_layer.receive(second, 0.0)
    del primitive
    upper_layer.retain()
    first.clear()  # BufferError, if a view were left
    second.clear()
    assert pull(upper_layer) == ([P_DATA([(1, 3, b"command!")])])


def test_an_idle_association_keeps_no_buffer_alive() -> None:
    upper_layer = drive(False, "Sta6")
    buffer = bytearray(DATA)
    receive(upper_layer, buffer)
    buffer.clear()


def test_data_to_send_is_handed_out_once_and_uncopied() -> None:
    upper_layer = drive(False, "Sta6")
    fragment = bytes(4096)
    assert not upper_layer.has_data_to_send
    upper_layer.request(P_DATA([(1, 2, fragment)]), 0.0)
    assert upper_layer.has_data_to_send
    assert upper_layer.data_to_send()[1] is fragment
    assert upper_layer.data_to_send() == []


# --- the transport connection ----------------------------------------------------------------------------------------


def test_the_end_of_the_stream_comes_behind_what_was_received_before() -> None:
    upper_layer = drive(False, "Sta6")
    upper_layer.receive(DATA + RELEASE_RQ[:5], 0.0)
    upper_layer.receive_eof(0.0)
    assert upper_layer.events == ["Evt10", "Evt17"]
    assert state(upper_layer) == "Sta6"
    assert isinstance(upper_layer.next_primitive(0.0), P_DATA)
    assert upper_layer.next_primitive(0.0) == A_P_ABORT(transport_lost=True, description="transport connection closed")
    assert (state(upper_layer), upper_layer.should_close, upper_layer.events) == ("Sta1", True, [])


def test_a_transport_connection_that_cannot_be_made() -> None:
    upper_layer = drive(True, "Sta4")
    assert upper_layer.should_connect
    upper_layer.receive_eof(0.0)
    [indication] = pull(upper_layer)
    assert isinstance(indication, A_P_ABORT)
    assert indication.transport_lost
    assert (upper_layer.should_connect, upper_layer.should_close) == (False, True)


def test_abort_while_connecting_sends_nothing() -> None:
    upper_layer = drive(True, "Sta4")
    upper_layer.request(A_ABORT(), 0.0)
    assert (upper_layer.should_connect, upper_layer.should_close, sent(upper_layer)) == (False, True, b"")


def test_after_the_close_nothing_is_received() -> None:
    upper_layer = drive(False, "Sta6")
    assert receive(upper_layer, ABORT + RQ + DATA) == [A_ABORT(0)]
    assert receive(upper_layer, RQ) == []
    upper_layer.receive_eof(0.0)
    assert pull(upper_layer) == []
    assert (state(upper_layer), upper_layer.should_close, upper_layer.events) == ("Sta1", True, [])


# --- two of them on a wire -------------------------------------------------------------------------------------------


class Wire:
    """A requestor and an acceptor with an association between them; `carry` takes what each has sent to the other."""

    def __init__(self) -> None:
        self.requestor, self.acceptor = UpperLayer(True), UpperLayer(False)
        self.requestor.request(associate_request(), 0.0)
        assert self.requestor.should_connect
        self.requestor.transport_opened(0.0)
        self.acceptor.transport_opened(0.0)
        assert self.carry() == ([], [associate_request()])
        self.acceptor.request(associate_accept(), 0.0)
        assert self.carry() == ([associate_accept()], [])

    def carry(self) -> tuple[list[Primitive], list[Primitive]]:
        to_requestor, to_acceptor = sent(self.acceptor), sent(self.requestor)
        return receive(self.requestor, to_requestor), receive(self.acceptor, to_acceptor)

    def close(self, first: UpperLayer, second: UpperLayer) -> None:
        """`first` has nothing more to wait for and closes; `second` sees it."""
        assert first.should_close
        assert not second.should_close
        assert state(second) == "Sta13"
        second.receive_eof(0.0)
        assert pull(second) == []
        assert second.should_close
        assert (state(first), state(second)) == ("Sta1", "Sta1")
        assert first.deadline is second.deadline is None


def test_data_and_release() -> None:
    wire = Wire()
    wire.requestor.request(P_DATA([(1, 3, b"command"), (1, 2, bytes(1000))]), 0.0)
    assert wire.carry() == ([], [P_DATA([(1, 3, b"command"), (1, 2, bytes(1000))])])
    wire.requestor.request(A_RELEASE(), 0.0)
    assert wire.carry() == ([], [A_RELEASE()])
    wire.acceptor.request(P_DATA([(1, 3, b"a last word")]), 0.0)  # AR-7, AR-6
    assert wire.carry() == ([P_DATA([(1, 3, b"a last word")])], [])
    wire.acceptor.request(A_RELEASE("affirmative"), 0.0)
    assert wire.carry() == ([A_RELEASE("affirmative")], [])
    wire.close(wire.requestor, wire.acceptor)


def test_release_collision() -> None:
    wire = Wire()
    wire.requestor.request(A_RELEASE(), 0.0)
    wire.acceptor.request(A_RELEASE(), 0.0)
    assert wire.carry() == ([A_RELEASE()], [A_RELEASE()])
    assert (state(wire.requestor), state(wire.acceptor)) == ("Sta9", "Sta10")
    with pytest.raises(UsageError):
        wire.acceptor.request(A_RELEASE("affirmative"), 0.0)  # the acceptor answers second
    wire.requestor.request(A_RELEASE("affirmative"), 0.0)
    assert wire.carry() == ([], [A_RELEASE("affirmative")])
    assert (state(wire.requestor), state(wire.acceptor)) == ("Sta11", "Sta12")
    wire.acceptor.request(A_RELEASE("affirmative"), 0.0)
    assert wire.carry() == ([A_RELEASE("affirmative")], [])
    wire.close(wire.requestor, wire.acceptor)


@pytest.mark.parametrize("by_requestor", [True, False])
def test_abort(by_requestor: bool) -> None:
    wire = Wire()
    first, second = (wire.requestor, wire.acceptor) if by_requestor else (wire.acceptor, wire.requestor)
    first.request(A_ABORT(), 0.0)
    assert sorted(map(len, wire.carry())) == [0, 1]
    wire.close(second, first)


def test_both_abort_at_once() -> None:
    wire = Wire()
    wire.requestor.request(A_ABORT(), 0.0)
    wire.acceptor.request(A_ABORT(), 0.0)
    assert wire.carry() == ([], [])
    assert wire.requestor.should_close
    assert wire.acceptor.should_close


def test_reject() -> None:
    requestor, acceptor = drive(True, "Sta5"), drive(False, "Sta3")
    acceptor.request(associate_reject(), 0.0)
    assert receive(requestor, sent(acceptor)) == [associate_reject()]
    assert (requestor.should_close, state(acceptor)) == (True, "Sta13")
