"""The store as its caller sees it: what is kept, under which name, with which status, and what is never seen."""

import errno
import fcntl
import os
import shutil
import stat
import struct
import subprocess
import sys
import threading
import tracemalloc
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.filereader import dcmread

from pool.storage import Incoming, Store, Stored, folders, temporaries
from ul import sop_class
from ul.errors import StatusError, UsageError
from ul.wire.part10 import read_head, read_preface

CLASS = sop_class.CTImageStorage
SYNTAX = sop_class.ExplicitVRLittleEndian
STUDY, SERIES, INSTANCE = "1.2.3", "1.2.3.4", "1.2.3.4.5"
PATH = f"{STUDY}/{SERIES}/{INSTANCE}.dcm"
MakeStore = Callable[..., Store]


@pytest.fixture(params=["unnamed", "named"])
def temporary_kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Every test with it runs with O_TMPFILE and without."""
    if request.param == "named":
        monkeypatch.setattr(temporaries, "_has_unnamed", lambda root: False)
    return str(request.param)


@pytest.fixture
def make_store(tmp_path: Path) -> Iterator[MakeStore]:
    """Makes stores below one directory; at the end no temporary is left and no descriptor either."""
    before = open_descriptors()
    stores = []

    def make(**changed: Any) -> Store:
        settings = {
            "root": tmp_path / "store",
            "layout": "{StudyInstanceUID}/{SeriesInstanceUID}/{SOPInstanceUID}.dcm",
            "durability": "none",
            "on_duplicate": "keep-both",
            "implementation_class_uid": "1.2.826.0.1",
            "implementation_version_name": "ULPOOL_TEST",
        }
        stores.append(Store(**{**settings, **changed}))
        return stores[-1]

    yield make
    while stores:
        stores.pop().close()
    assert open_descriptors() == before
    partial = tmp_path / "store" / temporaries.FOLDER
    assert not partial.exists() or not list(partial.iterdir())


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - Path.iterdir would resolve them


def data_set(
    body: bytes = b"", *, cls: str = CLASS, instance: str = INSTANCE, study: str = STUDY, series: str = SERIES
) -> bytes:
    def uid(group: int, element: int, value: str) -> bytes:
        padded = value.encode() + b"\0" * (len(value) % 2)
        return struct.pack("<HH2sH", group, element, b"UI", len(padded)) + padded if value else b""

    pixels = struct.pack("<HH2sHL", 0x7FE0, 0x0010, b"OB", 0, len(body)) + body
    return uid(8, 0x16, cls) + uid(8, 0x18, instance) + uid(0x20, 0xD, study) + uid(0x20, 0xE, series) + pixels


def receive(store: Store, data: bytes, *, cls: str = CLASS, instance: str = INSTANCE, calling: str = "SCU") -> Incoming:
    incoming = store.open_instance(cls, instance, SYNTAX, calling)
    for start in range(0, len(data), 16384):
        incoming.write(memoryview(data)[start : start + 16384])
        incoming.flush()
    return incoming


def keep(store: Store, data: bytes, **announced: str) -> Stored:
    return receive(store, data, **announced).commit()


def kept(root: Path) -> dict[str, bytes]:
    """The data sets below `root` by relative path, temporaries aside."""
    found = {}
    for path in root.rglob("*"):
        if path.is_file() and not path.is_symlink() and temporaries.FOLDER not in path.parts:
            content = path.read_bytes()
            found[str(path.relative_to(root))] = content[read_preface(content).data_set_offset :]
    return found


def failing(call: Callable[..., Any], code: int, when: Callable[..., bool] = lambda *args: True) -> Callable[..., Any]:
    def fail(*args: Any, **named: Any) -> Any:
        if when(*args):
            raise OSError(code, os.strerror(code))
        return call(*args, **named)

    return fail


# Keeping.


@pytest.mark.parametrize("durability", ["disk", "none"])
def test_one_instance_is_one_dicom_file(make_store: MakeStore, temporary_kind: str, durability: str) -> None:
    store = make_store(durability=durability)
    data = data_set(b"pixels")
    stored = keep(store, data)
    assert stored == (str(store.root / PATH), False, False)
    assert kept(store.root) == {PATH: data}
    meta = dcmread(stored.path).file_meta
    assert (meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID) == (CLASS, INSTANCE)
    assert (meta.TransferSyntaxUID, meta.SourceApplicationEntityTitle) == (SYNTAX, "SCU")
    assert stat.S_IMODE(Path(stored.path).stat().st_mode) == 0o640
    assert stat.S_IMODE(Path(stored.path).parent.stat().st_mode) == 0o750


def test_only_what_is_new_and_not_synced_is_committed_at_once(
    make_store: MakeStore, temporary_kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = make_store()
    assert receive(store, data_set(bytes(2 << 20))).commit_at_once() == (str(store.root / PATH), False, False)
    incoming = receive(store, data_set(b"other"))
    with monkeypatch.context() as patched:
        patched.setattr(os, "pread", failing(os.pread, errno.EIO))  # nothing is compared
        assert incoming.commit_at_once() is None
    assert incoming.commit().is_conflict
    incoming = receive(make_store(durability="disk"), data_set(instance="1.1"), instance="1.1")
    assert incoming.commit_at_once() is None
    assert not incoming.commit().is_conflict


def test_what_will_not_do_is_refused_at_once(make_store: MakeStore, temporary_kind: str) -> None:
    store = make_store()
    incoming = receive(store, data_set(instance="1.1"))
    with pytest.raises(StatusError):
        incoming.commit_at_once()
    with pytest.raises(UsageError):
        incoming.commit()
    assert kept(store.root) == {}


def test_every_real_file_is_kept_byte_for_byte(make_store: MakeStore) -> None:
    store = make_store(layout="flat")
    count = 0
    for path in sorted((Path(pydicom.__file__).parent / "data").rglob("*")):
        if not path.is_file():
            continue
        try:
            with path.open("rb") as file:
                head = read_head(file)
        except UsageError:
            continue
        if not head.sop_instance_uid:
            continue
        incoming = store.open_instance(head.sop_class_uid, head.sop_instance_uid, head.transfer_syntax_uid, "SCU")
        data = path.read_bytes()[head.data_set_offset :]
        incoming.write(data)
        stored = incoming.commit()
        written = Path(stored.path).read_bytes()
        assert written[read_preface(written).data_set_offset :] == data
        assert read_preface(written).transfer_syntax_uid == head.transfer_syntax_uid
        count += 1
    assert count >= 150


@pytest.mark.parametrize("size", [1, 7, 100])
def test_short_writes_are_continued(make_store: MakeStore, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    def writev(fd: int, buffers: list[Any]) -> int:
        return os.write(fd, b"".join(buffers)[:size])

    monkeypatch.setattr(os, "writev", writev)
    store = make_store()
    data = data_set(b"0123456789" * 30)
    incoming = store.open_instance(CLASS, INSTANCE, SYNTAX, "SCU")
    for start in range(0, len(data), 11):
        incoming.write(memoryview(data)[start : start + 11])
    incoming.write(b"")
    incoming.commit()
    assert kept(store.root) == {PATH: data}


def test_thousands_of_fragments_in_one_flush(make_store: MakeStore) -> None:
    store = make_store()
    data = data_set(bytes(range(256)) * 20)
    incoming = store.open_instance(CLASS, INSTANCE, SYNTAX, "SCU")
    for start in range(len(data)):
        incoming.write(memoryview(data)[start : start + 1])
    incoming.commit()
    assert kept(store.root) == {PATH: data}


def test_memory_stays_flat_for_a_large_object(make_store: MakeStore) -> None:
    store = make_store()
    piece = bytes(1 << 17)
    for _ in range(2):  # The second is compared with the first.
        incoming = receive(store, data_set(b""))
        tracemalloc.start()
        for _ in range(512):
            incoming.write(piece)
            incoming.flush()
        incoming.commit()
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 2 << 20
    assert list(kept(store.root)) == [PATH]


# Names.


@pytest.mark.parametrize(
    "instance", ["", "..", "../../x", "/etc/passwd", "1.2\0.3", "1.2.3\n", "1" * 300, "1..2", "A.1", "1.2/3"]
)
def test_a_bad_sop_instance_uid_is_refused(make_store: MakeStore, instance: str) -> None:
    store = make_store()
    with pytest.raises(StatusError) as refused:
        store.open_instance(CLASS, instance, SYNTAX, "SCU")
    assert refused.value.status == 0x0117
    assert list(store.root.iterdir()) == []


def test_a_bad_sop_class_uid_is_refused(make_store: MakeStore) -> None:
    with pytest.raises(StatusError) as refused:
        make_store().open_instance("no UID", INSTANCE, SYNTAX, "SCU")
    assert refused.value.status == 0x0122


def test_padding_of_announced_uids_does_not_count(make_store: MakeStore) -> None:
    keep(make_store(), data_set(), cls=CLASS + "\0", instance=INSTANCE + " \0")


@pytest.mark.parametrize("bad", ["", "../../../tmp", "/tmp", "1" * 300, "..", "a\0b"])
def test_bad_study_and_series_go_to_a_fixed_folder(make_store: MakeStore, tmp_path: Path, bad: str) -> None:
    store = make_store()
    data = data_set(study=bad, series=bad)
    keep(store, data)
    assert kept(tmp_path) == {f"store/unknown/unknown/{INSTANCE}.dcm": data}


@pytest.mark.parametrize("title", ["../../x", "/etc", "a/b", "\0", "..", "ä\n"])
def test_a_calling_title_never_becomes_a_path(make_store: MakeStore, tmp_path: Path, title: str) -> None:
    keep(make_store(), data_set(), calling=title)
    assert list(kept(tmp_path)) == [f"store/{PATH}"]


def test_a_link_among_the_folders_is_not_followed(make_store: MakeStore, tmp_path: Path) -> None:
    store = make_store()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (store.root / STUDY).symlink_to(elsewhere)
    with pytest.raises(StatusError) as failed:
        keep(store, data_set())
    assert failed.value.status == 0xA700
    assert list(elsewhere.iterdir()) == []


def test_a_link_put_in_place_of_a_kept_instance_is_not_followed(
    make_store: MakeStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = make_store(layout="flat")
    there = Path(keep(store, data_set()).path)
    opening = os.open

    def put_a_link_first(path: Any, *args: Any, **named: Any) -> int:
        if path == there.name:
            there.rename(tmp_path / "elsewhere")
            there.symlink_to(tmp_path / "elsewhere")
        return opening(path, *args, **named)

    incoming = receive(store, data_set())
    with monkeypatch.context() as patched:
        patched.setattr(os, "open", put_a_link_first)
        assert incoming.commit() == (str(store.root / f"{INSTANCE}~2.dcm"), False, True)


@pytest.mark.parametrize("kind", ["link", "link to the same", "fifo", "folder", "text"])
def test_what_is_no_instance_keeps_its_name(make_store: MakeStore, tmp_path: Path, kind: str) -> None:
    store = make_store(layout="flat")
    there = store.root / f"{INSTANCE}.dcm"
    target = tmp_path / "target"
    target.write_bytes(b"precious")
    if kind == "link":
        there.symlink_to(target)
    elif kind == "link to the same":
        there.symlink_to(keep(make_store(root=tmp_path / "other"), data_set()).path)
    elif kind == "fifo":
        os.mkfifo(there)
    elif kind == "folder":
        there.mkdir()
    else:
        there.write_bytes(b"some text" * 100)
    assert keep(store, data_set()).path == str(store.root / f"{INSTANCE}~2.dcm")
    assert target.read_bytes() == b"precious"


def test_folders_moved_or_removed_meanwhile_are_made_again(make_store: MakeStore, tmp_path: Path) -> None:
    store = make_store()
    keep(store, data_set())
    (store.root / STUDY).rename(tmp_path / "archive")
    keep(store, data_set(b"second"))
    shutil.rmtree(store.root / STUDY)
    keep(store, data_set(b"third"))
    assert kept(store.root) == {PATH: data_set(b"third")}
    assert kept(tmp_path / "archive") == {f"{SERIES}/{INSTANCE}.dcm": data_set()}


def test_a_folder_removed_at_the_last_moment_is_made_again(
    make_store: MakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = make_store()
    keep(store, data_set())
    link, raced = os.link, []

    def remove_first(*args: Any, **named: Any) -> None:
        if not raced:
            raced.append(shutil.rmtree(store.root / STUDY))
        link(*args, **named)

    monkeypatch.setattr(os, "link", remove_first)
    keep(store, data_set(b"second"))
    assert kept(store.root) == {PATH: data_set(b"second")}


def test_folders_kept_open_are_bounded(tmp_path: Path) -> None:
    before = open_descriptors()
    below = folders.Folders(folders.Folder(os.open(tmp_path, os.O_RDONLY)), most_open=3)
    for number in range(20):
        below.open((str(number), "series"))
    assert open_descriptors() <= before + 5
    assert below.open(("7", "series")) is below.open(("7", "series"))
    below.close()


# Duplicates.


@pytest.mark.parametrize("durability", ["disk", "none"])
@pytest.mark.parametrize("on_duplicate", ["keep-both", "reject", "replace"])
def test_the_same_again_is_one_file(
    make_store: MakeStore, temporary_kind: str, on_duplicate: str, durability: str
) -> None:
    store = make_store(on_duplicate=on_duplicate, durability=durability)
    data = data_set(b"same")
    first = keep(store, data, calling="ONE")
    assert keep(store, data, calling="SOMEBODY_ELSE") == (first.path, True, False)
    assert kept(store.root) == {PATH: data}


def test_keep_both_keeps_every_version_once(make_store: MakeStore, temporary_kind: str) -> None:
    store = make_store()
    versions = [data_set(body) for body in (b"first", b"other", b"of another size")]
    outcomes = [keep(store, data) for data in versions]
    assert [stored.is_conflict for stored in outcomes] == [False, True, True]
    names = [Path(stored.path).name for stored in outcomes]
    assert names == [f"{INSTANCE}.dcm", f"{INSTANCE}~2.dcm", f"{INSTANCE}~3.dcm"]
    assert [Path(keep(store, data).path).name for data in versions] == names
    assert sorted(kept(store.root).values()) == sorted(versions)


def test_a_data_set_that_ends_as_another_one_does_is_not_the_same(make_store: MakeStore) -> None:
    store = make_store()
    data = data_set(b"whole")
    keep(store, data_set(b"some more" + data))
    assert keep(store, data) == (str(store.root / PATH.replace(".dcm", "~2.dcm")), False, True)


def test_versions_of_another_size_are_not_opened(make_store: MakeStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store = make_store()
    for number in range(20):
        keep(store, data_set(bytes(100_000 + number)))
    same_size = keep(store, data_set(b"first"))
    opening, opened = os.open, []

    def note(path: Any, *args: Any, **named: Any) -> int:
        opened.append(path)
        return opening(path, *args, **named)

    incoming = receive(store, data_set(b"other"))
    monkeypatch.setattr(os, "open", note)
    assert Path(incoming.commit().path).name == f"{INSTANCE}~22.dcm"
    assert opened == [Path(same_size.path).name]


def test_a_name_taken_while_it_was_looked_for_is_compared(
    make_store: MakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = make_store()
    keep(store, data_set(b"first"))
    incoming = receive(store, data_set(b"other"))
    link, raced = os.link, []

    def somebody_else_first(source: Any, name: Any, **named: Any) -> None:
        if name == f"{INSTANCE}~2.dcm" and not raced:
            raced.append(name)
            raced.append(keep(store, data_set(b"other")))
        link(source, name, **named)

    monkeypatch.setattr(os, "link", somebody_else_first)
    assert incoming.commit() == (str(store.root / PATH.replace(".dcm", "~2.dcm")), True, False)


def test_another_transfer_syntax_is_another_version(make_store: MakeStore) -> None:
    store = make_store()
    data = data_set()
    keep(store, data)
    incoming = store.open_instance(CLASS, INSTANCE, sop_class.RLELossless, "SCU")
    incoming.write(data)
    assert incoming.commit() == (str(store.root / PATH.replace(".dcm", "~2.dcm")), False, True)


def test_reject_refuses_other_bytes(make_store: MakeStore, temporary_kind: str) -> None:
    store = make_store(on_duplicate="reject")
    keep(store, data_set(b"first"))
    with pytest.raises(StatusError) as refused:
        keep(store, data_set(b"other"))
    assert refused.value.status == 0x0111
    assert kept(store.root) == {PATH: data_set(b"first")}


def test_replace_replaces(make_store: MakeStore, temporary_kind: str) -> None:
    store = make_store(on_duplicate="replace", durability="disk")
    keep(store, data_set(b"first"))
    with (store.root / PATH).open("rb") as reader:
        assert keep(store, data_set(b"other")) == (str(store.root / PATH), False, True)
        assert reader.read().endswith(b"first")  # Who reads the old one still has it whole.
    assert kept(store.root) == {PATH: data_set(b"other")}


def test_a_sweep_leaves_what_is_about_to_replace(
    make_store: MakeStore, temporary_kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = make_store(on_duplicate="replace")
    keep(store, data_set(b"first"))
    incoming = receive(store, data_set(b"other"))
    rename = os.rename

    def sweep_first(*args: Any, **named: Any) -> None:
        make_store()  # another process starts
        rename(*args, **named)

    monkeypatch.setattr(os, "rename", sweep_first)
    incoming.commit()
    assert kept(store.root) == {PATH: data_set(b"other")}


def test_reject_and_replace_know_versions_kept_before(make_store: MakeStore) -> None:
    both = make_store()
    keep(both, data_set(b"first"))
    second = keep(both, data_set(b"other"))
    for on_duplicate in ("reject", "replace"):
        assert keep(make_store(on_duplicate=on_duplicate), data_set(b"other")) == (second.path, True, False)


@pytest.mark.parametrize("different", [False, True])
def test_many_at_once_under_one_uid(make_store: MakeStore, temporary_kind: str, different: bool) -> None:
    store = make_store(durability="disk")
    versions = [data_set(b"%02d" % (number if different else 0)) for number in range(12)]
    outcomes: list[Stored] = []
    begin = threading.Barrier(len(versions))

    def commit(data: bytes) -> None:
        incoming = receive(store, data)
        begin.wait()
        outcomes.append(incoming.commit())

    threads = [threading.Thread(target=commit, args=(data,)) for data in versions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(kept(store.root).values()) == sorted(set(versions))
    assert sum(not stored.is_duplicate for stored in outcomes) == len(set(versions))


# Checks.


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"", 0xC000),
        (b"\xff" * 1000, 0xC000),
        (data_set(cls=""), 0xC000),
        (data_set(instance=""), 0xC000),
        (data_set(cls=sop_class.MRImageStorage), 0xA900),
        (data_set(instance=INSTANCE + "1"), 0xA900),
    ],
    ids=["empty", "garbage", "no class", "no instance", "another class", "another instance"],
)
def test_a_data_set_that_does_not_fit_its_command(
    make_store: MakeStore, temporary_kind: str, data: bytes, status: int
) -> None:
    store = make_store()
    with pytest.raises(StatusError) as failed:
        keep(store, data)
    assert failed.value.status == status
    assert len(str(failed.value.comment)) <= 64
    assert kept(store.root) == {}


def test_discard_leaves_nothing_and_may_be_repeated(make_store: MakeStore, temporary_kind: str) -> None:
    store = make_store()
    incoming = receive(store, data_set())
    incoming.discard()
    incoming.discard()
    with pytest.raises(UsageError):
        incoming.commit()
    assert kept(store.root) == {}


# Failures of the system.


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_a_failed_write_is_told_at_commit(
    make_store: MakeStore, temporary_kind: str, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    store = make_store()
    incoming = store.open_instance(CLASS, INSTANCE, SYNTAX, "SCU")
    with monkeypatch.context() as broken:
        broken.setattr(os, "writev", failing(os.writev, code))
        incoming.write(data_set())
        incoming.flush()
    incoming.write(b"the rest is drained")
    incoming.flush()
    with pytest.raises(StatusError) as failed:
        incoming.commit()
    assert failed.value.status == 0xA700
    assert os.strerror(code) in failed.value.comment
    assert kept(store.root) == {}
    keep(store, data_set())


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENOSPC])
def test_no_temporary_no_instance(
    make_store: MakeStore, temporary_kind: str, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    store = make_store()
    with monkeypatch.context() as broken:
        broken.setattr(os, "open", failing(os.open, code))
        with pytest.raises(StatusError) as failed:
            store.open_instance(CLASS, INSTANCE, SYNTAX, "SCU")
    assert failed.value.status == 0xA700
    keep(store, data_set())


@pytest.mark.parametrize("call", ["link", "mkdir", "fsync"])
def test_a_failed_commit_shows_nothing(
    make_store: MakeStore, temporary_kind: str, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    store = make_store(durability="disk")
    incoming = receive(store, data_set())
    with monkeypatch.context() as broken:
        broken.setattr(os, call, failing(getattr(os, call), errno.EIO))
        with pytest.raises(StatusError) as failed:
            incoming.commit()
    assert failed.value.status == 0xA700
    assert kept(store.root) == {}
    keep(store, data_set())


def test_a_directory_whose_fsync_failed_is_opened_anew(make_store: MakeStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel reports a failed fsync once per descriptor: asked again, that one would lie."""
    store = make_store(durability="disk")
    keep(store, data_set(instance="1.1"), instance="1.1")
    fsync = os.fsync

    def fail_for_folders(fd: int) -> None:
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        fsync(fd)

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", fail_for_folders)
        with pytest.raises(StatusError):
            keep(store, data_set())
    assert keep(store, data_set()).is_duplicate


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB."""
    mounted = tmp_path / "store"
    mounted.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", mounted]).returncode:
        pytest.skip("mounting a small tmpfs takes root")
    yield mounted
    subprocess.run(["umount", mounted], check=True)


def test_a_full_disk_answers_and_recovers(small_disk: Path, make_store: MakeStore, temporary_kind: str) -> None:
    store = make_store(root=small_disk, layout="flat", durability="disk")
    keep(store, data_set(bytes(100_000)))
    with pytest.raises(StatusError) as failed:
        keep(store, data_set(bytes(200_000), instance="1.1"), instance="1.1")
    assert failed.value.status == 0xA700
    assert "space" in failed.value.comment
    keep(store, data_set(bytes(100_000), instance="1.2"), instance="1.2")
    assert sorted(kept(small_disk)) == ["1.2.3.4.5.dcm", "1.2.dcm"]


# Temporaries with a name.


def test_a_sweep_takes_what_nobody_writes(make_store: MakeStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(temporaries, "_has_unnamed", lambda root: False)
    store = make_store()
    being_written = receive(store, data_set())
    partial = store.root / temporaries.FOLDER
    (partial / "left").write_bytes(b"by a process that died")
    make_store()
    assert len(list(partial.iterdir())) == 1
    being_written.commit()
    assert kept(store.root) == {PATH: data_set()}


def test_a_temporary_swept_before_it_was_locked_is_made_again(
    make_store: MakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(temporaries, "_has_unnamed", lambda root: False)
    store = make_store()
    partial = store.root / temporaries.FOLDER
    flock, raced = fcntl.flock, []

    def sweep_first(fd: int, operation: int) -> None:
        if not raced:
            raced.extend(path.unlink() for path in partial.iterdir())
        flock(fd, operation)

    monkeypatch.setattr(fcntl, "flock", sweep_first)
    keep(store, data_set())
    assert raced
    assert kept(store.root) == {PATH: data_set()}


@pytest.mark.parametrize("code", [errno.EOPNOTSUPP, errno.EISDIR])
def test_without_o_tmpfile_temporaries_have_names(
    make_store: MakeStore, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def is_unnamed(path: Any, flags: int, *rest: Any) -> bool:
        return flags & os.O_TMPFILE == os.O_TMPFILE

    monkeypatch.setattr(os, "open", failing(os.open, code, is_unnamed))
    store = make_store()
    incoming = receive(store, data_set())
    assert len(list((store.root / temporaries.FOLDER).iterdir())) == 1
    incoming.commit()
    assert kept(store.root) == {PATH: data_set()}


# Durability.


def test_one_fsync_of_a_folder_serves_all_who_linked_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = folders.Folder(os.open(tmp_path, os.O_RDONLY))
    all_asked, asked, syncs = threading.Event(), [], []
    wait_for = folder._syncs.wait_for

    def count(predicate: Callable[[], bool]) -> bool:
        asked.append(None)  # Under the condition's lock: whoever is counted has its place.
        if len(asked) == 6:
            all_asked.set()
        return wait_for(predicate)

    def fsync(fd: int) -> None:
        syncs.append(fd)
        assert all_asked.wait(10)

    monkeypatch.setattr(folder._syncs, "wait_for", count)
    monkeypatch.setattr(os, "fsync", fsync)
    threads = [threading.Thread(target=folder.make_durable) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(syncs) == 2


DURABLE_STORE = """
import os, sys
from pool.storage import Store

