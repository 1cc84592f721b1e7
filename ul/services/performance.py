"""Performances: the operations of one association being performed, each a service's generator on its way."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from ul.services.registry import service_for
from ul.services.steps import AWAIT_DATA_SET, Blocking, Provider, Respond, Steps
from ul.session import Operation, Session
from ul.status import PROCESSING_FAILURE
from ul.wire.command import Command

Then = Callable[[Any, "BaseException | None"], None]


class Shell(Protocol):
    """What a service needs of the shell around its session."""

    def now(self) -> float:
        """The time, on the session's clock."""

    def run_blocking(self, call: Callable[[], Any], then: Then) -> None:
        """Call `call` where it may take its time, then `then(result, error)` where the session is driven."""

    def responding(self, operation: Operation, response: Command) -> None:
        """A response is about to be sent."""

    def operation_failed(self, operation: Operation, error: Exception) -> None:
        """An exception that no service foresaw: the operation is answered 0110H, the association stays up."""


class Performances:
    """Runs the services that the peer's requests ask for, as far as they can go, each time they can go on."""

    __slots__ = ("_awaiting", "_provider", "_session", "_shell")

    def __init__(self, session: Session, provider: Provider, shell: Shell) -> None:
        self._session = session
        self._provider = provider
        self._shell = shell
        self._awaiting: Steps | None = None  # waits for its data set: one message is under way at most

    def request_received(self, operation: Operation) -> None:
        """Begin to perform `operation`."""
        self._advance(operation, service_for(operation)(operation, self._provider))

    def data_set_received(self, operation: Operation) -> None:
        """Go on with the operation whose data set is whole."""
        steps, self._awaiting = self._awaiting, None
        if steps is not None:
            self._advance(operation, steps)

    def close(self) -> None:
        """The association is over: what waits for a data set never gets it. What blocks ends by itself."""
        steps, self._awaiting = self._awaiting, None
        if steps is not None:
            steps.close()

    def _advance(
        self, operation: Operation, steps: Steps, value: Any = None, error: BaseException | None = None
    ) -> None:
        try:
            step = steps.send(value) if error is None else steps.throw(error)
            while True:
                if isinstance(step, Respond):
                    self._respond(operation, step)
                    if step.final:
                        return
                elif isinstance(step, Blocking):
                    self._shell.run_blocking(step.call, partial(self._advance, operation, steps))
                    return
                elif step is AWAIT_DATA_SET and operation.request.has_data_set:
                    self._awaiting = steps
                    return
                step = steps.send(None)
        except StopIteration:
            return
        except Exception as failure:
            self._fail(operation, failure)

    def _respond(self, operation: Operation, step: Respond) -> None:
        self._shell.responding(operation, step.response)
        self._session.respond(operation, step.response, self._shell.now(), step.data_set, final=step.final)

    def _fail(self, operation: Operation, failure: Exception) -> None:
        operation.sink = None
        self._shell.operation_failed(operation, failure)
        if operation in self._session.operations:
            comment = "the service failed"
            self._respond(
                operation, Respond(operation.request.response(Status=PROCESSING_FAILURE, ErrorComment=comment))
            )
