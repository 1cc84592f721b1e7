"""Settings resolved again, for a server that runs: from all sources, its application asked without anybody waiting.

Belongs here: what the settings would be, which of them changed, and which of those want a restart. Nothing takes effect
here; that is the acceptor's part.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from pool.config import SETTINGS, SettingError, Settings, resolve
from pool.declaration import Question, declared_by_application
from pool.loop import Loop


@dataclass(frozen=True)
class Sources:
    """Where a server's settings came from, and come from again: the file is read anew."""

    command_line: Mapping[str, object] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: Settings) -> Sources:
        """Those from which the same settings come every time."""
        return cls({row.name: row.show(getattr(settings, row.name)) for row in SETTINGS})

    def resolve(self, declared: Mapping[str, object] | None = None) -> Settings:
        """The settings as they would be now. `declared` is what the application says. Raises SettingError."""
        return resolve(self.command_line, self.environ, declared=declared)


def settle(sources: Sources) -> Settings:
    """The settings to begin with; the application is asked, and waited for. Raises SettingError, ApplicationError."""
    settings = sources.resolve()
    return sources.resolve(declared_by_application(settings)) if settings.application else settings


class Resolved(NamedTuple):
    """What is to hold."""

    settings: Settings
    changed: list[str]  # names of settings
    ignored: list[str]  # those that want a restart


class Resolution:
    """One resolution: `then(resolved, fault)` is called with one of them, soon, unless `close` comes first."""

    def __init__(
        self, loop: Loop, sources: Sources, present: Settings, then: Callable[[Resolved | None, str], object]
    ) -> None:
        self._sources = sources
        self._present = present
        self._then = then
        self._question: Question | None = None
        try:
            settings = sources.resolve()
            if settings.application:
                self._question = Question(loop, settings, self._declared)
                return
        except (SettingError, OSError) as error:
            loop.call_soon(then, None, str(error))
        else:
            loop.call_soon(self._compare, settings)

    def close(self) -> None:
        """Wait for it no longer."""
        if self._question is not None:
            self._question.close()

    def _declared(self, declared: Mapping[str, object], fault: str) -> None:
        self._question = None
        if fault:
            self._then(None, fault)
            return
        try:
            settings = self._sources.resolve(declared)
        except SettingError as error:
            self._then(None, str(error))
        else:
            self._compare(settings)

    def _compare(self, settings: Settings) -> None:
        present = self._present
        others = [row for row in SETTINGS if getattr(settings, row.name) != getattr(present, row.name)]
        kept = {row.name: getattr(present, row.name) for row in others if row.restart}
        changed = [row.name for row in others if not row.restart]
        self._then(Resolved(dataclasses.replace(settings, **kept), changed, list(kept)), "")
