"""`ulpool serve --sink`: every C-STORE is answered and nothing is kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from processes import memory, status, worker_pids
from raw_peer import RawPeer, data_set, echo_rq
from requestor import Requestor
from serving import server, ulpool

from ul.status import DATA_SET_DOES_NOT_MATCH_SOP_CLASS, SUCCESS


def test_what_comes_is_acknowledged_counted_and_gone(tmp_path: Path) -> None:
    with server(tmp_path / "store", "--sink", "--workers", "1") as sink:
        assert "keeping nothing" in sink.log[-1]
        with RawPeer(sink.port) as peer:
            peer.associate()
            for number in range(1, 4):
                assert peer.store(f"1.2.{number}", data_set(f"1.2.{number}"), number) == SUCCESS
            peer.echo(9)
            peer.release()
        counters = status(sink.control)["counters"]
        assert (counters["c_store_requests"], counters["c_echo_requests"]) == (3, 1)
        assert counters["instances_stored"] == counters["bytes_stored"] == 0
    assert not (tmp_path / "store").exists()


def test_a_c_echo_that_is_known_is_answered_and_counted_as_the_first(tmp_path: Path) -> None:
    with server(tmp_path / "store", "--sink", "--workers", "1") as sink:
        with RawPeer(sink.port) as peer:
            peer.associate()
            for message_id in (1, 2, 0x0110, 0xFFFF):
                peer.echo(message_id)
            assert peer.store("1.2.3", data_set("1.2.3"), 7) == SUCCESS
            peer.echo(8)
            peer.release()
        counters = status(sink.control)["counters"]
        assert (counters["c_store_requests"], counters["c_echo_requests"]) == (1, 5)
        assert counters["responses"] == 6


@pytest.mark.parametrize("cut", [0, 1, 6, 40, 73, 75, 100, 150])
def test_known_c_echos_are_answered_however_they_are_cut(cut: int, tmp_path: Path) -> None:
    with server(tmp_path / "store", "--sink", "--workers", "1") as sink:
        with RawPeer(sink.port) as peer:
            peer.associate()
            peer.echo(1)
            stream = b"".join(map(echo_rq, (2, 3, 4)))
            peer.send(stream[:cut])
            peer.send(stream[cut:])
            assert [peer.response().MessageIDBeingRespondedTo for _ in range(3)] == [2, 3, 4]
            peer.echo(5)
            peer.release()
        counters = status(sink.control)["counters"]
        assert counters["c_echo_requests"] == counters["responses"] == 5


def test_the_command_is_checked_as_ever(tmp_path: Path) -> None:
    with server(tmp_path / "store", "--sink") as sink, Requestor(sink.port) as peer:
        wrong = peer.store("1.2.3", data_set("1.2.3"), AffectedSOPClassUID="1.2.840.10008.5.1.4.1.1.4")
        assert wrong.Status == DATA_SET_DOES_NOT_MATCH_SOP_CLASS
        assert peer.store("1.2.3", data_set("1.2.3")).Status == SUCCESS


def test_an_object_of_any_size_passes_in_constant_memory(tmp_path: Path) -> None:
    with server(tmp_path / "store", "--sink", "--workers", "1") as sink, Requestor(sink.port) as peer:
        (worker,) = worker_pids(sink.control)
        peer.store("1.2.3", bytes(1 << 20))
        before = memory(worker)
        peer.store("1.2.4", bytes(200 << 20))
        assert memory(worker) - before < 4 << 20


@pytest.mark.parametrize("setting", ["receiver:app", "receiver"])
def test_a_sink_has_no_application(setting: str, tmp_path: Path) -> None:
    ended = ulpool("serve", "--sink", setting, cwd=tmp_path)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "--sink" in ended.stderr and "receiver:app" in ended.stderr
