"""The DICOM Upper Layer state machine: PS3.8 9.2, Table 9-10.

What belongs here: which action an event causes in a state, what that action does, and which state follows. What does
not: bytes, buffers, time, sockets. An action asks its `Provider` (the `UpperLayer`) for everything it wants done.

Two rules:

1. An event is a fact that has happened; only `do_action` turns it into a new state, and only after its action has been
   carried out. An action that raises leaves the machine where it was.
2. A blank cell is an event that cannot happen in that state. Those of the peer have none once a transport connection
   exists, so a blank cell is always a mistake of the local user: UsageError, and nothing has changed.

A page of theory. Each side of an association runs this machine; the states are those of one side:

    Sta1 --Evt1/AE-1--> Sta4 --Evt2/AE-2--> Sta5 --Evt3/AE-3--> Sta6      requestor
    Sta1 --Evt5/AE-5--> Sta2 --Evt6/AE-6--> Sta3 --Evt7/AE-7--> Sta6      acceptor
    Sta6 --Evt11/AR-1-> Sta7 --Evt13/AR-3-> Sta1                          who asks for the release
    Sta6 --Evt12/AR-2-> Sta8 --Evt14/AR-4-> Sta13 --Evt17/AR-5--> Sta1    who grants it

When both ask at once (release collision) each gets an A-RELEASE-RQ in Sta7. The acceptor must answer second: the
requestor goes by Sta9 and Sta11, the acceptor by Sta10 and Sta12, and the acceptor's A-RELEASE-RP ends it.

Who sent the last word (A-ASSOCIATE-RJ, A-RELEASE-RP, A-ABORT) waits in Sta13 for the peer to close, so that the word
is not lost in a reset. ARTIM bounds that wait, and the wait for a request in Sta2: it runs in those two states only.

An A-ABORT says who gave up. AA-1 speaks for the service-user, and by the standard also for an acceptor whose peer does
not begin with an A-ASSOCIATE-RQ. AA-8 speaks for the service-provider: it gives a reason (Table 9-26), and tells the
service-user too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol

from ul.errors import UNEXPECTED_PDU, UsageError
from ul.pdu_primitives import A_ABORT, A_ASSOCIATE, A_P_ABORT, A_RELEASE, Primitive

STATES: Final = {
    "Sta1": "idle",
    "Sta2": "transport connection open, awaiting A-ASSOCIATE-RQ PDU",
    "Sta3": "awaiting local A-ASSOCIATE response primitive",
    "Sta4": "awaiting transport connection opening to complete",
    "Sta5": "awaiting A-ASSOCIATE-AC or A-ASSOCIATE-RJ PDU",
    "Sta6": "association established, ready for data transfer",
    "Sta7": "awaiting A-RELEASE-RP PDU",
    "Sta8": "awaiting local A-RELEASE response primitive",
    "Sta9": "release collision, requestor: awaiting local A-RELEASE response primitive",
    "Sta10": "release collision, acceptor: awaiting A-RELEASE-RP PDU",
    "Sta11": "release collision, requestor: awaiting A-RELEASE-RP PDU",
    "Sta12": "release collision, acceptor: awaiting local A-RELEASE response primitive",
    "Sta13": "awaiting transport connection close",
}

EVENTS: Final = {
    "Evt1": "A-ASSOCIATE request primitive",
    "Evt2": "transport connection confirmation",
    "Evt3": "A-ASSOCIATE-AC PDU",
    "Evt4": "A-ASSOCIATE-RJ PDU",
    "Evt5": "transport connection indication",
    "Evt6": "A-ASSOCIATE-RQ PDU",
    "Evt7": "A-ASSOCIATE response primitive (accept)",
    "Evt8": "A-ASSOCIATE response primitive (reject)",
    "Evt9": "P-DATA request primitive",
    "Evt10": "P-DATA-TF PDU",
    "Evt11": "A-RELEASE request primitive",
    "Evt12": "A-RELEASE-RQ PDU",
    "Evt13": "A-RELEASE-RP PDU",
    "Evt14": "A-RELEASE response primitive",
    "Evt15": "A-ABORT request primitive",
    "Evt16": "A-ABORT PDU",
    "Evt17": "transport connection closed",
    "Evt18": "ARTIM timer expired",
    "Evt19": "unrecognized or invalid PDU",
}

TRANSPORT_CLOSED: Final = "transport connection closed"  # the description of such an end (AA-4)

# fmt: off
TABLE: Final = {
    #        Sta1  Sta2  Sta3  Sta4  Sta5  Sta6  Sta7  Sta8  Sta9  Sta10 Sta11 Sta12 Sta13
    "Evt1":  "AE-1  .     .     .     .     .     .     .     .     .     .     .     .",
    "Evt2":  " .    .     .    AE-2   .     .     .     .     .     .     .     .     .",
    "Evt3":  " .   AA-1  AA-8   .    AE-3  AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-6",
    "Evt4":  " .   AA-1  AA-8   .    AE-4  AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-6",
    "Evt5":  "AE-5  .     .     .     .     .     .     .     .     .     .     .     .",
    "Evt6":  " .   AE-6  AA-8   .    AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-7",
    "Evt7":  " .    .    AE-7   .     .     .     .     .     .     .     .     .     .",
    "Evt8":  " .    .    AE-8   .     .     .     .     .     .     .     .     .     .",
    "Evt9":  " .    .     .     .     .    DT-1   .    AR-7   .     .     .     .     .",
    "Evt10": " .   AA-1  AA-8   .    AA-8  DT-2  AR-6  AA-8  AA-8  AA-8  AA-8  AA-8  AA-6",
    "Evt11": " .    .     .     .     .    AR-1   .     .     .     .     .     .     .",
    "Evt12": " .   AA-1  AA-8   .    AA-8  AR-2  AR-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-6",
    "Evt13": " .   AA-1  AA-8   .    AA-8  AA-8  AR-3  AA-8  AA-8  AR-10 AR-3  AA-8  AA-6",
    "Evt14": " .    .     .     .     .     .     .    AR-4  AR-9   .     .    AR-4   .",
    "Evt15": " .    .    AA-1  AA-2  AA-1  AA-1  AA-1  AA-1  AA-1  AA-1  AA-1  AA-1   .",
    "Evt16": " .   AA-2  AA-3   .    AA-3  AA-3  AA-3  AA-3  AA-3  AA-3  AA-3  AA-3  AA-2",
    "Evt17": " .   AA-5  AA-4  AA-4  AA-4  AA-4  AA-4  AA-4  AA-4  AA-4  AA-4  AA-4  AR-5",
    "Evt18": " .   AA-2   .     .     .     .     .     .     .     .     .     .    AA-2",
    "Evt19": " .   AA-1  AA-8   .    AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-8  AA-7",
}
# fmt: on


class Provider(Protocol):
    """What the actions ask for. None of it may call the machine back."""

    @property
    def requestor(self) -> bool:
        """Whether this side requested the association (it decides a release collision)."""

    @property
    def state_machine(self) -> StateMachine: ...

    def open_transport(self, request: A_ASSOCIATE) -> None:
        """TRANSPORT CONNECT request; its confirmation, Evt2, brings `request` again."""

    def close_transport(self) -> None:
        """Close once what was sent before has left."""

    def send(self, primitive: Primitive) -> None:
        """Send the primitive's PDU."""

    def issue(self, primitive: Primitive) -> None:
        """Give the service-user an indication or confirm."""

    def issue_p_data(self) -> None:
        """Give the service-user the P-DATA-TF at hand, in the pieces in which it comes."""

    def start_artim(self) -> None: ...

    def stop_artim(self) -> None: ...


