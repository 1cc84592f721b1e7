"""Naming a peer: which of its host's addresses is called."""

from __future__ import annotations

import socket

import pytest

from pool.scu import Address, Peer

V6 = (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", 104, 0, 0))
V4 = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 104))
OTHER = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.2", 104))


@pytest.mark.parametrize(
    ("found", "called"),
    [
        ([V6, V4, OTHER], Address(socket.AF_INET, ("127.0.0.1", 104))),
        ([V6], Address(socket.AF_INET6, ("::1", 104))),
    ],
)
def test_the_first_ipv4_address_is_called_where_there_is_one(
    monkeypatch: pytest.MonkeyPatch, found: list[object], called: Address
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, port, **asked: found)
    assert Peer("ANY", "localhost", 104).resolve() == called
