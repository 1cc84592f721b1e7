"""A real browser, chromium without a window: what it makes of a page of ours, as wide and as dark as it is asked for.

It is spoken to by the DevTools protocol over a pair of pipes: a window cannot be as narrow as a phone, an emulated
screen can, and what is asked of a page is no script of the page's, which its own policy would refuse.
"""

from __future__ import annotations

import atexit
import itertools
import json
import os
import select
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

DEADLINE = 60.0  # seconds: only ever reached by a test that fails
PHONE = 380  # pixels

# Twice: what is observed in one frame is drawn by the next.
SETTLED = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


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


class Tab:
    """A page that is open. `console` is what went wrong in it, in the browser's words."""

    def __init__(self, commands: int, answers: int) -> None:
        self.console: list[str] = []
        self._commands = commands
        self._answers = answers
        self._received = b""
        self._ids = itertools.count(1)
        self._session: dict[str, Any] = {}
        self._target = self.order("Target.createTarget", url="about:blank")["targetId"]
        attached = self.order("Target.attachToTarget", targetId=self._target, flatten=True)
        self._session = {"sessionId": attached["sessionId"]}
        for domain in ("Page", "Runtime", "Log"):
            self.order(f"{domain}.enable")

    def order(self, method: str, **params: Any) -> dict[str, Any]:
        """A command of the protocol, and its result."""
        number = next(self._ids)
        order = {"id": number, "method": method, "params": params, **self._session}
        os.write(self._commands, json.dumps(order).encode() + b"\0")
        while (message := self._next()).get("id") != number:
            self._note(message)
        assert "error" not in message, message["error"]
        result: dict[str, Any] = message["result"]
        return result

    def wait_for(self, event: str) -> None:
        while (message := self._next()).get("method") != event:
            self._note(message)

    def evaluate(self, expression: str) -> Any:
        """The value of an expression of JavaScript; of a promise, what it comes to."""
        result = self.order("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def close(self) -> None:
        self._session = {}
        self.order("Target.closeTarget", targetId=self._target)

    def page(self) -> Page:
        """What there is now."""
        return Page(self.evaluate("document.documentElement.outerHTML"))

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._received:
            assert select.select([self._answers], [], [], DEADLINE)[0], "the browser does not answer"
            received = os.read(self._answers, 1 << 16)
            assert received, "the browser has ended"
            self._received += received
        message, _, self._received = self._received.partition(b"\0")
        told: dict[str, Any] = json.loads(message)
        return told

    def _note(self, message: dict[str, Any]) -> None:
        params = message.get("params", {})
        if message.get("method") == "Runtime.exceptionThrown":
            self.console.append(params["exceptionDetails"]["text"])
        elif message.get("method") == "Log.entryAdded":
            self.console.append(params["entry"]["text"])
        elif message.get("method") == "Runtime.consoleAPICalled":
            self.console.append(json.dumps(params["args"]))


@contextmanager
def opened(path: Path, *, width: int = 1280, is_dark: bool = False) -> Iterator[Tab]:
    """The page, once its script has drawn; alone in a browser that all tests share."""
    scheme = {"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}
    screen = {"width": width, "height": 1600, "deviceScaleFactor": 1, "mobile": width <= PHONE}
    tab = Tab(*_browser())
    try:
        tab.order("Emulation.setEmulatedMedia", features=[scheme])
        tab.order("Emulation.setDeviceMetricsOverride", **screen)
        tab.order("Page.navigate", url=path.as_uri())
        tab.wait_for("Page.loadEventFired")
        tab.evaluate(SETTLED)
        yield tab
    finally:
        tab.close()


@cache
def _browser() -> tuple[int, int]:
    """Where it reads commands, its descriptor 3, and where it writes answers, 4; it ends with the tests."""
    browser = shutil.which("chromium")
    if browser is None:
        pytest.skip("chromium is not installed")
    profile = tempfile.TemporaryDirectory(prefix="ulpool-browser-", ignore_cleanup_errors=True)
    theirs, commands = os.pipe()
    answers, theirs_too = os.pipe()
    connected = f'exec "$@" 3</dev/fd/{theirs} 4>/dev/fd/{theirs_too}'
    options = ("--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe")
    process = subprocess.Popen(
        ["/bin/sh", "-c", connected, "browser", browser, *options, f"--user-data-dir={profile.name}"],
        stderr=subprocess.DEVNULL,
        pass_fds=(theirs, theirs_too),
    )
    os.close(theirs)
    os.close(theirs_too)

    def end() -> None:
        os.close(commands)  # which it takes for its end
        os.close(answers)
        try:
            process.wait(DEADLINE)
        finally:
            process.kill()
            profile.cleanup()

    atexit.register(end)
    return commands, answers


def rendered(path: Path, *, width: int = 1280) -> tuple[Page, list[str]]:
    """The page after its script ran, and what the browser's console says."""
    with opened(path, width=width) as tab:
        return tab.page(), tab.console
