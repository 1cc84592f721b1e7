"""One instance from its C-STORE-RQ to its final name: received, checked, kept. Statuses are PS3.4 Table B.2-1's.

Nothing visible is ever incomplete: the data set goes into a temporary, and linking is the last step. The data set
bytes are kept as received; of them only the identifying UIDs are looked at, while they pass.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Final, NamedTuple, TypeVar

from pool.storage.comparison import has_same_data_set, may_hold
from pool.storage.folders import DIRECTORY_FLAGS, DIRECTORY_MODE, Folder, Folders
from pool.storage.layout import MOST_VERSIONS, Layout, Place, is_name
from pool.storage.temporaries import Temporaries, Temporary
from ul.errors import StatusError, UsageError
from ul.status import (
    CANNOT_UNDERSTAND,
    DATA_SET_DOES_NOT_MATCH_SOP_CLASS,
    DUPLICATE_SOP_INSTANCE,
    INVALID_SOP_INSTANCE,
    OUT_OF_RESOURCES,
    SOP_CLASS_NOT_SUPPORTED,
)
from ul.wire import part10
from ul.wire.dataset import (
    SERIES_INSTANCE_UID,
    SOP_CLASS_UID,
    SOP_INSTANCE_UID,
    STUDY_INSTANCE_UID,
    Buffer,
    head_scanner,
)

PADDING: Final = "\0 "
KEPT_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
NO_FILE: Final = (errno.ELOOP, errno.ENXIO)  # A link or a socket has the name since we looked.
MOST_BUFFERS: Final = os.sysconf("SC_IOV_MAX")

_T = TypeVar("_T")


class Stored(NamedTuple):
    """What became of an instance: its file, and what else was found under its SOP Instance UID."""

    path: str
    is_duplicate: bool  # that file was there already, with the same data set
    is_conflict: bool  # something was there, but not this data set


class Store:
    """The instances below one directory, which several processes may share. Safe to use from several threads."""

    def __init__(
        self,
        root: str | Path,
        layout: str,
        durability: str,
        on_duplicate: str,
        *,
        implementation_class_uid: str,
        implementation_version_name: str,
    ) -> None:
        """`layout`, `durability` and `on_duplicate` as the settings of these names. The directory is made if absent.

        Raises OSError where it cannot be written, ValueError for a layout that will not do.
        """
        self.root = Path(root).absolute()
        self._path = str(self.root)
        self.commit_blocks = durability == "disk"
        self._layout = Layout(layout)
        self._on_duplicate = on_duplicate
        self._implementation = (implementation_class_uid, implementation_version_name)
        self._folders = Folders(_open_root(self.root, durable=self.commit_blocks))
        self._temporaries = Temporaries(self._folders)
        self._temporaries.sweep()

    def open_instance(
        self, sop_class_uid: str, sop_instance_uid: str, transfer_syntax_uid: str, calling_ae_title: str
    ) -> Incoming:
        """Begins to receive the instance that a C-STORE-RQ announced. Raises StatusError."""
        sop_class_uid = sop_class_uid.rstrip(PADDING)
        sop_instance_uid = sop_instance_uid.rstrip(PADDING)
        if not is_name(sop_instance_uid):
            raise StatusError(INVALID_SOP_INSTANCE, "Affected SOP Instance UID is not a UID")
        if not is_name(sop_class_uid):
            raise StatusError(SOP_CLASS_NOT_SUPPORTED, "Affected SOP Class UID is not a UID")
        preface = part10.encode_preface(
            sop_class_uid, sop_instance_uid, transfer_syntax_uid, *self._implementation, calling_ae_title
        )
        try:
            temporary = self._temporaries.create()
        except OSError as error:
            raise out_of_resources(error.errno or errno.EIO) from error
        return Incoming(self, temporary, sop_class_uid, sop_instance_uid, transfer_syntax_uid, preface)

    def close(self) -> None:
        """Lets go of the directories; instances being received are their owners'."""
        self._folders.close()

    def keep_new(self, instance: Incoming, temporary: Temporary) -> Stored | None:
        """What `keep` does if the name is free; None where it is taken, for then there is no telling how long it takes.

        Raises OSError.
        """
        place = self._place(instance)
        name = place.name(1)
        _, linked = self._in_folder(place, lambda folder: temporary.link(folder, name))
        return Stored(self._path_of(place, name), False, False) if linked else None

    def keep(self, instance: Incoming, temporary: Temporary) -> Stored:
        """Gives the complete and checked `instance` its final name. Raises OSError and StatusError."""
        if self.commit_blocks:
            os.fsync(temporary.fd)
        place = self._place(instance)
        folder, stored = self._in_folder(place, lambda folder: self._name(instance, temporary, folder, place))
        if self.commit_blocks:
            folder.make_durable()
        return stored

    def _place(self, instance: Incoming) -> Place:
        values = instance.uids
        return self._layout.place(
            instance.sop_instance_uid, values.get(STUDY_INSTANCE_UID, ""), values.get(SERIES_INSTANCE_UID, "")
        )

    def _path_of(self, place: Place, name: str) -> str:
        return "/".join((self._path, *place.folders, name))

    def _in_folder(self, place: Place, act: Callable[[Folder], _T]) -> tuple[Folder, _T]:
        """Does it in the folder of `place`, once more if somebody removed that just now."""
        try:
            folder = self._folders.open(place.folders)
            return folder, act(folder)
        except FileNotFoundError:
            folder = self._folders.open(place.folders)
            return folder, act(folder)

    def _name(self, instance: Incoming, temporary: Temporary, folder: Folder, place: Place) -> Stored:
        """Links it under the first name that is free, unless a kept version is the same or the setting forbids."""
        keep_both = self._on_duplicate == "keep-both"
        for version in range(1, MOST_VERSIONS + 1):
            name = place.name(version)
            is_same = self._is_same(instance, temporary, folder, name) if version > 1 else None
            if is_same is None and (keep_both or version == 1):
                if temporary.link(folder, name):
                    return Stored(self._path_of(place, name), False, is_conflict=version > 1)
                is_same = self._is_same(instance, temporary, folder, name)  # Somebody has just taken it, or has long.
            if is_same:
                return Stored(self._path_of(place, name), True, False)
            if is_same is None and not keep_both:
                break
        if self._on_duplicate == "replace":
            temporary.replace(self._temporaries.folder(), folder, place.name(1))
            return Stored(self._path_of(place, place.name(1)), False, is_conflict=True)
        if self._on_duplicate == "reject":
            raise StatusError(DUPLICATE_SOP_INSTANCE, "Duplicate SOP Instance with another data set")
        raise StatusError(OUT_OF_RESOURCES, f"Out of resources: {MOST_VERSIONS} versions of this instance")

    def _is_same(self, instance: Incoming, temporary: Temporary, folder: Folder, name: str) -> bool | None:
        """Whether the file `name` holds the same data set, made as durable as ours would be; None if there is none."""
        try:
            if not may_hold(os.stat(name, dir_fd=folder.fd, follow_symlinks=False), instance.bytes_written):
                return False
            kept_fd = os.open(name, KEPT_FLAGS, dir_fd=folder.fd)
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno in NO_FILE:
                return False
            raise
        try:
            is_same = has_same_data_set(
                temporary.fd, instance.preface_length, instance.bytes_written, instance.transfer_syntax_uid, kept_fd
            )
            if is_same and self.commit_blocks:
                os.fsync(kept_fd)
            return is_same
        finally:
            os.close(kept_fd)


