"""Sending: which file goes where, what becomes of it when the peer or the file fails, and how the verbs say so."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import click
import peers
import pytest
from conversation import End
from samples import contents_of, encoded, write_file
from serving import RunningServer, server

from pool.cli import main, verbs
from pool.delivery import MAXIMUM_CONTEXTS, Delivery, FileSource, Instance, Outcome, batches, instances
from pool.exit_status import ExitStatus
from pool.scu import Peer
from ul.acse import Offer, Rejection, SupportedContext
from ul.errors import StatusError
from ul.pdu_primitives import A_ABORT
from ul.session_events import AssociationRequested, Timeouts
from ul.sop_class import CTImageStorage, ExplicitVRLittleEndian, ImplicitVRLittleEndian, MRImageStorage, Verification

ACCEPTS = Offer(
    contexts=dict.fromkeys((Verification, CTImageStorage), SupportedContext((ExplicitVRLittleEndian,))),
    maximum_length=16384,
)


@dataclass
class Part:
    """What the peer plays on one connection."""

    offer: Offer = field(default_factory=lambda: ACCEPTS)
    rejection: Rejection | None = None
    leaves_after: int = -1  # responses; then it closes without a word
    is_silent: bool = False  # once the association is accepted
    refuses_with: StatusError | None = None
    meets: threading.Barrier | None = None  # waited at before the first response


class ScriptedPeer:
    """An SCP on a thread per connection. The first connection plays the first part, all from the last on the last."""

    def __init__(self, *parts: Part) -> None:
        self.parts = parts
        self.ends: list[End] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._acceptor = threading.Thread(target=self._accept)
        self._acceptor.start()

    @property
    def name(self) -> str:
        return f"SCP@127.0.0.1:{self.port}"

    @property
    def stored(self) -> list[bytes]:
        """The data sets that were answered with Success."""
        return [instance.data for end in self.ends for instance in end.instances if instance.kept]

    def _accept(self) -> None:
        with suppress(OSError):  # the listener was closed
            while True:
                sock, _ = self._listener.accept()
                part = self.parts[min(len(self.ends), len(self.parts) - 1)]
                end = End(part.offer, admit=part.rejection is None)
                end.refuse_with = part.refuses_with
                self.ends.append(end)
                thread = threading.Thread(target=self._play, args=(sock, part, end))
                thread.start()
                self._threads.append(thread)

    def _play(self, sock: socket.socket, part: Part, end: End) -> None:
        end.upper.transport_opened(0.0)
        with sock, suppress(ConnectionError):
            while data := sock.recv(65536):
                if part.is_silent and end.session.state == "established":
                    continue
                end.take(data)
                if part.rejection and isinstance(end.events[-1], AssociationRequested):
                    end.session.reject(part.rejection, 0.0)
                    end.pump()
                if part.meets and end.responses:
                    part.meets.wait(peers.DEADLINE)
                    part.meets = None
                sock.sendall(end.sent())
                if end.upper.should_close or len(end.responses) == part.leaves_after:
                    break

    def close(self) -> None:
        """Raises nothing: what a test did not end is ended with its sockets."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in (self._acceptor, *self._threads):
            thread.join(peers.DEADLINE)
            assert not thread.is_alive()


