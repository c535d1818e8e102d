"""Each contract of `.importlinter` catches the violation seeded for it, under the very same file."""

from __future__ import annotations

import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

from tests.architecture.skeleton import plant

CONFIG = Path(__file__).parents[2] / ".importlinter"
LINTER = Path(sys.executable).with_name("lint-imports")
SCORER = "services/scorer"

SEEDS: list[tuple[str, str, str]] = [
    ("top", "shared/bus/x.py", "import services.scorer.wiring"),
    ("top", "shared/stores/x.py", "import infra.local"),
    ("top", "infra/x.py", "import services.cli.edge"),
    ("service-shape", f"{SCORER}/core/x.py", "import services.scorer.edge.loop"),
    ("service-shape", f"{SCORER}/core/x.py", "import services.scorer.settings"),
    ("service-shape", f"{SCORER}/edge/x.py", "import services.scorer.settings"),
    ("service-shape", f"{SCORER}/edge/x.py", "import services.scorer.wiring"),
    ("service-shape", f"{SCORER}/wiring.py", "import services.scorer.__main__"),
    ("service-shape", f"{SCORER}/sixth.py", ""),
    ("services-apart", f"{SCORER}/edge/x.py", "import services.cli.core"),
    ("shared-rooms", "shared/contracts/x.py", "import shared.features"),
    ("shared-rooms", "shared/features/x.py", "import shared.scoring"),
    ("shared-rooms", "shared/evaluation/x.py", "import shared.scoring"),
    ("shared-rooms", "shared/scoring/x.py", "import shared.stores"),
    ("shared-rooms", "shared/bus/x.py", "import shared.stores"),
    ("shared-rooms", "shared/bus/x.py", "import shared.runtime"),
    ("shared-rooms", "shared/stores/x.py", "import shared.client"),
    ("shared-rooms", "shared/client/x.py", "import shared.runtime"),
    ("shared-rooms", "shared/another/__init__.py", ""),
    ("core", f"{SCORER}/core/x.py", "import shared.bus"),
    ("core", f"{SCORER}/core/x.py", "import shared.runtime"),
    ("core", f"{SCORER}/core/x.py", "import shared.client"),
    ("core", f"{SCORER}/core/x.py", "import infra"),
    ("bus", "shared/bus/x.py", "import shared.features"),
    ("bus", "shared/bus/x.py", "import shared.scoring"),
    ("stores", "shared/stores/x.py", "import shared.evaluation"),
    ("evaluation", "shared/evaluation/x.py", "import shared.features"),
    ("client", "shared/client/x.py", "import shared.scoring"),
    ("client", "shared/client/x.py", "import numpy"),
    ("runtime", "shared/runtime/x.py", "import shared.contracts"),
    ("infra", "infra/x.py", "import shared.stores"),
    ("infra", "infra/x.py", "import shared.features"),
    ("infra", "infra/x.py", "import shared.client"),
    ("infra-door", f"{SCORER}/edge/x.py", "import infra.local"),
    ("infra-door", "services/cli/wiring.py", "import infra.local"),
    ("infra-door", "services/cli/core/x.py", "import infra"),
    ("pure", "shared/contracts/x.py", "import os"),
    ("pure", "shared/features/x.py", "import time"),
    ("pure", "shared/scoring/x.py", "def f() -> None:\n    import random"),
    ("pure", "shared/evaluation/x.py", "from socket import socket"),
    ("pure", f"{SCORER}/core/x.py", "from redis.asyncio import Redis"),
    ("pure", f"{SCORER}/core/x.py", "import aiokafka"),
    ("pure", f"{SCORER}/core/x.py", "import httpx"),
]


def _contracts() -> dict[str, str]:
    """Name of each contract by id."""
    config = ConfigParser()
    config.read(CONFIG)
    return {s.split(":")[-1]: config[s]["name"] for s in config.sections() if ":contract:" in s}


def _lint(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(LINTER), "--config", str(CONFIG), "--no-cache", *arguments]
    environment = {"PYTHONPATH": str(root), "PATH": "/usr/bin:/bin", "COLUMNS": "200", "PYTHONUTF8": "1"}
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)


def test_the_skeleton_is_lawful(tmp_path: Path) -> None:
    result = _lint(plant(tmp_path, {}))

    assert result.returncode == 0, result.stdout
    assert f"{len(_contracts())} kept, 0 broken" in result.stdout


@pytest.mark.parametrize(("contract", "path", "line"), SEEDS)
def test_a_seeded_violation_is_caught(contract: str, path: str, line: str, tmp_path: Path) -> None:
    result = _lint(plant(tmp_path, {path: f"{line}\n"}), "--contract", contract)

    assert result.returncode == 1, result.stdout
    assert f"{_contracts()[contract]} BROKEN" in result.stdout


def test_every_contract_has_a_seed() -> None:
    assert {contract for contract, _, _ in SEEDS} == set(_contracts())
