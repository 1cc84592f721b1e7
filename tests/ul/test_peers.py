"""The blocking API against real peers: DCMTK's and pynetdicom's SCUs and SCPs, over TCP and TLS."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import peers
import pytest
from certificates import Authority
from pydicom import Dataset, dcmread
from pydicom.data import get_testdata_file

from ul import AE, Association, evt
from ul.evt import EventHandlerType
from ul.sop_class import CTImageStorage, Verification

CT = Path(str(get_testdata_file("CT_small.dcm")))
EXPLICIT = "1.2.840.10008.1.2.1"


@contextmanager
def serving(handlers: list[EventHandlerType], ssl_context: ssl.SSLContext | None = None) -> Iterator[int]:
    ae = AE("SCP")
    ae.add_supported_context(Verification)
    ae.add_supported_context(CTImageStorage)
    server = ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers, ssl_context=ssl_context)
    assert server is not None
    try:
        yield server.server_address[1]
    finally:
        ae.shutdown()


def associated(port: int, tls: ssl.SSLContext | None = None) -> Association:
    ae = AE("SCU")
    ae.add_requested_context(Verification)
    ae.add_requested_context(CTImageStorage, EXPLICIT)
    return ae.associate("127.0.0.1", port, ae_title="SCP", tls_args=None if tls is None else (tls, "localhost"))


def echo_and_store(association: Association) -> None:
    assert association.is_established
    assert association.send_c_echo().Status == 0
    assert association.send_c_store(CT).Status == 0
    assert association.send_c_store(dcmread(CT)).Status == 0
    association.release()
    assert association.is_released


class Kept:
    """An EVT_C_STORE handler that keeps what it gets."""

    def __init__(self) -> None:
        self.data_sets: list[Dataset] = []

    def __call__(self, event: evt.Event) -> int:
        self.data_sets.append(event.dataset)
        return 0


# --- without TLS -----------------------------------------------------------------------------------------------------


def test_dcmtk_storescp(tmp_path: Path) -> None:
    port = peers.free_port()
    with peers.serving([peers.dcmtk("storescp"), "-od", tmp_path, str(port)], port):
        echo_and_store(associated(port))
    assert [dcmread(path).PixelData for path in tmp_path.iterdir()] == [dcmread(CT).PixelData]


def test_dcmtk_echoscu() -> None:
    echoes: list[int] = []

    def echo(event: evt.Event) -> int:
        echoes.append(event.message_id)
        return 0

    with serving([(evt.EVT_C_ECHO, echo)]) as port:
        ran = peers.run(peers.dcmtk("echoscu"), "--repeat", "3", "127.0.0.1", str(port))
    assert (ran.returncode, ran.stderr) == (0, "")
    assert len(echoes) == 3


def test_dcmtk_storescu() -> None:
    kept = Kept()
    with serving([(evt.EVT_C_STORE, kept)]) as port:
        ran = peers.run(peers.dcmtk("storescu"), "127.0.0.1", str(port), str(CT))
    assert ran.returncode == 0, ran.stderr
    assert kept.data_sets[0].PixelData == dcmread(CT).PixelData


_PYNETDICOM_SCP = """
import sys
from pynetdicom import AE, evt, AllStoragePresentationContexts
ae = AE()
ae.supported_contexts = AllStoragePresentationContexts
ae.add_supported_context("1.2.840.10008.1.1")
ae.start_server(("127.0.0.1", int(sys.argv[1])), evt_handlers=[(evt.EVT_C_STORE, lambda event: 0)])
"""

_PYNETDICOM_SCU = """
import sys
from pynetdicom import AE
from pydicom import dcmread
ae = AE()
ae.add_requested_context("1.2.840.10008.1.1")
ae.add_requested_context("1.2.840.10008.5.1.4.1.1.2")
association = ae.associate("127.0.0.1", int(sys.argv[1]))
assert association.is_established
assert association.send_c_echo().Status == 0
assert association.send_c_store(dcmread(sys.argv[2])).Status == 0
association.release()
"""


def test_pynetdicom_scp() -> None:
    pytest.importorskip("pynetdicom")
    port = peers.free_port()
    with peers.serving(peers.python("-c", _PYNETDICOM_SCP, str(port)), port):
        echo_and_store(associated(port))


def test_pynetdicom_scu() -> None:
    pytest.importorskip("pynetdicom")
    kept = Kept()
    with serving([(evt.EVT_C_STORE, kept)]) as port:
        ran = peers.run(*peers.python("-c", _PYNETDICOM_SCU, str(port), str(CT)))
    assert (ran.returncode, ran.stderr) == (0, "")
    assert kept.data_sets[0].PixelData == dcmread(CT).PixelData


# --- TLS -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"))


def test_tls_between_two_of_ours(authority: Authority) -> None:
    kept = Kept()
    with serving([(evt.EVT_C_STORE, kept)], authority.server(require=True)) as port:
        echo_and_store(associated(port, authority.client(certified=True)))
    assert kept.data_sets[0] == dcmread(CT)


def test_tls_refuses_who_has_no_certificate(authority: Authority, caplog: pytest.LogCaptureFixture) -> None:
    with serving([], authority.server(require=True)) as port:
        association = associated(port, authority.client())
        assert association.is_aborted
        assert associated(port, authority.client(certified=True)).is_established
        plain = associated(port)
        assert plain.is_aborted
    assert "TLS" in caplog.text


def test_one_that_never_shakes_hands_holds_nobody_up(authority: Authority) -> None:
    import socket

    with serving([(evt.EVT_C_STORE, lambda event: 0)], authority.server()) as port:
        silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(3)]
        echo_and_store(associated(port, authority.client()))
        for sock in silent:
            sock.close()


def test_a_large_instance_over_tls(authority: Authority) -> None:
    dataset = dcmread(CT)
    dataset.PixelData = bytes(range(256)) * 40000
    kept = Kept()
    with serving([(evt.EVT_C_STORE, kept)], authority.server()) as port:
        association = associated(port, authority.client())
        assert association.send_c_store(dataset).Status == 0
        association.release()
    assert kept.data_sets[0].PixelData == dataset.PixelData


def test_tls_with_dcmtk_storescu(authority: Authority) -> None:
    kept = Kept()
    with serving([(evt.EVT_C_STORE, kept)], authority.server(require=True)) as port:
        ran = peers.run(peers.dcmtk("storescu"), *authority.dcmtk, "127.0.0.1", str(port), CT)
    assert ran.returncode == 0, ran.stderr
    assert len(kept.data_sets) == 1


def test_tls_with_dcmtk_storescp(authority: Authority, tmp_path: Path) -> None:
    port = peers.free_port()
    with peers.serving([peers.dcmtk("storescp"), *authority.dcmtk, "-od", tmp_path, str(port)], port):
        without = associated(port, authority.client())
        assert without.is_aborted
        echo_and_store(associated(port, authority.client(certified=True)))


def test_anonymous_tls_with_dcmtk_echoscu(authority: Authority) -> None:
    with serving([], authority.server()) as port:
        ran = peers.run(peers.dcmtk("echoscu"), "+tla", "+cf", str(authority.certificate), "127.0.0.1", str(port))
    assert (ran.returncode, ran.stderr) == (0, "")


def test_dcmtk_echoscu_without_the_certificate_that_is_required(authority: Authority) -> None:
    with serving([], authority.server(require=True)) as port:
        address = "127.0.0.1", str(port)
        refused = peers.run(peers.dcmtk("echoscu"), "+tla", "+cf", authority.certificate, *address)
        assert refused.returncode != 0
        assert peers.run(peers.dcmtk("echoscu"), *authority.dcmtk, *address).returncode == 0