@pytest.fixture
def play() -> Iterator[Callable[..., ScriptedPeer]]:
    started: list[ScriptedPeer] = []

    def start(*parts: Part) -> ScriptedPeer:
        started.append(ScriptedPeer(*parts or (Part(),)))
        return started[-1]

    yield start
    for peer in started:
        peer.close()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    options = ("--workers", 2, "--durability", "none", "--layout", "flat", "--accept-unknown")
    with server(tmp_path_factory.mktemp("send") / "store", *options) as running:
        yield running


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Six CT images in the order in which they are sent."""
    return [write_file(tmp_path / f"{n}.dcm", encoded(f"1.2.{n}", bytes([n]) * 20000)) for n in range(6)]


def found(*paths: Path) -> list[Instance]:
    """What can be sent of `paths`."""
    return [file for file in instances(paths) if isinstance(file, Instance)]


def deliver(
    port: int, files: list[Instance], parallel: int = 1, on_outcome: Callable[[Outcome], object] = id
) -> Delivered:
    """Deliver `files` and collect the outcomes: one for each."""
    outcomes: list[Outcome] = []

    def collect(outcome: Outcome) -> None:
        outcomes.append(outcome)
        on_outcome(outcome)

    peer = Peer("SCP", "127.0.0.1", port)
    delivery = Delivery(
        peer,
        peer.resolve(),
        files,
        calling_ae_title="SCU",
        parallel=parallel,
        timeouts=Timeouts(),
        on_outcome=collect,
    )
    delivery.run()
    assert sorted(outcome.path for outcome in outcomes) == sorted(file.path for file in files)
    return Delivered(delivery, outcomes)


@dataclass
class Delivered:
    delivery: Delivery
    outcomes: list[Outcome]

    @property
    def failed(self) -> dict[str, str]:
        """Errors by file name."""
        return {outcome.path.name: outcome.error for outcome in self.outcomes if outcome.error}


# Which file goes where.


def ct(number: int = 0, sop_class_uid: str = CTImageStorage, syntax: str = ExplicitVRLittleEndian) -> Instance:
    return Instance(Path(f"{number}.dcm"), sop_class_uid, f"1.2.{number}", syntax, 0, 2)


def test_a_context_per_sop_class_and_transfer_syntax() -> None:
    files = [ct(1), ct(2, MRImageStorage), ct(3, syntax=ImplicitVRLittleEndian), ct(4)]
    [batch] = batches(files)
    assert [(c.context_id, c.abstract_syntax, c.transfer_syntaxes) for c in batch.contexts] == [
        (1, CTImageStorage, [ExplicitVRLittleEndian]),
        (3, MRImageStorage, [ExplicitVRLittleEndian]),
        (5, CTImageStorage, [ImplicitVRLittleEndian]),
    ]
    assert list(batch.waiting) == files


def test_nothing_is_no_batch() -> None:
    assert batches([]) == []


def test_more_contexts_than_an_association_has() -> None:
    """The 129th opens a second association; a later file of the first 128 still goes on the first."""
    files = [ct(n, f"1.2.3.{n}") for n in range(MAXIMUM_CONTEXTS + 1)] + [ct(999, "1.2.3.0")]
    first, second = batches(files)
    assert [context.context_id for context in first.contexts] == list(range(1, 256, 2))
    assert [context.context_id for context in second.contexts] == [1]
    assert list(first.waiting) == [*files[:MAXIMUM_CONTEXTS], files[-1]]
    assert list(second.waiting) == [files[MAXIMUM_CONTEXTS]]


def test_two_hundred_sop_classes_arrive(running: RunningServer, tmp_path: Path) -> None:
    data_sets = [encoded(f"1.9.{n}", bytes(2), sop_class_uid=f"1.2.826.0.1.3680043.10.{n}") for n in range(200)]
    for number, data_set in enumerate(data_sets):
        write_file(tmp_path / f"{number}.dcm", data_set)
    delivered = deliver(running.port, found(tmp_path), parallel=3)
    assert delivered.failed == {}
    assert delivered.delivery.associations == 6
    assert {content.data_set for content in contents_of(running.files())} >= set(data_sets)


# Files.


def test_what_cannot_be_sent_is_an_outcome(files: list[Path], tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("no DICOM file")
    (tmp_path / "empty").touch()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    anonymous = write_file(tmp_path / "anonymous.dcm", encoded(""))
    read = list(instances([tmp_path, tmp_path / "gone"]))
    assert [file.path for file in read if isinstance(file, Instance)] == files
    errors = {file.path.name: file.error for file in read if isinstance(file, Outcome)}
    assert errors.keys() == {"notes.txt", "empty", "pipe", "dangling", anonymous.name, "gone"}
    assert errors["gone"] == errors["dangling"] == "No such file or directory"
    assert errors["notes.txt"].startswith("not a DICOM file")
    assert errors[anonymous.name] == "no SOP class or SOP instance UID in the data set"


def test_a_folder_that_cannot_be_read_is_an_outcome(
    files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root can read every folder, so the system has to be played."""
    closed = tmp_path / "closed"
    closed.mkdir()
    scandir = os.scandir

    def refuse(path: str | Path) -> object:
        if Path(path) == closed:
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    read = list(instances([tmp_path]))
    assert [file.path for file in read if isinstance(file, Instance)] == files
    assert [file for file in read if isinstance(file, Outcome)] == [Outcome(closed, 0, error="Permission denied")]


