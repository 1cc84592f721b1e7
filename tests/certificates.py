"""Keys and certificates for tests of TLS."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

import peers


class Authority:
    """A key and a certificate that signs itself and vouches for both sides."""

    def __init__(self, folder: Path) -> None:
        self.key, self.certificate = folder / "key.pem", folder / "certificate.pem"
        subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
        files = ["-keyout", str(self.key), "-out", str(self.certificate)]
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *files, *subject]
        subprocess.run(command, check=True, capture_output=True, timeout=peers.DEADLINE)

    @property
    def dcmtk(self) -> list[str | Path]:
        """The options that make a program of DCMTK show the certificate and want it of its peer."""
        return ["+tls", self.key, self.certificate, "+cf", self.certificate]

    def server(self, *, require: bool = False) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        context.load_verify_locations(self.certificate)
        context.verify_mode = ssl.CERT_REQUIRED if require else ssl.CERT_NONE
        return context

    def client(self, *, certified: bool = False) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.certificate))
        if certified:
            context.load_cert_chain(self.certificate, self.key)
        return context
