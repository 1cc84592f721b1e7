"""The loop: readiness, timers, deferred calls, threads, signals, and that no callback takes it down."""

from __future__ import annotations

import io
import os
import random
import signal
import socket
import threading
from collections.abc import Iterator

import pytest
from turning import turn_until

from pool import logs
from pool.loop import EPOLLIN, EPOLLOUT, Loop


@pytest.fixture
def loop() -> Iterator[Loop]:
    loop = Loop()
    yield loop
    loop.close()


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    logs.setup("debug", "text", stream=stream)
    yield stream
    logs.setup("warning", "text")


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    a, b = socket.socketpair()
    with a, b:
        a.setblocking(False)
        b.setblocking(False)
        yield a, b


# Descriptors


def test_a_callback_is_told_what_its_descriptor_is_ready_for(loop, pair):
    seen = []
    loop.register(pair[0].fileno(), EPOLLIN | EPOLLOUT, seen.append)
    loop.turn()
    assert seen == [EPOLLOUT]
    pair[1].send(b"x")
    loop.modify(pair[0].fileno(), EPOLLIN)
    loop.turn()
    loop.turn()
    assert seen == [EPOLLOUT, EPOLLIN, EPOLLIN]  # level-triggered: nobody read


def test_an_unregistered_descriptor_is_not_called_even_if_its_event_is_in_hand(loop):
    pairs = [socket.socketpair() for _ in range(2)]
    called = []

    def leave_alone(mine: int, other: int) -> None:
        called.append(mine)
        loop.unregister(other)

    first, second = (ours.fileno() for ours, _ in pairs)
    loop.register(first, EPOLLIN, lambda events: leave_alone(first, second))
    loop.register(second, EPOLLIN, lambda events: leave_alone(second, first))
    for _, theirs in pairs:
        theirs.send(b"x")
    loop.turn()
    assert len(called) == 1
    for pair in pairs:
        for end in pair:
            end.close()


def test_an_event_for_a_closed_descriptor_does_not_reach_the_next_owner_of_its_number(loop):
    (a, a_peer), (b, b_peer) = socket.socketpair(), socket.socketpair()
    newcomer_saw = []
    made = []

    def replace_the_other(other: socket.socket) -> None:
        number = other.fileno()
        loop.unregister(number)
        other.close()
        ours, theirs = socket.socketpair()
        made.extend((ours, theirs))
        assert ours.fileno() == number
        loop.register(ours.fileno(), EPOLLIN, newcomer_saw.append)

    loop.register(a.fileno(), EPOLLIN, lambda events: replace_the_other(b) if not made else None)
    loop.register(b.fileno(), EPOLLIN, lambda events: replace_the_other(a) if not made else None)
    a_peer.send(b"x")
    b_peer.send(b"x")
    loop.turn()
    assert made
    assert newcomer_saw == []
    made[1].send(b"y")
    turn_until(loop, lambda: newcomer_saw)
    for sock in (a, a_peer, b, b_peer, *made):
        sock.close()


# Timers and deferred calls


def test_timers_fire_in_their_order_and_not_early(loop):
    fired = []
    delays = [0.001 * n for n in range(20)]
    random.Random(1).shuffle(delays)
    start = loop.now
    for delay in delays:
        loop.call_at(start + delay, lambda delay=delay: fired.append((delay, loop.now - start)))
    turn_until(loop, lambda: len(fired) == len(delays))
    assert [delay for delay, _ in fired] == sorted(delays)
    assert all(at >= delay for delay, at in fired)


def test_a_cancelled_timer_does_not_fire_and_cancelling_late_is_harmless(loop):
    fired = []
    kept = loop.call_at(loop.now, lambda: fired.append("kept"))
    loop.call_at(loop.now, lambda: fired.append("cancelled")).cancel()
    turn_until(loop, lambda: fired)
    kept.cancel()
    assert fired == ["kept"]


def test_timers_that_are_always_rearmed_do_not_pile_up(loop):
    timer = loop.call_at(loop.now + 60, lambda: None)
    for _ in range(10_000):
        timer.cancel()
        timer = loop.call_at(loop.now + 60, lambda: None)
    assert len(loop._timers) < 1000