def test_a_source_of_a_file_that_shrinks(files: list[Path]) -> None:
    [file] = found(files[0])
    source = FileSource(file)
    assert source.remaining == file.length
    data = source.read(100)
    os.truncate(files[0], 1000)
    with pytest.raises(OSError, match="became shorter"):
        source.read(source.remaining)
    source.close()
    source.close()
    assert data == encoded("1.2.0", bytes(20000))[:100]


@pytest.mark.parametrize("number", [0, 3])
def test_a_file_that_shrinks_spoils_no_other_file(
    number: int, play: Callable[..., ScriptedPeer], files: list[Path]
) -> None:
    """Its message cannot be ended, so its association is aborted; a new one takes the others."""
    peer = play()
    to_send = found(*files)
    os.truncate(files[number], 1000)
    delivered = deliver(peer.port, to_send)
    assert delivered.failed == {f"{number}.dcm": "the file became shorter while it was sent"}
    assert len(peer.stored) == 5
    assert len(peer.ends) == 2 and any(isinstance(primitive, A_ABORT) for primitive in peer.ends[0].indications)


def test_a_file_that_is_gone_spoils_no_other_file(play: Callable[..., ScriptedPeer], files: list[Path]) -> None:
    peer = play()
    to_send = found(*files)
    files[3].unlink()
    delivered = deliver(peer.port, to_send)
    assert delivered.failed == {"3.dcm": "No such file or directory"}
    assert len(peer.stored) == 5 and len(peer.ends) == 1


# Peers.


def test_a_peer_that_leaves_amid_costs_one_file(play: Callable[..., ScriptedPeer], files: list[Path]) -> None:
    """Whether the peer took the file that had no response is not known: it is reported, and not sent twice."""
    peer = play(Part(leaves_after=2), Part())
    delivered = deliver(peer.port, found(*files))
    assert list(delivered.failed) == ["2.dcm"]
    assert len(peer.stored) == 5 and delivered.delivery.associations == 2


def test_a_peer_that_leaves_at_once_has_no_second_chance(play: Callable[..., ScriptedPeer], files: list[Path]) -> None:
    peer = play(Part(leaves_after=0))
    delivered = deliver(peer.port, found(*files))
    assert len(delivered.failed) == 6 and len(set(delivered.failed.values())) == 1
    assert delivered.delivery.associations == 1


def test_a_peer_that_has_too_few_places(play: Callable[..., ScriptedPeer], files: list[Path]) -> None:
    """Those that it accepts take all of the files."""
    peer = play(Part(rejection=Rejection(2, 3, 2)), Part())
    delivered = deliver(peer.port, found(*files), parallel=2)
    assert delivered.failed == {}
    assert delivered.delivery.associations == 2 and delivered.delivery.rejected


def test_failures_are_told_with_status_and_comment(play: Callable[..., ScriptedPeer], files: list[Path]) -> None:
    peer = play(Part(refuses_with=StatusError(0xA700, "disk full")))
    delivered = deliver(peer.port, found(*files))
    assert set(delivered.failed.values()) == {"status A700H disk full"}
    assert {outcome.status for outcome in delivered.outcomes} == {0xA700}
    assert delivered.delivery.associations == 1