root, class_uid, instance_uid, transfer_syntax_uid = sys.argv[1:]
store = Store(root, "{StudyInstanceUID}/{SeriesInstanceUID}/{SOPInstanceUID}.dcm", "disk", "keep-both",
              implementation_class_uid="1.2.3", implementation_version_name="TEST")
data = sys.stdin.buffer.read()
for _ in range(2):
    os.write(1, b"begin\\n")
    incoming = store.open_instance(class_uid, instance_uid, transfer_syntax_uid, "SCU")
    incoming.write(data)
    incoming.commit()
    os.write(1, b"respond\\n")
"""


def test_what_the_kernel_is_asked_before_the_response(tmp_path: Path) -> None:
    """write, fsync, linkat, an fsync of each directory up to the root; for the same again an fsync of what is there."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    root, trace = tmp_path / "store", tmp_path / "trace"
    root.mkdir()
    (root / STUDY).mkdir()  # Made by another process, which proves nothing.
    traced = ["strace", "-y", "-o", trace, "-e", "trace=write,writev,fsync,linkat", sys.executable, "-c", DURABLE_STORE]
    announced = [root, CLASS, INSTANCE, SYNTAX]
    ran = subprocess.run(
        [*traced, *announced], input=data_set(b"x"), capture_output=True, cwd=Path(__file__).parents[2]
    )
    if ran.returncode:
        pytest.skip(f"strace may not trace here: {ran.stderr.decode()[-200:]}")
    first, second = trace.read_text().split('"begin\\n"')[1:]
    study, series = root / STUDY, root / STUDY / SERIES
    assert_in_order(
        first,
        "writev(",
        "fsync(",
        "linkat(",
        f"<{root}>)",
        f"<{study}>)",
        f"<{series}>)",
        '"respond\\n"',
    )
    assert_in_order(second, "linkat(", "EEXIST", f"fsync({{}}<{root / PATH}>)", f"<{series}>)", '"respond\\n"')


def assert_in_order(text: str, *parts: str) -> None:
    position = 0
    for part in parts:
        head, _, tail = part.partition("{}")
        found = text.find(tail or head, position)
        assert found >= 0, f"{part} is missing after {text[:position]!r}"
        position = found


def test_real_files_stay_readable(make_store: MakeStore) -> None:
    store = make_store()
    keep(store, data_set(bytes(100)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read = dcmread(store.root / PATH)
    assert (read.SOPInstanceUID, len(read.PixelData)) == (INSTANCE, 100)