def test_a_timer_may_cancel_others_that_are_due(loop):
    fired = []
    due = [loop.call_at(loop.now, lambda n=n: fired.append(n)) for n in range(1000)]

    def cancel_all() -> None:
        for timer in due:
            timer.cancel()
        fired.append("cancelled them")

    loop.call_at(loop.now - 1, cancel_all)
    loop.call_at(loop.now, lambda: fired.append("after"))
    turn_until(loop, lambda: "after" in fired)
    assert fired == ["cancelled them", "after"]


def test_nothing_to_do_is_waited_for_without_waking(loop):
    assert loop._time_to_wait(None) is None


def test_soon_is_after_the_events_of_this_turn_and_what_it_adds_is_next_turn(loop, pair):
    order = []
    loop.register(pair[0].fileno(), EPOLLOUT, lambda events: order.append("event"))
    loop.call_soon(lambda: (order.append("soon"), loop.call_soon(order.append, "later")))
    loop.turn()
    assert order == ["event", "soon"]
    loop.turn()
    assert order == ["event", "soon", "event", "later"]


# Threads and signals


def test_every_call_from_every_thread_arrives_in_order(loop):
    arrived: dict[int, list[int]] = {n: [] for n in range(4)}

    def call(thread: int) -> None:
        for n in range(500):
            loop.call_from_thread(arrived[thread].append, n)

    threads = [threading.Thread(target=call, args=(n,)) for n in arrived]
    for thread in threads:
        thread.start()
    turn_until(loop, lambda: all(len(calls) == 500 for calls in arrived.values()))
    for thread in threads:
        thread.join()
    assert all(calls == list(range(500)) for calls in arrived.values())


def test_a_thread_wakes_a_loop_that_waits_for_nothing(loop):
    thread = threading.Timer(0.01, lambda: loop.call_from_thread(loop.stop))
    thread.start()
    loop.run()
    thread.join()


def test_a_signal_is_a_call_on_the_loop_and_close_gives_the_handlers_back(loop):
    before = signal.getsignal(signal.SIGUSR1)
    got = []
    loop.on_signal(signal.SIGUSR1, lambda: got.append("one"))
    loop.on_signal(signal.SIGUSR2, lambda: got.append("two"))
    os.kill(os.getpid(), signal.SIGUSR1)
    os.kill(os.getpid(), signal.SIGUSR2)
    assert got == []
    turn_until(loop, lambda: len(got) == 2)
    assert got == ["one", "two"]
    loop._signals.close()
    assert signal.getsignal(signal.SIGUSR1) == before


# Faults


class Fragile:
    def __init__(self) -> None:
        self.errors: list[Exception] = []

    def fail(self, *args: object) -> None:
        raise ValueError("broken")

    def callback_failed(self, error: Exception) -> None:
        self.errors.append(error)


def test_a_fault_is_logged_and_told_to_its_owner_and_the_loop_goes_on(loop, pair, log):
    owner = Fragile()
    went_on = []
    loop.register(pair[0].fileno(), EPOLLOUT, owner.fail)
    loop.call_at(loop.now, owner.fail)
    loop.call_soon(owner.fail)
    loop.call_from_thread(owner.fail)
    loop.call_soon(lambda: went_on.append(True))
    turn_until(loop, lambda: len(owner.errors) >= 4 and went_on)
    assert {str(error) for error in owner.errors} == {"broken"}
    assert log.getvalue().count("loop.callback_failed") == len(owner.errors)
    assert "Fragile.fail" in log.getvalue()


def test_an_owner_that_fails_to_handle_its_fault_is_logged_too(loop, log):
    class Hopeless(Fragile):
        def callback_failed(self, error: Exception) -> None:
            raise RuntimeError("worse")

    loop.call_soon(Hopeless().fail)
    loop.turn()
    assert log.getvalue().count("loop.callback_failed") == 2 and "RuntimeError" in log.getvalue()