def test_a_worker_that_is_killed_costs_no_more_than_what_was_under_way(tmp_path: Path) -> None:
    paths = [write_file(tmp_path / f"{n}.dcm", encoded(f"1.2.{n}", bytes(20000))) for n in range(300)]
    done = 0
    with server(tmp_path / "store", "--workers", 2, "--durability", "none", "--layout", "flat") as running:
        victim = running.worker_pids()[0]

        def kill(outcome: Outcome) -> None:
            nonlocal done
            done += 1
            if done == 50:
                os.kill(victim, signal.SIGKILL)

        delivered = deliver(running.port, found(*paths), parallel=4, on_outcome=kill)
        acknowledged = {outcome.path.name for outcome in delivered.outcomes if not outcome.error}
        assert (len(acknowledged), len(delivered.failed)) == (298, 2)  # two of the four associations were the victim's
        assert acknowledged <= {path.name.removeprefix("1.2.") for path in running.files()}


# The verbs.


def test_send_tells_what_it_did(
    play: Callable[..., ScriptedPeer], files: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    peer = play()
    assert main(["send", peer.name, str(tmp_path)]) == ExitStatus.OK
    captured = capsys.readouterr()
    assert captured.out.startswith(f"{peer.name}: 6 sent (0.1 MB in ") and captured.out.endswith(", 0 failed\n")
    assert captured.err == ""


def test_send_quietly(play: Callable[..., ScriptedPeer], files: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["send", "-q", play().name, str(files[0])]) == ExitStatus.OK
    assert capsys.readouterr() == ("", "")


def test_send_for_machines(
    play: Callable[..., ScriptedPeer], files: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    peer = play(Part(refuses_with=StatusError(0xA700, "disk full")), Part())
    text = tmp_path / "notes.txt"
    text.write_text("no DICOM file")
    assert main(["send", peer.name, "--json", str(text), str(files[0])]) == ExitStatus.FAILED
    captured = capsys.readouterr()
    summary = json.loads(captured.out)
    assert summary.keys() == {"sent", "bytes", "seconds", "failed"}
    assert (summary["sent"], summary["bytes"]) == (0, 0)
    assert [failed.keys() for failed in summary["failed"]] == [{"path", "status", "error"}] * 2
    assert summary["failed"][0]["path"] == str(text) and summary["failed"][0]["status"] is None
    assert summary["failed"][1] == {"path": str(files[0]), "status": 0xA700, "error": "status A700H disk full"}
    assert main(["send", peer.name, "--json", str(files[0])]) == ExitStatus.OK
    summary = json.loads(capsys.readouterr().out)
    assert (summary["sent"], summary["bytes"], summary["failed"]) == (1, len(peer.stored[0]), [])


def test_send_names_every_failure(
    play: Callable[..., ScriptedPeer], files: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes.txt").write_text("no DICOM file")
    assert main(["send", "-q", play().name, str(tmp_path)]) == ExitStatus.FAILED
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"ulpool: {tmp_path}/notes.txt: not a DICOM file")
    assert captured.err.count("\n") == 1


def test_send_in_parallel(play: Callable[..., ScriptedPeer], files: list[Path]) -> None:
    """Each of three associations waits with its first response until all of them have one."""
    barrier = threading.Barrier(3)
    peer = play(*(Part(meets=barrier) for _ in range(3)))
    assert main(["send", "-q", "--parallel", "3", peer.name, *map(str, files)]) == ExitStatus.OK
    assert len(peer.ends) == 3 and len(peer.stored) == 6


def test_send_nothing(play: Callable[..., ScriptedPeer], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An empty folder is not what somebody meant who sends it."""
    assert main(["send", play().name, str(tmp_path)]) == ExitStatus.FAILED
    assert capsys.readouterr().err == f"ulpool: there is no file in {tmp_path}\n"


def test_a_rejected_association(
    play: Callable[..., ScriptedPeer], files: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    peer = play(Part(rejection=Rejection(1, 1, 7)))
    assert main(["send", "-q", peer.name, str(files[0])]) == ExitStatus.REJECTED
    assert capsys.readouterr().err == f"ulpool: {files[0]}: rejected: result 1, source 1, reason 7\n"
    assert main(["echo", peer.name]) == ExitStatus.REJECTED
    assert capsys.readouterr().err == f"ulpool: {peer.name}: rejected: result 1, source 1, reason 7\n"


def test_no_context_is_accepted(
    play: Callable[..., ScriptedPeer], files: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    peer = play(Part(offer=Offer(contexts={MRImageStorage: SupportedContext((ExplicitVRLittleEndian,))})))
    assert main(["send", "-q", peer.name, str(files[0])]) == ExitStatus.REJECTED
    refused = "the peer does not accept its SOP class in its transfer syntax"
    assert capsys.readouterr().err == f"ulpool: {files[0]}: {refused}\n"
    assert main(["echo", peer.name]) == ExitStatus.REJECTED
    assert capsys.readouterr().err == f"ulpool: {peer.name}: does not accept the Verification SOP class\n"


def test_an_unreachable_peer(files: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    peer = f"SCP@127.0.0.1:{peers.free_port()}"
    assert main(["send", "-q", peer, *map(str, files)]) == ExitStatus.UNREACHABLE
    assert capsys.readouterr().err == "".join(f"ulpool: {path}: Connection refused\n" for path in files)
    assert main(["echo", peer]) == ExitStatus.UNREACHABLE
    assert capsys.readouterr().err == f"ulpool: {peer}: Connection refused\n"


@pytest.mark.parametrize("verb", ["send", "echo"])
def test_a_name_that_nobody_knows(
    verb: str, files: list[Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def unknown(*args: object, **named: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    words = [verb, "SCP@nowhere.invalid:104", *map(str, files if verb == "send" else [])]
    assert main(words) == ExitStatus.UNREACHABLE
    assert capsys.readouterr().err == "ulpool: SCP@nowhere.invalid:104: Name or service not known\n"


@pytest.mark.parametrize("verb", ["send", "echo"])
def test_a_peer_that_does_not_answer(
    verb: str, play: Callable[..., ScriptedPeer], files: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    peer = play(Part(is_silent=True))
    words = [verb, "-td", "0.1", "-ta", "1", peer.name, *map(str, files[:1] if verb == "send" else [])]
    assert main(words) == ExitStatus.FAILED
    assert "DIMSE timeout: nothing for 0.1 s" in capsys.readouterr().err


def test_echo(running: RunningServer, capsys: pytest.CaptureFixture[str]) -> None:
    peer = f"ULPOOL@127.0.0.1:{running.port}"
    assert main(["echo", peer]) == ExitStatus.OK
    assert capsys.readouterr() == ("", "")
    assert main(["echo", "-v", peer]) == ExitStatus.OK
    assert capsys.readouterr().out.startswith(f"{peer}: answered in ")


def test_echo_says_a_failure(play: Callable[..., ScriptedPeer], capsys: pytest.CaptureFixture[str]) -> None:
    peer = play(Part(leaves_after=0))
    assert main(["echo", peer.name]) == ExitStatus.FAILED
    assert capsys.readouterr().err.startswith(f"ulpool: {peer.name}: ")


@pytest.mark.parametrize("verb", ["send", "echo"])
@pytest.mark.parametrize(
    "peer", ["127.0.0.1:104", "SCP@127.0.0.1", "SCP@:104", "SCP@host:99999", "SEVENTEENLETTERS1@h:1"]
)
def test_a_peer_that_is_none(verb: str, peer: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb, peer, "."] if verb == "send" else [verb, peer]) == ExitStatus.USAGE
    captured = capsys.readouterr().err
    assert captured.count("\n") == 1 and repr(peer) in captured


@pytest.mark.parametrize("name", ["send", "echo"])
def test_help_lists_every_option(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert main([name, "--help"]) == ExitStatus.OK
    shown = capsys.readouterr().out
    joined = " ".join(shown.split())
    command = verbs.get_command(click.Context(verbs), name)
    assert command is not None
    for option in command.params:
        if isinstance(option, click.Option):
            assert all(flag in shown for flag in option.opts) and str(option.help) in joined
    assert shown.count(f"  ulpool {name} ") >= 2
