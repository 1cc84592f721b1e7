"""Limits, with a real server and many peers at a time: what each gets, never one too many, and what is counted."""

from __future__ import annotations

import re
import resource
import select
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from peers import DEADLINE, dcmtk, run
from processes import status
from raw_peer import ABORT, AC, RJ, STORE_CONTEXT, RawPeer, data_set, p_data, store_rq
from samples import encoded, write_file
from serving import RunningServer, server

from pool import messages
from pool.admission import MAX_PENDING, MAX_PENDING_PER_ADDRESS, RULES
from pool.config import SETTINGS, resolve
from pool.control import request
from pool.pace import Pace
from pool.worker.offers import REJECTED_BY
from ul.pdu_primitives import PresentationContextDefinition
from ul.sop_class import (
    CTImageStorage,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    MRImageStorage,
    Verification,
)
from ul.status import OUT_OF_RESOURCES, SUCCESS

README = (Path(__file__).parent.parent.parent / "README.md").read_text(encoding="utf-8")
TOO_MANY = (2, 3, 2)
THREADS = 12


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Any]:
    with ExitStack() as servers:
        yield lambda *options, **how: servers.enter_context(
            server(tmp_path / "store", "--workers", "3", "--durability", "none", *options, **how)
        )


def answer(peer: RawPeer, *contexts: PresentationContextDefinition, **changes: Any) -> tuple[int, int, int] | None:
    """Ask for an association: None where there is one now, else the values of the A-ASSOCIATE-RJ; then it leaves."""
    pdu = peer.request(*contexts, **changes)
    assert pdu is not None and pdu.kind in (AC, RJ), pdu
    if pdu.kind == AC:
        return None
    peer.close()
    return pdu.verdict


@contextmanager
def peers(running: RunningServer) -> Iterator[Any]:
    """Makes peers that are closed in the end."""
    with ExitStack() as opened:
        yield lambda source="127.0.0.1": opened.enter_context(RawPeer(running.port, source=source))


def reached(running: RunningServer) -> dict[str, int]:
    counters = status(running.control)["counters"]
    parts: dict[str, int] = counters["labelled"].get("limits_reached", {})
    assert counters["limits_reached"] == sum(parts.values())
    return parts


def ends(running: RunningServer) -> Counter[str]:
    """How associations ended that were rejected, as logged."""
    lines = "\n".join(running.events("association.closed"))
    return Counter(re.findall(r'end="(rejected [^"]*)"', lines))


def newest(running: RunningServer) -> list[int]:
    """The workers of the last generation."""
    now = status(running.control)
    return [worker["pid"] for worker in now["workers"] if worker["generation"] == now["generation"]]


# Never one too many


class Crowd:
    """Peers on threads that come and go, each asking for an association again and again."""

    def __init__(self, port: int, rounds: int) -> None:
        self._port = port
        self._rounds = rounds
        self._lock = threading.Lock()
        self.present: Counter[tuple[str, str]] = Counter()  # by address and title
        self.answers: Counter[tuple[int, int, int] | None] = Counter()
        self.most = 0  # at one time
        self.most_of: Counter[str] = Counter()  # by address, and by title
        self.faults: list[BaseException] = []

    def _count(self, address: str, title: str, change: int) -> None:
        with self._lock:
            self.present[address, title] += change
            self.most = max(self.most, self.present.total())
            for who in (address, title):
                here = sum(number for key, number in self.present.items() if who in key)
                self.most_of[who] = max(self.most_of[who], here)

    def _come_and_go(self, address: str, title: str) -> None:
        try:
            for number in range(self._rounds):
                with RawPeer(self._port, source=address) as peer:
                    refusal = answer(peer, calling=title)
                    with self._lock:
                        self.answers[refusal] += 1
                    if refusal is None:
                        self._count(address, title, +1)
                        peer.echo()
                        self._count(address, title, -1)  # before it can be given back
                        peer.release() if number % 2 else peer.reset()
        except BaseException as error:
            self.faults.append(error)

    def run(self, *members: tuple[str, str]) -> None:
        threads = [threading.Thread(target=self._come_and_go, args=member) for member in members]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not self.faults


