"""Plans carried out by real generator processes against an SCP whose faults are known."""

from __future__ import annotations

import os
import signal
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from statistics import median, quantiles
from time import sleep
from typing import Any
from unittest.mock import MagicMock

import pytest
from controlled import ControlledAssociation, ControlledSCP
from peers import DEADLINE
from processes import children

from pool.load.fleet import FleetError, run
from pool.load.plan import Background, Plan, Size, Stage, StoreWork
from pool.load.requestor import LoadAssociation
from pool.load.tally import Interval, Run
from pool.scu import Peer


def carry_out(plan: Plan, on_interval: Callable[[Interval], str | None] = lambda interval: None) -> Run:
    return run(plan, on_interval)


def milliseconds(run: Run, phase: str, percentile: float, *, corrected: bool = False) -> float:
    histogram = (run.tally.corrected if corrected else run.tally.service)[phase]
    return float(histogram.get_value_at_percentile(percentile)) / 1000


@contextmanager
def trickling(port: int, *, seconds: float, begin: int, end: int) -> Iterator[int]:
    """A way to `port` on which the bytes from `begin` to `end` take so long."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 200_000)  # else the kernel takes all of it at once
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        way = threading.Thread(target=_trickle, args=(listener, port, seconds / (end - begin), range(begin, end)))
        way.start()
        yield listener.getsockname()[1]
        way.join()


def _trickle(listener: socket.socket, port: int, seconds_a_byte: float, slow: range) -> None:
    passed = 0
    with listener.accept()[0] as near, socket.create_connection(("127.0.0.1", port)) as far:
        back = threading.Thread(target=_pass_on, args=(far, near))
        back.start()
        while data := near.recv(131072):
            passed += len(data)
            if passed in slow:
                sleep(len(data) * seconds_a_byte)
            far.sendall(data)
        far.shutdown(socket.SHUT_WR)
        back.join()


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):  # either may leave first
        while data := source.recv(131072):
            sink.sendall(data)


def test_a_closed_loop_sends_as_many_as_it_is_to_and_not_one_more() -> None:
    with ControlledSCP() as scp:
        done = carry_out(scp.plan(associations=5, count=203, processes=2))
    assert scp.requests == 203
    assert done.tally.counts["messages_sent"] == done.tally.counts["messages_ok"] == 203
    assert done.tally.counts["associations_accepted"] == done.tally.counts["associations_released"] == 5
    assert done.tally.errors == 0 and not done.tally.causes
    assert done.tally.service["echo"].get_total_count() == 203
    assert done.tally.service["connect"].get_total_count() == done.tally.service["release"].get_total_count() == 5
    assert len(done.cpu_shares) == 2 and all(share > 0 for share in done.cpu_shares)


def test_what_is_done_before_the_start_line_is_no_part_of_the_run() -> None:
    seen: list[int] = []

    def prepared() -> None:
        sleep(0.2)  # far beyond a start line that had been set before
        seen.append(scp.requests)

    with ControlledSCP() as scp:
        done = run(scp.plan(associations=5, count=10), lambda interval: None, prepared)
        assert seen == [0]
    assert done.tally.counts["messages_ok"] == 10


def test_intervals_are_parts_of_the_whole() -> None:
    intervals: list[Interval] = []
    with ControlledSCP() as scp:
        done = carry_out(scp.plan(associations=4, duration=2.2, processes=2), intervals.append)  # type: ignore[arg-type]
    assert [round(interval.start) for interval in intervals[:3]] == [0, 1, 2]
    assert sum(interval.tally.counts["messages_ok"] for interval in intervals) == done.tally.counts["messages_ok"]
    assert intervals[0].active == 4 and intervals[-1].active == 0
    assert 2.2 <= done.seconds < 4


@pytest.mark.parametrize(
    "pace", [{"duration": 1.5}, {"stages": (Stage(1.5, 40, 40),)}], ids=["closed loop", "open loop"]
)
def test_a_known_delay_is_what_is_reported(pace: dict[str, Any]) -> None:
    with ControlledSCP(delay=0.05) as scp:
        done = carry_out(scp.plan(associations=4, **pace))
    assert done.tally.errors == 0
    took = [seconds * 1000 for seconds in quantiles(scp.took, n=10)]
    assert took[0] == pytest.approx(50, abs=10)
    for corrected in {False, "stages" in pace}:
        # On a busy machine we wait for a core before we hear of a response: the quickest tenth hardly does.
        assert milliseconds(done, "echo", 10, corrected=corrected) == pytest.approx(took[0], abs=2)
        assert milliseconds(done, "echo", 50, corrected=corrected) > took[4] - 2


def test_a_stall_shows_in_the_corrected_latencies_as_the_callers_would_have_seen_it() -> None:
    """100 messages a second on one association, and a stall of 1 s in 4 s: 100 of 400 were due while it lasted and
    waited from 1 s down to nothing. A tool that waits before it sends the next sees one slow message of 400."""
    with ControlledSCP() as scp:
        scp.stall(after=1.0, seconds=1.0)
        done = carry_out(scp.plan(associations=1, stages=(Stage(4.0, 100, 100),)))
    assert done.tally.counts["messages_ok"] == done.tally.counts["starts_due"] == 400
    assert milliseconds(done, "echo", 99) < 100  # one in 400
    assert milliseconds(done, "echo", 100) == pytest.approx(1000, abs=80)
    for percentile, waited in ((99.7, 990), (95, 800), (87.5, 500), (80, 200)):
        assert milliseconds(done, "echo", percentile, corrected=True) == pytest.approx(waited, abs=80)
    assert milliseconds(done, "echo", 50, corrected=True) < 50
    assert 90 <= done.tally.counts["starts_late"] <= 200  # a busy machine adds some
    assert done.tally.counts["starts_dropped"] == 0


def test_an_open_loop_of_associations_counts_from_when_each_was_due() -> None:
    with ControlledSCP(delay=0.05) as scp:
        done = carry_out(scp.plan(associations=1, stages=(Stage(1.0, 40, 40),), unit="associations"))
    assert done.tally.counts["starts_due"] == 40
    assert median(scp.took) * 1000 - 2 < milliseconds(done, "association", 50) < 100
    # one at a time takes 50 ms each and 25 ms lie between two: the n-th waits some n x 27 ms
    assert milliseconds(done, "association", 99, corrected=True) > 300
    assert done.tally.counts["starts_dropped"] == 40 - done.tally.counts["associations_started"] > 0


def test_think_time_is_between_messages() -> None:
    with ControlledSCP() as scp:
        done = carry_out(scp.plan(associations=2, duration=1.0, think_time=0.1))
    assert 12 <= done.tally.counts["messages_ok"] <= 20


# --- what can be sent -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("max_pdu", [1024, 16384, 131072, 0])
def test_instances_of_every_size_pass(max_pdu: int) -> None:
    store = StoreWork(size=Size("uniform", 200, 300_000), images_per_series=7)
    with ControlledSCP(max_pdu=max_pdu) as scp:
        done = carry_out(
            scp.plan(associations=3, count=90, mix={"store": 1.0}, store=store, messages_per_association=20)
        )
    assert done.tally.counts["messages_ok"] == scp.requests == 90
    assert done.tally.errors == 0 and not done.tally.causes
    assert done.tally.payload_bytes < done.tally.bytes_sent < done.tally.payload_bytes * 1.2


def test_a_mix_goes_by_its_weights() -> None:
    with ControlledSCP() as scp:
        done = carry_out(
            scp.plan(count=400, mix={"echo": 3.0, "store": 1.0}, store=StoreWork(size=Size("fixed", 2000)))
        )
    assert done.tally.counts["messages_ok"] == 400
    assert 60 <= done.tally.service["store"].get_total_count() <= 140


def test_as_many_contexts_are_proposed_as_are_asked_for() -> None:
    proposed: list[int] = []

    def note(association: ControlledAssociation, number: int) -> None:
        assert association.session.request is not None
        proposed.append(len(association.session.request.presentation_context_definition_list))

    with ControlledSCP(on_request=note) as scp:
        carry_out(scp.plan(count=1, contexts=128))
        carry_out(scp.plan(count=1))
    assert proposed == [128, 1]


# --- what fails, and why ----------------------------------------------------------------------------------------------


def test_nobody_listens() -> None:
    with ControlledSCP() as scp:
        plan = scp.plan(associations=4, duration=30.0)
    done = carry_out(plan)
    assert "no association was accepted" in done.stopped and "refused" in done.stopped
    assert done.tally.causes.keys() == {("connect", "Connection refused")}
    assert done.seconds < 10


def test_rejections_are_counted_by_what_they_say() -> None:
    with ControlledSCP(rejects=True) as scp:
        done = carry_out(scp.plan(associations=2, count=3))
    assert done.tally.causes == {("reject", 2, 3, 2): done.tally.counts["associations_failed"]}
    assert done.tally.counts["associations_failed"] >= 3
    assert done.tally.errors == done.tally.counts["associations_failed"]


def test_statuses_are_counted_and_warnings_are_no_failures() -> None:
    def status_of(operation: Any) -> int | None:
        return (0x0122, 0xB000, None)[operation.request.MessageID % 3]

    with ControlledSCP(status_of=status_of) as scp:
        done = carry_out(scp.plan(count=30, associations=1))
    assert done.tally.causes == {("status", "echo", 0x0122): 10, ("status", "echo", 0xB000): 10}
    assert (done.tally.counts["messages_ok"], done.tally.counts["messages_failed"]) == (20, 10)


def abort(association: ControlledAssociation, number: int) -> bool:
    if number == 5:
        association._loop.call_soon(association.abort_now)
    return number == 5


def reset(association: ControlledAssociation, number: int) -> bool:
    if number == 5:
        association.reset()
    return number == 5


def silence(association: ControlledAssociation, number: int) -> bool:
    return number == 5


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        (abort, ("abort", 0, 0)),
        (reset, ("reset", "Connection reset by peer")),
        (silence, ("timeout", "echo")),
    ],
)
def test_a_message_that_is_not_answered_fails_once_and_says_why(fault: Any, cause: tuple[Any, ...]) -> None:
    with ControlledSCP(on_request=fault) as scp:
        done = carry_out(scp.plan(count=20, dimse_timeout=0.5))
    assert done.tally.causes == {cause: 1}
    assert done.tally.counts["messages_failed"] == done.tally.errors == 1
    assert done.tally.counts["messages_ok"] == 19
    assert done.tally.counts["associations_started"] == 2


def test_a_peer_that_reads_nothing_is_a_timeout() -> None:
    read_on = threading.Event()
    with ControlledSCP(on_request=lambda association, number: read_on.wait(DEADLINE)) as scp:
        store = StoreWork(size=Size("fixed", 64 << 20))
        try:
            done = carry_out(scp.plan(count=1, mix={"store": 1.0}, store=store, dimse_timeout=0.5))
        finally:
            read_on.set()
    assert done.tally.causes == {("timeout", "store"): 1}
    assert done.tally.counts["messages_failed"] == done.tally.errors == 1


def test_a_peer_that_reads_slowly_has_its_time_from_the_last_byte() -> None:
    """The second message is the one whose response is foreseen."""
    store = StoreWork(size=Size("fixed", 16 << 20))
    with ControlledSCP() as scp, trickling(scp.port, seconds=1.6, begin=16 << 20, end=32 << 20) as port:
        peer = Peer("ULPOOL", "127.0.0.1", port)
        plan = scp.plan(peer=peer, address=peer.resolve(), count=2, mix={"store": 1.0}, store=store, dimse_timeout=1.0)
        done = carry_out(plan)
    assert not done.tally.causes and done.tally.counts["messages_ok"] == 2
    assert milliseconds(done, "store", 100) > 1200


def test_the_session_waits_for_no_response_to_what_has_not_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was told of a message that leaves, as it is when anything else is read meanwhile."""
    monkeypatch.setattr(LoadAssociation, "pump", lambda association: None)
    association = LoadAssociation.__new__(LoadAssociation)
    association.session, association.upper_layer, association._message = MagicMock(), MagicMock(), MagicMock()
    association._loop, association._unsent, association._progress_at = MagicMock(now=9.0), [b"rest"], 8.0
    association._patience = association._stall_timeout = 2.0
    association.pace = association._awaited = None
    association._timer_due()
    association.session.heard.assert_called_once_with(8.0)


