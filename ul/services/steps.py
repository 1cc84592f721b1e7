"""The words in which a service and the shell that runs it speak to each other."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, Final, Protocol, Union

from ul.dimse import Sink, Source
from ul.session import Operation
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


Step = Union[AwaitDataSet, Blocking, Respond]
Steps = Generator[Step, Any, None]


class Instance(Sink, Protocol):
    """A composite SOP instance on its way into a store."""

    @property
    def commit_blocks(self) -> bool:
        """Whether `commit` may wait for a disk."""

    def commit(self) -> Any:
        """Keep the instance; when this returns it is as safe as was promised. Raises StatusError."""

    def discard(self) -> None:
        """Leave nothing behind; without effect after `commit`."""


class Provider(Protocol):
    """What the services of an SCP stand on: the built-in store, or an application's handlers."""

    def open_instance(self, operation: Operation) -> Instance:
        """Where the data set of this C-STORE goes. Raises StatusError."""

    def committed(self, operation: Operation, outcome: Any) -> None:
        """`outcome` is what `Instance.commit` returned: the instance is safe."""


Service = Callable[[Operation, Provider], Steps]
