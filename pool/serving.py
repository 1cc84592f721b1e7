"""A server from its settings to its end, for the command line and for Python."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping
from pathlib import Path

from pool import logs, tls
from pool.acceptor.resolution import Sources, settle
from pool.acceptor.server import Server
from pool.config import SettingError
from pool.exit_status import ExitStatus


def run(given: Mapping[str, object]) -> ExitStatus:
    """Resolve the settings, of which `given` are the first source, and serve until stopped."""
    sources = Sources(dict(given), dict(os.environ))
    settings = settle(sources)
    tls.check(settings)
    try:
        logs.setup(settings.log_level, settings.log_format, settings.log_file)
    except OSError as error:
        origin = settings.origins["log_file"]
        raise SettingError(f"{origin}: {settings.log_file} cannot be written: {error.strerror}") from None
    return Server(settings, sources).run()


def serve(application: str = "", **settings: object) -> ExitStatus:
    """`ulpool serve` from Python: `pool.serve("receiver:app", bind="0.0.0.0:104", workers=4)`.

    `application` is a name, MODULE:NAME, because every worker imports it for itself; the module is looked for where
    this process would find it. `settings` are those of the command line, with _ for -. Blocks until the server is
    stopped, on the main thread, and returns the exit status. Raises SettingError, ApplicationError, ListenError and
    ControlError.
    """
    if not isinstance(application, str):
        raise TypeError(
            "give the application's name, such as 'receiver:app': each worker is a process of its own and imports it"
        )
    given = {"application": application or None, **settings}
    folder = _folder_of(application)
    if folder is not None:
        given.setdefault("app_dir", folder)
    return run(given)


def _folder_of(application: str) -> Path | None:
    """Where this process would find the application's module, without importing it."""
    package = application.partition(":")[0].partition(".")[0]
    try:
        spec = importlib.util.find_spec(package) if package else None
    except ValueError:  # __main__, which has no name that another process could import
        return None
    if spec is None or spec.origin is None or spec.origin in ("built-in", "frozen"):
        return None
    file = Path(spec.origin)
    return file.parent.parent if spec.submodule_search_locations else file.parent