# An action is given the primitive of its event: the request, or what the PDU was decoded to. The event decides its
# class. It answers with the next state only where the standard leaves it two.
Action = Callable[[Provider, Any], str | None]

ACTIONS: dict[str, tuple[Action, tuple[str, ...]]] = {}  # name -> the action and its next states


def _then(*next_states: str) -> Callable[[Action], Action]:
    def register(action: Action) -> Action:
        ACTIONS[action.__name__.replace("_", "-")] = action, next_states
        return action

    return register


# Table 9-6: associate establishment related actions


@_then("Sta4")
def AE_1(provider: Provider, request: A_ASSOCIATE) -> None:
    provider.open_transport(request)


@_then("Sta5")
def AE_2(provider: Provider, request: A_ASSOCIATE) -> None:
    provider.send(request)


@_then("Sta6")
def AE_3(provider: Provider, confirm: A_ASSOCIATE) -> None:
    provider.issue(confirm)


@_then("Sta1")
def AE_4(provider: Provider, confirm: A_ASSOCIATE) -> None:
    provider.issue(confirm)
    provider.close_transport()


@_then("Sta2")
def AE_5(provider: Provider, _: None) -> None:
    provider.start_artim()


@_then("Sta3", "Sta13")
def AE_6(provider: Provider, request: A_ASSOCIATE) -> str:
    provider.stop_artim()
    if request.protocol_version & 1:  # 9.3.2: bit 0 is version 1; "shall only test that this bit is set"
        provider.issue(request)
        return "Sta3"
    # Table 9-21: rejected-permanent, service-provider (ACSE related), protocol-version-not-supported
    provider.send(A_ASSOCIATE(result=1, result_source=2, diagnostic=2))
    provider.start_artim()
    return "Sta13"


