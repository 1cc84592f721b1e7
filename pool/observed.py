"""An upper layer that tells of all that passes through it: for handlers of EVT_DATA_*, EVT_PDU_*, EVT_ACSE_* and FSM.

What is told is copied, for the receive buffer is used again before a handler gets to see it. Only an association of an
application with such handlers has one.
"""

from __future__ import annotations

from typing import Final, Protocol

from ul import evt
from ul.dimse import Buffer
from ul.evt import NotificationEvent
from ul.pdu_primitives import P_DATA, Primitive
from ul.upper_layer import UpperLayer

OBSERVED: Final = (
    *(evt.EVT_DATA_RECV, evt.EVT_DATA_SENT, evt.EVT_PDU_RECV, evt.EVT_PDU_SENT),
    *(evt.EVT_ACSE_RECV, evt.EVT_ACSE_SENT, evt.EVT_FSM_TRANSITION),
)


class Tell(Protocol):
    """Tells the handlers of a notification event, if there are any."""

    def __call__(self, event: NotificationEvent, **given: object) -> None: ...


class ObservedUpperLayer(UpperLayer):
    """To be given who is told (`observe`) before anything happens."""

    __slots__ = ("_tell",)

    def observe(self, tell: Tell) -> None:
        """From now on, tell."""
        self._tell = tell
        self.state_machine.observer = self._transition

    def _transition(self, action: str, current_state: str, fsm_event: str, next_state: str) -> None:
        given = {"action": action, "current_state": current_state, "fsm_event": fsm_event}
        self._tell(evt.EVT_FSM_TRANSITION, **given, next_state=next_state)

    def receive(self, data: Buffer, now: float) -> None:
        """Tell of the bytes as they came: a part of a PDU, or several of them."""
        self._tell(evt.EVT_DATA_RECV, data=bytes(data))
        super().receive(data, now)

    def next_primitive(self, now: float) -> Primitive | None:
        """Tell of what was received."""
        primitive = super().next_primitive(now)
        if primitive is not None:
            self._tell(evt.EVT_PDU_RECV, pdu=_kept(primitive))
            if not isinstance(primitive, P_DATA):
                self._tell(evt.EVT_ACSE_RECV, primitive=primitive)
        return primitive

    def request(self, primitive: Primitive, now: float) -> None:
        """Tell of what is sent."""
        if not isinstance(primitive, P_DATA):
            self._tell(evt.EVT_ACSE_SENT, primitive=primitive)
        super().request(primitive, now)
        self._tell(evt.EVT_PDU_SENT, pdu=_kept(primitive))

    def data_to_send(self) -> list[Buffer]:
        """Tell of the bytes that are sent."""
        data = super().data_to_send()
        if data:
            self._tell(evt.EVT_DATA_SENT, data=b"".join(data))
        return data


def _kept(primitive: Primitive) -> Primitive:
    if not isinstance(primitive, P_DATA):
        return primitive
    values = primitive.presentation_data_value_list
    return P_DATA([(context_id, header, bytes(value)) for context_id, header, value in values])
