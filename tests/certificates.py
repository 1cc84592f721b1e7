"""Keys and certificates for tests of TLS."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

import peers


def openssl(*arguments: object) -> None:
    command = ["openssl", *map(str, arguments)]
    subprocess.run(command, check=True, capture_output=True, timeout=peers.DEADLINE)


class Authority:
    """A key and a certificate that signs itself and vouches for both sides."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key, self.certificate = folder / "key.pem", folder / "certificate.pem"
        subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
        files = ["-keyout", self.key, "-out", self.certificate]
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", 2, *files, *subject)

    @property
    def dcmtk(self) -> list[str | Path]:
        """The options that make a program of DCMTK show the certificate and want it of its peer."""
        return ["+tls", self.key, self.certificate, "+cf", self.certificate]

    @property
    def serve(self) -> list[str | Path]:
        """The options of `ulpool serve`."""
        return ["--tls-cert", self.certificate, "--tls-key", self.key]

    def issue(self, name: str, *, days: tuple[str, str] | None = None) -> tuple[Path, Path]:
        """A certificate for a new key; `days` are the first and the last, as YYYYMMDDHHMMSSZ. (certificate, key)"""
        key, request, certificate = (self.folder / f"{name}.{kind}" for kind in ("key", "csr", "pem"))
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", request, "-subj", f"/CN={name}")
        database = self.folder / "index.txt"
        database.write_text("")
        settings = self.folder / "ca.cnf"
        settings.write_text(
            f"[ca]\ndefault_ca=x\n[x]\ndatabase={database}\nnew_certs_dir={self.folder}\nrand_serial=yes\n"
            "default_md=sha256\npolicy=p\nunique_subject=no\n[p]\ncommonName=supplied\n"
        )
        valid = ["-startdate", days[0], "-enddate", days[1]] if days else ["-days", 2]
        signed_by = ["-cert", self.certificate, "-keyfile", self.key]
        openssl(
            *("ca", "-batch", "-notext", "-config", settings, *signed_by, *valid, "-in", request, "-out", certificate)
        )
        return certificate, key

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