def test_a_peer_that_takes_nothing_of_what_is_to_be_sent() -> None:
    work = StoreWork(transfer_syntaxes=("1.2.840.10008.1.2.1",))
    with ControlledSCP() as scp:
        scp.scp.offer.contexts = {}
        done = carry_out(scp.plan(count=2, mix={"store": 1.0}, store=work))
    assert {cause[0] for cause in done.tally.causes} == {"no-context"}
    assert done.tally.counts["messages_ok"] == 0


# --- the background ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("behaviour", ["idle", "slow", "silent", "abort"])
def test_the_background_goes_on_beside_the_work_and_is_counted_apart(behaviour: str) -> None:
    intervals: list[Interval] = []
    with ControlledSCP() as scp:
        plan = scp.plan(duration=1.3, background=Background(behaviour, 10), processes=1)
        done = carry_out(plan, intervals.append)  # type: ignore[arg-type]
    assert done.tally.errors == 0 and done.tally.counts["messages_ok"] > 10
    assert done.tally.counts["associations_started"] == 1
    counts = done.background.counts
    assert counts["associations_started"] >= 10
    if behaviour == "abort":
        assert counts["aborted_on_purpose"] > 10
    else:
        assert counts["associations_started"] == 10 == intervals[0].background_active
    assert not done.background.causes


