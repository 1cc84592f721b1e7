"""The handlers of one association as what services stand on: `ul.services.steps.Provider` without a store of its own.

Belongs here: finding the handler of an event and making the Event it gets. Not here: when it is called, and what its
answer means to the peer (`ul.services`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any, Final, Protocol

from ul import evt
from ul.errors import StatusError
from ul.evt import Event, EventType, Handlers, InterventionEvent
from ul.received import preface
from ul.services.steps import Instance
from ul.session_events import Operation
from ul.spool import Spool
from ul.wire.command import C_STORE_RQ

LOGGER: Final = logging.getLogger(__name__)


class Asked(Protocol):
    """The association whose handlers are asked."""

    handlers: Handlers
    ae: Any

    def is_cancelled(self, operation: Operation) -> bool:
        """Whether the peer has cancelled `operation` by now."""


class HandlerProvider:
    """The Provider of the services of `assoc`."""

    def __init__(self, assoc: Asked) -> None:
        self._assoc = assoc

    def open_instance(self, operation: Operation) -> Instance:
        """Nothing is stored but by a handler."""
        assert evt.EVT_C_STORE.failure is not None
        raise StatusError(evt.EVT_C_STORE.failure, "no handler is bound to C-STORE requests")

    def committed(self, operation: Operation, outcome: Any) -> dict[str, Any] | None:
        """Nothing is stored but by a handler."""
        return None

    def open_data_set(self, operation: Operation) -> Spool:
        """In memory, or in a file where it is large."""
        if operation.request.type is C_STORE_RQ:
            return Spool(preface(operation.request, operation.context.transfer_syntax))
        return Spool()

    def handler(self, event: InterventionEvent) -> Callable[[Event], Any] | None:
        """Who answers `event`, its further arguments bound; None for nobody."""
        bound = self._assoc.handlers.get_handlers(event)
        handler, args = bound if isinstance(bound, tuple) else (None, None)
        if handler is None:
            return None
        return partial(_call, handler, args) if args else handler

    def event(self, event: EventType, operation: Operation, **attributes: Any) -> Event:
        """What a handler of `operation` is called with."""
        attributes.setdefault("is_cancelled", partial(self._assoc.is_cancelled, operation))
        return Event(self._assoc, event, **attributes)

    def associate(self, address: Any, port: int, **arguments: Any) -> Any:
        """An association with another application entity."""
        return self._assoc.ae.associate(address, port, **arguments)

    def handler_failed(self, operation: Operation, error: BaseException) -> None:
        """A handler raised, or answered what cannot be sent."""
        LOGGER.error("the handler of %s failed", operation.request.type.name, exc_info=error)


def _call(handler: Callable[..., Any], args: list[Any], event: Event) -> Any:
    return handler(event, *args)