def wait_for_associations(running: RunningServer, count: int) -> None:
    """Until there are so many: a place is given back a little after its peer has left."""
    while status(running.control)["counters"]["associations_active"] != count:
        continue


def test_all_counts_stay_exact_over_all_workers_while_peers_come_and_go(serve):
    running = serve(
        *("--max-associations", "5", "--max-associations-per-address", "4", "--max-associations-per-calling-aet", "3"),
        *("--peer", "CT1,max=2"),
    )
    crowd = Crowd(running.port, rounds=15)
    titles, addresses = ("CT1", "MR1", "US1"), ("127.0.0.1", "127.0.0.2")
    crowd.run(*((addresses[n % 2], titles[n % 3]) for n in range(THREADS)))
    assert set(crowd.answers) == {None, TOO_MANY}
    assert crowd.most <= 5
    assert all(crowd.most_of[address] <= 4 for address in addresses)
    assert crowd.most_of["CT1"] <= 2 and crowd.most_of["MR1"] <= 3 and crowd.most_of["US1"] <= 3
    wait_for_associations(running, 0)
    counters = status(running.control)["counters"]
    assert counters["associations_accepted"] == crowd.answers[None]
    assert counters["associations_rejected"] == crowd.answers[TOO_MANY] == sum(reached(running).values())
    with peers(running) as peer:  # and not one too few: every place was given back
        assert [answer(peer(), calling="CT1") for _ in range(3)] == [None, None, TOO_MANY]
        assert [answer(peer(), calling="MR1") for _ in range(3)] == [None, None, TOO_MANY]  # the fifth of the address
        assert [answer(peer("127.0.0.2"), calling="MR1") for _ in range(2)] == [None, TOO_MANY]