@_then("Sta6")
def AE_7(provider: Provider, response: A_ASSOCIATE) -> None:
    provider.send(response)


@_then("Sta13")
def AE_8(provider: Provider, response: A_ASSOCIATE) -> None:
    provider.send(response)
    provider.start_artim()


# Table 9-7: data transfer related actions


@_then("Sta6")
def DT_1(provider: Provider, request: Primitive) -> None:
    provider.send(request)


@_then("Sta6")
def DT_2(provider: Provider, _: None) -> None:
    provider.issue_p_data()


# Table 9-8: associate release related actions


@_then("Sta7")
def AR_1(provider: Provider, request: A_RELEASE) -> None:
    provider.send(request)


@_then("Sta8")
def AR_2(provider: Provider, indication: A_RELEASE) -> None:
    provider.issue(indication)


@_then("Sta1")
def AR_3(provider: Provider, confirm: A_RELEASE) -> None:
    provider.issue(confirm)
    provider.close_transport()


@_then("Sta13")
def AR_4(provider: Provider, response: A_RELEASE) -> None:
    provider.send(response)
    provider.start_artim()


@_then("Sta1")
def AR_5(provider: Provider, _: None) -> None:
    provider.stop_artim()


@_then("Sta7")
def AR_6(provider: Provider, _: None) -> None:
    provider.issue_p_data()


@_then("Sta8")
def AR_7(provider: Provider, request: Primitive) -> None:
    provider.send(request)


@_then("Sta9", "Sta10")
def AR_8(provider: Provider, indication: A_RELEASE) -> str:
    provider.issue(indication)
    return "Sta9" if provider.requestor else "Sta10"


@_then("Sta11")
def AR_9(provider: Provider, response: A_RELEASE) -> None:
    provider.send(response)


@_then("Sta12")
def AR_10(provider: Provider, confirm: A_RELEASE) -> None:
    provider.issue(confirm)


# Table 9-9: associate abort related actions


@_then("Sta13")
def AA_1(provider: Provider, _: Primitive | None) -> None:
    provider.send(A_ABORT(abort_source=0))
    provider.start_artim()


@_then("Sta1")
def AA_2(provider: Provider, _: Primitive | None) -> None:
    provider.stop_artim()
    provider.close_transport()


@_then("Sta1")
def AA_3(provider: Provider, indication: A_ABORT | A_P_ABORT) -> None:
    provider.issue(indication)  # its class says who aborted at the peer: the user or the provider
    provider.close_transport()


@_then("Sta1")
def AA_4(provider: Provider, _: None) -> None:
    provider.issue(A_P_ABORT(transport_lost=True, description=TRANSPORT_CLOSED))


