"""The timeouts of an association as the API has them: an attribute each, to be set while the association lives too.

Belongs here: the attributes. Not here: what is timed (`ul.session`), who is told of a change (the associations).
"""

from __future__ import annotations

from dataclasses import replace

from ul.session_events import Timeouts


class AssociationTimeouts:
    """A subclass is an association."""

    _timeouts: Timeouts

    def _timeouts_changed(self) -> None:
        """They hold from now on."""
        raise NotImplementedError

    def _set_timeouts(self, **changed: float | None) -> None:
        self._timeouts = replace(self._timeouts, **changed)
        self._timeouts_changed()

    @property
    def acse_timeout(self) -> float | None:
        """Seconds for the answer to a request for association or release, and to close after the end; None for ever."""
        return self._timeouts.acse

    @acse_timeout.setter
    def acse_timeout(self, value: float | None) -> None:
        self._set_timeouts(acse=value)

    @property
    def dimse_timeout(self) -> float | None:
        """Seconds of silence amid messages and before responses; None for ever."""
        return self._timeouts.dimse

    @dimse_timeout.setter
    def dimse_timeout(self, value: float | None) -> None:
        self._set_timeouts(dimse=value)

    @property
    def network_timeout(self) -> float | None:
        """Seconds of silence between messages; None for ever."""
        return self._timeouts.network

    @network_timeout.setter
    def network_timeout(self, value: float | None) -> None:
        self._set_timeouts(network=value)