def test_many_at_the_same_moment_get_exactly_as_many_places_as_there_are(serve):
    running = serve("--max-associations", "7")
    with peers(running) as peer:
        everybody = [peer() for _ in range(4 * THREADS)]
        start = threading.Barrier(THREADS)
        answers: Counter[Any] = Counter()
        lock = threading.Lock()

        def ask(some: list[RawPeer]) -> None:
            start.wait()
            for one in some:
                given = answer(one)
                with lock:
                    answers[given] += 1

        threads = [threading.Thread(target=ask, args=(everybody[n::THREADS],)) for n in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert answers == {None: 7, TOO_MANY: 4 * THREADS - 7}
    assert reached(running) == {"max-associations": 4 * THREADS - 7}


# Who may


def test_titles_are_recognised_or_not(serve):
    running = serve("--require-called-aet", "--require-calling-aet", "MR1", "--peer", "CT1")
    with peers(running) as peer:
        assert answer(peer(), calling="MR1") is None
        assert answer(peer(), calling="CT1") is None  # it is listed as a peer
        assert answer(peer(), calling="CT2") == (1, 1, 3)
        assert answer(peer(), calling="CT1", called="OTHER") == (1, 1, 7)
        running.wait_for_log("association.closed", 2)
    assert reached(running) == {"require-calling-aet": 1, "require-called-aet": 1}
    assert ends(running) == {"rejected (1,1,3): require-calling-aet": 1, "rejected (1,1,7): require-called-aet": 1}


def test_a_title_is_bound_to_addresses(serve):
    running = serve("--peer", "CT1,from=127.0.0.2+127.0.1.0/24", "--peer", "MR1,max=1")
    with peers(running) as peer:
        assert answer(peer("127.0.0.2"), calling="CT1") is None
        assert answer(peer("127.0.1.77"), calling="CT1") is None
        assert answer(peer("127.0.0.1"), calling="CT1") == (1, 1, 3)
        assert [answer(peer(), calling="MR1") for _ in range(2)] == [None, TOO_MANY]
        assert answer(peer("127.0.0.1"), calling="US1") is None
        running.wait_for_log("association.closed", 2)
    assert reached(running) == {"peer-from": 1, "peer-max": 1}
    assert ends(running) == {"rejected (1,1,3): peer-from": 1, "rejected (2,3,2): peer-max": 1}


def test_behind_a_balancer_the_clients_addresses_count(serve):
    running = serve(
        *("--proxy-protocol", "v1", "--max-associations-per-address", "1", "--max-pending-per-address", "2"),
        *("--peer", "CT1,from=10.0.0.0/8"),
    )
    with peers(running) as connect:

        def client(address: str) -> RawPeer:
            peer: RawPeer = connect()
            peer.send(f"PROXY TCP4 {address} 127.0.0.1 4242 104\r\n".encode())
            return peer

        waiting = [client(f"10.0.0.{number}") for number in range(5)]  # all from one address, as the kernel has it
        assert [answer(peer, calling="CT1") for peer in waiting] == [None] * 5
        assert answer(client("10.0.0.1"), calling="CT1") == TOO_MANY
        assert answer(client("192.0.2.1"), calling="CT1") == (1, 1, 3)
        assert answer(client("192.0.2.1")) is None
    assert reached(running) == {"max-associations-per-address": 1, "peer-from": 1}


def test_a_title_is_offered_some_sop_classes_and_transfer_syntaxes_only(serve):
    running = serve(
        "--peer", "CT1,sop-classes=CTImageStorage,transfer-syntaxes=JPEG2000Lossless+ExplicitVRLittleEndian"
    )
    proposed = (
        PresentationContextDefinition(1, Verification, [ImplicitVRLittleEndian]),
        PresentationContextDefinition(3, CTImageStorage, [ImplicitVRLittleEndian, ExplicitVRLittleEndian]),
        PresentationContextDefinition(5, CTImageStorage, [ImplicitVRLittleEndian]),
        PresentationContextDefinition(7, CTImageStorage, [JPEG2000Lossless]),
        PresentationContextDefinition(9, MRImageStorage, [ExplicitVRLittleEndian]),
    )
    with peers(running) as peer:
        results = peer().associate(*proposed, calling="CT1")
        assert [result.result for result in results] == [0, 0, 4, 0, 3]
        assert (results[1].transfer_syntax, results[3].transfer_syntax) == (ExplicitVRLittleEndian, JPEG2000Lossless)
        assert [result.result for result in peer().associate(*proposed, calling="CT2")] == [0] * 5


def test_a_reload_changes_limits_and_the_counts_stay_exact(serve, tmp_path):
    file = tmp_path / "ulpool.toml"
    file.write_text("max_associations = 3\n")
    running = serve("--config", file, "--drain-idle", "300", prefix=("prlimit", "--nofile=1600:"))

    def reload(text: str) -> None:
        file.write_text(text)
        assert request(running.control, messages.RELOAD(), DEADLINE)["type"] == messages.RELOADED_TO.type

    with peers(running) as peer:
        held = [peer() for _ in range(3)]
        assert [answer(one) for one in held] == [None] * 3
        assert answer(peer()) == TOO_MANY
        reload("max_associations = 5\n")
        more = [peer() for _ in range(3)]
        assert [answer(one) for one in more] == [None, None, TOO_MANY]
        reload("max_associations = 4\n[[peer]]\ntitle = 'RAW'\nmax = 4\n")
        assert answer(peer()) == TOO_MANY  # there are five
        for one in (*held, *more[:2]):
            one.echo()  # and all of them are still there, on three generations of workers
        for one in held[:2]:
            one.release()
        wait_for_associations(running, 3)
        assert [answer(peer()) for _ in range(2)] == [None, TOO_MANY]
        reload("max_associations = 2000\n[[peer]]\ntitle = 'RAW'\nmax = 4\nfrom = '127.0.0.2'\n")
        assert answer(peer()) == (1, 1, 3)
        assert answer(peer("127.0.0.2")) == TOO_MANY
    assert all(resource.prlimit(pid, resource.RLIMIT_NOFILE)[0] > 4000 for pid in newest(running))
    assert reached(running) == {"max-associations": 4, "peer-from": 1, "peer-max": 1}


# What may come


def test_a_data_set_that_is_too_large_is_refused_and_the_association_goes_on(serve):
    whole = data_set("1.2.3.1", bytes(5000))
    running = serve("--max-object", len(whole))
    with peers(running) as connect:
        peer = connect()
        peer.associate()
        assert peer.store("1.2.3.1", whole, 1) == SUCCESS  # to the last byte
        larger = data_set("1.2.3.2", bytes(5002))
        peer.send(store_rq("1.2.3.2", 2), p_data(STORE_CONTEXT, 0, larger[:4000]))
        peer.send(p_data(STORE_CONTEXT, 0, larger[4000:]), p_data(STORE_CONTEXT, 2, bytes(100_000)))
        response = peer.response()
        assert (response.Status, response.MessageIDBeingRespondedTo) == (OUT_OF_RESOURCES, 2)
        assert response.ErrorComment == f"Out of resources: a data set of more than {len(whole)} bytes"
        peer.echo(3)
        assert peer.store("1.2.3.3", data_set("1.2.3.3", bytes(5000)), 4) == SUCCESS
        peer.release()
    assert [path.name for path in running.files()] == ["1.2.3.1.dcm", "1.2.3.3.dcm"]
    assert reached(running) == {"max-object": 1}


APPLICATION = """
import pool
from ul import AE, AllStoragePresentationContexts, evt

ae = AE("APP")
ae.supported_contexts = AllStoragePresentationContexts
app = pool.Application(ae, [(evt.EVT_C_STORE, lambda event: 0x0000)])
"""


def test_it_never_reaches_a_handler(serve, tmp_path):
    (tmp_path / "receiver.py").write_text(APPLICATION)
    running = serve("receiver:app", "--app-dir", tmp_path, "--max-object", "2000")
    with peers(running) as connect:
        peer = connect()
        peer.associate()
        assert peer.store("1.2.3", data_set("1.2.3", bytes(1000)), 1) == SUCCESS
        assert peer.store("1.2.3", data_set("1.2.3", bytes(2000)), 2) == OUT_OF_RESOURCES
        peer.release()
    assert reached(running) == {"max-object": 1}


def test_a_peer_that_is_too_slow_amid_a_message_is_aborted(serve):
    """Whatever it does: no machine is as fast as this rate."""
    running = serve("--min-rate", "1T", "--dimse-timeout", "0.2")
    with peers(running) as connect:
        peer = connect()
        peer.associate()
        peer.echo()  # short messages are never judged
        peer.send(store_rq("1.2.3"))
        while not select.select([peer.socket], [], [], 0)[0]:  # it never falls silent: this is not the DIMSE timeout
            peer.send(p_data(STORE_CONTEXT, 0, bytes(1000)))
        peer.expect(ABORT)
        peer.close()
        line = running.wait_for_log("association.closed")
    assert "less than 1099511627776 bytes per second for 0.2 s" in line
    assert reached(running) == {"min-rate": 1}


def test_a_peer_that_is_fast_enough_may_take_its_time(serve):
    running = serve("--min-rate", "1")
    with peers(running) as connect:
        peer = connect()
        peer.associate()
        whole = data_set("1.2.3", bytes(2000))
        peer.send(store_rq("1.2.3"), *(p_data(STORE_CONTEXT, 0, whole[n : n + 1]) for n in range(len(whole))))
        peer.send(p_data(STORE_CONTEXT, 2, b""))
        assert peer.response().Status == SUCCESS
        peer.release()


def test_below_the_floor_nobody_is_let_in(serve):
    running = serve("--min-free", "99.999%")
    with peers(running) as peer:
        assert answer(peer()) == TOO_MANY
        running.wait_for_log("association.closed")
    assert len(running.events("space.short")) == 1
    assert reached(running) == {"min-free": 1}


# As DCMTK sees it


def test_dcmtk_understands_why(serve, tmp_path):
    running = serve("--require-called-aet", "--peer", "CT1,from=192.0.2.1", "--max-associations", "1")
    echo = (dcmtk("echoscu"), "127.0.0.1", str(running.port), "-v")

    def reasons(*options: str) -> list[str]:
        ran = run(*echo, *options)
        assert ran.returncode == 1
        return re.findall(r"F: (?:Result|Reason).*", ran.stderr)

    assert reasons("-aec", "OTHER") == [
        "F: Result: Rejected Permanent, Source: Service User",
        "F: Reason: Called AE Title Not Recognized",
    ]
    called = ("-aec", "ULPOOL")
    assert reasons(*called, "-aet", "CT1")[1] == "F: Reason: Calling AE Title Not Recognized"
    with peers(running) as peer:
        assert answer(peer()) is None
        assert reasons(*called) == [
            "F: Result: Rejected Transient, Source: Service Provider (Presentation Related)",
            "F: Reason: Local Limit Exceeded",
        ]


def test_dcmtk_goes_on_behind_an_instance_that_is_too_large(serve, tmp_path):
    running = serve("--max-object", "20K")
    large = write_file(tmp_path / "large.dcm", encoded("1.2.1", bytes(100_000)))
    small = write_file(tmp_path / "small.dcm", encoded("1.2.2", bytes(1000)))
    ran = run(dcmtk("storescu"), "-v", "-nh", "127.0.0.1", str(running.port), large, small)
    assert "Received Store Response (Refused: OutOfResources)" in ran.stdout + ran.stderr
    assert "Received Store Response (Success)" in ran.stdout + ran.stderr
    assert len(running.files()) == 1


# What the README says of them


def test_the_readme_names_every_limit_as_it_is_counted():
    names = {rule.name for rule in RULES} | {MAX_PENDING, MAX_PENDING_PER_ADDRESS, "max-object", "min-rate"}
    table = README[README.index("| limit | what the peer gets") :].partition("\n\n")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()[2:]]
    counted = {cells[2].strip("`"): cells[1] for cells in rows if cells[2]}
    assert set(counted) == names | set(REJECTED_BY.values())
    assert {"--" + row for row in counted if not row.startswith("peer-")} <= {row.flag for row in SETTINGS}
    rejections = {rule.name: rule.rejection for rule in RULES} | {name: triple for triple, name in REJECTED_BY.items()}
    for name, rejection in rejections.items():
        assert "A-ASSOCIATE-RJ {},{},{}".format(*rejection) in counted[name]


