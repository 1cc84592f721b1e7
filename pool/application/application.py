"""The application: what a user brings to have requests handled. An AE, handlers, and what to do as a worker begins.

Belongs here: the objects that a user's module makes, how it is found, and what it declares. Its handlers are run by
`pool.worker.handled`. Workers import this; the acceptor never does, it asks a process of its own (`pool.declaration`),
whose main is here too.
"""

from __future__ import annotations

import functools
import importlib
import json
import os
import sys
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from pool.config import LONGEST_TIMEOUT, resolve
from pool.declaration import ApplicationError
from pool.storage import Store, store_from
from ul.errors import StatusError
from ul.evt import EVT_C_STORE, Event, EventHandlerType, Handlers
from ul.status import SUCCESS, code_to_status

if TYPE_CHECKING:
    from ul.ae import ApplicationEntity

Hook = Callable[[], object]
Kept = Callable[[Event], Any]


class Application:
    """An AE, its handlers, and hooks, as every worker imports them for itself.

    `ae` brings the supported contexts; titles, limits and timeouts that were set on it hold where no setting says
    otherwise. `evt_handlers` are those of `AE.start_server`. `on_worker_start()` is called once in each worker before
    it takes connections: what handlers share, such as a database, is opened there. `on_worker_stop()` is called when
    its last association is closed and no handler runs any more.
    """

    def __init__(
        self,
        ae: ApplicationEntity,
        evt_handlers: Iterable[EventHandlerType] = (),
        *,
        on_worker_start: Hook | None = None,
        on_worker_stop: Hook | None = None,
    ) -> None:
        """Raises TypeError where something cannot be called."""
        for hook in (on_worker_start, on_worker_stop):
            if hook is not None and not callable(hook):
                raise TypeError(f"a hook cannot be called: {hook!r}")
        self.ae = ae
        self.handlers = Handlers(evt_handlers)
        self.on_worker_start = on_worker_start
        self.on_worker_stop = on_worker_stop

    @property
    def storage(self) -> Storage | None:
        """The built-in store, where it is what handles EVT_C_STORE."""
        handler, _ = self.handlers.get_handlers(EVT_C_STORE)
        return handler if isinstance(handler, Storage) else None


class Storage:
    """The built-in durable store as the handler of EVT_C_STORE: `(evt.EVT_C_STORE, pool.Storage(index))`.

    The instance is received, checked and kept as without an application. `kept(event)` is called after it is as safe
    as --durability promises and before the response leaves; `event.dataset_path` is then the kept file. It is called
    for an instance that was there already, too: whatever it does, twice must be as good as once. Without an answer
    (None) the response is Success; it may return a status, and an exception is answered C211H, with the instance kept.

    The other arguments are settings by their names; they hold where no setting says otherwise.
    """

    def __init__(
        self,
        kept: Kept | None = None,
        *,
        output_directory: str | Path | None = None,
        layout: str | None = None,
        durability: str | None = None,
        on_duplicate: str | None = None,
    ) -> None:
        self.kept = kept
        given = {
            "output_directory": output_directory and str(output_directory),
            "layout": layout,
            "durability": durability,
            "on_duplicate": on_duplicate,
        }
        self.declared: dict[str, object] = {name: value for name, value in given.items() if value is not None}

    @functools.cached_property
    def _store(self) -> Store:
        return store_from(resolve(self.declared, {}))

    def __call__(self, event: Event) -> Any:
        """Keep the instance of `event` where no pool does it: under `AE.start_server`."""
        request = event.request
        try:
            instance = self._store.open_instance(
                request.AffectedSOPClassUID,
                request.AffectedSOPInstanceUID,
                event.context.transfer_syntax,
                event.assoc.requestor.ae_title,
            )
            instance.write(event.encoded_dataset(include_meta=False))
            instance.commit()
        except StatusError as failure:
            status = code_to_status(failure.status)
            status.ErrorComment = failure.comment
            return status
        answer = self.kept(event) if self.kept is not None else None
        return SUCCESS if answer is None else answer


# Finding it


def load(name: str, folder: Path) -> Application:
    """The application called `name`, its module looked for in `folder` first. Raises ApplicationError."""
    sys.path.insert(0, str(folder))
    module, _, attribute = name.partition(":")
    found: Any = _imported(module, name, folder)
    try:
        for part in attribute.split("."):
            found = getattr(found, part)
    except AttributeError as error:
        raise ApplicationError(f"{name}: {error}") from None
    if callable(found):
        try:
            found = found()
        except Exception as error:
            raise ApplicationError(f"{name}: building it failed: {_told(error)}") from error
    if not isinstance(found, Application):
        kind = type(found).__name__
        raise ApplicationError(f"{name}: this is a {kind}, not a pool.Application or a function that returns one")
    if not found.ae.supported_contexts:
        raise ApplicationError(f"{name}: its AE supports no presentation context; call ae.add_supported_context first")
    return found


def _imported(module: str, name: str, folder: Path) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{module}.".startswith(f"{error.name}."):
            raise ApplicationError(f"{name}: there is no module {error.name} in {folder} nor elsewhere") from None
        raise ApplicationError(f"{name}: importing it failed: {_told(error)}") from error
    except BaseException as error:  # SystemExit, too: `serve` of another library at module level, sys.exit in a check
        raise ApplicationError(f"{name}: importing it failed: {_told(error)}") from error


def _told(error: BaseException) -> str:
    """What went wrong, and the innermost line of it."""
    text = traceback.format_exception_only(type(error), error)[-1].strip()
    frames = traceback.extract_tb(error.__traceback__)
    return f"{text} ({frames[-1].filename}, line {frames[-1].lineno})" if frames else text


# What it declares

# Attribute of an AE -> the setting that it is.
_SETTING_OF: Final = {
    "ae_title": "aet",
    "maximum_associations": "max_associations",
    "maximum_pdu_size": "max_pdu",
    "acse_timeout": "acse_timeout",
    "dimse_timeout": "dimse_timeout",
    "network_timeout": "network_timeout",
    "require_called_aet": "require_called_aet",
    "require_calling_aet": "require_calling_aet",
}


def declared(application: Application) -> dict[str, object]:
    """Settings by name: what was set on the AE, not its defaults, and what the built-in store was given."""
    ae = application.ae
    from_ae = {_SETTING_OF[name]: getattr(ae, name) for name in ae.explicitly_set if name in _SETTING_OF}
    values = {name: _as_setting(name, value) for name, value in from_ae.items()}
    return values | (application.storage.declared if application.storage is not None else {})


def _as_setting(name: str, value: Any) -> object:
    if value is None:  # a timeout that never comes
        return LONGEST_TIMEOUT if name == "acse_timeout" else 0
    if isinstance(value, bytes):
        return value.decode("ascii").strip()
    return [_as_setting(name, title) for title in value] if isinstance(value, list) else value


def main() -> int:
    """Tell the acceptor, on the descriptor it gave, what the application declares or why there is none."""
    fd, name, folder = int(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    os.set_inheritable(fd, False)
    try:
        answer: dict[str, object] = {"declared": declared(load(name, folder))}
    except ApplicationError as error:
        if error.__cause__ is not None:
            traceback.print_exception(error.__cause__)
        answer = {"error": str(error)}
    with os.fdopen(fd, "w", encoding="utf-8") as pipe:
        json.dump(answer, pipe)
    return 0
