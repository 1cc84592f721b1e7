"""Reloading, scaling, recycling, draining and events: what changes in a server that goes on serving.

The house's workers speak lines (see `fakes`): DRAIN closes an association at once unless it said HOLD.
"""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import processes
import pytest
import zmq
from house import Client, House
from house import built_house as built_house
from raw_peer import RawPeer, echo_rq
from serving import server

from pool import events, messages
from pool.acceptor.resolution import Sources
from pool.config import SETTINGS


def sources_of(built: House, **changes: object) -> Sources:
    """Those of a house, and some on top."""
    return Sources({**built.server.sources.command_line, **changes})


class Outcome:
    """What became of a reload."""

    def __init__(self, built: House, **changes: object) -> None:
        built.server.sources = sources_of(built, **changes)
        self.reloaded: list[messages.Reloaded | None] = []
        self.faults: list[str] = []
        built.server.reload(self.done)

    def done(self, reloaded: messages.Reloaded | None, fault: str) -> None:
        self.reloaded.append(reloaded)
        self.faults.append(fault)


def established(built: House, *words: str) -> Client:
    client = built.connect()
    assert client.ask("RQ") == "AC"
    for word in words:
        client.ask(word)
    return client


# Reload


def test_newcomers_meet_the_new_settings_and_nobody_is_lost(house):
    built = house(workers=1, max_associations=3)
    (old,) = built.start()
    working, idle, pending = established(built, "HOLD"), established(built), built.connect()
    assert pending.ask("PID") == str(old.process.pid)
    told: list[Any] = []
    built.server.on_settings.append(told.append)
    outcome = Outcome(built, max_associations="2", workers="2")
    assert built.server.state == messages.RELOADING
    built.until(lambda: outcome.faults)
    assert outcome.reloaded == [
        {"generation": 2, "workers": 2, "changed": ["workers", "max_associations"], "ignored": []}
    ]
    assert built.server.state == messages.RUNNING
    assert told == [built.server.settings] and told[0].max_associations == 2
    assert built.server.settings.bind[0][:2] == built.address  # the port that was free stays
    built.until(idle.gone)
    assert pending.ask("RQ") == "AC"  # on the worker that leaves
    built.until(pending.gone)  # which does not keep it longer than it has to
    newcomer = built.connect()
    assert newcomer.ask("PID") not in ("", str(old.process.pid))
    assert newcomer.ask("RQ") == "AC"
    assert built.connect().ask("RQ") == "RJ 2 3 2"
    assert working.ask("PID") == str(old.process.pid)
    assert old.state == "leaving"
    working.sock.close()
    built.until(lambda: len(built.workforce.workers) == 2)
    assert built.workforce.restarts == {messages.RELOADED: 1}


def refused(built: House, outcome: Outcome, old: list[Any], *words: str) -> None:
    """It says why, and nothing has changed."""
    built.until(lambda: outcome.faults)
    assert outcome.reloaded == [None]
    for word in words:
        assert word in outcome.faults[0]
    built.until(lambda: list(built.workforce.workers.values()) == old)
    assert built.server.state == messages.RUNNING
    assert built.workforce.generation.number == 1
    assert built.connect().ask("PID") == str(old[0].process.pid)


def test_a_setting_that_will_not_do_changes_nothing(house):
    built = house(workers=1)
    old = built.start()
    refused(built, Outcome(built, max_pdu="17"), old, "--max-pdu: '17' will not do")


def test_a_file_that_cannot_be_read_changes_nothing(house, tmp_path):
    built = house(workers=1)
    old = built.start()
    (tmp_path / "settings.toml").write_text("max_pud = 65536")
    refused(built, Outcome(built, config=str(tmp_path / "settings.toml")), old, "max_pud: no such setting", "max_pdu?")


def test_an_application_that_cannot_be_imported_changes_nothing(house, tmp_path):
    built = house(workers=1)
    old = built.start()
    (tmp_path / "broken.py").write_text("1 / 0")
    outcome = Outcome(built, application="broken:app", app_dir=str(tmp_path))
    refused(built, outcome, old, "broken:app: importing it failed: ZeroDivisionError")


