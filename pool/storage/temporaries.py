"""Files that have no final name yet: unnamed (O_TMPFILE), or where that is missing named in a folder of their own.

An unnamed one vanishes with its last descriptor, kill -9 and power cut included. A named one is locked by its writer
as long as it is written, so that what a sweep can lock is left over from a process that died.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Final

from pool.storage.folders import DIRECTORY_FLAGS, Folder, Folders

FILE_MODE: Final = 0o640
FOLDER: Final = ".partial"
_UNSUPPORTED: Final = frozenset({errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOENT})  # As open(2) has them.


class Temporary:
    """One file being written; `fd` can be read, too."""

    __slots__ = ("_folder", "_name", "fd")

    def __init__(self, fd: int, folder: Folder | None = None, name: str = "") -> None:
        self.fd = fd
        self._folder = folder
        self._name = name

    def link(self, folder: Folder, name: str) -> bool:
        """Gives it a final name, at once and whole; False where that name is taken."""
        try:
            if self._folder is not None:
                os.link(self._name, name, src_dir_fd=self._folder.fd, dst_dir_fd=folder.fd)
            else:
                # dst_dir_fd makes CPython call linkat(AT_SYMLINK_FOLLOW): plain link() would get EXDEV from /proc.
                os.link(f"/proc/self/fd/{self.fd}", name, dst_dir_fd=folder.fd, follow_symlinks=True)
        except FileExistsError:
            return False
        return True

    def replace(self, partial: Folder, folder: Folder, name: str) -> None:
        """Gives it a final name over whatever has it now; an unnamed one gets a name in `partial` on the way."""
        if self._folder is None:
            fcntl.flock(self.fd, fcntl.LOCK_EX)
            own_name = secrets.token_hex(16)
            self.link(partial, own_name)
            self._folder, self._name = partial, own_name
        os.rename(self._name, name, src_dir_fd=self._folder.fd, dst_dir_fd=folder.fd)
        self._folder = None

    def close(self) -> None:
        """Lets go of it; without a final name nothing remains."""
        if self._folder is not None:
            with suppress(OSError):  # The next sweep's.
                os.unlink(self._name, dir_fd=self._folder.fd)
        os.close(self.fd)


class Temporaries:
    """Makes temporaries on the file system of a store's root."""

    def __init__(self, folders: Folders) -> None:
        self._folders = folders
        self._unnamed = _has_unnamed(folders.root)

    def create(self) -> Temporary:
        if self._unnamed:
            return Temporary(_open_unnamed(self._folders.root))
        return self._create_named()

    def _create_named(self) -> Temporary:
        folder, name = self.folder(), secrets.token_hex(16)
        flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
        temporary = Temporary(os.open(name, flags, FILE_MODE, dir_fd=folder.fd), folder, name)
        fcntl.flock(temporary.fd, fcntl.LOCK_EX)
        if os.fstat(temporary.fd).st_nlink:
            return temporary
        temporary.close()  # Swept between open and flock.
        return self._create_named()

    def folder(self) -> Folder:
        return self._folders.open((FOLDER,))

    def sweep(self) -> None:
        """Removes what dead processes left; what a living one writes stays."""
        with suppress(FileNotFoundError):
            folder = Folder(os.open(FOLDER, DIRECTORY_FLAGS, dir_fd=self._folders.root.fd))
            with os.scandir(folder.fd) as entries:
                for entry in entries:
                    _sweep(folder, entry.name)


def _sweep(folder: Folder, name: str) -> None:
    with suppress(OSError):  # In use, or another process sweeps as well.
        fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder.fd)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.unlink(name, dir_fd=folder.fd)
        finally:
            os.close(fd)


def _open_unnamed(folder: Folder) -> int:
    return os.open(".", os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, FILE_MODE, dir_fd=folder.fd)


def _has_unnamed(root: Folder) -> bool:
    """Whether there is O_TMPFILE, and /proc to link from. Raises OSError where no file could be made at all."""
    try:
        os.close(_open_unnamed(root))
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise
        return False
    return Path("/proc/self/fd").exists()
