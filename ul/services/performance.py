"""Performances: the operations of one association being performed, each a service's steps on their way."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final, Protocol

from ul.dimse import Source
from ul.errors import StatusError, UsageError
from ul.services.registry import service_for
from ul.services.steps import AWAIT_DATA_SET, Blocking, Invoke, Provider, Respond, Steps
from ul.session import Session
from ul.session_events import Operation, ResponseReceived
from ul.status import OUT_OF_RESOURCES, PROCESSING_FAILURE
from ul.wire.command import Command

Then = Callable[[Any, "BaseException | None"], None]

_UNSENT: Final = 16  # messages that may wait for the peer before more of them are made


class Shell(Protocol):
    """What a service needs of the shell around its session."""

    def now(self) -> float:
        """The time, on the session's clock."""

    def run_blocking(self, operation: Operation, call: Callable[[], Any], then: Then) -> None:
        """Call `call`, a part of `operation`, where it may take its time, then `then(result, error)` with the session.

        `then` is never called before this returns, and not before what has arrived was looked at: a C-CANCEL that came
        in one segment with its request counts.
        """

    def responding(self, operation: Operation, response: Command) -> None:
        """A response is about to be sent."""

    def invoking(self, request: Command) -> None:
        """A request of a service's own, a storage sub-operation, is about to be sent."""

    def operation_failed(self, operation: Operation, error: Exception) -> None:
        """An exception that no service foresaw: the operation is answered 0110H, the association stays up."""


class Performances:
    """Runs the services that the peer's requests ask for, as far as they can go, each time they can go on."""

    __slots__ = ("_awaiting", "_held", "_invoked", "_message_id", "_provider", "_session", "_shell", "_to_invoke")

    def __init__(self, session: Session, provider: Provider, shell: Shell) -> None:
        self._session = session
        self._provider = provider
        self._shell = shell
        self._awaiting: Steps | None = None  # waits for its data set: one message is under way at most
        self._invoked: dict[int, tuple[Operation, Steps]] = {}  # by the message id of the response they wait for
        self._to_invoke: list[tuple[Operation, Steps, Invoke]] = []  # above the window: wait for a response to another
        self._message_id = 0
        self._held: list[tuple[Operation, Steps]] = []  # have said more than the peer takes for now

    def request_received(self, operation: Operation) -> None:
        """Begin to perform `operation`."""
        try:
            steps = service_for(operation)(operation, self._provider)
            if isinstance(steps, Command):
                self._respond(operation, steps)
                return
        except Exception as failure:
            self._fail(operation, failure)
        else:
            self._advance(operation, steps)

    def data_set_received(self, operation: Operation) -> None:
        """Go on with the operation whose data set is whole."""
        steps, self._awaiting = self._awaiting, None
        if steps is not None:
            self._advance(operation, steps, error=self._too_large() if operation.too_large else None)

    def _too_large(self) -> StatusError:
        maximum = self._session.maximum_data_set
        return StatusError(OUT_OF_RESOURCES, f"Out of resources: a data set of more than {maximum} bytes")

    def response_received(self, received: ResponseReceived) -> bool:
        """Go on with the operation that waited for this response; False if none did, and it is the shell's own."""
        waiting = None if received.pending else self._invoked.pop(received.request.MessageID, None)
        if waiting is not None:
            operation, steps = waiting
            operation.awaits_peer = False
            self._advance(operation, steps, received.response)
        self._invoke_waiting()
        return waiting is not None

    def close(self) -> None:
        """The association is over: nobody gets a data set or a response any more. What blocks ends by itself."""
        steps, self._awaiting = self._awaiting, None
        if steps is not None:
            steps.close()
        if self._invoked or self._to_invoke:
            waiting = [*self._invoked.values(), *((operation, steps) for operation, steps, _ in self._to_invoke)]
            self._invoked.clear()
            self._to_invoke.clear()
            for operation, steps in waiting:
                self._advance(operation, steps)
        if self._held:
            self._go_on()

    def _advance(
        self, operation: Operation, steps: Steps, value: Any = None, error: BaseException | None = None
    ) -> None:
        try:
            step = steps.send(value) if error is None else steps.throw(error)
            while True:
                if isinstance(step, Respond):
                    self._respond(operation, step.response, step.data_set, final=step.final)
                    if step.final:
                        next(steps, None)  # it ends; to close it where it stands would cost an exception
                        return
                    if self._session.unsent > _UNSENT:
                        self._hold(operation, steps)
                        return
                elif isinstance(step, Blocking):
                    self._shell.run_blocking(operation, step.call, partial(self._advance, operation, steps))
                    return
                elif isinstance(step, Invoke):
                    self._to_invoke.append((operation, steps, step))
                    self._invoke_waiting()
                    return
                elif step is AWAIT_DATA_SET and operation.request.has_data_set:
                    self._awaiting = steps
                    return
                step = steps.send(None)
        except StopIteration:
            self._session.abandon(operation)
        except Exception as failure:
            self._fail(operation, failure)

    def _respond(
        self, operation: Operation, response: Command, data_set: Source | None = None, *, final: bool = True
    ) -> None:
        self._shell.responding(operation, response)
        self._session.respond(operation, response, self._shell.now(), data_set, final=final)

    def _hold(self, operation: Operation, steps: Steps) -> None:
        """Go on when what was said has been sent: matches are found no faster than the peer takes them."""
        self._held.append((operation, steps))
        self._session.on_drained = self._go_on

    def _go_on(self) -> None:
        held, self._held = self._held, []
        self._session.on_drained = None
        for operation, steps in held:
            self._advance(operation, steps)

    def _invoke_waiting(self) -> None:
        """Invoke what waits for it, as far as the window goes; nothing of it once either side wants to release."""
        while self._to_invoke and (self._session.may_send or self._session.leaving):
            operation, steps, step = self._to_invoke.pop(0)
            if self._session.leaving:
                self._advance(operation, steps)
            else:
                self._invoke(operation, steps, step)

    def _invoke(self, operation: Operation, steps: Steps, step: Invoke) -> None:
        self._message_id = step.request.MessageID = self._session.unused_message_id(self._message_id)
        self._invoked[self._message_id] = operation, steps
        operation.awaits_peer = True
        self._shell.invoking(step.request)
        try:
            self._session.send(step.context.context_id, step.request, self._shell.now(), step.data_set)
        except UsageError as error:  # what cannot be encoded
            del self._invoked[self._message_id]
            operation.awaits_peer = False
            self._advance(operation, steps, error=error)

    def _fail(self, operation: Operation, failure: Exception) -> None:
        operation.sink = None
        self._shell.operation_failed(operation, failure)
        if operation in self._session.operations:
            comment = "the service failed"
            self._respond(operation, operation.request.response(Status=PROCESSING_FAILURE, ErrorComment=comment))
