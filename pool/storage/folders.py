"""Directories below the store's root: opened step by step without following a link, kept open, made durable.

Two rules. A folder is found by its name every time (one fstatat), for users move and remove finished studies while
the server runs and an open descriptor would follow. And an entry counts as durable only after an fsync of its
directory by this process: that another one made it proves nothing.
"""

from __future__ import annotations

import errno
import os
import threading
from collections import OrderedDict
from contextlib import suppress
from typing import Final

DIRECTORY_FLAGS: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
DIRECTORY_MODE: Final = 0o750
MOST_OPEN: Final = 256


class Folder:
    """An open directory. Its descriptor lives as long as somebody holds the object, even when no longer kept."""

    def __init__(self, fd: int, parent: Folder | None = None) -> None:
        self.fd = fd
        self._parent = parent
        found = os.fstat(fd)
        self._identity = (found.st_dev, found.st_ino)
        self._entry_is_durable = parent is None
        self._syncs = threading.Condition()
        self._syncs_begun = 0
        self._syncs_ended = 0
        self._failed_errno = 0

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)

    def open_child(self, name: str) -> Folder:
        """Opens the directory `name` in this one and makes it if absent."""
        try:
            fd = os.open(name, DIRECTORY_FLAGS, dir_fd=self.fd)
        except FileNotFoundError:
            with suppress(FileExistsError):
                os.mkdir(name, DIRECTORY_MODE, dir_fd=self.fd)
            fd = os.open(name, DIRECTORY_FLAGS, dir_fd=self.fd)
        return Folder(fd, self)

    @property
    def may_be_used(self) -> bool:
        """False once an fsync of it failed."""
        return not self._failed_errno

    def is_at(self, path: str, root: Folder) -> bool:
        """Whether `path` below `root` still leads to this very directory."""
        try:
            found = os.stat(path, dir_fd=root.fd, follow_symlinks=False)
        except OSError:
            return False
        return (found.st_dev, found.st_ino) == self._identity

    def make_durable(self) -> None:
        """Returns when every entry made here before the call is on disk, this folder's own up to the root included."""
        self._make_own_entry_durable()
        self._sync()

    def _make_own_entry_durable(self) -> None:
        if self._parent is not None and not self._entry_is_durable:
            self._parent.make_durable()
            self._entry_is_durable = True

    def _sync(self) -> None:
        """One fsync serves everybody who asked before it began; whoever comes later waits for the next."""
        with self._syncs:
            number = self._syncs_begun + 1
            self._syncs.wait_for(lambda: self._syncs_ended == self._syncs_begun or self._syncs_ended >= number)
            begin = self._syncs_ended < number and not self._failed_errno
            if begin:
                self._syncs_begun = number
        if begin:
            self._sync_now(number)
        if self._failed_errno:
            raise OSError(self._failed_errno, os.strerror(self._failed_errno))

    def _sync_now(self, number: int) -> None:
        failed_errno = 0
        try:
            os.fsync(self.fd)
        except OSError as error:  # Not to be tried again on this descriptor: a second fsync would claim success.
            failed_errno = error.errno or errno.EIO
        with self._syncs:
            self._syncs_ended = number
            self._failed_errno = failed_errno
            self._syncs.notify_all()


class Folders:
    """The folders below `root` by their names, the last used ones kept open. Safe to use from several threads."""

    def __init__(self, root: Folder, most_open: int = MOST_OPEN) -> None:
        self.root = root
        self._most_open = most_open
        self._open: OrderedDict[tuple[str, ...], Folder] = OrderedDict()
        self._lock = threading.Lock()

    def open(self, names: tuple[str, ...]) -> Folder:
        """The folder at `names` below the root, made if absent. Raises OSError, for a link on the way too."""
        if not names:
            return self.root
        with self._lock:
            folder = self._open.get(names)
            if folder is not None:
                self._open.move_to_end(names)
        if folder is not None and folder.may_be_used and folder.is_at("/".join(names), self.root):
            return folder
        return self._keep(names, self.open(names[:-1]).open_child(names[-1]))

    def _keep(self, names: tuple[str, ...], folder: Folder) -> Folder:
        with self._lock:
            replaced = self._open.pop(names, None)
            self._open[names] = folder
            evicted = self._open.popitem(last=False) if len(self._open) > self._most_open else None
        del replaced, evicted  # May close descriptors: not under the lock.
        return folder

    def close(self) -> None:
        """Closes all of them; nobody may use one any more."""
        with self._lock:
            while self._open:
                self._open.popitem()[1].close()
        self.root.close()
