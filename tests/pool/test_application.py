"""Applications under `ulpool serve`: real processes, one application file per behaviour."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from applications import Folder
from processes import peak_memory
from raw_peer import associate_rq
from requestor import CT, Requestor
from samples import INSTANCE, content_of, encoded, head
from serving import RunningServer, server, ulpool

from pool.config import Settings, resolve
from pool.declaration import ApplicationError, declared_by_application
from pool.exit_status import ExitStatus
from ul.dimse import BytesSource
from ul.pdu_primitives import PresentationContextDefinition
from ul.sop_class import ExplicitVRLittleEndian
from ul.status import SUCCESS


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


# What handlers see and answer


def test_all_that_a_handler_can_ask_of_an_instance(folder: Folder) -> None:
    source = """
    import io, pydicom

    def on_store(event, word):
        path = event.dataset_path
        meta = event.file_meta
        with_meta = pydicom.dcmread(io.BytesIO(event.encoded_dataset()))
        (HERE / "encoded").write_bytes(event.encoded_dataset(include_meta=False))
        assoc = event.assoc
        note(json.dumps({
            "word": word,
            "uids": [event.dataset.SOPInstanceUID, event.request.AffectedSOPInstanceUID,
                     meta.MediaStorageSOPInstanceUID, with_meta.SOPInstanceUID, pydicom.dcmread(path).SOPInstanceUID,
                     pydicom.dcmread(event.request.DataSet, force=True).SOPInstanceUID],
            "cached": event.dataset is event.dataset,
            "syntax": [event.context.transfer_syntax, meta.TransferSyntaxUID, with_meta.file_meta.TransferSyntaxUID],
            "message": [event.message_id, event.request.MessageID],
            "titles": [assoc.requestor.ae_title, assoc.acceptor.ae_title, assoc.acceptor.primitive.called_ae_title,
                       assoc.remote["ae_title"], assoc.local["ae_title"]],
            "flags": [assoc.is_established, assoc.is_acceptor, assoc.is_requestor, assoc.is_released, assoc.is_alive()],
            "contexts": [len(assoc.accepted_contexts), len(assoc.rejected_contexts),
                         len(assoc.requestor.requested_contexts)],
            "ae": assoc.ae is ae,
            "numbers": [assoc.native_id, assoc.requestor.port, assoc.acceptor.port],
        }))
        path.rename(HERE / "moved.dcm")
        return 0xB000

    def on_echo(event):
        assert event.context.abstract_syntax.name == "Verification SOP Class"
        return 0x0122

    app = pool.Application(ae, [(evt.EVT_C_STORE, on_store, ["word"]), (evt.EVT_C_ECHO, on_echo)])
    """
    sent = encoded(INSTANCE, bytes(1000))
    with folder.serving(source) as running, Requestor(running.port, calling_ae_title="MODALITY") as requestor:
        assert requestor.store(INSTANCE, sent).Status == 0xB000
        assert requestor.echo() == 0x0122
        port = running.port
    seen = json.loads(folder.notes()[0])
    assert seen["word"] == "word"
    assert set(seen["uids"]) == {INSTANCE}
    assert seen["cached"]
    assert set(seen["syntax"]) == {"1.2.840.10008.1.2.1"}
    assert len(set(seen["message"])) == 1
    assert seen["titles"] == ["MODALITY", "ULPOOL", "ULPOOL", "MODALITY", "ULPOOL"]
    assert seen["flags"] == [True, True, False, False, True]
    assert seen["contexts"] == [2, 0, 2]
    assert seen["ae"]
    assert seen["numbers"][0] == 1 and seen["numbers"][2] == port
    assert (folder.path / "encoded").read_bytes() == sent
    assert content_of(folder.path / "moved.dcm").data_set == sent


def test_a_status_with_a_comment(folder: Folder) -> None:
    source = """
    from pydicom import Dataset

    def on_store(event):
        status = Dataset()
        status.Status = 0xA700
        status.ErrorComment = "the archive is full"
        return status

    app = pool.Application(ae, [(evt.EVT_C_STORE, on_store)])
    """
    with folder.serving(source) as running, Requestor(running.port) as requestor:
        response = requestor.store(INSTANCE, encoded())
        assert (response.Status, response.ErrorComment) == (0xA700, "the archive is full")
        assert requestor.echo() == SUCCESS  # without a handler, the default


@pytest.mark.parametrize(
    ("body", "status"),
    [("1 / 0", 0xC211), ("raise SystemExit", 0xC211), ("return None", 0xC002), ("return 'x'", 0xC002)],
)
def test_a_handler_that_fails_harms_nothing_else(folder: Folder, body: str, status: int) -> None:
    source = f"""
    def on_store(event):
        if event.request.AffectedSOPInstanceUID == "{INSTANCE}":
            {body}
        return 0

    app = pool.Application(ae, [(evt.EVT_C_STORE, on_store)])
    """
    with folder.serving(source) as running, Requestor(running.port) as requestor, Requestor(running.port) as other:
        assert requestor.store(INSTANCE, encoded()).Status == status
        assert requestor.store("1.2.3", encoded("1.2.3")).Status == SUCCESS
        assert other.store("1.2.4", encoded("1.2.4")).Status == SUCCESS
        if "1 / 0" in body:
            line = running.wait_for_log("handler.failed")
            assert "ZeroDivisionError" in line and "handlers.py" in line and "on_store" in line


def test_without_a_handler_an_instance_is_refused(folder: Folder) -> None:
    with folder.serving("app = pool.Application(ae)") as running, Requestor(running.port) as requestor:
        assert requestor.store(INSTANCE, encoded()).Status == 0xC211
        assert requestor.echo() == SUCCESS
        assert not running.store.exists()


@pytest.mark.parametrize("switch", ["--accept-unknown", "_config.UNRESTRICTED_STORAGE_SERVICE = True"])
def test_what_nobody_registered_comes_to_the_handler_where_that_is_wanted(folder: Folder, switch: str) -> None:
    source = """
    from ul import _config

    def on_store(event):
        note(event.context.abstract_syntax)
        return 0

    app = pool.Application(ae, [(evt.EVT_C_STORE, on_store)])
    """
    private = "1.2.826.0.1.3680043.8.498.1"
    contexts = [PresentationContextDefinition(3, private, [ExplicitVRLittleEndian])]
    options, statement = ([switch], "") if switch.startswith("-") else ([], f"\n    {switch}\n")
    with (
        folder.serving(source + statement, *options) as running,
        Requestor(running.port, contexts) as requestor,
    ):
        request = requestor.store_request(INSTANCE, private)
        assert requestor.ask(request, BytesSource(encoded()), CT).Status == SUCCESS
    with folder.serving(source) as running, Requestor(running.port, contexts) as requestor:
        assert requestor.negotiated is not None and not requestor.negotiated.contexts
    assert folder.notes() == [private]


def test_a_handler_that_waits_stalls_only_its_own_association(folder: Folder) -> None:
    source = f"""
    def on_store(event):
        if event.request.AffectedSOPInstanceUID == "{INSTANCE}":
            wait()
        return 0

    app = pool.Application(ae, [(evt.EVT_C_STORE, on_store)])
    """
    with folder.serving(source) as running, Requestor(running.port) as slow:
        slow.say(slow.store_request(INSTANCE), BytesSource(encoded()), CT)
        for number in range(3):
            with Requestor(running.port) as other:
                assert other.store(f"1.2.{number}", encoded(f"1.2.{number}")).Status == SUCCESS
                assert other.echo() == SUCCESS
        assert not slow.responses
        folder.open_gate()
        slow.wait_for(lambda: slow.responses)
        assert slow.responses[0].Status == SUCCESS


def test_a_handler_may_outlive_its_association(folder: Folder) -> None:
    source = """
    def on_store(event):
        note("begins")
        wait()
        note("ends")
        return 0

    def aborted(event):
        note("aborted")

    app = pool.Application(ae, [(evt.EVT_C_STORE, on_store), (evt.EVT_ABORTED, aborted)])
    """
    with folder.serving(source) as running:
        leaving = Requestor(running.port)
        leaving.say(leaving.store_request(INSTANCE), BytesSource(encoded()), CT)
        leaving.abort()
        running.wait_for_log("association.closed")
        with Requestor(running.port) as other:
            assert other.echo() == SUCCESS
        folder.open_gate()
        assert running.terminate() == 0
    assert folder.notes() == ["begins", "ends", "aborted"]


def test_a_large_object_takes_no_memory_and_leaves_no_file(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    source = """
    def on_store(event):
        path = event.dataset_path
        note(path.stat().st_size)
        if event.message_id == 2:
            path.rename(HERE / "moved")
        return 0

    app = pool.Application(ae, [(evt.EVT_C_STORE, on_store)])
    """
    spools = folder.path / "spools"
    spools.mkdir()
    monkeypatch.setenv("TMPDIR", str(spools))
    size = 64 << 20
    large = head(INSTANCE, pixels_length=size) + bytes(size)
    with folder.serving(source) as running, Requestor(running.port) as requestor:
        [worker] = running.worker_pids()
        assert requestor.store("1.2.3", encoded("1.2.3")).Status == SUCCESS
        before = peak_memory(worker)
        assert requestor.store(INSTANCE, large).Status == SUCCESS
        assert peak_memory(worker) - before < 8 << 20
        assert not list(spools.iterdir())
    assert content_of(folder.path / "moved").data_set == large


# Associations


def test_notifications_come_in_order(folder: Folder) -> None:
    source = """
    names = ["CONN_OPEN", "REQUESTED", "ACCEPTED", "ESTABLISHED", "RELEASED", "ABORTED", "REJECTED", "CONN_CLOSE"]

    def told(event):
        note(f"{event.assoc.native_id} {event.event}")
        if event.event is evt.EVT_ESTABLISHED:
            raise ValueError("heard by nobody")

    def on_store(event):
        note(f"{event.assoc.native_id} store")
        return 0

    handlers = [(getattr(evt, f"EVT_{name}"), told) for name in names]
    app = pool.Application(ae, [*handlers, (evt.EVT_C_STORE, on_store)])
    """
    begin = ["EVT_CONN_OPEN", "EVT_REQUESTED", "EVT_ACCEPTED", "EVT_ESTABLISHED"]
    with folder.serving(source) as running:
        with Requestor(running.port) as requestor:
            assert requestor.store(INSTANCE, encoded()).Status == SUCCESS
        Requestor(running.port).abort()
        running.wait_for_log("association.closed", 2)
        assert running.terminate() == 0
        assert "ValueError at" in running.wait_for_log("EVT_ESTABLISHED: its handler told failed")
    notes = folder.notes()
    assert [note[2:] for note in notes if note[0] == "1"] == [*begin, "store", "EVT_RELEASED", "EVT_CONN_CLOSE"]
    assert [note[2:] for note in notes if note[0] == "2"] == [*begin, "EVT_ABORTED", "EVT_CONN_CLOSE"]


@pytest.mark.parametrize(("verb", "end"), [("abort", "abort"), ("release", "release")])
def test_a_handler_ends_the_association(folder: Folder, verb: str, end: str) -> None:
    source = f"""
    def on_store(event):
        event.assoc.{verb}()
        return 0

    app = pool.Application(ae, [(evt.EVT_C_STORE, on_store)])
    """
    with folder.serving(source) as running:
        requestor = Requestor(running.port)
        requestor.say(requestor.store_request(INSTANCE), BytesSource(encoded()), CT)
        requestor.wait_for(lambda: requestor.is_closed)
        requestor.close()
        assert end in running.wait_for_log("association.closed")
        if verb == "release":  # the response left first
            assert [response.Status for response in requestor.responses] == [SUCCESS]


# The built-in store


def test_the_built_in_store_tells_of_what_it_kept(folder: Folder) -> None:
    source = """
    def kept(event):
        path = event.dataset_path
        assert HERE / "elsewhere" in path.parents
        note(f"{path.name} {event.dataset.SOPInstanceUID} {len(event.encoded_dataset(include_meta=False))}")
        if event.request.AffectedSOPInstanceUID == "1.2.5":
            raise KeyError("index")
        return 0xB006 if event.request.AffectedSOPInstanceUID == "1.2.6" else None

    store = pool.Storage(kept, output_directory=HERE / "elsewhere", layout="flat")
    app = pool.Application(ae, [(evt.EVT_C_STORE, store)])
    """
    data_set = encoded()
    with _served_without_directory(folder, source) as running, Requestor(running.port) as requestor:
        assert requestor.store(INSTANCE, data_set).Status == SUCCESS
        assert requestor.store(INSTANCE, data_set).Status == SUCCESS  # again
        failed = requestor.store("1.2.5", encoded("1.2.5"))
        assert (failed.Status, failed.ErrorComment) == (0xC211, "the handler failed")
        assert requestor.store("1.2.6", encoded("1.2.6")).Status == 0xB006
        assert requestor.store("1.2.7", encoded("1.2.8")).Status == 0xA900  # not kept, so nobody is told
        counters = running.status()["counters"]
        assert (counters["instances_stored"], counters["instances_identical"]) == (3, 1)
    told = [f"{uid}.dcm {uid} {len(encoded(uid))}" for uid in (INSTANCE, INSTANCE, "1.2.5", "1.2.6")]
    assert folder.notes() == told
    kept = [path.name for path in (folder.path / "elsewhere").iterdir()]
    assert sorted(kept) == [f"{uid}.dcm" for uid in (INSTANCE, "1.2.5", "1.2.6")]


@contextmanager
def _served_without_directory(folder: Folder, source: str) -> Iterator[RunningServer]:
    """As `serving`, where the application says where to store."""
    folder.write(source)
    command = [sys.executable, "-m", "pool", "serve", "--bind", "127.0.0.1:0", "--workers", "1", "handlers"]
    with _running(command, folder) as running:
        yield running


@contextmanager
def _running(command: list[str], folder: Folder) -> Iterator[RunningServer]:
    control = folder.path / "control"
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder.path,
        env={**os.environ, "ULPOOL_CONTROL": str(control), "ULPOOL_LOG_FORMAT": "text"},
    )
    running = RunningServer(process, folder.path / "elsewhere", control)
    try:
        running.wait_until_ready()
        yield running
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)
        running.close()


# Workers


def test_hooks_run_once_in_every_worker(folder: Folder) -> None:
    source = """
    def begin():
        note(f"begin {os.getpid()} {threading.current_thread() is threading.main_thread()}")

    def end():
        note(f"end {os.getpid()}")

    def app():
        return pool.Application(ae, on_worker_start=begin, on_worker_stop=end)
    """
    with folder.serving(source, "--workers", 2) as running:
        pids = running.worker_pids()
        assert sorted(folder.notes()) == sorted(f"begin {pid} True" for pid in pids)
        os.kill(pids[0], signal.SIGKILL)
        running.wait_for_log("worker.exited")
        while len(ready := [w["pid"] for w in running.status()["workers"] if w["state"] == "ready"]) < 2:
            continue
        [new] = set(ready) - set(pids)
        assert f"begin {new} True" in folder.notes()
        assert running.terminate() == 0
    assert {note for note in folder.notes() if note.startswith("end")} == {f"end {pids[1]}", f"end {new}"}


def test_a_stop_waits_for_handlers_and_then_for_the_hook(folder: Folder) -> None:
    source = """
    def on_store(event):
        wait()
        note("handled")
        return 0

    app = pool.Application(ae, [(evt.EVT_C_STORE, on_store)], on_worker_stop=lambda: note("end"))
    """
    with folder.serving(source) as running:
        requestor = Requestor(running.port)
        requestor.say(requestor.store_request(INSTANCE), BytesSource(encoded()), CT)
        running.process.send_signal(signal.SIGTERM)
        running.wait_for_log("server.stopping")
        folder.open_gate()
        requestor.wait_for(lambda: requestor.responses)
        assert requestor.responses[0].Status == SUCCESS
        requestor.release()
        assert running.process.wait(30) == 0
    assert folder.notes() == ["handled", "end"]


def test_what_an_application_logs_is_in_the_log(folder: Folder) -> None:
    source = """
    import logging

    logging.getLogger(__name__).info("imported by the application")
    logging.getLogger("somebody.else").info("said by a library")
    app = pool.Application(ae, on_worker_start=lambda: logging.getLogger(__name__).info("line\\nfeed"))
    """
    with folder.serving(source) as running:
        assert 'application logger=handlers message="line\\nfeed"' in running.wait_for_log("line")
        assert not [line for line in running.log if "library" in line]


# Settings


def test_what_is_set_on_the_ae_holds_where_no_setting_says_otherwise(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = """
    ae.ae_title = "FROM AE"
    ae.maximum_associations = 10  # the default, said explicitly
    ae.maximum_pdu_size = 32768
    ae.network_timeout = None
    ae.acse_timeout = None
    ae.require_called_aet = True
    ae.require_calling_aet = ["ONE", b"TWO"]
    app = pool.Application(ae, [(evt.EVT_C_STORE, pool.Storage(durability="none"))])
    """
    folder.write(source)
    declared = declared_by_application(Settings(application="handlers:app", app_dir=folder.path))
    assert declared == {
        "aet": "FROM AE",
        "max_associations": 10,
        "max_pdu": 32768,
        "network_timeout": 0,
        "acse_timeout": 1_000_000.0,
        "require_called_aet": True,
        "require_calling_aet": ["ONE", "TWO"],
        "durability": "none",
    }
    toml = folder.path / "ulpool.toml"
    toml.write_text('aet = "FROM FILE"\n')
    given = {"application": "handlers:app", "config": str(toml), "max_pdu": "16384"}
    settings = resolve(given, {"ULPOOL_MAX_ASSOCIATIONS": "7"}, declared=declared)
    assert (settings.aet, settings.max_pdu, settings.max_associations) == ("FROM FILE", 16384, 7)
    assert settings.network_timeout is None and settings.durability == "none"
    assert settings.require_calling_aet == ("ONE", "TWO") and settings.require_called_aet
    assert settings.origins["network_timeout"] == "handlers:app: network_timeout"
    assert settings.dimse_timeout == 30 and settings.origins["dimse_timeout"] == "default"


def test_limits_and_titles_of_the_ae_hold_for_all_workers(folder: Folder) -> None:
    source = """
    ae.maximum_associations = 2
    ae.require_calling_aet = ["FRIEND"]
    ae.ae_title = "OURS"
    ae.require_called_aet = True
    app = pool.Application(ae)
    """
    with folder.serving(source, "--workers", 2, "--aet", "ULPOOL") as running:
        assert running.status()["aet"] == "ULPOOL"
        with Requestor(running.port, calling_ae_title="FRIEND"), Requestor(running.port, calling_ae_title="FRIEND"):
            third = Requestor(running.port, calling_ae_title="FRIEND")
            assert third.end == "rejected: result 2, source 3, reason 2"
            third.close()
        stranger = Requestor(running.port)
        assert stranger.end == "rejected: result 1, source 1, reason 3"
        stranger.close()
        with socket.create_connection(("127.0.0.1", running.port)) as sock:
            sock.sendall(associate_rq(called="OTHER", calling="FRIEND"))
            assert sock.recv(10)[7:10] == bytes((1, 1, 7))


def test_a_value_of_the_ae_that_is_no_setting(folder: Folder) -> None:
    folder.write("ae.maximum_pdu_size = 100\napp = pool.Application(ae)")
    ran = ulpool("serve", "handlers", "--bind", "127.0.0.1:0", cwd=folder.path)
    assert ran.returncode == ExitStatus.USAGE
    assert "handlers:app: max_pdu: '100' will not do: give a whole number from 1024" in ran.stderr


# Applications that cannot be


@pytest.mark.parametrize(
    ("name", "source", "says"),
    [
        ("missing", "", "missing:app: there is no module missing in "),
        ("handlers:other", "app = pool.Application(ae)", "handlers:other: module 'handlers' has no attribute 'other'"),
        ("handlers", "import no_such_thing", "ModuleNotFoundError: No module named 'no_such_thing'"),
        ("handlers", "def app(:", "SyntaxError"),
        ("handlers", "1 / 0", "handlers:app: importing it failed: ZeroDivisionError"),
        ("handlers", "def app():\n    return 1 / 0", "handlers:app: building it failed: ZeroDivisionError"),
        ("handlers", "raise SystemExit('no')", "handlers:app: importing it failed: SystemExit: no"),
        ("handlers", "os._exit(5)", "its process ended with exit status 5 while it was imported"),
        ("handlers", "app = ae", "this is a ApplicationEntity, not a pool.Application"),
        ("handlers", "app = pool.Application(AE())", "its AE supports no presentation context"),
        ("handlers", "app = pool.Application(ae, [(evt.EVT_C_STORE, None)])", "EVT_C_STORE cannot be called"),
    ],
)
def test_an_application_that_cannot_be_stops_the_start(folder: Folder, name: str, source: str, says: str) -> None:
    folder.write(source)
    ran = ulpool("serve", name, "--bind", "127.0.0.1:0", cwd=folder.path)
    assert ran.returncode == ExitStatus.APPLICATION_FAILED, ran.stderr
    message = ran.stderr.splitlines()[-1]
    assert message.startswith("ulpool: ") and says in message
    assert "worker" not in ran.stderr


def test_a_hook_that_fails_stops_the_start(folder: Folder) -> None:
    folder.write("app = pool.Application(ae, on_worker_start=lambda: {}['database'])")
    ran = ulpool("serve", "handlers", "--bind", "127.0.0.1:0", "--workers", 2, cwd=folder.path)
    assert ran.returncode == ExitStatus.WORKERS_FAILED
    assert ran.stderr.count("worker.exited") == 2 and "KeyError: 'database'" in ran.stderr


# Where it is looked for


def test_without_an_application_the_folder_is_not_searched(folder: Folder, tmp_path: Path) -> None:
    folder.write("raise SystemExit('the wrong one')", "pydicom.py", header="")
    with server(tmp_path / "store", "--workers", 1, cwd=folder.path, prefix=_ISOLATED) as running:
        assert running.port


@pytest.mark.parametrize("stray", ["pool.py", "pool/__init__.py", "ul.py", "ul/__init__.py", "ul/services/__init__.py"])
def test_what_has_a_name_of_ours_is_never_taken_for_it(folder: Folder, tmp_path: Path, stray: str) -> None:
    (folder.path / stray).parent.mkdir(parents=True, exist_ok=True)
    folder.write("raise SystemExit('the wrong one')", stray, header="")
    folder.write("app = pool.Application(ae)")
    for application in ([], ["handlers"], ["--app-dir", folder.path, "handlers"]):
        options = ["--workers", 1, *application]
        with (
            server(tmp_path / "store", *options, cwd=folder.path, prefix=_ISOLATED) as running,
            Requestor(running.port) as requestor,
        ):
            assert requestor.echo() == SUCCESS


# As the installed command does it: `python -m` would itself have the folder on its path.
_ISOLATED = (
    sys.executable,
    "-c",
    "import sys; sys.path.remove(''); sys.argv[1:4] = []; from pool.cli import main; sys.exit(main())",
)


def test_another_folder_can_be_named(folder: Folder, tmp_path: Path) -> None:
    package = folder.path / "package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    folder.write("class Box:\n    app = pool.Application(ae)", "package/handlers.py")
    with server(tmp_path / "store", "--app-dir", folder.path, "package.handlers:Box.app") as running:
        assert running.port


def test_serve_from_python(folder: Folder) -> None:
    """The module is found beside the script, wherever that was started."""
    folder.write("app = pool.Application(ae)")
    script = folder.path / "run.py"
    script.write_text(
        "import pool\n"
        "assert pool.serve('handlers:app', bind='127.0.0.1:0', workers=1, aet='BY PYTHON', max_pdu=32768) == 0\n"
        "print('stopped')\n"
    )
    with _running([sys.executable, str(script)], folder) as running:
        assert running.status()["aet"] == "BY PYTHON"
        with Requestor(running.port) as requestor:
            assert requestor.echo() == SUCCESS


def test_serve_from_python_wants_a_name() -> None:
    import pool

    with pytest.raises(TypeError, match="give the application's name"):
        pool.serve(object())  # type: ignore[arg-type]


def test_an_application_is_checked_as_it_is_made() -> None:
    import pool
    from ul import AE

    with pytest.raises(TypeError, match="a hook cannot be called"):
        pool.Application(AE(), on_worker_start=3)  # type: ignore[arg-type]
    with pytest.raises(ApplicationError, match="there is no module no_such_module"):
        declared_by_application(Settings(application="no_such_module:app"))
