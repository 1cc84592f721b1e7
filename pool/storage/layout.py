"""Where an instance goes: relative names made of UIDs and of the user's own template, of nothing else a peer sends."""

from __future__ import annotations

import functools
import re
from typing import Final, NamedTuple

from pool.config import values

LONGEST_UID: Final = 64  # PS3.5 9.1
LONGEST_NAME: Final = 255  # bytes: NAME_MAX of every file system in use
MISSING: Final = "unknown"  # The folder of a bad or missing Study or Series Instance UID; no UID has a letter.
VERSION_MARK: Final = "~"  # Not ".", which would make the name that of another instance.
MOST_VERSIONS: Final = 9999

_UID: Final = re.compile(r"[0-9]+(\.[0-9]+)*")
_EXTENSION: Final = re.compile(r"\.[^.{}]+$")
_RUN_TOGETHER: Final = re.compile(r"}[0-9.]*{")


def is_name(uid: str) -> bool:
    """Whether `uid` may become part of a path: digits and dots as PS3.5 9.1 has them, nothing else."""
    return len(uid) <= LONGEST_UID and _UID.fullmatch(uid) is not None


@functools.lru_cache(maxsize=1024)
def _or_missing(uid: str) -> str:
    return uid if is_name(uid) else MISSING


class Place(NamedTuple):
    """One instance's place below the root; its versions differ in the number before the extension."""

    folders: tuple[str, ...]
    stem: str
    extension: str

    def name(self, version: int) -> str:
        mark = f"{VERSION_MARK}{version}" if version > 1 else ""
        return f"{self.stem}{mark}{self.extension}"


class Layout:
    """A template such as `{StudyInstanceUID}/{SeriesInstanceUID}/{SOPInstanceUID}.dcm`, or `flat`."""

    def __init__(self, template: str) -> None:
        """Raises ValueError where the names would not be safe, distinct and short enough."""
        template = values.layout(template)
        if _RUN_TOGETHER.search(template):
            raise ValueError("put more than digits and dots between two UIDs, or two pairs could look the same")
        *self._folders, name = template.split("/")
        extension = _EXTENSION.search(name)
        self._extension = extension.group() if extension else ""
        self._stem = name.removesuffix(self._extension)
        longest = self.place(*["9" * LONGEST_UID] * 3)
        if max(map(len, (*longest.folders, longest.name(MOST_VERSIONS)))) > LONGEST_NAME:
            raise ValueError(f"a part of the layout would exceed {LONGEST_NAME} bytes with UIDs of {LONGEST_UID}")

    def place(self, sop_instance_uid: str, study_instance_uid: str, series_instance_uid: str) -> Place:
        """`sop_instance_uid` has passed `is_name`; the others are replaced where they do not."""
        uids = {
            "SOPInstanceUID": sop_instance_uid,
            "StudyInstanceUID": _or_missing(study_instance_uid),
            "SeriesInstanceUID": _or_missing(series_instance_uid),
        }
        folders = tuple([folder.format_map(uids) for folder in self._folders])
        return Place(folders, self._stem.format_map(uids), self._extension)
