"""`assay simulate` without a stack: files by the simulator's own process, and what is refused at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args, get_type_hints

import pyarrow.parquet as pq
import pytest

from services.cli.edge.commands.simulate import KINDS, PATTERNS
from services.cli.edge.errors import FaultFound
from services.cli.edge.simulating import Past, write_past
from services.cli.wiring import run
from services.simulator.core import columns
from shared.contracts.operations import ScenarioRequest

END_MS = 1_728_000_000_000


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ASSAY_KAFKA", "ASSAY_REDIS_URL", "ASSAY_PORTFOLIO", "ASSAY_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)


def test_files_are_written_and_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["simulate", "--days", "2", "--out", str(tmp_path / "past"), "--accounts", "200", "--seed", "5"]
    assert run([*words, "--end", str(END_MS), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    for name in ("transactions", "labels", "activities"):
        table = pq.read_table(tmp_path / "past" / f"{name}.parquet")
        assert len(table) == told[name] > 0
    times = pq.read_table(tmp_path / "past" / "transactions.parquet")["event_time"].to_pylist()
    assert max(t.timestamp() for t in times) * 1000 < END_MS


def test_each_day_is_told(tmp_path: Path) -> None:
    told: list[int] = []
    write_past(Past(3.0, END_MS, tmp_path, 5, 200), told.append)
    assert told == [1, 2, 3]


def test_a_simulator_that_fails_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(FaultFound, match="could not write history"):
        write_past(Past(1.0, END_MS, tmp_path / "file", 5, 200), lambda day: None)


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--days", "3"],
        ["--days", "3", "--out", "x", "--scenario", "burst"],
        ["--scenario", "flood"],
        ["--scenario", "attack", "--pattern", "magic"],
        ["--scenario", "burst", "--for", "soon"],
    ],
)
def test_wrong_use_ends_with_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["simulate", *words, "--json"]) == 2
    assert json.loads(capsys.readouterr().err.splitlines()[-1])["exit_code"] == 2


def test_the_words_are_those_of_contract_and_simulator() -> None:
    """Services do not import each other, so the command repeats them."""
    assert get_args(get_type_hints(ScenarioRequest)["kind"]) == KINDS
    assert columns.PATTERNS[1:] == PATTERNS