@_then("Sta1")
def AA_5(provider: Provider, _: None) -> None:
    provider.stop_artim()


@_then("Sta13")
def AA_6(provider: Provider, _: Primitive | None) -> None:
    """Ignore the PDU."""


@_then("Sta13")
def AA_7(provider: Provider, cause: Primitive | None) -> None:
    # ARTIM runs on: a peer that keeps sending must not keep the connection.
    provider.send(_provider_abort(provider, cause))


@_then("Sta13")
def AA_8(provider: Provider, cause: Primitive | None) -> None:
    abort = _provider_abort(provider, cause)
    provider.send(abort)
    provider.issue(abort)
    provider.start_artim()


def _provider_abort(provider: Provider, cause: Primitive | None) -> A_P_ABORT:
    """Evt19 brings its own reason; every other cause is a good PDU at the wrong time."""
    if isinstance(cause, A_P_ABORT):
        return cause
    name = "P-DATA" if cause is None else type(cause).__name__.replace("_", "-")
    state = provider.state_machine.current_state
    return A_P_ABORT(UNEXPECTED_PDU, description=f"unexpected {name} PDU in {state} ({STATES[state]})")


def _compile() -> dict[str, dict[str, tuple[Action, str]]]:
    """The grid as state -> event -> (action, next state unless the action names it): a step costs two lookups."""
    steps: dict[str, dict[str, tuple[Action, str]]] = {state: {} for state in STATES}
    for event, row in TABLE.items():
        for state, cell in zip(STATES, row.split(), strict=True):
            if cell != ".":
                action, next_states = ACTIONS[cell]
                steps[state][event] = action, next_states[0]
    return steps


_STEPS: Final = _compile()


# Told of each step before it is taken: action, present state, event and next state.
Observer = Callable[[str, str, str, str], None]


class StateMachine:
    """Where one side of an association stands, and the one way to go on from there.

    `transfers_data`: P-DATA means DT-1 or DT-2 and nothing else, a step from Sta6 to Sta6 that nobody observes. Nearly
    every step is one. The provider does its action then without asking for it.
    """

    __slots__ = ("_observer", "_provider", "_state", "transfers_data")

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._observer: Observer | None = None
        self.current_state = "Sta1"

    @property
    def current_state(self) -> str:
        """Sta1 .. Sta13."""
        return self._state

    @current_state.setter
    def current_state(self, state: str) -> None:
        self._state = state
        self.transfers_data = state == "Sta6" and self._observer is None

    @property
    def observer(self) -> Observer | None:
        """Who is told of each step."""
        return self._observer

    @observer.setter
    def observer(self, observer: Observer | None) -> None:
        self._observer = observer
        self.current_state = self._state

    def do_action(self, event: str, primitive: Primitive | None = None) -> None:
        """Carry out what `event` ("Evt1" .. "Evt19") causes in the present state, and take its next state.

        Raises UsageError if the event cannot happen in this state; nothing has changed then.
        """
        try:
            action, next_state = _STEPS[self._state][event]
        except KeyError:
            raise UsageError(self._not_here(event)) from None
        next_state = action(self._provider, primitive) or next_state
        if self._observer is not None:
            self._observer(action.__name__.replace("_", "-"), self._state, event, next_state)
        self.current_state = next_state

    def allows(self, event: str) -> bool:
        """Whether `event` can happen in the present state."""
        return event in _STEPS[self.current_state]

    def transition(self, state: str) -> None:
        """Go to `state` ("Sta1" .. "Sta13") without an action. Raises UsageError for any other name."""
        if state not in STATES:
            raise UsageError(f"{state!r} is no state of PS3.8 Table 9-10: Sta1 to Sta13 are")
        self.current_state = state

    def _not_here(self, event: str) -> str:
        if event not in EVENTS:
            return f"{event!r} is no event of PS3.8 Table 9-10: Evt1 to Evt19 are"
        return f"{event} ({EVENTS[event]}) cannot happen in {self.current_state} ({STATES[self.current_state]})"
