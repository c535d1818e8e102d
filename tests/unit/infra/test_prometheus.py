"""Prometheus' files: its own tool takes them, they name metrics that exist, and every service is scraped."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from shared.runtime.metrics import METRICS
from tests.support.complete import missing

INFRA = Path(__file__).parents[3] / "infra"
SHOWN = {row.name + ("_total" if row.kind == "counter" else "") for row in METRICS}
NAME = re.compile(r"\bassay_[a-z_]+")


def rules_expressions() -> list[str]:
    """Of every rule of the alerts file."""
    groups = yaml.safe_load((INFRA / "prometheus/alerts.yml").read_text())["groups"]
    return [rule["expr"] for group in groups for rule in group["rules"]]


def panels_expressions() -> list[str]:
    """Of every panel of the dashboard."""
    panels = json.loads((INFRA / "grafana/assay.json").read_text())["panels"]
    return [target["expr"] for panel in panels for target in panel["targets"]]


@pytest.mark.parametrize("expression", [*rules_expressions(), *panels_expressions()])
def test_only_metrics_of_the_table_are_asked_for(expression: str) -> None:
    named = set(NAME.findall(expression))
    assert named <= SHOWN
    assert named or expression.startswith("up{")


def test_every_service_that_compose_keeps_running_is_scraped() -> None:
    config = yaml.safe_load((INFRA / "prometheus/prometheus.yml").read_text())
    scraped = {target.split(":")[0] for target in config["scrape_configs"][0]["static_configs"][0]["targets"]}
    services = yaml.safe_load((INFRA.parent / "docker-compose.yml").read_text())["services"]
    ours = {name for name, one in services.items() if one.get("restart") == "unless-stopped"}
    assert scraped == ours - {"kafka", "redis"}


@pytest.mark.parametrize(
    ("kind", "file"), [("rules", "alerts.yml"), ("config", "prometheus.yml")], ids=["rules", "config"]
)
def test_the_tool_of_prometheus_takes_them(kind: str, file: str) -> None:
    tool = shutil.which("promtool")
    if tool is None:
        missing("no promtool: apt-get install prometheus")
    found = subprocess.run(
        [tool, "check", kind, file], cwd=INFRA / "prometheus", capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stdout + found.stderr
