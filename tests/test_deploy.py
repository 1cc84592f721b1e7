"""What scripts/deploy holds names only what there is: metrics, labels, settings and verbs."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pool.acceptor.metrics import GAUGES, metric_name, series_names
from pool.cli import VERBS
from pool.config import SETTINGS
from pool.stats import HISTOGRAMS, STATISTICS

DEPLOY = Path(__file__).parent.parent / "scripts" / "deploy"
PROMETHEUS_S = {"le", "instance", "job"}


def dashboard() -> dict[str, Any]:
    board: dict[str, Any] = json.loads((DEPLOY / "grafana-dashboard.json").read_text())
    return board


def queries() -> list[str]:
    """Every PromQL expression, alerts' ones with their line breaks."""
    alerts = (DEPLOY / "prometheus-alerts.yml").read_text()
    expressions = re.findall(r"expr: (?:>-\n)?((?:.+\n)(?: {10}.+\n)*?)(?= {8}\w)", alerts)
    assert len(expressions) == alerts.count("- alert:")
    return [*expressions, *(target["expr"] for panel in dashboard()["panels"] for target in panel["targets"])]


def test_every_metric_exists() -> None:
    named = {name for query in queries() for name in re.findall(r"\bulpool_[a-z_]+", query)}
    assert len(named) > 15 and named <= series_names()


def test_every_label_exists() -> None:
    """In a selector or a grouping, of a metric that the expression names."""
    labels = {metric_name(row): set(row.labels) for row in (*STATISTICS, *GAUGES, *HISTOGRAMS)}
    for query in queries():
        of_metrics = {name for name in labels if re.search(rf"\b{name}(_bucket|_sum|_count)?\b", query)}
        known = PROMETHEUS_S.union(*(labels[name] for name in of_metrics))
        used = set(re.findall(r"[{,]\s*(\w+)\s*=", query))
        used |= {label for group in re.findall(r"by \(([^)]*)\)", query) for label in re.split(r",\s*", group)}
        assert used <= known, query


def test_the_alerts_are_what_prometheus_understands() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed")
    command = [promtool, "check", "rules", DEPLOY / "prometheus-alerts.yml"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0 and "9 rules found" in ran.stdout, ran.stdout + ran.stderr


def test_panels_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in dashboard()["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken and place["x"] + place["w"] <= 24, panel["title"]
        taken |= cells


def test_the_units_are_what_systemd_understands(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed")
    service = (DEPLOY / "ulpool.service").read_text()
    command = re.search(r"^ExecStart=(\S+)", service, re.MULTILINE)
    assert command is not None
    (tmp_path / "ulpool.service").write_text(service.replace(command[1], sys.executable))
    shutil.copy(DEPLOY / "ulpool.socket", tmp_path)
    units = [str(tmp_path / name) for name in ("ulpool.service", "ulpool.socket")]
    ran = subprocess.run([analyze, "verify", *units], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_settings_and_verbs_exist() -> None:
    flags = {flag for row in SETTINGS for flag in row.flags}
    service = (DEPLOY / "ulpool.service").read_text().replace("\\\n", " ")
    command = re.search(r"^ExecStart=\S+ (\w+) (.*)$", service, re.MULTILINE)
    assert command is not None and command[1] in VERBS
    assert {word for word in command[2].split() if word.startswith("-")} <= flags
    container = (DEPLOY / "Containerfile").read_text()
    assert set(re.findall(r"ULPOOL_\w+", container)) <= {row.environment_name for row in SETTINGS}
    assert set(re.findall(r'"ulpool", "(\w+)"', container)) == {"healthcheck", "serve"} <= set(VERBS)


def test_the_container_is_nobody_s_root() -> None:
    lines = (DEPLOY / "Containerfile").read_text().splitlines()
    assert lines.index("USER ulpool") < next(n for n, line in enumerate(lines) if line.startswith("ENTRYPOINT"))


def test_every_copied_path_exists() -> None:
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (DEPLOY / "Containerfile").read_text(), re.MULTILINE)
    assert copied and all((DEPLOY.parent.parent / path).exists() for line in copied for path in line.split())
