"""TLS contexts: the security profiles of PS3.15, our certificate, whom we trust, and what is wrong with any of them.

Belongs here: everything about TLS that settings or options decide. Not here: TLS on a connection (`tls_socket`).

PS3.15 B.12 is BCP 195 as it is (RFC 8996, RFC 9325): TLS 1.2 and 1.3, of TLS 1.2 the four cipher suites of RFC 9325
4.2. B.13 wants more AEAD suites to be there as well. Its two CCM suites of TLS 1.3 are missing here: Python's ssl has
no way to enable them; neither has OpenSSL Camellia in GCM, which B.13 leaves optional.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Final

from pool.config import SettingError, Settings

# Cipher suites of TLS 1.2 by profile, in our order, which wins. Those of TLS 1.3 are OpenSSL's own.
_BCP195: Final = (
    *("ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384"),
    *("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256"),
)
_MODIFIED: Final = (
    *_BCP195,
    *("ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305"),
    *("ECDHE-ECDSA-AES256-CCM", "ECDHE-ECDSA-AES128-CCM", "ECDHE-ECDSA-AES256-CCM8", "ECDHE-ECDSA-AES128-CCM8"),
)
PROFILES: Final = {"bcp195": _BCP195, "modified": _MODIFIED}

# What OpenSSL says of a peer that speaks something else.
_NOT_TLS: Final = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "UNKNOWN_PROTOCOL"})
_ALERT: Final = "_ALERT_"  # in the name of what the peer told us
_WORDS: Final = {
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "the peer showed no certificate",
    "NO_SHARED_CIPHER": "the peer has no cipher suite of our profile",
    "UNSUPPORTED_PROTOCOL": "the peer speaks no version of TLS from 1.2 on",
}


def cipher_suites(profile: str) -> list[tuple[str, str]]:
    """(version, suite) of all that a server with this profile agrees to, in its order."""
    return [(suite["protocol"], suite["name"]) for suite in _context(ssl.PROTOCOL_TLS_SERVER, profile).get_ciphers()]


def secured(settings: Settings) -> tuple[bool, ...]:
    """For each address of `bind`, whether it is TLS: as it says, or, if none does, whether we have a certificate."""
    if all(bind.tls is None for bind in settings.bind):
        return (settings.tls_cert is not None,) * len(settings.bind)
    return tuple(bool(bind.tls) for bind in settings.bind)


def server_context(settings: Settings) -> ssl.SSLContext | None:
    """What the listeners that are TLS share; None where none is. Raises SettingError, which says what would do."""
    if not any(secured(settings)):
        if settings.tls_require_client_cert:
            raise SettingError("--tls-require-client-cert: no address is TLS; give --tls-cert, or a --bind with +tls")
        return None
    if settings.tls_cert is None:
        raise SettingError("--bind: an address is +tls and there is no certificate; give --tls-cert")
    if settings.tls_require_client_cert and settings.tls_ca is None:
        raise SettingError("--tls-require-client-cert: nobody says which certificates will do; give --tls-ca")
    context = _context(ssl.PROTOCOL_TLS_SERVER, settings.tls_profile)
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_TICKET
    context.num_tickets = 0  # the next connection meets another worker, which knows nothing of them
    load_certificate(context, settings.tls_cert, settings.tls_key, settings.tls_key_password)
    if settings.tls_ca is not None:
        load_authorities(context, settings.tls_ca)
        context.verify_mode = ssl.CERT_REQUIRED if settings.tls_require_client_cert else ssl.CERT_OPTIONAL
    return context


def check(settings: Settings) -> None:
    """Whether a server can begin with these settings: it shakes hands with itself. Raises SettingError."""
    context = server_context(settings)
    if context is None:
        return
    assert settings.tls_cert is not None
    context.verify_mode = ssl.CERT_NONE
    peer = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    peer.check_hostname = False
    peer.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # our own certificate is to be trusted, whoever issued it
    load_authorities(peer, settings.tls_cert, "--tls-cert")
    try:
        _shake_hands(peer, context)
    except ssl.SSLCertVerificationError as error:
        raise SettingError(f"--tls-cert: {settings.tls_cert}: {error.verify_message}; peers would refuse it") from None
    except ssl.SSLError as error:
        raise SettingError(f"--tls-cert: {settings.tls_cert}: it does not work: {in_words(error)}") from None


def _shake_hands(client: ssl.SSLContext, server: ssl.SSLContext) -> None:
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = client.wrap_bio(back, there), server.wrap_bio(there, back, server_side=True)
    done = 0
    while done < len(ends):
        done = 0
        for end in ends:
            try:
                end.do_handshake()
                done += 1
            except ssl.SSLWantReadError:
                pass


def client_context(
    authorities: Path | None = None,
    certificate: Path | None = None,
    key: Path | None = None,
    password: str = "",
    *,
    insecure: bool = False,
    profile: str = "bcp195",
) -> ssl.SSLContext:
    """What a requestor needs: the authorities it trusts (the system's, where none are given), its own certificate.

    `insecure` trusts everybody: encrypted, and nobody knows with whom. Raises SettingError.
    """
    context = _context(ssl.PROTOCOL_TLS_CLIENT, profile)
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif authorities is None:
        context.load_default_certs()
    if authorities is not None:
        load_authorities(context, authorities)
    if certificate is not None:
        load_certificate(context, certificate, key, password)
    return context


def _context(protocol: ssl._SSLMethod, profile: str) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(":".join(PROFILES[profile]))
    return context


def load_certificate(context: ssl.SSLContext, certificate: Path, key: Path | None, password: str) -> None:
    """Show peers this certificate. Raises SettingError."""
    for option, path in (("--tls-cert", certificate), ("--tls-key", key)):
        _read(option, path or certificate)
    try:
        context.load_cert_chain(certificate, key, _password(password))
    except ssl.SSLError as error:
        raise SettingError(_fault_of_pair(error, certificate, key or certificate)) from None


def _fault_of_pair(error: ssl.SSLError, certificate: Path, key: Path) -> str:
    """OpenSSL does not tell which of the files it means."""
    if error.reason == "KEY_VALUES_MISMATCH":
        return f"--tls-key: {key}: not the key of the certificate in {certificate}"
    if b"-----BEGIN CERTIFICATE-----" not in certificate.read_bytes():
        return f"--tls-cert: {certificate}: no certificate in it (PEM, BEGIN CERTIFICATE)"
    if b"PRIVATE KEY-----" not in key.read_bytes():
        return f"--tls-key: {key}: no private key in it (PEM, BEGIN PRIVATE KEY)"
    if b"ENCRYPTED" in key.read_bytes():
        return f"--tls-key: {key}: the password does not open it; see --tls-key-password"
    return f"--tls-cert: {certificate}, --tls-key: {key}: they will not do: {in_words(error)}"


def load_authorities(context: ssl.SSLContext, path: Path, option: str = "--tls-ca") -> None:
    """Trust the certificates of this file. Raises SettingError."""
    _read(option, path)
    try:
        context.load_verify_locations(path)
    except ssl.SSLError as error:
        raise SettingError(f"{option}: {path}: no certificate in it that can be read: {in_words(error)}") from None


def _read(option: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingError(f"{option}: {path}: cannot read it: {error.strerror}") from None


def _password(source: str) -> Callable[[], str]:
    """Asked for an encrypted key only; where there is none, OpenSSL must not ask the terminal either."""

    def password() -> str:
        kind, _, where = source.partition(":")
        if kind == "env":
            if where not in os.environ:
                raise SettingError(f"--tls-key-password: there is no environment variable {where}")
            return os.environ[where]
        if kind == "file":
            return _read("--tls-key-password", Path(where)).decode().split("\n")[0].rstrip("\r")
        raise SettingError("--tls-key: the key is encrypted; say where its password is with --tls-key-password")

    return password


def in_words(error: ssl.SSLError) -> str:
    """What OpenSSL said, for a log."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the peer's certificate will not do: {error.verify_message}"
    reason = error.reason
    if reason is None:
        return error.strerror or str(error)
    if reason in _NOT_TLS:
        return "the peer does not speak TLS"
    if _ALERT in reason:
        return f"the peer refused us: {reason.partition(_ALERT)[2].replace('_', ' ').lower()}"
    return _WORDS.get(reason, reason.replace("_", " ").lower())