def test_slow_peers_leave_hardly_any_room_for_what_they_are_told() -> None:
    rooms: dict[str, list[int]] = {"C-STORE-RQ": [], "C-ECHO-RQ": []}

    def note(association: ControlledAssociation, number: int) -> None:
        told = association._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 232)  # type: ignore[call-arg]
        (request,) = association.session.operations
        rooms[request.request.type.name].append(struct.unpack_from("I", told, 228)[0])  # tcpi_snd_wnd

    with ControlledSCP(on_request=note) as scp:
        carry_out(scp.plan(duration=0.5, think_time=0.05, background=Background("slow", 3)))
    assert len(rooms["C-STORE-RQ"]) == 3 and max(rooms["C-STORE-RQ"]) < 4096 < min(rooms["C-ECHO-RQ"])


def test_the_same_seed_sends_the_same_whoever_is_quicker() -> None:
    def sent(held_up: int) -> list[list[tuple[str, str | None]]]:
        """By lane, in the order of their first C-STOREs."""
        lanes: dict[ControlledAssociation, list[tuple[str, str | None]]] = {}

        def note(association: ControlledAssociation, number: int) -> None:
            request = association.session.operations[-1].request
            lanes.setdefault(association, []).append((request.type.name, request.AffectedSOPInstanceUID))
            is_echo = request.AffectedSOPInstanceUID is None
            scp.delay = 0.03 if is_echo and len(lanes[association]) % 2 == held_up else 0.0

        mix = {"echo": 1.0, "store": 1.0}
        store = StoreWork(size=Size("uniform", 1000, 9000))
        with ControlledSCP(on_request=note) as scp:
            done = carry_out(scp.plan(count=90, associations=3, seed=8, mix=mix, store=store))
        assert done.tally.counts["messages_ok"] == 90
        return sorted(lanes.values(), key=lambda lane: min(uid for _, uid in lane if uid))

    for one, other in zip(sent(0), sent(1), strict=True):
        assert len(one) > 5 and len(other) > 5
        assert all(mine == theirs for mine, theirs in zip(one, other, strict=False))


