"""An upper layer that tells of all that passes through it: for handlers of EVT_DATA_*, EVT_PDU_*, EVT_ACSE_* and FSM.

What is told is copied, for the receive buffer is used again before a handler gets to see it. An upper layer becomes one
when it is first observed; nobody else pays for it.
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


class Listener(Protocol):
    """Who is told."""

    def hears(self, event: NotificationEvent) -> bool:
        """Whether there is a handler of `event`."""

    def tell(self, event: NotificationEvent, **given: object) -> None:
        """Tell the handlers of `event`, if there are any."""


class _Observer:
    """What the state machine calls; the upper layer finds the listener by it."""

    def __init__(self, listener: Listener) -> None:
        self.listener = listener

    def __call__(self, action: str, current_state: str, fsm_event: str, next_state: str) -> None:
        given = {"action": action, "current_state": current_state, "fsm_event": fsm_event}
        self.listener.tell(evt.EVT_FSM_TRANSITION, **given, next_state=next_state)


def observe(upper_layer: UpperLayer, listener: Listener) -> None:
    """From now on, tell `listener`. Not while the upper layer is at work."""
    upper_layer.state_machine.observer = _Observer(listener)
    upper_layer.__class__ = _ObservedUpperLayer


class _ObservedUpperLayer(UpperLayer):
    """Laid out as an UpperLayer is: one turns into the other."""

    __slots__ = ()

    @property
    def _listener(self) -> Listener:
        observer = self.state_machine.observer
        assert isinstance(observer, _Observer)
        return observer.listener

    def receive(self, data: Buffer, now: float) -> None:
        """Tell of the bytes as they came: a part of a PDU, or several of them."""
        if self._listener.hears(evt.EVT_DATA_RECV):
            self._listener.tell(evt.EVT_DATA_RECV, data=bytes(data))
        super().receive(data, now)

    def next_primitive(self, now: float) -> Primitive | None:
        """Tell of what was received."""
        primitive = super().next_primitive(now)
        if primitive is not None:
            self._tell_pdu(evt.EVT_PDU_RECV, primitive)
            if not isinstance(primitive, P_DATA):
                self._listener.tell(evt.EVT_ACSE_RECV, primitive=primitive)
        return primitive

    def request(self, primitive: Primitive, now: float) -> None:
        """Tell of what is sent."""
        if not isinstance(primitive, P_DATA):
            self._listener.tell(evt.EVT_ACSE_SENT, primitive=primitive)
        super().request(primitive, now)
        self._tell_pdu(evt.EVT_PDU_SENT, primitive)

    def data_to_send(self) -> list[Buffer]:
        """Tell of the bytes that are sent."""
        data = super().data_to_send()
        if data and self._listener.hears(evt.EVT_DATA_SENT):
            self._listener.tell(evt.EVT_DATA_SENT, data=b"".join(data))
        return data

    def _tell_pdu(self, event: NotificationEvent, primitive: Primitive) -> None:
        if self._listener.hears(event):
            self._listener.tell(event, pdu=_kept(primitive))


def _kept(primitive: Primitive) -> Primitive:
    if not isinstance(primitive, P_DATA):
        return primitive
    values = primitive.presentation_data_value_list
    return P_DATA([(context_id, header, bytes(value)) for context_id, header, value in values])
