"""How a requestor comes to its transport connection: from where, within what time, and what ends the attempt."""

from __future__ import annotations

import contextlib
import gc
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import peers
import pytest
from two_aes import Told, scu

from ul import AE, Association, evt
from ul.acse import request
from ul.evt import EventHandlerType
from ul.sop_class import Verification
from ul.transport import AssociationSocket, shown

# --- from where ------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def listening(host: str = "127.0.0.1", told: Told | None = None) -> Iterator[int]:
    """An SCP at `host`, and its port; `told` is told of requests."""
    ae = AE("SCP")
    ae.add_supported_context(Verification)
    handlers: list[EventHandlerType] = [] if told is None else [(evt.EVT_REQUESTED, told)]
    server = ae.start_server((host, 0), block=False, evt_handlers=handlers)
    assert server is not None
    try:
        yield server.server_address[1]
    finally:
        ae.shutdown()


@pytest.mark.parametrize(("host", "source"), [("127.0.0.1", "127.0.0.53"), ("::1", "::1")])
@pytest.mark.parametrize("fixed", [False, True], ids=["any port", "a port"])
def test_the_peer_sees_the_address_that_was_bound(host: str, source: str, fixed: bool) -> None:
    port = peers.free_port(source) if fixed else 0
    told = Told()
    with listening(host, told) as called:
        association = scu(Verification).associate(host, called, bind_address=(source, port))
        assert association.is_established
        requestor = told.next().assoc.requestor
        assert requestor.address == source
        assert requestor.port == association.requestor.port == (port or requestor.port)
        association.release()


def test_a_port_alone_can_be_bound() -> None:
    told, source = Told(), peers.free_port("127.0.0.1")
    with listening("127.0.0.1", told) as port:
        association = scu(Verification).associate("127.0.0.1", port, bind_address=("", source))
        assert told.next().assoc.requestor.port == association.requestor.port == source
        association.release()


def test_one_port_serves_for_several_peers() -> None:
    """One after the other as well: the end of a connection keeps its port for a minute."""
    source = ("127.0.0.53", peers.free_port("127.0.0.53"))
    with listening() as first, listening() as second:
        for port in (first, second):
            association = scu(Verification).associate("127.0.0.1", port, bind_address=source)
            assert association.is_established
            association.release()


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_port_that_is_taken(host: str, caplog: pytest.LogCaptureFixture) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    told = Told()
    with listening(host, told) as port, socket.create_server((host, 0), family=family) as other:
        taken = other.getsockname()[1]
        association = scu(Verification).associate(host, port, bind_address=(host, taken))
        assert (association.is_established, association.is_aborted) == (False, True)
        assert not association.is_alive()
        assert not association.dul.is_alive()
    assert told.events.empty()
    assert errors(caplog) == [
        f"cannot connect to {shown((host, port))} from {shown((host, taken))}: Address already in use"
    ]


def test_an_address_that_is_not_ours(caplog: pytest.LogCaptureFixture) -> None:
    with listening() as port:
        association = scu(Verification).associate("127.0.0.1", port, bind_address=("192.0.2.1", 0))
    assert association.is_aborted
    assert errors(caplog) == [f"cannot connect to 127.0.0.1:{port} from 192.0.2.1:0: Cannot assign requested address"]


def test_an_address_of_the_other_family(caplog: pytest.LogCaptureFixture) -> None:
    with listening() as port:
        assert scu(Verification).associate("127.0.0.1", port, bind_address=("::1", 0)).is_aborted
    assert len(errors(caplog)) == 1


def test_a_name_that_nobody_has(caplog: pytest.LogCaptureFixture) -> None:
    assert scu(Verification).associate("nobody.invalid", 104).is_aborted
    (line,) = errors(caplog)
    assert line.startswith("cannot connect to nobody.invalid:104: ")


