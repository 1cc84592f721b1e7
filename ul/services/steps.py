"""The words in which a service and the shell that runs it speak to each other."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, Final, Protocol, Union

from ul.acse import AcceptedContext
from ul.dimse import Sink, Source
from ul.errors import StatusError
from ul.evt import Event, EventType, InterventionEvent
from ul.received import ReceivedDataSet
from ul.session_events import Operation
from ul.wire.command import Command


class AwaitDataSet:
    """Resume me when the data set is whole. What no sink was set for is read and dropped."""

    __slots__ = ()


AWAIT_DATA_SET: Final = AwaitDataSet()


class Blocking:
    """Call this where it may take its time; send me the result, or throw what it raised."""

    __slots__ = ("call",)

    def __init__(self, call: Callable[[], Any]) -> None:
        self.call = call


class Respond:
    """Send this response. A `final` one is a service's last word: the operation is performed, nothing is resumed."""

    __slots__ = ("data_set", "final", "response")

    def __init__(self, response: Command, data_set: Source | None = None, *, final: bool = True) -> None:
        self.response = response
        self.data_set = data_set
        self.final = final


class Invoke:
    """Ask the peer for an operation on this association; send me its response, None where none will come any more.

    Its Message ID is given when it can be sent: the negotiated window may make it wait for another operation's end.
    """

    __slots__ = ("context", "data_set", "request")

    def __init__(self, context: AcceptedContext, request: Command, data_set: Source | None = None) -> None:
        self.context = context
        self.request = request
        self.data_set = data_set


Step = Union[AwaitDataSet, Blocking, Respond, Invoke]
Steps = Generator[Step, Any, None]


class Instance(Sink, Protocol):
    """A composite SOP instance on its way into a store."""

    def commit_at_once(self) -> Any:
        """What `commit` does, where that takes no time; None where it may, and `commit` is still to be called."""

    def commit(self) -> Any:
        """Keep the instance; when this returns it is as safe as was promised. Raises StatusError; never None."""

    def discard(self) -> None:
        """Leave nothing behind; without effect after `commit`."""


class DataSetSink(Sink, ReceivedDataSet, Protocol):
    """The data set of a request for as long as its handler runs. It is read where handlers run, whole and flushed."""

    @property
    def failure(self) -> StatusError | None:
        """Why it could not be kept (too large, no space): what arrived after that was dropped."""

    def discard(self) -> None:
        """It is not needed any more: leave nothing behind."""


class Provider(Protocol):
    """What the services of an SCP stand on: the built-in store, or an application's handlers."""

    def open_instance(self, operation: Operation) -> Instance:
        """Where the data set of this C-STORE goes if no handler is bound to it. Raises StatusError."""

    def committed(self, operation: Operation, outcome: Any) -> dict[str, Any] | None:
        """`outcome` is what `Instance.commit` returned: the instance is safe.

        Returned are elements of the response by keyword, None for Success and no more.
        """

    def open_data_set(self, operation: Operation) -> DataSetSink:
        """Where the data set of any request goes that a handler answers. Raises StatusError."""

    def handler(self, event: InterventionEvent) -> Callable[[Event], Any] | None:
        """Who answers `event`, its further arguments bound; None for nobody."""

    def event(self, event: EventType, operation: Operation, **attributes: Any) -> Event:
        """What a handler of `operation` is called with: `attributes`, the association, and is_cancelled."""

    def associate(self, address: Any, port: int, **arguments: Any) -> Any:
        """An `ul.association.Association` with another application entity, as `AE.associate` makes it. Blocks."""

    def handler_failed(self, operation: Operation, error: BaseException) -> None:
        """A handler raised, or answered what cannot be sent: the response says so, the log says why.

        Called where handlers run.
        """


# What performs an operation: step by step, or at once where its response is known when the request is.
Service = Callable[[Operation, Provider], Union[Steps, Command]]
