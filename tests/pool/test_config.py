"""The table of settings and its sources."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pool.config import SECTIONS, SETTINGS, Bind, Setting, SettingError, Settings, resolve
from pool.cores import usable_cores

by_name = pytest.mark.parametrize("row", SETTINGS, ids=lambda row: row.name)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ulpool.toml"


@by_name
def test_every_row_is_complete(row: Setting) -> None:
    assert row.help.endswith(".") and row.section in SECTIONS
    assert row.metavar or row.is_switch or row.is_argument
    assert row.is_argument or row.flag == "--" + row.name.replace("_", "-")
    assert row.environment_name == "ULPOOL_" + row.name.upper()


@by_name
def test_show_is_the_inverse_of_parse(row: Setting) -> None:
    value = row.parse(row.default)
    assert row.parse(row.show(value)) == value


def test_defaults() -> None:
    settings = resolve({}, {})
    assert settings == Settings()
    assert settings.bind == (Bind("127.0.0.1", 11112),)
    assert settings.aet == "ULPOOL"
    assert settings.output_directory == Path.cwd() / "incoming"
    assert settings.max_pdu == 131072
    assert (settings.acse_timeout, settings.dimse_timeout, settings.network_timeout) == (30, 30, 60)
    assert set(settings.origins.values()) == {"default"}


def test_settings_travel_as_json() -> None:
    settings = resolve({"bind": ("[::1]:104,localhost:0",), "dimse_timeout": "0", "control": "/run/x"}, {})
    assert Settings.from_json(settings.to_json()) == settings
    assert settings.bind == (Bind("::1", 104), Bind("localhost", 0))
    assert settings.dimse_timeout is None


def test_the_first_source_that_has_a_setting_wins(file: Path) -> None:
    file.write_text('aet = "FILE"\nworkers = 3\nmax_pending = 7\naccept_unknown = true\n')
    environ = {"ULPOOL_CONFIG": str(file), "ULPOOL_AET": "ENVIRON", "ULPOOL_WORKERS": "5"}
    settings = resolve({"aet": "LINE", "workers": None, "bind": ()}, environ)
    assert (settings.aet, settings.workers, settings.max_pending) == ("LINE", 5, 7)
    assert settings.accept_unknown
    origins = settings.origins
    assert origins["aet"] == "--aet"
    assert origins["workers"] == "ULPOOL_WORKERS"
    assert origins["max_pending"] == f"{file}: max_pending"
    assert origins["bind"] == "default"


def test_a_switch_can_be_taken_back_on_the_command_line() -> None:
    assert not resolve({"accept_unknown": False}, {"ULPOOL_ACCEPT_UNKNOWN": "yes"}).accept_unknown


def test_lists_are_comma_separated_and_a_title_is_no_list(file: Path) -> None:
    file.write_text('bind = ["127.0.0.1:1", "127.0.0.1:2"]\naet = "MY SCP"\n')
    settings = resolve({}, {}, file)
    assert settings.bind == (Bind("127.0.0.1", 1), Bind("127.0.0.1", 2))
    assert settings.aet == "MY SCP"
    assert len(resolve({}, {"ULPOOL_BIND": "127.0.0.1:1, 127.0.0.1:2"}).bind) == 2


def test_other_variables_with_our_prefix_are_left_alone() -> None:
    assert resolve({}, {"ULPOOL_PORT": "tcp://10.0.0.1:11112"}) == Settings()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("max_pdus = 5", "max_pdus: no such setting; did you mean max_pdu?"),
        ("qqqqqqq = 5", "the keys are application, app_dir, handler_threads, bind, aet"),
        ("aet = ", "not TOML"),
        ('aet = ["A", "B"]', "give one value"),
        ("bind = [1]", "give text or a list of texts"),
        ("workers = 2.5", "'2.5' will not do: give a whole number from 1"),
        ('config = "other.toml"', "cannot name another one"),
        ('[serve]\naet = "A"', "serve: no such setting"),
    ],
)
def test_faults_of_a_file_name_file_and_key(file: Path, content: str, says: str) -> None:
    file.write_text(content)
    with pytest.raises(SettingError) as raised:
        resolve({"config": str(file)}, {})
    assert str(raised.value).startswith(str(file)) and says in str(raised.value)


def test_a_file_that_is_not_there(file: Path) -> None:
    with pytest.raises(SettingError, match="cannot read it: No such file"):
        resolve({"config": str(file)}, {})


@pytest.mark.parametrize(
    ("name", "text", "would_do"),
    [
        ("bind", "11112", "give HOST:PORT, such as 127.0.0.1:11112"),
        ("bind", "::1:104", "give HOST:PORT"),
        ("bind", "localhost:65536", "0 to 65535"),
        ("aet", " ", "1 to 16 ASCII characters"),
        ("aet", "A" * 17, "1 to 16 ASCII characters"),
        ("aet", "A\\B", "without a backslash"),
        ("aet", "A\nB", "1 to 16 ASCII characters"),
        ("workers", "0", "or auto for one per usable core"),
        ("max_pdu", "1023", "from 1024 to 4294967295, or 0 for no limit"),
        ("max_pdu", "-1", "from 1024"),
        ("application", "no module", "give MODULE:NAME, such as receiver:app"),
        ("application", "/srv/receiver.py", "give MODULE:NAME"),
        ("application", "receiver:", "give MODULE:NAME"),
        ("require_calling_aet", "ONE,,TWO", "1 to 16 ASCII characters"),
        ("durability", "indexed", "give disk or none"),
        ("on_duplicate", "overwrite", "give one of keep-both, reject, replace"),
        ("accept_unknown", "maybe", "give true or false"),
        ("acse_timeout", "0", "above 0"),
        ("dimse_timeout", "-1", "or 0 for no limit"),
        ("network_timeout", "nan", "or 0 for no limit"),
        ("graceful_timeout", "inf", "or 0 for at once"),
        ("output_directory", "", "give a path"),
        ("layout", "{StudyInstanceUID}.dcm", "{SOPInstanceUID}, the last one included"),
        ("layout", "{PatientName}/{SOPInstanceUID}", "give flat, or a relative path"),
        ("layout", "/data/{SOPInstanceUID}", "relative path"),
        ("layout", "../{SOPInstanceUID}", "beginning with a dot"),
        ("layout", "{SOPInstanceUID!r:>9}", "give flat"),
        ("layout", "{SOPInstanceUID", "give flat"),
    ],
)
def test_a_bad_value_says_which_why_and_what_would_do(name: str, text: str, would_do: str) -> None:
    row = next(row for row in SETTINGS if row.name == name)
    with pytest.raises(SettingError) as raised:
        resolve({}, {row.environment_name: text})
    assert str(raised.value).startswith(f"{row.environment_name}: {text!r} will not do: ")
    assert would_do in str(raised.value)


def test_flat_is_short_for_a_layout() -> None:
    assert resolve({"layout": "flat"}, {}).layout == "{SOPInstanceUID}.dcm"


def test_workers_auto_is_the_usable_cores() -> None:
    assert resolve({"workers": "auto"}, {}).workers == usable_cores()


# Cores. The affinity is the real one, so the quotas here are below any machine's.


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)))
    return tmp_path


def write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def test_without_cgroups_the_affinity_counts(machine: Path) -> None:
    assert usable_cores(machine) == 8


@pytest.mark.parametrize(
    ("quota", "cores"), [("max 100000", 8), ("150000 100000", 2), ("10000 100000", 1), ("9900000 100000", 8)]
)
def test_quota_of_cgroup_v2(machine: Path, quota: str, cores: int) -> None:
    write(machine / "proc/self/cgroup", "0::/a/b\n")
    write(machine / "sys/fs/cgroup/a/b/cpu.max", quota)
    assert usable_cores(machine) == cores


def test_the_least_quota_on_the_way_up_counts(machine: Path) -> None:
    write(machine / "proc/self/cgroup", "0::/a/b\n")
    write(machine / "sys/fs/cgroup/a/b/cpu.max", "max 100000")
    write(machine / "sys/fs/cgroup/a/cpu.max", "300000 100000")
    assert usable_cores(machine) == 3


@pytest.mark.parametrize(("quota", "cores"), [("-1", 8), ("200000", 2)])
def test_quota_of_cgroup_v1_in_a_container(machine: Path, quota: str, cores: int) -> None:
    """The path is the host's; the mount shows our cgroup as its root."""
    write(machine / "proc/self/cgroup", "4:memory:/docker/x\n3:cpu,cpuacct:/docker/x\n")
    write(machine / "sys/fs/cgroup/cpu/cpu.cfs_quota_us", quota)
    write(machine / "sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000")
    assert usable_cores(machine) == cores


def test_an_application_is_called_app_where_it_has_no_name() -> None:
    assert resolve({"application": "package.receiver"}, {}).application == "package.receiver:app"
    assert resolve({}, {"ULPOOL_APPLICATION": "receiver:make"}).application == "receiver:make"


def test_what_an_application_declares_comes_before_the_defaults_only(file: Path) -> None:
    file.write_text('aet = "FILE"\napplication = "receiver"\n')
    declared = {"aet": "DECLARED", "max_pdu": 32768, "network_timeout": 0, "require_calling_aet": ["ONE", "MY SCU"]}
    settings = resolve({}, {"ULPOOL_MAX_PDU": "16384"}, file, declared)
    assert (settings.aet, settings.max_pdu, settings.network_timeout) == ("FILE", 16384, None)
    assert settings.require_calling_aet == ("ONE", "MY SCU")
    assert settings.origins["network_timeout"] == "receiver:app: network_timeout"
    with pytest.raises(SettingError, match="receiver:app: max_pdu: '100' will not do"):
        resolve({}, {}, file, {"max_pdu": 100})