def test_a_name_stands_for_all_its_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first of them refuses."""
    refusing = peers.free_port("127.0.0.53")
    with listening() as port:
        found = [*socket.getaddrinfo("127.0.0.53", refusing), *socket.getaddrinfo("127.0.0.1", port)]
        found = [row for row in found if row[1] == socket.SOCK_STREAM]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        association = scu(Verification).associate("several.invalid", port)
        assert association.is_established
        association.release()


# --- within what time ------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def full() -> Iterator[socket.socket]:
    """A listener whose queue is full: the kernel answers nobody who asks for a connection now."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(2):  # the second may have to wait already
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener


def test_a_silent_address_of_a_name_leaves_the_next_one_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    with full() as silent, listening() as port:
        found = [*socket.getaddrinfo(*silent.getsockname()), *socket.getaddrinfo("127.0.0.1", port)]
        found = [row for row in found if row[1] == socket.SOCK_STREAM]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        ae = scu(Verification)
        ae.connection_timeout = 0.2
        association = ae.associate("several.invalid", port)
        assert association.is_established
        association.release()


def test_a_connection_that_is_not_made_in_time(caplog: pytest.LogCaptureFixture) -> None:
    with full() as listener:
        port = listener.getsockname()[1]
        ae = scu(Verification)
        ae.connection_timeout = 0.3
        begun = time.monotonic()
        association = ae.associate("127.0.0.1", port)
        assert 0.3 <= time.monotonic() - begun < 5
    assert (association.is_established, association.is_aborted) == (False, True)
    assert not association.dul.is_alive()
    assert errors(caplog) == [f"cannot connect to 127.0.0.1:{port}: nothing within 0.3 s"]