def test_the_readmes_table_of_a_peer_is_one(tmp_path):
    (example,) = [text for text in re.findall(r"```toml\n(.*?)```", README, re.DOTALL) if "[[peer]]" in text]
    (tmp_path / "ulpool.toml").write_text(example)
    settings = resolve({}, {}, tmp_path / "ulpool.toml")
    assert settings.peer[0].maximum == 4 and len(settings.peer[0].networks) == 2
    (line,) = re.findall(r"^\$ ulpool serve (--peer .*)$", README, re.MULTILINE)
    options = re.findall(r"--peer (\S+)", line)
    assert [peer.title for peer in resolve({"peer": options}, {}).peer] == ["CT1", "MR1"]


# The pace


def test_the_pace_is_that_of_a_whole_window():
    pace = Pace(100, 10.0)
    pace.follow(True, 5000, now=1.0)
    assert pace.deadline == 11.0
    pace.follow(True, 5001, now=9.0)  # nearly silent so far
    assert not pace.is_slow(5001, now=10.9)
    assert not pace.is_slow(6000, now=11.0)  # a burst at last
    assert pace.deadline == 21.0
    assert pace.is_slow(6999, now=21.0)


def test_nothing_is_judged_between_messages():
    pace = Pace(100, 10.0)
    assert pace.deadline is None and not pace.is_slow(0, now=99.0)
    pace.follow(True, 0, now=1.0)
    pace.follow(False, 500, now=2.0)
    assert pace.deadline is None and not pace.is_slow(500, now=99.0)
    pace.follow(True, 500, now=100.0)
    assert pace.deadline == 110.0
