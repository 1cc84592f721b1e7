"""Spool: a data set in memory or in a file, which a handler can read in every way."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from ul import spool
from ul.spool import IN_MEMORY, Spool
from ul.status import OUT_OF_RESOURCES

PREFACE = b"preface"
SMALL = bytes(range(256))
LARGE = SMALL * (IN_MEMORY // len(SMALL) + 1)
SIZES = pytest.mark.parametrize("content", [b"", SMALL, LARGE], ids=["empty", "small", "large"])


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def received(content: bytes) -> Spool:
    """Its fragments stood in a buffer that was used again, as a shell's does."""
    made = Spool(PREFACE)
    buffer = bytearray(100_000)
    for start in range(0, len(content), len(buffer)):
        piece = content[start : start + len(buffer)]
        buffer[: len(piece)] = piece
        middle = len(piece) // 2
        made.write(memoryview(buffer)[:middle])
        made.write(memoryview(buffer)[middle : len(piece)])
        made.flush()
    buffer[:] = bytes(len(buffer))
    return made


@SIZES
def test_every_way_to_read_it(content: bytes) -> None:
    made = received(content)
    assert made.getvalue() == content
    with made.open() as one, made.open() as another:
        assert one.read(10) == content[:10]
        assert another.read() == content  # at a position of its own
    assert made.path().read_bytes() == PREFACE + content
    assert made.getvalue() == content
    made.discard()


@SIZES
def test_nothing_is_left_behind(content: bytes, folder: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    made = received(content)
    made.path()
    made.discard()
    made.discard()
    assert not list(folder.iterdir())
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


@SIZES
def test_a_file_that_was_moved_away_stays(content: bytes, folder: Path) -> None:
    made = received(content)
    shutil.move(made.path(), folder / "kept")
    assert made.getvalue() == content
    made.discard()
    assert (folder / "kept").read_bytes() == PREFACE + content


def test_a_small_one_has_no_file_until_it_is_asked_for(folder: Path) -> None:
    made = received(SMALL)
    assert not list(folder.iterdir())
    assert made.path().suffix == ".dcm"
    made.discard()


def test_without_space_it_says_so_and_takes_the_rest(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    def full(*arguments: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(spool.os, "writev", full)
    made = received(LARGE)
    assert made.failure is not None and made.failure.status == OUT_OF_RESOURCES
    assert not list(folder.iterdir())
