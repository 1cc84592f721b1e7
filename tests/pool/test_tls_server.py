"""A server whose listeners are TLS, with real peers: DCMTK, openssl, and those that speak something else."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from certificates import Authority, openssl
from peers import DEADLINE, dcmtk, run
from raw_peer import RawPeer, associate_rq, data_set
from requestor import Requestor
from samples import samples
from serving import server, ulpool

from pool.config import SettingError, Settings, resolve
from pool.exit_status import ExitStatus
from pool.tls import check, client_context, secured


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("stranger"))


def settings(*arguments: object) -> Settings:
    """Those of a command line of options with values."""
    names = [str(argument).removeprefix("--").replace("-", "_") for argument in arguments[::2]]
    return resolve(dict(zip(names, map(str, arguments[1::2]), strict=True)), {})


# -- what is wrong is said at the start


def test_a_server_begins_with_its_own_certificate(authority: Authority) -> None:
    check(settings(*authority.serve))
    check(settings(*authority.serve, "--tls-profile", "modified"))


def test_key_and_certificate_may_share_a_file(authority: Authority, tmp_path: Path) -> None:
    both = tmp_path / "both.pem"
    both.write_bytes(authority.certificate.read_bytes() + authority.key.read_bytes())
    check(settings("--tls-cert", both))


def test_what_a_server_cannot_begin_with(authority: Authority, stranger: Authority, tmp_path: Path) -> None:
    expired, expired_key = authority.issue("expired", days=("20200101000000Z", "20200102000000Z"))
    early, early_key = authority.issue("early", days=("20900101000000Z", "20900102000000Z"))
    text = tmp_path / "text"
    text.write_text("no PEM at all\n")
    locked = tmp_path / "locked.pem"
    openssl("rsa", "-aes128", "-passout", "pass:secret", "-in", authority.key, "-out", locked)
    certificate = ("--tls-cert", authority.certificate)
    for arguments, words in (
        (("--tls-cert", tmp_path / "none"), "--tls-cert: .*none: cannot read it: No such file"),
        ((*certificate, "--tls-key", tmp_path / "none"), "--tls-key: .*none: cannot read it: No such file"),
        ((*certificate, "--tls-key", tmp_path), "--tls-key: .*: cannot read it: Is a directory"),
        ((*certificate, "--tls-key", stranger.key), "--tls-key: .*: not the key of the certificate in"),
        ((*certificate, "--tls-key", text), "--tls-key: .*text: no private key in it"),
        (certificate, "--tls-key: .*certificate.pem: no private key in it"),
        (("--tls-cert", text, "--tls-key", authority.key), "--tls-cert: .*text: no certificate in it"),
        (("--tls-cert", expired, "--tls-key", expired_key), "--tls-cert: .*certificate has expired"),
        (("--tls-cert", early, "--tls-key", early_key), "--tls-cert: .*certificate is not yet valid"),
        ((*authority.serve, "--tls-ca", text), "--tls-ca: .*text: no certificate in it"),
        ((*authority.serve, "--tls-require-client-cert", "true"), "give --tls-ca"),
        (("--tls-require-client-cert", "true"), "no address is TLS"),
        (("--bind", "127.0.0.1:0+tls"), "give --tls-cert"),
        ((*certificate, "--tls-key", locked), "the key is encrypted; say where its password is"),
        ((*certificate, "--tls-key", locked, "--tls-key-password", "env:NOBODY_SET_THIS"), "no environment variable"),
        ((*certificate, "--tls-key", locked, "--tls-key-password", f"file:{text}"), "the password does not open it"),
    ):
        with pytest.raises(SettingError, match=words):
            check(settings(*arguments))


def test_the_password_of_a_key(authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    locked, password = tmp_path / "locked.pem", tmp_path / "password"
    openssl("rsa", "-aes128", "-passout", "pass:secret", "-in", authority.key, "-out", locked)
    password.write_text("secret\n")
    monkeypatch.setenv("KEY_PASSWORD", "secret")
    for source in (f"file:{password}", "env:KEY_PASSWORD"):
        check(settings("--tls-cert", authority.certificate, "--tls-key", locked, "--tls-key-password", source))
    with pytest.raises(SettingError, match="list of processes"):
        settings("--tls-key-password", "secret")


def test_the_start_ends_with_one_line_and_a_status(authority: Authority, stranger: Authority, tmp_path: Path) -> None:
    ran = ulpool("serve", "--bind", "127.0.0.1:0", "--tls-cert", authority.certificate, "--tls-key", stranger.key)
    assert ran.returncode == ExitStatus.USAGE
    assert ran.stderr.startswith("ulpool: --tls-key: ") and ran.stderr.count("\n") == 1


def test_which_listeners_are_tls(authority: Authority) -> None:
    for bind, certified, expected in (
        ("a:1,b:2", True, (True, True)),
        ("a:1,b:2", False, (False, False)),
        ("a:1,X@b:2+tls", True, (False, True)),
        ("a:1+plain", True, (False,)),
    ):
        given = settings("--bind", bind, *(authority.serve if certified else ()))
        assert secured(given) == expected


# -- peers


def test_dcmtk_stores_over_tls_with_and_without_a_certificate(authority: Authority, tmp_path: Path) -> None:
    file = samples()[0].path
    with server(tmp_path / "store", *authority.serve, "--tls-ca", authority.certificate) as running:
        anonymous = ["+tla", "-ic"]
        for options in (authority.dcmtk, anonymous):
            ran = run(dcmtk("storescu"), *options, "127.0.0.1", str(running.port), file)
            assert ran.returncode == 0, ran.stderr
        running.wait_for_log("association.closed", 2)
        assert all("tls=TLSv1.3" in line for line in running.events("association.closed"))
    assert len(running.files()) == 1


def test_a_client_certificate_is_required(authority: Authority, stranger: Authority, tmp_path: Path) -> None:
    required = ("--tls-ca", authority.certificate, "--tls-require-client-cert")
    with server(tmp_path / "store", *authority.serve, *required, "--workers", 1) as running:
        echo = [dcmtk("echoscu"), "127.0.0.1", str(running.port)]
        assert run(*echo, *authority.dcmtk).returncode == 0
        assert run(*echo, "+tla", "-ic").returncode != 0
        line = running.wait_for_log("connection.closed")
        assert line.startswith("W:") and "the peer showed no certificate" in line
        foreign = ["+tls", stranger.key, stranger.certificate, "-ic"]
        assert run(*echo, *foreign).returncode != 0
        assert "the peer's certificate will not do: self-signed certificate" in running.wait_for_log(
            "connection.closed", 2
        )
        assert running.status()["counters"]["labelled"]["protocol_errors"] == {"tls": 2}
        assert run(*echo, *authority.dcmtk).returncode == 0


def test_openssl_sees_the_profile(authority: Authority, tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")

    def connect(*options: str) -> str:
        command = ["openssl", "s_client", "-connect", f"127.0.0.1:{running.port}", "-brief", *options]
        ran = subprocess.run(command, input="", capture_output=True, text=True, timeout=DEADLINE, check=False)
        return ran.stdout + ran.stderr

    with server(tmp_path / "store", *authority.serve) as running:
        assert "Protocol version: TLSv1.3" in connect()
        assert "ECDHE-RSA-AES256-GCM-SHA384" in connect("-tls1_2")
        assert "ECDHE-RSA-AES128-GCM-SHA256" in connect("-tls1_2", "-cipher", "AES128-SHA:ECDHE-RSA-AES128-GCM-SHA256")
        assert "alert" in connect("-tls1_2", "-cipher", "AES256-SHA:ECDHE-RSA-CHACHA20-POLY1305")
        assert "alert" in connect("-tls1_1", "-cipher", "ALL@SECLEVEL=0")
        assert "no cipher suite of our profile" in running.wait_for_log("connection.closed")
    with server(tmp_path / "store", *authority.serve, "--tls-profile", "modified") as running:
        assert "ECDHE-RSA-CHACHA20-POLY1305" in connect("-tls1_2", "-cipher", "ECDHE-RSA-CHACHA20-POLY1305")


def test_echo_and_send_over_tls(authority: Authority, stranger: Authority, tmp_path: Path) -> None:
    file = samples()[0].path
    required = ("--tls-ca", authority.certificate, "--tls-require-client-cert")
    with server(tmp_path / "store", *authority.serve, *required) as running:
        peer = f"ULPOOL@127.0.0.1:{running.port}"
        own = ("--tls-cert", authority.certificate, "--tls-key", authority.key)
        trusting = ("--tls-ca", authority.certificate, *own)
        assert ulpool("echo", peer, *trusting).returncode == 0
        assert ulpool("echo", peer, "--tls-insecure", *own).returncode == 0
        assert ulpool("send", peer, file, *trusting).returncode == 0
        for options, words in (
            ((), "closed"),
            (("--tls", *own), "the peer's certificate will not do: self-signed certificate"),
            (("--tls-ca", stranger.certificate, *own), "the peer's certificate will not do"),
        ):
            refused = ulpool("echo", peer, *options)
            assert refused.returncode == ExitStatus.UNREACHABLE and words in refused.stderr, refused.stderr
        assert "refused us: certificate required" in ulpool("echo", peer, "--tls-insecure").stderr
        assert ulpool("echo", peer, "--tls-ca", tmp_path / "none").returncode == ExitStatus.USAGE
    assert len(running.files()) == 1


def test_plain_and_tls_in_one_server_each_with_its_title(authority: Authority, tmp_path: Path) -> None:
    binds = ("--bind", "SECURE@127.0.0.1:0+tls")
    with server(tmp_path / "store", *binds, *authority.serve) as running:
        plain, secure = (int(bind.split("@")[-1].split(":")[1].split("+")[0]) for bind in running.status()["bind"])
        assert ulpool("echo", f"ANY@127.0.0.1:{plain}").returncode == 0
        trusting = ("--tls-ca", authority.certificate)
        assert ulpool("echo", f"SECURE@127.0.0.1:{secure}", *trusting).returncode == 0
        assert ulpool("echo", f"ANY@127.0.0.1:{secure}", *trusting).returncode == ExitStatus.REJECTED
        with RawPeer(secure) as peer:
            peer.send(associate_rq())
            assert peer.socket.recv(100) == b""
        assert "the peer does not speak TLS" in running.wait_for_log("connection.closed")
        assert "TLS" in ulpool("echo", f"ANY@127.0.0.1:{plain}", "--tls").stderr


def test_who_never_shakes_hands_costs_others_nothing(authority: Authority, tmp_path: Path) -> None:
    with server(tmp_path / "store", *authority.serve, "--workers", 1, "--acse-timeout", 2) as running:
        silent = [socket.create_connection(("127.0.0.1", running.port)) for _ in range(50)]
        hello, _ = _hello(authority)
        for sock in silent[:25]:
            sock.sendall(hello[:100])
        assert ulpool("echo", f"ANY@127.0.0.1:{running.port}", "--tls-insecure").returncode == 0
        assert len(running.events("connection.closed")) == 0
        running.wait_for_log("connection.closed", 50)
        lines = running.events("connection.closed")
        for missing in ("no TLS handshake", "half a TLS handshake"):
            assert sum(f'end="ACSE timeout: {missing} for 2 s"' in line for line in lines) == 25
        for sock in silent:
            sock.close()


def _hello(authority: Authority) -> tuple[bytes, ssl.SSLObject]:
    out = ssl.MemoryBIO()
    client = authority.client().wrap_bio(ssl.MemoryBIO(), out, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return out.read(), client


@pytest.mark.parametrize(("count", "size"), [(40, 1 << 10), (8, 8 << 20)])
def test_many_stores_at_a_time(authority: Authority, tmp_path: Path, count: int, size: int) -> None:
    pixels = bytes(range(256)) * (size // 256)
    context = client_context(authority.certificate)
    with server(tmp_path / "store", *authority.serve, "--durability", "none") as running:

        def store(number: int) -> int | None:
            with Requestor(running.port, tls=context) as association:
                uids = [f"1.2.{number}.{index}" for index in range(3)]
                statuses = {association.store(uid, data_set(uid, pixels)).Status for uid in uids}
                return statuses.pop() if len(statuses) == 1 else None

        with ThreadPoolExecutor(8) as threads:
            assert set(threads.map(store, range(count))) == {0}
        assert len(running.files()) == 3 * count
        assert all(path.read_bytes().endswith(pixels[-4096:]) for path in running.files())


def test_an_abort_in_the_middle_of_a_store(authority: Authority, tmp_path: Path) -> None:
    with server(tmp_path / "store", *authority.serve, "--workers", 1) as running:
        with socket.create_connection(("127.0.0.1", running.port)) as sock:
            sock.settimeout(DEADLINE)
            client = authority.client().wrap_socket(sock, server_hostname="localhost")
            client.sendall(associate_rq())
            assert client.recv(1 << 16)[:1] == b"\x02"
            client.sendall(b"\x04\0\0\x01\x00\x00" + bytes(3000))
            client.close()
        assert "end=" in running.wait_for_log("association.closed")
        assert ulpool("echo", f"ANY@127.0.0.1:{running.port}", "--tls-insecure").returncode == 0
        assert running.files() == []


def test_a_new_certificate_is_shown_after_a_reload(authority: Authority, tmp_path: Path) -> None:
    certificate, key = tmp_path / "shown.pem", tmp_path / "shown.key"

    def shown() -> bytes:
        return ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(("127.0.0.1", running.port))).hex().encode()

    def install(files: tuple[Path, Path]) -> None:
        for source, target in zip(files, (certificate, key), strict=True):
            target.write_bytes(source.read_bytes())

    install((authority.certificate, authority.key))
    options = ("--tls-cert", certificate, "--tls-key", key, "--workers", 1)
    with server(tmp_path / "store", *options) as running:
        before = shown()
        install(authority.issue("expired", days=("20200101000000Z", "20200102000000Z")))
        refused = ulpool("reload", "--control", running.control)
        assert refused.returncode != 0 and "certificate has expired" in refused.stderr
        assert shown() == before
        install(authority.issue("localhost"))
        assert ulpool("reload", "--control", running.control).returncode == 0
        assert shown() != before