class Incoming:
    """One instance being received. Ends with a commit or `discard`; belongs to one thread at a time."""

    __slots__ = (
        "_failed_errno",
        "_pending",
        "_scanner",
        "_sop_class_uid",
        "_store",
        "_temporary",
        "bytes_written",
        "preface_length",
        "seconds_committing",
        "seconds_receiving",
        "seconds_writing",
        "sop_instance_uid",
        "transfer_syntax_uid",
    )

    def __init__(
        self,
        store: Store,
        temporary: Temporary,
        sop_class_uid: str,
        sop_instance_uid: str,
        transfer_syntax_uid: str,
        preface: bytes,
    ) -> None:
        self.sop_instance_uid = sop_instance_uid
        self.transfer_syntax_uid = transfer_syntax_uid
        self.preface_length = len(preface)
        self.bytes_written = 0  # Of the data set, the pending ones included.
        self._sop_class_uid = sop_class_uid
        self._store = store
        self._temporary: Temporary | None = temporary
        self._scanner = head_scanner(transfer_syntax_uid)
        self._pending: list[Buffer] = [preface]
        self._failed_errno = 0
        self.seconds_receiving = 0.0  # For who receives it to say.
        self.seconds_writing = 0.0
        self.seconds_committing = 0.0

    @property
    def uids(self) -> dict[int, str]:
        """The data set's own identifying UIDs by tag, as far as they were found."""
        return self._scanner.values

    def write(self, view: Buffer) -> None:
        """Takes the next bytes of the data set; they are borrowed until `flush`."""
        self.bytes_written += len(view)
        if not self._scanner.finished:
            self._scanner.feed(view)
        self._pending.append(view)

    def flush(self) -> None:
        """Writes what is pending. A failure is kept for `commit`: the rest of the data set is drained until then."""
        pending, self._pending = self._pending, []
        if self._temporary is None or not pending:
            return
        began = monotonic()
        try:
            _write(self._temporary.fd, pending)
        except OSError as error:
            self._failed_errno = error.errno or errno.EIO
            self.discard()
        self.seconds_writing += monotonic() - began

    def commit_at_once(self) -> Stored | None:
        """What `commit` does, on a loop's thread: None where it may take long, and then `commit` is still to be called.

        To sync a disk takes long, and so does comparing with what was kept before under the same UID.
        """
        return None if self._store.commit_blocks else self._end(self._store.keep_new)

    def commit(self) -> Stored:
        """Checks the instance and keeps it. Raises StatusError; in either case nothing is left open or half-written."""
        return self._end(self._store.keep)

    def _end(self, keep: Callable[[Incoming, Temporary], _T]) -> _T:
        """Ends with what `keep` makes of it; None is no end."""
        self.flush()
        if self._failed_errno:
            raise out_of_resources(self._failed_errno)
        temporary, self._temporary = self._temporary, None
        if temporary is None:
            raise UsageError("this instance was committed or discarded before")
        began = monotonic()
        try:
            try:
                self._check()
                stored = keep(self, temporary)
                if stored is None:
                    self._temporary, temporary = temporary, None
                return stored
            finally:
                if temporary is not None:
                    temporary.close()
                self.seconds_committing += monotonic() - began
        except OSError as error:
            raise out_of_resources(error.errno or errno.EIO) from error

    def discard(self) -> None:
        """Forgets what was received, at any moment and more than once."""
        self._pending.clear()
        temporary, self._temporary = self._temporary, None
        if temporary is not None:
            with suppress(OSError):
                temporary.close()

    def _check(self) -> None:
        """PS3.4 B.2.3: what the data set says it is must be there and must be what the C-STORE-RQ announced.

        A data set whose head cannot be read, or lacks a UID, cannot be understood; one that has another is A900.
        """
        if not self.bytes_written:
            raise StatusError(CANNOT_UNDERSTAND, "Cannot understand: the data set is empty")
        for tag, name, announced in (
            (SOP_CLASS_UID, "SOP Class UID", self._sop_class_uid),
            (SOP_INSTANCE_UID, "SOP Instance UID", self.sop_instance_uid),
        ):
            found = self.uids.get(tag)
            if not found:
                raise StatusError(CANNOT_UNDERSTAND, f"Cannot understand: no {name} in the data set")
            if found != announced:
                raise StatusError(DATA_SET_DOES_NOT_MATCH_SOP_CLASS, f"{name} differs between command and data set")