def test_workers_that_do_not_start_change_nothing(house, monkeypatch):
    built = house(workers=1)
    old = built.start()
    monkeypatch.setenv("MISCHIEF", "do not start")
    refused(built, Outcome(built, max_associations="2"), old, "did not start: exit status 7")
    assert built.server.settings.max_associations == 1000


def test_an_address_that_is_taken_changes_nothing(house):
    built = house(workers=1)
    old = built.start()
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = f"127.0.0.1:{other.getsockname()[1]}"
        refused(built, Outcome(built, bind=taken), old, taken, "another program listens there")


def test_what_wants_a_restart_is_told_and_left(house, tmp_path):
    built = house(workers=1)
    built.start()
    assert {row.name for row in SETTINGS if row.restart} >= {"control"}
    outcome = Outcome(built, control=str(tmp_path / "elsewhere"), aet="OTHER")
    built.until(lambda: outcome.faults)
    assert outcome.reloaded[0] is not None
    assert (outcome.reloaded[0]["changed"], outcome.reloaded[0]["ignored"]) == (["aet"], ["control"])
    assert (built.server.settings.aet, built.server.settings.control) == ("OTHER", tmp_path / "control")


def test_a_second_reload_waits_for_nobody_and_is_refused(house):
    built = house(workers=1)
    built.start()
    first = Outcome(built)
    second = Outcome(built)
    assert second.faults == ["the server is reloading; ask again when it is running"]
    assert built.server.scale(2) is not None
    built.until(lambda: first.faults)
    assert first.faults == [""]


def test_a_hangup_amid_a_reload_is_heeded_afterwards(house):
    built = house(workers=1)
    built.start()
    first = Outcome(built, max_associations="2")
    built.server.sources = sources_of(built, max_associations="3")  # after they were read
    built.server.hang_up()
    built.server.hang_up()
    built.until(lambda: built.server.state == messages.RUNNING and built.workforce.generation.number == 3)
    assert first.reloaded[0] is not None
    assert built.server.settings.max_associations == 3


def test_a_stop_amid_a_reload_ends_it(house, tmp_path):
    built = house(workers=1)
    built.start()
    (tmp_path / "slow.py").write_text("import signal; signal.pause()")
    outcome = Outcome(built, application="slow:app", app_dir=str(tmp_path))
    built.server.stop_now()
    built.until(lambda: not built.workforce.workers)
    assert outcome.faults == ["the server stops"]
    assert built.server.state == messages.STOPPING


# Recycling and scaling


def test_a_worker_is_recycled_after_so_many_associations(house):
    built = house(workers=1, max_requests=3)
    (old,) = built.start()
    holding = established(built, "HOLD")
    for _ in range(2):
        established(built).sock.close()
    assert old.reason == messages.RECYCLED
    built.until(lambda: not old.serves)
    newcomer = established(built)
    assert newcomer.ask("PID") != str(old.process.pid)
    assert holding.ask("PID") == str(old.process.pid)
    holding.sock.close()
    built.until(lambda: built.workforce.restarts == {messages.RECYCLED: 1})
    counters = built.ask(messages.STATUS())["status"]["counters"]
    assert counters["labelled"]["worker_restarts"] == {messages.RECYCLED: 1}


@pytest.mark.parametrize(("said", "number"), [("3", 3), ("+2", 4), ("-1", 1)])
def test_scaling_by_request(house, said, number):
    built = house(workers=2)
    built.start()
    assert built.ask(messages.SCALE(workers=said)) == messages.SCALED_TO(workers=number)
    built.until(lambda: built.workforce.complete and len(built.workforce.workers) == number)


@pytest.mark.parametrize("said", ["0", "-2", "1025", "many", "1.5", "", "--1", "\u0663"])
def test_a_number_that_will_not_do_changes_nothing(house, said):
    built = house(workers=2)
    built.start()
    assert built.ask(messages.SCALE(workers=said))["type"] == messages.FAILED.type
    assert len(built.workforce.generation.slots) == 2


