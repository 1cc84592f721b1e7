"""Listen sockets over a reload: what stays, what comes, what goes, and what is said of each."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from certificates import Authority
from peers import DEADLINE, free_port
from serving import server, ulpool
from turning import turn_until

from pool.acceptor.listeners import Listeners, bound, open_listeners
from pool.config import Bind, SettingError, resolve
from pool.config.binds import binds, show_binds
from pool.loop import Loop


@pytest.fixture
def loop() -> Iterator[Loop]:
    made = Loop()
    yield made
    made.close()


@pytest.mark.parametrize(
    ("text", "bind"),
    [
        ("127.0.0.1:104", Bind("127.0.0.1", 104)),
        (":104", Bind("0.0.0.0", 104)),
        ("ARCHIVE@[::1]:2762+tls", Bind("::1", 2762, "ARCHIVE", True)),
        ("A+B@host:1+plain", Bind("host", 1, "A+B", False)),
    ],
)
def test_an_address_and_what_is_said_of_it(text: str, bind: Bind) -> None:
    assert binds(text) == (bind,)
    assert binds(show_binds((bind, bind))) == (bind, bind)


@pytest.mark.parametrize("text", ["host", "host:1+ssl", "@host:1", "A\\B@host:1", "host:1+", "::1:104", "a:1,,b:2"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(SettingError, match="--bind"):
        resolve({"bind": (text,)}, {})


def test_nobody_in_a_backlog_is_lost_by_a_replacement(loop: Loop) -> None:
    accepted: list[tuple[int, int]] = []
    bind = [Bind("127.0.0.1", 0, "FIRST")]
    before = open_listeners(bind, 10)
    listeners = Listeners(loop, before, lambda index, fd, host, port: accepted.append((index, fd)))
    kept = bound(bind, before)[0]
    waiting = socket.create_connection((kept.host, kept.port), DEADLINE)

    after = [Bind("127.0.0.1", 0), kept]
    sockets = open_listeners(after, 10, listeners.sockets)
    assert bound(after, sockets)[1] == kept
    listeners.replace(sockets)
    listeners.resume()
    turn_until(loop, lambda: accepted)
    ((index, fd),) = accepted
    assert index == 1
    socket.socket(fileno=fd).close()
    listeners.close()
    waiting.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((kept.host, kept.port), DEADLINE)


def test_an_address_that_fails_leaves_the_present_ones_alone(loop: Loop) -> None:
    (present,) = open_listeners([Bind("127.0.0.1", 0)], 10)
    host, port = present.getsockname()
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(Exception, match="Address already in use"):
        open_listeners([Bind(host, port), Bind("127.0.0.1", other.getsockname()[1])], 10, [present])
    socket.create_connection((host, port), DEADLINE).close()
    present.close()


def test_a_socket_of_systemd_is_what_its_address_says() -> None:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        names = [sock.getsockname() for sock in (one, two)]
        said = [Bind("10.0.0.1", 104), Bind(*names[1], "ARCHIVE", True), Bind("10.0.0.2", 104)]
        assert bound(said, [one, two]) == (Bind(*names[0]), said[1])


def test_a_reload_adds_and_takes_away_listeners(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    first, second, file = free_port(), free_port(), tmp_path / "ulpool.toml"
    trusting = ("--tls-ca", authority.certificate)

    def configure(*bind: str) -> None:
        addresses = ", ".join(f'"{address}"' for address in bind)
        tls = f'tls_cert = "{authority.certificate}"\ntls_key = "{authority.key}"\n'
        file.write_text(f"bind = [{addresses}]\nworkers = 1\n{tls}")

    configure(f"127.0.0.1:{first}+plain")
    with server(tmp_path / "store", "--config", file, bind=None) as running:
        assert ulpool("echo", f"ANY@127.0.0.1:{first}").returncode == 0
        configure(f"127.0.0.1:{first}+plain", f"SECURE@127.0.0.1:{second}+tls")
        assert ulpool("reload", "--control", running.control).returncode == 0
        assert ulpool("echo", f"ANY@127.0.0.1:{first}").returncode == 0
        assert ulpool("echo", f"SECURE@127.0.0.1:{second}", *trusting).returncode == 0
        assert ulpool("echo", f"ANY@127.0.0.1:{second}", *trusting).returncode != 0

        with socket.create_server(("127.0.0.1", 0)) as other:
            configure(f"127.0.0.1:{other.getsockname()[1]}+tls", f"127.0.0.1:{second}+tls")
            refused = ulpool("reload", "--control", running.control)
        assert refused.returncode != 0 and "Address already in use" in refused.stderr
        assert ulpool("echo", f"ANY@127.0.0.1:{first}").returncode == 0

        configure(f"127.0.0.1:{second}+tls")
        assert ulpool("reload", "--control", running.control).returncode == 0
        assert ulpool("echo", f"ANY@127.0.0.1:{second}", *trusting).returncode == 0
        assert ulpool("echo", f"ANY@127.0.0.1:{first}").returncode != 0