def out_of_resources(error_number: int) -> StatusError:
    return StatusError(OUT_OF_RESOURCES, f"Out of resources: {os.strerror(error_number)}")


def _write(fd: int, buffers: list[Buffer]) -> None:
    """Writes all of `buffers`, however little the kernel takes at once."""
    left = sum(map(len, buffers))
    first = 0
    while (left := left - (written := os.writev(fd, buffers[first : first + MOST_BUFFERS]))) > 0:
        while written >= len(buffers[first]):
            written -= len(buffers[first])
            first += 1
        buffers[first] = memoryview(buffers[first])[written:]


def _open_root(root: Path, durable: bool) -> Folder:
    root.mkdir(DIRECTORY_MODE, parents=True, exist_ok=True)
    folder = Folder(os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
    if durable:
        _make_path_durable(root.resolve())
    return folder


def _make_path_durable(root: Path) -> None:
    """Syncs the entry of the root and of its parents on this file system, for they may have been made just now."""
    device = root.stat().st_dev
    for parent in root.parents:
        if parent.stat().st_dev != device:
            break
        with suppress(PermissionError):  # Where we may not read we rarely make directories.
            fd = os.open(parent, DIRECTORY_FLAGS)
            try:
                os.fsync(fd)
            finally:
                os.close(fd)
