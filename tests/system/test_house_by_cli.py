"""The whole house through its command, from nothing to a model in charge. Knows nothing else of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support.kernels import lend

ASSAY = [sys.executable, "-m", "services.cli"]
CALL_S = 400


class House:
    """One data dir and the command on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        ours = {name: value for name, value in os.environ.items() if not name.startswith("ASSAY_")}
        self._env = {**ours, "PYTHONWARNINGS": "ignore"}

    def call(self, *words: str, code: int = 0) -> str:
        """Standard output of a command that ends with ``code``."""
        found = subprocess.run(
            [*ASSAY, *words, "--data-dir", str(self.folder)],
            capture_output=True,
            text=True,
            timeout=CALL_S,
            env=self._env,
            check=False,
        )
        assert found.returncode == code, f"{words}: {found.returncode}\n{found.stdout}\n{found.stderr}"
        assert "Traceback" not in found.stderr
        return found.stdout

    def ask(self, *words: str, code: int = 0) -> Any:
        """The JSON answer."""
        return json.loads(self.call(*words, "--json", code=code))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A house that is down afterwards, whatever happened."""
    made = House(tmp_path / "data")
    lend(made.folder)
    yield made
    made.call("down")


def _history(folder: Path) -> Path:
    words = ["--days", "40", "--end", "2026-03-01", "--seed", "3", "--accounts", "1500"]
    command = [sys.executable, "-m", "services.simulator", "history", *words, "--out", str(folder)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return folder / "transactions.parquet"


@pytest.mark.timeout(900)
def test_from_nothing_to_a_model_in_charge_and_down_again(house: House, tmp_path: Path) -> None:
    up = house.ask("up", "--detach", "--portfolio", "bank", "--no-simulator")
    assert up["started"]
    pids = [part["record"]["pid"] for part in up["state"]["parts"] if part["record"]]
    assert not house.ask("up", "--detach", "--no-simulator")["started"]
    told = house.ask("status")
    assert {part["health"] for part in told["parts"] if part["health"]} == {"ok"}
    assert told["addresses"]["gateway"] in {part["address"] for part in told["parts"]}
    assert house.ask("topics", "diff") == {"faults": []}
    assert house.ask("release", "show")["content"]["champion"] is None

    load = house.ask("ingest", str(_history(tmp_path / "history")), "--wait")
    assert load["refused"] == {}
    assert load["transactions"] > 10_000
    assert load["labels"] > 0
    assert load["outcome"]["decisions"] == load["transactions"]
    assert load["outcome"]["refused"] == {}
    assert house.ask("state", "check")["check"]["finding_count"] == 0

    trained = house.ask("train", "--as-of", "2026-03-01", "--promote", "champion")
    assert trained["release_seq"] == 2
    shown = house.ask("release", "show")
    assert shown["content"]["champion"]["artefact"] == trained["card"]["artefact"]
    found = house.ask("evaluate", "--model", trained["card"]["artefact"][:16], "--from", "2026-02-01")
    assert found["rows"] > 1_000
    assert 0.5 < found["auc_roc"] <= 1

    bad = tmp_path / "more.csv"
    bad.write_text(
        "tx_id,account_id,merchant_id,terminal_id,card_id,event_time,amount_minor,currency,category,channel,"
        "country,caller,fraud,fraud_known_at,fraud_reversed_at,fraud_type\n"
        "late-1,a-1,m-1,t-1,,2026-03-02T10:00:00Z,4200,EUR,,,,,,,,\n"
        "late-2,a-1,m-1,t-1,,2026-03-02T10:00:01Z,-5,EUR,,,,,,,,\n"
    )
    second = house.ask("ingest", str(bad), "--wait", code=1)
    assert second["refused_rows"] == [
        {"file": "more.csv", "row": 2, "code": "amount_negative", "field": "amount_minor"}
    ]
    decided = house.ask("decision", "late-1")["decision"]
    assert decided["release_seq"] == 2
    assert decided["score"] is not None
    house.call("decision", "late-2", code=1)
    exported = house.ask("export", "captures", "--out", str(tmp_path / "captures.parquet"))
    assert exported["rows"] == load["transactions"] + 1
    assert "account_count_1d" in exported["columns"]
    assert house.ask("dlq", "list")["count"] == 0

    assert house.ask("state", "rebuild", "--yes")["epoch"] > 1
    assert house.ask("state", "check")["check"]["finding_count"] == 0

    assert {"kafka", "redis", "scorer-1"} <= set(house.ask("down")["stopped"])
    assert not [pid for pid in pids if _runs(pid)]
    assert not house.ask("status", code=3)["running"]


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
