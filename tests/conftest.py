"""What holds for all tests: how busy the machine is says nothing about what is tested; where large files go."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

pytest.register_assert_rewrite("looks")

settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


@pytest.fixture
def roomy(tmp_path: Path) -> Iterator[Path]:
    """A folder for large files: in memory where there is room, else on disk."""
    shm = Path("/dev/shm")
    if not shm.is_dir() or shutil.disk_usage(shm).free < 1 << 30:
        yield tmp_path
        return
    path = shm / f"ulpool-test-{os.getpid()}"
    path.mkdir()
    try:
        yield path
    finally:
        shutil.rmtree(path)