# Drain


def test_a_drained_server_stays_and_takes_nobody(house):
    built = house(workers=1)
    built.start()
    holding, idle = established(built, "HOLD"), established(built)
    drained: list[bool] = []
    assert built.server.drain(lambda: drained.append(True)) is None
    assert built.server.state == messages.DRAINING
    built.until(idle.gone)
    built.until(lambda: built.connect().gone())
    assert holding.ask("PID") and not drained
    assert built.ask(messages.STATUS())["status"]["state"] == "draining"
    holding.sock.close()
    built.until(lambda: drained)
    assert not built.workforce.workers
    assert built.ask(messages.DRAIN())["type"] == messages.DONE.type
    assert "draining" in built.ask(messages.RELOAD())["message"]
    assert "draining" in built.ask(messages.SCALE(workers="3"))["message"]
    built.loop.stop()
    built.server.terminate()
    built.until(lambda: built.loop._stopped)


def test_a_drained_server_is_stopped_gracefully_first(house):
    built = house(workers=1, graceful_timeout=3600.0)
    built.start()
    holding = established(built, "HOLD")
    built.server.drain(lambda: None)
    built.server.terminate()
    assert built.server.state == messages.STOPPING
    assert holding.ask("PID")
    built.server.terminate()
    built.until(lambda: not built.workforce.workers)


def test_a_stop_that_takes_longer_says_how_far_it_is(house, monkeypatch):
    said: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr("pool.acceptor.server._PROGRESS", 0.05)
    monkeypatch.setattr("pool.acceptor.server.logs.event", lambda level, name, **fields: said.append((name, fields)))
    built = house(workers=1, graceful_timeout=3600.0)
    built.start()
    holding = established(built, "HOLD")
    built.server.terminate()
    built.until(lambda: said.count(("server.progress", {"associations": 1, "workers": 1})) >= 2)
    holding.sock.close()
    built.until(lambda: not built.workforce.workers)


# Associations


def test_associations_are_listed_with_what_their_workers_know(house):
    built = house(workers=2)
    built.start()
    clients = [established(built) for _ in range(4)]
    listed = built.ask(messages.ASSOCIATIONS())["associations"]
    assert {one["peer"] for one in listed} == {"{}:{}".format(*client.sock.getsockname()) for client in clients}
    assert [(one["state"], one["messages"]) for one in listed] == [("established", 7)] * 4


def test_a_worker_that_does_not_answer_leaves_its_details_out(house):
    built = house(workers=1)
    (worker,) = built.start()
    established(built)
    os.kill(worker.process.pid, signal.SIGSTOP)
    (one,) = built.ask(messages.ASSOCIATIONS())["associations"]
    assert one["calling_ae_title"] == "CALLING" and "state" not in one


def test_one_association_is_aborted(house):
    built = house(workers=2)
    built.start()
    victim, other = established(built), established(built)
    address = "{}:{}".format(*victim.sock.getsockname())
    (token,) = (one["token"] for one in built.ask(messages.ASSOCIATIONS())["associations"] if one["peer"] == address)
    assert built.ask(messages.ABORT(association=token))["type"] == messages.DONE.type
    built.until(victim.gone)
    assert victim.listen().endswith("ABORT\n")
    assert other.ask("PID")
    for wrong in (token, 10**9, -1, "1", None, 1.0):
        assert "no such association" in built.ask(messages.ABORT(association=wrong))["message"]


# Events


@contextmanager
def follower(built: House, *types: str) -> Iterator[list[dict[str, Any]]]:
    """What somebody who follows was told, so far."""
    heard: list[dict[str, Any]] = []
    with zmq.Context() as context, context.socket(zmq.SUB) as subscriber:
        subscriber.linger = 0
        subscriber.connect(built.server._directory.events_address)
        for wanted in types or ("",):
            subscriber.subscribe(wanted)

        def listen() -> list[dict[str, Any]]:
            while subscriber.poll(0):
                heard.append(json.loads(subscriber.recv_multipart()[1]))
            return heard

        built.until(lambda: events.followed)
        built.listen = listen
        yield heard
    built.until(lambda: not events.followed)


