"""The Conformance Statement says what an association gets: held against a server that runs."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from certificates import Authority
from peers import DEADLINE
from raw_peer import AC, RJ, RawPeer, associate_rq
from serving import server, ulpool

from ul.acse import item_of, roles
from ul.pdu_primitives import (
    ImplementationClassUIDNotification,
    MaximumLengthNotification,
    PresentationContextDefinition,
    SCP_SCU_RoleSelectionNegotiation,
)
from ul.sop_class import TRANSFER_SYNTAXES, CTImageStorage, ModalityWorklistInformationFind
from ul.uid import UID
from ul.wire.pdu import decode

ACCEPTED, NO_ABSTRACT_SYNTAX, NO_TRANSFER_SYNTAX = 0, 3, 4
MOST_CONTEXTS = 128
PRIVATE = "1.2.826.0.1.3680043.9.3811.1"


def stated(*options: object, cwd: Path | None = None) -> dict[str, Any]:
    ran = ulpool("conformance", "--json", *options, cwd=cwd)
    assert ran.returncode == 0, ran.stderr
    statement: dict[str, Any] = json.loads(ran.stdout)
    return statement


def proposals(pairs: Iterable[tuple[str, str]]) -> Iterator[list[PresentationContextDefinition]]:
    """Pairs of SOP class and transfer syntax, as many to an association as fit."""
    pairs = list(pairs)
    for start in range(0, len(pairs), MOST_CONTEXTS):
        part = pairs[start : start + MOST_CONTEXTS]
        yield [PresentationContextDefinition(2 * n + 1, uid, [syntax]) for n, (uid, syntax) in enumerate(part)]


def negotiated(port: int, pairs: Iterable[tuple[str, str]], called: str) -> dict[tuple[str, str], int]:
    """The result of each pair."""
    results = {}
    for contexts in proposals(pairs):
        with RawPeer(port) as peer:
            answers = peer.associate(*contexts, called=called)
            peer.release()
        for context, answer in zip(contexts, answers, strict=True):
            results[context.abstract_syntax, context.transfer_syntaxes[0]] = answer.result
    return results


def test_of_the_built_in_store(tmp_path: Path) -> None:
    """Every SOP class in some transfer syntax, one of them in all, and what is in neither list."""
    statement = stated("-aet", "ARCHIVE")
    classes = {row["uid"]: row for row in statement["sop_classes"]}
    syntaxes = [row["uid"] for row in statement["transfer_syntaxes"]]
    assert set(syntaxes) == set(TRANSFER_SYNTAXES)
    others = [uid for uid, row in UID.registered.items() if row.type == "SOP Class" and uid not in classes]
    pairs = {(uid, row["transfer_syntaxes"][0]) for uid, row in classes.items()}
    pairs |= {(str(CTImageStorage), syntax) for syntax in (*syntaxes, PRIVATE)}
    pairs |= {(uid, syntaxes[0]) for uid in (*others, PRIVATE)}
    with server(tmp_path / "incoming", "-aet", "ARCHIVE", "--workers", 1) as running:
        for (uid, syntax), result in negotiated(running.port, pairs, "ARCHIVE").items():
            if uid not in classes:
                assert result == NO_ABSTRACT_SYNTAX, uid
            else:
                expected = ACCEPTED if syntax in classes[uid]["transfer_syntaxes"] else NO_TRANSFER_SYNTAX
                assert result == expected, (uid, syntax)
        with RawPeer(running.port) as peer:
            peer.send(associate_rq(called="ARCHIVE"))
            answer = decode(AC, peer.expect(AC).body)
    maximum = item_of(answer, MaximumLengthNotification)  # type: ignore[arg-type]
    implementation = item_of(answer, ImplementationClassUIDNotification)  # type: ignore[arg-type]
    assert maximum is not None and implementation is not None
    assert maximum.maximum_length_received == statement["negotiation"]["maximum_length_received"]
    assert implementation.implementation_class_uid == statement["implementation"]["implementation_class_uid"]


APPLICATION = """
import pool
from ul import AE, evt

