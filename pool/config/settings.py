"""The settings of the server: one table.

Each field of `Settings` is one row with its flags, parser, default, help and section; the command line, the environment
variables, the keys of the TOML file, `--help` and the README are all read from those rows.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pool.config.binds import Bind, binds, show_binds
from pool.config.networks import Network, networks, show_networks
from pool.config.peers import KnownPeer, peers, show_peers
from pool.config.rows import APPLICATION, LIMITS, NETWORK, OPERATION, STORAGE, TIMEOUTS, TLS, Setting, setting
from pool.config.values import (
    LARGEST_PDU,
    Address,
    Space,
    ae_title,
    ae_titles,
    application,
    choice,
    directory,
    layout,
    optional_address,
    optional_path,
    password_source,
    seconds,
    seconds_or_at_once,
    seconds_or_never,
    show_ae_titles,
    show_optional_address,
    show_optional_path,
    show_seconds,
    show_space,
    show_switch,
    size,
    space,
    switch,
    whole_number,
    worker_count,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a server runs with. `Settings()` is all defaults; `resolve` asks the other sources first."""

    application: str = setting(
        "MODULE:NAME",
        parse=application,
        default="",
        section=APPLICATION,
        help="The pool.Application to serve, or a function that returns one; without it, instances are stored.",
    )
    app_dir: Path = setting(  # noqa: RUF009 (a path is immutable)
        "--app-dir",
        parse=directory,
        default=".",
        metavar="DIR",
        section=APPLICATION,
        help="Where its module is looked for before anywhere else.",
    )
    handler_threads: int = setting(
        "--handler-threads",
        parse=whole_number(1, 10_000),
        default="100",
        metavar="N",
        section=APPLICATION,
        help="How many handlers each worker runs at one time; more associations than that wait for each other.",
    )
    bind: tuple[Bind, ...] = setting(
        "--bind",
        parse=binds,
        show=show_binds,
        default="127.0.0.1:11112",
        metavar="[AET@]HOST:PORT[+tls|+plain]",
        section=NETWORK,
        help="Where to listen, as --aet or under a title of its own; several are given one by one or comma separated. "
        "Port 0 takes a free one. Where none says +tls or +plain, --tls-cert makes all of them TLS.",
    )
    aet: str = setting(
        "-aet",
        "--aet",
        parse=ae_title,
        default="ULPOOL",
        metavar="TITLE",
        section=NETWORK,
        help="Our application entity title.",
    )
    require_called_aet: bool = setting(
        "--require-called-aet",
        parse=switch,
        show=show_switch,
        default="false",
        section=NETWORK,
        help="Reject who calls us by another title.",
    )
    require_calling_aet: tuple[str, ...] = setting(
        "--require-calling-aet",
        parse=ae_titles,
        show=show_ae_titles,
        default="",
        metavar="TITLE",
        section=NETWORK,
        help="Reject every other calling title; several are given one by one or comma separated.",
    )
    max_pdu: int = setting(
        "-pdu",
        "--max-pdu",
        parse=whole_number(1024, LARGEST_PDU, or_zero="no limit"),
        default="131072",
        metavar="BYTES",
        section=NETWORK,
        help="The largest PDU we ask peers to send; 0 sets no limit.",
    )
    backlog: int = setting(
        "--backlog",
        parse=whole_number(1, 0x7FFFFFFF),
        default="2048",
        metavar="N",
        section=NETWORK,
        help="Connections the kernel may hold before they are accepted.",
    )
    proxy_protocol: str = setting(
        "--proxy-protocol",
        parse=choice("off", "v1", "v2", "auto"),
        default="off",
        metavar="off|v1|v2|auto",
        section=NETWORK,
        help="Every connection begins with a PROXY header of that version (auto: of either), which says who the peer "
        "is; one without it is closed.",
    )
    proxy_allow_from: tuple[Network, ...] = setting(
        "--proxy-allow-from",
        parse=networks,
        show=show_networks,
        default="127.0.0.1,::1",
        metavar="CIDR",
        section=NETWORK,
        help="The balancers: addresses and networks whose PROXY headers are believed; with --proxy-protocol, "
        "connections from elsewhere are closed.",
    )
    tls_cert: Path | None = setting(  # noqa: RUF009
        "--tls-cert",
        parse=optional_path,
        show=show_optional_path,
        default="",
        metavar="FILE",
        section=TLS,
        help="Our certificate (PEM), with those of the authorities between it and the root behind it.",
    )
    tls_key: Path | None = setting(  # noqa: RUF009
        "--tls-key",
        parse=optional_path,
        show=show_optional_path,
        default="",
        metavar="FILE",
        section=TLS,
        help="Its private key (PEM); without it, the key is in the file of --tls-cert.",
    )
    tls_key_password: str = setting(
        "--tls-key-password",
        parse=password_source,
        default="",
        metavar="file:FILE|env:NAME",
        section=TLS,
        help="Where the password of an encrypted key is: the first line of a file, or an environment variable.",
    )
    tls_ca: Path | None = setting(  # noqa: RUF009
        "--tls-ca",
        parse=optional_path,
        show=show_optional_path,
        default="",
        metavar="FILE",
        section=TLS,
        help="The authorities (PEM) that peers' certificates have to come from.",
    )
    tls_require_client_cert: bool = setting(
        "--tls-require-client-cert",
        parse=switch,
        show=show_switch,
        default="false",
        section=TLS,
        help="Refuse peers that show no certificate of --tls-ca; without this, one that is shown has to be.",
    )
    tls_profile: str = setting(
        "--tls-profile",
        parse=choice("bcp195", "modified"),
        default="bcp195",
        metavar="bcp195|modified",
        section=TLS,
        help="The profile of PS3.15: BCP 195 (B.12), or the modified one (B.13) with more cipher suites.",
    )
    output_directory: Path = setting(  # noqa: RUF009
        "-o",
        "-od",
        "--output-directory",
        parse=directory,
        default="incoming",
        metavar="DIR",
        section=STORAGE,
        help="Where instances are stored; made if absent.",
    )
    layout: str = setting(
        "--layout",
        parse=layout,
        default="{StudyInstanceUID}/{SeriesInstanceUID}/{SOPInstanceUID}.dcm",
        metavar="TEMPLATE",
        section=STORAGE,
        help="File names below that directory, made of the three UIDs; flat puts every instance into one folder.",
    )
    durability: str = setting(
        "--durability",
        parse=choice("disk", "none"),
        default="disk",
        metavar="disk|none",
        section=STORAGE,
        help="What Success promises: disk, the instance survives a power cut; none, it is in the page cache.",
    )
    on_duplicate: str = setting(
        "--on-duplicate",
        parse=choice("keep-both", "reject", "replace"),
        default="keep-both",
        metavar="keep-both|reject|replace",
        section=STORAGE,
        help="When other bytes come under a SOP Instance UID we have: keep both (the new one as ~2), refuse, replace.",
    )
    accept_unknown: bool = setting(
        "--accept-unknown",
        parse=switch,
        show=show_switch,
        default="false",
        section=STORAGE,
        help="Accept SOP classes that are not in the standard too, such as private storage classes.",
    )
    sink: bool = setting(
        "--sink",
        parse=switch,
        show=show_switch,
        default="false",
        section=STORAGE,
        help="Answer every C-STORE with Success and keep nothing: something to measure a network or a sender with.",
    )
    workers: int = setting(
        "--workers",
        parse=worker_count,
        default="auto",
        metavar="N",
        section=LIMITS,
        help="Worker processes; auto is one per usable core (affinity and cgroup quota counted).",
    )
    max_associations: int = setting(
        "--max-associations",
        parse=whole_number(1, 1_000_000),
        default="1000",
        metavar="N",
        section=LIMITS,
        help="Associations at one time over all workers; those beyond are rejected (transient).",
    )
    max_pending: int = setting(
        "--max-pending",
        parse=whole_number(1, 1_000_000),
        default="1000",
        metavar="N",
        section=LIMITS,
        help="Connections that have not asked for an association yet; beyond it, the oldest one goes.",
    )
    max_pending_per_address: int = setting(
        "--max-pending-per-address",
        parse=whole_number(1, 1_000_000),
        default="200",
        metavar="N",
        section=LIMITS,
        help="The same for the connections of one peer address.",
    )
    max_associations_per_address: int = setting(
        "--max-associations-per-address",
        parse=whole_number(1, 1_000_000, or_zero="no limit"),
        default="0",
        metavar="N",
        section=LIMITS,
        help="Associations at one time of one peer address; 0 sets no limit.",
    )
    max_associations_per_calling_aet: int = setting(
        "--max-associations-per-calling-aet",
        parse=whole_number(1, 1_000_000, or_zero="no limit"),
        default="0",
        metavar="N",
        section=LIMITS,
        help="Associations at one time of one calling title, unless --peer says how many; 0 sets no limit.",
    )
    peer: tuple[KnownPeer, ...] = setting(
        "--peer",
        parse=peers,
        show=show_peers,
        default="",
        metavar="TITLE,KEY=VALUE,...",
        section=LIMITS,
        help="What holds for one calling title: from, max, sop-classes, transfer-syntaxes; given once for each title.",
    )
    max_object: int = setting(
        "--max-object",
        parse=size,
        default="0",
        metavar="SIZE",
        section=LIMITS,
        help="The largest data set that is received, such as 4G; 0 sets no limit.",
    )
    min_rate: int = setting(
        "--min-rate",
        parse=size,
        default="0",
        metavar="SIZE",
        section=LIMITS,
        help="Bytes per second that a message has to arrive with, on the average of --dimse-timeout; 0 sets no limit.",
    )
    min_free: Space = setting(  # noqa: RUF009 (a tuple is immutable)
        "--min-free",
        parse=space,
        show=show_space,
        default="0",
        metavar="SIZE|PERCENT",
        section=LIMITS,
        help="Free space of the output directory, such as 10G or 5%, below which associations are rejected.",
    )
    acse_timeout: float = setting(
        "-ta",
        "--acse-timeout",
        parse=seconds,
        show=show_seconds,
        default="30",
        metavar="S",
        section=TIMEOUTS,
        help="To request an association, and to close after its end (ARTIM).",
    )
    dimse_timeout: float | None = setting(
        "-td",
        "--dimse-timeout",
        parse=seconds_or_never,
        show=show_seconds,
        default="30",
        metavar="S",
        section=TIMEOUTS,
        help="For the rest of a message that has begun; 0 sets no limit.",
    )
    network_timeout: float | None = setting(
        "--network-timeout",
        parse=seconds_or_never,
        show=show_seconds,
        default="60",
        metavar="S",
        section=TIMEOUTS,
        help="For the next message on an idle association; 0 sets no limit.",
    )
    timeout: float = setting(
        "--timeout",
        parse=seconds,
        show=show_seconds,
        default="30",
        metavar="S",
        section=TIMEOUTS,
        help="A worker whose loop does not answer for so long is killed and replaced.",
    )
    graceful_timeout: float = setting(
        "--graceful-timeout",
        parse=seconds_or_at_once,
        show=show_seconds,
        default="30",
        metavar="S",
        section=TIMEOUTS,
        help="For operations to finish when the server stops.",
    )
    drain_idle: float = setting(
        "--drain-idle",
        parse=seconds_or_at_once,
        show=show_seconds,
        default="5",
        metavar="S",
        section=TIMEOUTS,
        help="For the next message of an idle association whose worker is to leave: at a stop, a reload, a recycling.",
    )
    max_requests: int = setting(
        "--max-requests",
        parse=whole_number(0, 1_000_000_000),
        default="0",
        metavar="N",
        section=OPERATION,
        help="Associations after which a worker is replaced by a fresh one; 0 keeps it.",
    )
    max_requests_jitter: int = setting(
        "--max-requests-jitter",
        parse=whole_number(0, 1_000_000_000),
        default="0",
        metavar="N",
        section=OPERATION,
        help="Up to so many more, at random for each worker, so that not all are replaced at once.",
    )
    max_memory: int = setting(
        "--max-memory",
        parse=size,
        default="0",
        metavar="BYTES",
        section=OPERATION,
        help="Resident memory beyond which a worker is replaced, such as 512M; 0 sets no limit.",
    )
    log_level: str = setting(
        "--log-level",
        parse=choice("debug", "info", "warning", "error"),
        default="info",
        metavar="debug|info|warning|error",
        section=OPERATION,
        help="The least severe events that are logged.",
    )
    log_format: str = setting(
        "--log-format",
        parse=choice("auto", "text", "json"),
        default="auto",
        metavar="auto|text|json",
        section=OPERATION,
        restart=True,
        help="Log lines for people, or one JSON object per line; auto is the former on a terminal only.",
    )
    log_file: Path | None = setting(  # noqa: RUF009
        "--log-file",
        parse=optional_path,
        show=show_optional_path,
        default="",
        metavar="FILE",
        section=OPERATION,
        restart=True,
        help="Log to a file, which USR1 has opened anew, instead of standard error.",
    )
    metrics: Address | None = setting(  # noqa: RUF009 (a tuple is immutable)
        "--metrics",
        parse=optional_address,
        show=show_optional_address,
        default="",
        metavar="HOST:PORT",
        section=OPERATION,
        restart=True,
        help="Where /metrics, for Prometheus, and /livez and /readyz are served over HTTP, to everybody who asks.",
    )
    config: Path | None = setting(  # noqa: RUF009
        "--config",
        parse=optional_path,
        show=show_optional_path,
        default="",
        metavar="FILE",
        section=OPERATION,
        help="A TOML file of settings; its keys are the long names here with _ for -.",
    )
    control: Path | None = setting(  # noqa: RUF009
        "--control",
        parse=optional_path,
        show=show_optional_path,
        default="",
        metavar="DIR",
        section=OPERATION,
        restart=True,
        help="The directory status and stop find the server by; without it, one below the user's runtime directory.",
    )
    origins: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    def to_json(self) -> str:
        """Every value as text, for a worker's stdin."""
        return json.dumps({row.name: row.show(getattr(self, row.name)) for row in SETTINGS})

    @classmethod
    def from_json(cls, text: str | bytes) -> Settings:
        values = json.loads(text)
        return cls(**{row.name: row.parse(values[row.name]) for row in SETTINGS})


SETTINGS: Final = tuple(Setting(name=f.name, **f.metadata) for f in dataclasses.fields(Settings) if f.metadata)
