"""Items: what a handler yields, one at a time, each asked for where handlers run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from ul.evt import HandlerError
from ul.services.handling import Handling

END: Final = object()  # the handler has nothing more to yield


class Items:
    """The iteration over a handler's answer: a generator, another iterator, a list, or None for nothing at all.

    All of this runs where handlers run, also `close`: closing a generator runs what its handler wants run at its end.
    """

    def __init__(self, handling: Handling) -> None:
        self._handling = handling
        self._iterator: Iterator[Any] | None = None

    def next(self) -> Any:
        """The next item, or END. Raises StatusError where the handler raises."""
        try:
            if self._iterator is None:
                answer = self._handling.ask()
                self._iterator = iter(()) if answer is None else iter(answer)
            return next(self._iterator, END)
        except HandlerError as error:
            raise self._handling.failed(error) from error

    def pair(self, item: Any) -> tuple[Any, Any]:
        """`item` as (status, data set). Raises StatusError where it is none."""
        try:
            status, data_set = item
        except HandlerError as error:
            raise self._handling.failed(error) from error
        return status, data_set

    def close(self) -> None:
        """No more items are wanted. What the handler raises at its end is logged and harms nobody."""
        close = getattr(self._iterator, "close", None)
        self._iterator = iter(())
        if close is not None:
            try:
                close()
            except HandlerError as error:
                self._handling.failed(error)
