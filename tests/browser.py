"""A real browser, chromium without a window: what it makes of a page of ours."""

from __future__ import annotations

import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

DEADLINE = 60.0  # seconds: only ever reached by a test that fails


class Page(HTMLParser):
    """What a browser made of a page: the plots' numbers, its text, its scripts."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.figures: dict[str, dict[str, Any]] = {}
        self.tags: list[tuple[str, dict[str, Any]]] = []
        self.text = ""
        self.paths = 0
        self.feed(document)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        if "data-plot" in attributes:
            self.figures[str(attributes["data-plot"])] = attributes
        self.paths += tag == "path" and "NaN" not in str(attributes["d"])

    def handle_data(self, data: str) -> None:
        self.text += data


def rendered(path: Path, *, width: int = 1280) -> tuple[Page, list[str]]:
    """The page after its script ran, and what the browser's console says."""
    browser = shutil.which("chromium")
    if browser is None:
        pytest.skip("chromium is not installed")
    options = ("--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", f"--window-size={width},1600")
    profile = f"--user-data-dir={path.parent / 'profile'}"
    ran = subprocess.run(
        [browser, *options, profile, "--dump-dom", path.as_uri()],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=True,
    )
    return Page(ran.stdout), [line for line in ran.stderr.splitlines() if "CONSOLE" in line]