ae = AE("WORKLIST")
ae.add_supported_context("1.2.840.10008.5.1.4.31", ["1.2.840.10008.1.2"])
ae.add_supported_context("1.2.840.10008.5.1.4.1.1.2", ["1.2.840.10008.1.2.1"], scu_role=False, scp_role=True)
ae.require_called_aet = True
app = pool.Application(ae, [(evt.EVT_C_FIND, lambda event: iter(()))])
"""


def test_of_an_application(tmp_path: Path) -> None:
    (tmp_path / "worklist.py").write_text(APPLICATION)
    statement = stated("worklist", cwd=tmp_path)
    assert statement["application_entity"]["ae_title"] == "WORKLIST"
    worklist, ct = sorted(statement["sop_classes"], key=lambda row: str(row["name"]), reverse=True)  # Modality, CT
    assert worklist["services"] == {"C-FIND": "application"} and (worklist["scp"], worklist["scu"]) == (True, False)
    assert ct["services"] == {"C-STORE": "nobody"} and (ct["scp"], ct["scu"]) == (False, True)
    rejected = [row for row in statement["rejections"] if "called-aet" in row["when"]]
    contexts = [
        PresentationContextDefinition(1, ModalityWorklistInformationFind, ["1.2.840.10008.1.2.1"]),
        PresentationContextDefinition(3, ModalityWorklistInformationFind, worklist["transfer_syntaxes"]),
        PresentationContextDefinition(5, CTImageStorage, ct["transfer_syntaxes"]),
    ]
    role = SCP_SCU_RoleSelectionNegotiation(CTImageStorage, scu_role=True, scp_role=True)
    with server(tmp_path / "incoming", "worklist", "--workers", 1, cwd=tmp_path) as running:
        with RawPeer(running.port) as peer:
            peer.send(associate_rq(contexts, called="WORKLIST", extended=[role]))
            answer = decode(AC, peer.expect(AC).body)
        results = answer.presentation_context_definition_results_list  # type: ignore[union-attr]
        assert [result.result for result in results] == [NO_TRANSFER_SYNTAX, ACCEPTED, ACCEPTED]
        agreed = roles(answer)[CTImageStorage]  # type: ignore[arg-type]
        assert (agreed.scu_role, agreed.scp_role) == (ct["scp"], ct["scu"])
        with RawPeer(running.port) as peer:
            peer.send(associate_rq(contexts, called="SOMEBODY"))
            assert peer.expect(RJ).verdict == tuple(rejected[0][key] for key in ("result", "source", "reason"))


def test_unknown_sop_classes_where_they_are_accepted(tmp_path: Path) -> None:
    assert stated()["unknown_sop_classes"] is None
    syntaxes = stated("--accept-unknown")["unknown_sop_classes"]
    with server(tmp_path / "incoming", "--accept-unknown", "--workers", 1) as running:
        assert set(negotiated(running.port, [(PRIVATE, syntax) for syntax in syntaxes], "ULPOOL").values()) == {
            ACCEPTED
        }


def test_an_application_that_takes_everything(tmp_path: Path) -> None:
    (tmp_path / "taker.py").write_text(
        "import pool\nfrom ul import AE, _config\n"
        "_config.UNRESTRICTED_STORAGE_SERVICE = True\nae = AE('TAKER')\n"
        "ae.add_supported_context('1.2.840.10008.1.1')\napp = pool.Application(ae)\n"
    )
    statement = stated("taker", cwd=tmp_path)
    assert set(statement["unknown_sop_classes"]) == set(TRANSFER_SYNTAXES) and statement["unknown_transfer_syntaxes"]
    pairs = [(PRIVATE, syntax) for syntax in (*statement["unknown_sop_classes"], PRIVATE)]
    with server(tmp_path / "incoming", "taker", "--workers", 1, cwd=tmp_path) as running:
        assert set(negotiated(running.port, pairs, "TAKER").values()) == {ACCEPTED}


def test_in_the_shape_of_the_standard() -> None:
    ran = ulpool("conformance", "-aet", "ARCHIVE", "--max-associations", 7, "--peer", "CT1,max=2")
    assert ran.returncode == 0, ran.stderr
    chapters = [line for line in ran.stdout.splitlines() if line.startswith("#")]
    for chapter in (
        "Overview",
        "Networking",
        "Association acceptance",
        "Media interchange",
        "character sets",
        "Security profiles",
        "Association level security",
        "Application level security",
    ):
        assert any(chapter in line for line in chapters), chapter
    for fact in (
        "AE title ARCHIVE",
        "| `--max-associations` | 7 |",
        "1.2.840.10008.5.1.4.1.1.2 |",
        "| CT1 | all | 2 |",
    ):
        assert fact in ran.stdout, fact


def test_the_security_is_what_openssl_sees(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    binds = ("--bind", "127.0.0.1:0+plain", "--bind", "127.0.0.1:0+tls")
    options = (*authority.serve, "--tls-ca", authority.certificate, "--tls-profile", "modified")
    security = stated(*binds, *options)["security"]
    assert [row["transport"] for row in security["addresses"]] == ["plain TCP", "TLS"]
    assert security["profile"].startswith("Modified BCP 195")
    assert security["client_certificate"] == "verified where one is shown"
    stated_suites = {(row["version"], row["suite"]) for row in security["cipher_suites"]}
    with server(tmp_path / "incoming", *binds[2:], *options, "--workers", 1, bind=None) as running:
        for version, names in (("TLSv1.2", EVERY_1_2), ("TLSv1.3", EVERY_1_3)):
            for name in names:
                if "-ECDSA-" not in name:  # the certificate's key is RSA
                    agreed = agrees(running.port, version, name)
                    assert agreed == ((version, name) in stated_suites), (version, name)
        assert not agrees(running.port, "TLSv1.1", "ECDHE-RSA-AES256-SHA")
    assert stated("--tls-profile", "modified")["security"]["profile"] is None


EVERY_1_2 = (
    *("ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-CHACHA20-POLY1305"),
    *("DHE-RSA-AES256-GCM-SHA384", "AES256-GCM-SHA384", "ECDHE-RSA-AES256-SHA384", "AES128-SHA", "AES256-SHA256"),
)
EVERY_1_3 = (
    *("TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256"),
    *("TLS_AES_128_CCM_SHA256", "TLS_AES_128_CCM_8_SHA256"),
)


def agrees(port: int, version: str, suite: str) -> bool:
    """Whether openssl gets a connection of this version and suite."""
    flag = f"-{version.lower().replace('v', '').replace('.', '_')}"
    named = ["-ciphersuites", suite] if version == "TLSv1.3" else ["-cipher", f"{suite}:@SECLEVEL=0"]
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-brief", flag, *named]
    ran = subprocess.run(command, input="", capture_output=True, text=True, timeout=DEADLINE, check=False)
    return f"Ciphersuite: {suite}" in ran.stderr + ran.stdout


def test_an_application_that_cannot_be() -> None:
    ran = ulpool("conformance", "no_such_module")
    assert ran.returncode == 9 and "there is no module no_such_module" in ran.stderr


@pytest.mark.parametrize("options", [["--aet", "x" * 17], ["--config", "/nonexistent"]])
def test_settings_that_will_not_do(options: list[str]) -> None:
    ran = ulpool("conformance", *options)
    assert ran.returncode == 2 and ran.stderr.count("\n") == 1
