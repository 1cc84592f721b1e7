"""`ulpool conformance`: the DICOM Conformance Statement of a configuration, in the shape of PS3.2."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, Final

import click

from pool.acceptor.resolution import Sources, settle
from pool.cli import CONTEXT_SETTINGS, SettingsCommand
from pool.conformance import Subject, statement
from pool.exit_status import ExitStatus

# Kinds of security profiles, and where the statement names the one that is supported
_PROFILES: Final = (
    ("secure use", ""),
    ("secure transport connection", "profile"),
    ("digital signature", ""),
    ("media storage security", ""),
    ("attribute confidentiality", ""),
    ("network address management", ""),
    ("time synchronization", ""),
    ("application configuration management", ""),
    ("audit trail", ""),
)

_LIMIT_SECTIONS: Final = ("Limits", "Timeouts (seconds)")


@click.command(
    cls=SettingsCommand,
    context_settings=CONTEXT_SETTINGS,
    epilog="\b\nExamples:\n"
    "  ulpool conformance --config /etc/ulpool.toml > conformance.md\n"
    "  ulpool conformance receiver:app --json | jq '.sop_classes[].name'",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object for programs instead of Markdown.")
def conformance(as_json: bool, **command_line: Any) -> int:
    """Print the DICOM Conformance Statement of a server with these settings.

    It is made of what the server would negotiate, the application included; nothing is bound and nothing is written.
    """
    stated = statement(Subject(settle(Sources(command_line, dict(os.environ)))))
    click.echo(json.dumps(stated, indent=2) if as_json else "\n\n".join(_markdown(stated)))
    return ExitStatus.OK


def _markdown(stated: dict[str, Any]) -> Iterator[str]:
    """Headings, paragraphs and tables: blocks with an empty line between them."""
    for part in (_overview, _introduction, _networking, _media, _character_sets, _security):
        yield from part(stated)


def _overview(stated: dict[str, Any]) -> Iterator[str]:
    implementation, entity = stated["implementation"], stated["application_entity"]
    yield "# DICOM Conformance Statement"
    yield f"{implementation['name']} {implementation['version']}, AE title {entity['ae_title']}"
    yield "## 1 Overview"
    handled = f", with the application `{entity['application']}`" if entity["application"] else ""
    yield f"A DICOM server{handled}. Its network services:"
    rows = []
    for service_class, sop_classes in _by_service_class(stated):
        scu = _yes(any(row["scu"] for row in sop_classes))
        scp = _yes(any(row["scp"] for row in sop_classes))
        rows.append((service_class or "Private", len(sop_classes), scu, scp))
    yield _table(("service class", "SOP classes", "as SCU", "as SCP"), rows)


def _introduction(stated: dict[str, Any]) -> Iterator[str]:
    yield "## 2 Introduction"
    yield (
        "This statement is made by `ulpool conformance` from the configuration of a server. It follows PS3.2. That two "
        "products conform does not say that they work together; that is to be tried."
    )


def _networking(stated: dict[str, Any]) -> Iterator[str]:
    yield "## 3 Networking"
    yield "### 3.1 Implementation model"
    yield (
        "One application entity. It accepts associations and performs what is asked for on them; unless its "
        "application does, it initiates none."
    )
    yield "### 3.2 AE specification"
    yield from _sop_classes(stated)
    yield from _association_policies(stated)
    yield from _acceptance(stated)
    yield from _sop_specific(stated)
    yield "### 3.3 Network interfaces"
    yield f"TCP/IP; listens on {', '.join(stated['application_entity']['addresses'])}."
    yield "### 3.4 Configuration"
    rows = [(f"`{row['setting']}`", f"`{row['value']}`" if row["value"] else "") for row in stated["settings"]]
    yield _table(("setting", "value"), rows)


def _sop_classes(stated: dict[str, Any]) -> Iterator[str]:
    yield "#### 3.2.1 SOP classes"
    for service_class, rows in _by_service_class(stated):
        yield f"**{service_class or 'Private'}**"
        cells = [(row["name"], row["uid"], _yes(row["scu"]), _yes(row["scp"]), _services(row)) for row in rows]
        yield _table(("SOP class", "UID", "SCU", "SCP", "performed by"), cells)
    if stated["unknown_sop_classes"] is not None:
        private = ", and in private ones" if stated["unknown_transfer_syntaxes"] else ""
        yield (
            "SOP classes that are not listed are accepted too, private ones such as the standard's, as Storage SCP and "
            f"in every transfer syntax of PS3.6{private}."
        )


def _services(row: dict[str, Any]) -> str:
    return ", ".join(f"{service}: {performer}" for service, performer in row["services"].items())


def _association_policies(stated: dict[str, Any]) -> Iterator[str]:
    negotiation, implementation = stated["negotiation"], stated["implementation"]
    yield "#### 3.2.2 Association policies"
    facts = [
        ("Application context name", negotiation["application_context_name"]),
        ("Maximum length received, bytes", negotiation["maximum_length_received"] or "no limit"),
        ("Operations that a requestor may invoke at a time", _window(negotiation["operations_invoked"])),
        ("Operations that a requestor may perform at a time", _window(negotiation["operations_performed"])),
        ("Asynchronous operations window", _by_application(negotiation["asynchronous_operations_by_application"])),
        ("SOP class extended negotiation", _by_application(negotiation["sop_class_extended_by_application"])),
        ("SOP class common extended", _by_application(negotiation["sop_class_common_extended_by_application"])),
        ("User identity", _by_application(negotiation["user_identity_by_application"])),
        ("Implementation class UID", implementation["implementation_class_uid"]),
        ("Implementation version name", implementation["implementation_version_name"]),
    ]
    yield _table(("what", "value"), facts)
    yield "Limits, and how long a peer may take (seconds); 0 is no limit:"
    limits = [row for row in stated["settings"] if row["section"] in _LIMIT_SECTIONS]
    yield _table(("setting", "value", "what"), [(f"`{row['setting']}`", row["value"], row["help"]) for row in limits])


def _acceptance(stated: dict[str, Any]) -> Iterator[str]:
    negotiation = stated["negotiation"]
    yield "#### 3.2.3 Association acceptance"
    called, calling = (", ".join(negotiation[f"{side}_ae_titles"]) or "any" for side in ("called", "calling"))
    yield f"Called AE titles: {called}. Calling AE titles: {calling}."
    yield (
        "Of the transfer syntaxes that a presentation context proposes, the first one that is supported is accepted. "
        "Those supported, by SOP class:"
    )
    groups: dict[tuple[str, ...], list[str]] = {}
    for row in stated["sop_classes"]:
        groups.setdefault(tuple(row["transfer_syntaxes"]), []).append(row["name"])
    names = {row["uid"]: row["name"] for row in stated["transfer_syntaxes"]}
    for uids, sop_classes in groups.items():
        whose = "every SOP class of 3.2.1" if len(groups) == 1 else ", ".join(sop_classes)
        yield f"For {whose}:"
        yield _table(("transfer syntax", "UID"), [(names[uid], uid) for uid in uids])
    if stated["peers"]:
        yield "For some calling AE titles less is supported:"
        yield _table(
            ("calling AE title", "from", "associations", "SOP classes", "transfer syntaxes"),
            [
                (
                    *(peer["ae_title"], _listed(peer["from"]), peer["maximum_associations"] or "any number"),
                    *(_listed(peer["sop_classes"]), _listed(peer["transfer_syntaxes"])),
                )
                for peer in stated["peers"]
            ],
        )
    yield "Reasons for rejection (PS3.8 Table 9-21):"
    columns = ("result", "source", "reason", "name", "when")
    yield _table(columns, [[row[column] for column in columns] for row in stated["rejections"]])


def _sop_specific(stated: dict[str, Any]) -> Iterator[str]:
    yield "#### 3.2.4 SOP specific conformance"
    if any(performer == "built-in store" for row in stated["sop_classes"] for performer in row["services"].values()):
        yield (
            "Storage: Level 2 (Full). Data sets are kept byte for byte as they came, in the transfer syntax that they "
            "came in; nothing is coerced. Digital signatures are kept with the rest and not verified."
        )
    rows = [(row["service"], f"{row['status']}H", row["when"]) for row in stated["responses"]]
    yield "Statuses that are the server's own:"
    yield _table(("service", "status", "when"), rows)


def _media(stated: dict[str, Any]) -> Iterator[str]:
    yield "## 4 Media interchange"
    yield "None."


def _character_sets(stated: dict[str, Any]) -> Iterator[str]:
    yield "## 5 Support of character sets"
    yield "All: text of a data set is neither read nor changed. AE titles are those of the default repertoire."


def _security(stated: dict[str, Any]) -> Iterator[str]:
    security = stated["security"]
    yield "## 6 Security"
    yield "### 6.1 Security profiles"
    rows = [(kind, security[name] or "none" if name else "none") for kind, name in _PROFILES]
    yield _table(("kind of profile (PS3.15)", "supported"), rows)
    yield "### 6.2 Association level security"
    yield _table(("address", "transport"), [(row["address"], row["transport"]) for row in security["addresses"]])
    if security["profile"]:
        yield f"The certificate of the requestor is {security['client_certificate']}. What is agreed to, in this order:"
        rows = [(row["version"], row["suite"]) for row in security["cipher_suites"]]
        yield _table(("from version", "cipher suite"), rows)
    yield "AE titles and addresses that are let in are those of 3.2.3. They are claims that only certificates prove."
    rows = [(f"`--{name.replace('_', '-')}`", value) for name, value in security["settings"].items()]
    yield _table(("setting", "value"), rows)
    yield "### 6.3 Application level security"
    yield "None. Logs, metrics and names of files hold no values of a data set but UIDs."


def _by_service_class(stated: dict[str, Any]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    rows = sorted(stated["sop_classes"], key=lambda row: (row["service_class"], row["name"]))
    return ((name, list(group)) for name, group in groupby(rows, key=lambda row: str(row["service_class"])))


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    cells = [[str(cell).replace("|", "\\|") for cell in row] for row in rows]
    return "\n".join(
        [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *(f"| {' | '.join(row)} |" for row in cells)]
    )


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _window(number: int) -> object:
    return number or "no limit"


def _by_application(value: bool) -> str:
    return "answered by the application" if value else "not supported"


def _listed(values: Sequence[str]) -> str:
    return ", ".join(values) or "all"