def test_who_follows_is_told_and_nobody_else_costs_anything(house):
    built = house(workers=1)
    (worker,) = built.start()
    assert not events.followed
    with follower(built) as heard:
        built.until(lambda: built.listen())
        assert (heard[0]["type"], heard[0]["state"]) == ("server.state", "running")
        worker.kill()
        built.until(lambda: [event for event in built.listen() if event["type"] == "worker.ready"])
        (gone,) = (event for event in heard if event["type"] == "worker.gone")
        assert (gone["worker"], gone["reason"], gone["how"]) == (1, "died", "signal 9 (Killed)")
        assert [event["number"] for event in heard] == list(range(1, len(heard) + 1))
        for event in heard:
            assert set(messages.EVENTS[event["type"]].fields) | {"type", "time", "number"} == set(event)
    assert not events.followed


def test_a_follower_that_does_not_read_holds_nobody_up(house):
    built = house(workers=1)
    built.start()
    with follower(built):
        for _ in range(30_000):
            events.tell(messages.SERVER_STATE, state="x" * 500)
        assert established(built).ask("PID")
        built.until(lambda: built.listen())


# Signals


def test_signals_scale_and_reload(tmp_path):
    (tmp_path / "settings.toml").write_text("max_associations = 7")
    with server(tmp_path / "store", "--workers", 1, "--config", tmp_path / "settings.toml") as running:
        process = running.process
        process.send_signal(signal.SIGTTIN)
        assert "workers=2 before=1" in running.wait_for_log(" server.scaled ")
        process.send_signal(signal.SIGTTOU)
        assert "workers=1 before=2" in running.wait_for_log(" server.scaled ", 2)
        process.send_signal(signal.SIGTTOU)
        assert "1 to 1024" in running.wait_for_log(" server.not_scaled ")
        (tmp_path / "settings.toml").write_text("max_associations = 8")
        process.send_signal(signal.SIGHUP)
        reloaded = running.wait_for_log(" server.reloaded ")
        assert f"bind=127.0.0.1:{running.port} changed=max_associations" in reloaded
        (tmp_path / "settings.toml").write_text("max_associations = many")
        process.send_signal(signal.SIGHUP)
        assert "not TOML" in running.wait_for_log(" server.not_reloaded ")
        (killed,) = processes.worker_pids(running.control)
        os.kill(killed, signal.SIGKILL)
        running.wait_for_log(" worker.ready ")  # at the level info: that it is well again
        assert running.terminate() == 0


APPLICATION = """
import pool
from ul import AE, evt

ae = AE("HANDLED")
ae.add_supported_context("1.2.840.10008.1.1")
app = pool.Application(ae, [(evt.EVT_C_ECHO, lambda event: {status})])
"""


def test_a_reload_takes_the_application_as_it_is_now(tmp_path):
    module = tmp_path / "handling.py"
    module.write_text(APPLICATION.format(status="0x0000"))
    with server(tmp_path / "store", "handling:app", "--app-dir", tmp_path, "--drain-idle", 3600) as running:
        with RawPeer(running.port) as before:
            before.associate()
            before.echo()
            module.write_text(APPLICATION.format(status="0x0211 + 0"))
            running.process.send_signal(signal.SIGHUP)
            running.wait_for_log(" server.reloaded ")
            before.echo(2)  # where it was, it is as it was
            with RawPeer(running.port) as after:
                after.associate()
                after.send(echo_rq())
                assert after.response().Status == 0x0211
                module.write_text("1 / 0")
                running.process.send_signal(signal.SIGHUP)
                assert "ZeroDivisionError" in running.wait_for_log(" server.not_reloaded ")
                after.send(echo_rq(2))
                assert after.response().Status == 0x0211
                after.release()
            before.release()
        assert running.terminate() == 0