def test_a_handshake_that_is_not_made_in_time(caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        ae = scu(Verification)
        ae.acse_timeout = 0.3
        begun = time.monotonic()
        assert ae.associate("127.0.0.1", port, tls_args=(tls(), None)).is_aborted
        assert 0.3 <= time.monotonic() - begun < 5
    assert errors(caplog) == [f"TLS with 127.0.0.1:{port} failed: nothing within 0.3 s"]


def test_without_a_timeout_the_connection_is_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    """The ACSE timeout is not for that: it begins with the connection."""
    ae = scu(Verification)
    ae.acse_timeout = 0.1
    with Attempt(ae) as attempt:
        with full() as listener:
            attempt.start(listener.getsockname()[1])
            attempt.thread.join(0.5)
            assert attempt.thread.is_alive()
            assert not attempt.association.is_aborted
        attempt.thread.join(peers.DEADLINE)  # the kernel asks again, and is refused
    assert attempt.association.is_aborted
    (line,) = errors(caplog)
    assert line.endswith("Connection refused")


# --- what ends the attempt -------------------------------------------------------------------------------------------


def tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    return context


class Attempt:
    """`ae` asks for an association on a thread; `association` is known as soon as it connects. Ends with its block."""

    def __init__(self, ae: AE, **arguments: Any) -> None:
        self.ae = ae
        self.told = Told()
        self._connecting = threading.Event()
        self._arguments = arguments
        self.thread = threading.Thread(target=self._run)

    def start(self, port: int) -> None:
        self._port = port
        self.thread.start()
        assert self._connecting.wait(peers.DEADLINE)

    def __enter__(self) -> Attempt:
        return self

    def __exit__(self, *_: object) -> None:
        self.association.kill()
        self.thread.join(peers.DEADLINE)

    def _run(self) -> None:
        handlers: list[EventHandlerType] = [
            (evt.EVT_FSM_TRANSITION, self._stepped),
            *((event, self.told) for event in (evt.EVT_CONN_OPEN, evt.EVT_CONN_CLOSE, evt.EVT_ABORTED)),
        ]
        self.ae.associate("127.0.0.1", self._port, evt_handlers=handlers, **self._arguments)

    def _stepped(self, event: evt.Event) -> None:
        self.association: Association = event.assoc
        self._connecting.set()

    @property
    def heard(self) -> list[str]:
        return [str(event.event) for event in list(self.told.events.queue)]


ENDS: dict[str, Callable[[Attempt], object]] = {
    "abort": lambda attempt: attempt.association.abort(),
    "abort, not waited for": lambda attempt: attempt.association.abort(block=False),
    "kill": lambda attempt: attempt.association.kill(),
    "kill_dul": lambda attempt: attempt.association.dul.kill_dul(),
    "shutdown": lambda attempt: attempt.ae.shutdown(),
}


WAYS = [
    *((phase, end) for phase in ("TCP", "TLS") for end in ENDS),
    *(("ACSE", end) for end in ("kill", "kill_dul")),  # the others wait until the peer has got an A-ABORT
]


@pytest.mark.parametrize(("phase", "end"), WAYS)
def test_an_attempt_is_ended_at_once(phase: str, end: str, caplog: pytest.LogCaptureFixture) -> None:
    ae = scu(Verification)
    ae.acse_timeout = None
    with contextlib.ExitStack() as stack:
        attempt = stack.enter_context(Attempt(ae, **({"tls_args": (tls(), None)} if phase == "TLS" else {})))
        if phase == "TCP":
            listener = stack.enter_context(full())
            attempt.start(listener.getsockname()[1])
        else:
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            attempt.start(listener.getsockname()[1])
            peer = stack.enter_context(listener.accept()[0])
            assert peer.recv(1)  # of a ClientHello, of an A-ASSOCIATE-RQ
        assert not attempt.association.dul.stop_dul()  # Sta4 and Sta5 are not Sta1
        ENDS[end](attempt)
        attempt.thread.join(peers.DEADLINE / 3)
        assert not attempt.thread.is_alive()
    association = attempt.association
    assert (association.is_established, association.is_aborted) == (False, True)
    assert not association.dul.is_alive()
    assert ae.active_associations == []
    opened = ["EVT_CONN_OPEN"] if phase == "ACSE" else []
    closed = ["EVT_CONN_CLOSE"] if phase == "ACSE" else []
    assert sorted(attempt.heard) == sorted(["EVT_ABORTED", *opened, *closed])
    assert errors(caplog) == []


def test_an_attempt_is_ended_by_a_handler_before_it_connects() -> None:
    with listening() as port:
        handlers: list[EventHandlerType] = [(evt.EVT_REQUESTED, lambda event: event.assoc.abort())]
        association = scu(Verification).associate("127.0.0.1", port, evt_handlers=handlers)
    assert association.is_aborted
    assert not association.dul.is_alive()


def test_an_attempt_is_ended_before_it_begins() -> None:
    association = Association(AE("SCU"), "requestor")
    association.abort()
    assert not association.request(request(calling_ae_title="SCU", called_ae_title="SCP", contexts=[]))
    assert association.is_aborted
    assert not association.dul.is_alive()


def test_the_handshake_of_an_acceptor_is_ended_by_stop_dul() -> None:
    """Its association is in Sta1 until the transport connection is there (AE-5)."""
    ssl_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    near, far = socket.socketpair()
    with far:
        ae = AE("SCP")
        association = Association(ae, "acceptor")
        association.dul.socket = AssociationSocket(near, ssl_context)
        association.dul.start()
        assert association.dul.stop_dul()
        association.dul.join(peers.DEADLINE)
        assert not association.dul.is_alive()
        assert far.recv(1) == b""


def test_attempts_that_are_ended_leave_nothing_behind() -> None:
    before = threading.active_count(), open_descriptors()
    with full() as listener:
        ae = scu(Verification)
        ae.acse_timeout = None
        attempts = [Attempt(ae) for _ in range(20)]
        for attempt in attempts:
            attempt.start(listener.getsockname()[1])
        ae.shutdown()
        for attempt in attempts:
            attempt.thread.join(peers.DEADLINE)
            assert attempt.association.is_aborted
        del attempt, attempts
    assert (threading.active_count(), open_descriptors()) == before


def open_descriptors() -> int:
    gc.collect()
    return len(list(Path("/proc/self/fd").iterdir()))