# --- ends -------------------------------------------------------------------------------------------------------------


def test_a_text_from_the_interval_stops_the_run_in_order() -> None:
    with ControlledSCP() as scp:
        done = carry_out(scp.plan(associations=3, duration=60.0, processes=2), lambda interval: "enough")
        assert done.stopped == "enough" and done.seconds < 10
        assert done.tally.errors == 0 and done.tally.counts["messages_ok"] > 0


def test_a_plan_that_cannot_be_carried_out_is_refused_before_anything_is_sent() -> None:
    with ControlledSCP() as scp:
        with pytest.raises(FleetError, match=r"nowhere\.dcm"):
            carry_out(scp.plan(count=1, mix={"store": 1.0}, store=StoreWork(files=("/nowhere.dcm",))))
        assert not scp.requests


def test_more_connections_than_descriptors() -> None:
    peer = Peer("ULPOOL", "127.0.0.1", 11112)
    plan = Plan(peer=peer, address=peer.resolve(), associations=2_000_000_000, count=1)
    with pytest.raises(FleetError, match=r"ulimit -Hn"):
        carry_out(plan)


def test_a_generator_that_dies_is_told_of_and_the_others_go_on() -> None:
    killed: list[int] = []
    others = children()

    def kill_one(interval: Interval) -> None:
        if not killed:
            killed.append(min(children() - others))
            os.kill(killed[0], signal.SIGKILL)

    with ControlledSCP() as scp:
        done = carry_out(scp.plan(associations=4, duration=2.5, processes=2), kill_one)
    assert len(done.failures) == 1 and "status -9" in done.failures[0]
    assert done.seconds >= 2.5 and not done.stopped
    assert children() == others


def test_an_interrupt_stops_the_run_in_order() -> None:
    others = children()

    def interrupt(interval: Interval) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    with ControlledSCP() as scp:
        done = carry_out(scp.plan(associations=3, duration=60.0, processes=2), interrupt)
        assert done.stopped == "interrupted" and done.seconds < 10
        assert done.tally.errors == 0 and done.tally.counts["messages_ok"] > 0
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert children() == others
