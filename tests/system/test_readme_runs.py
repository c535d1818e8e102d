"""The README's examples, run as they stand: those without a stack, then the story of those with one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from tests.support.kernels import lend
from tests.support.pages import README, Block, blocks

LIMIT_S = 240
SHELL = ("bash", "-euo", "pipefail", "-c")


class Desk:
    """A newcomer's shell: an empty folder, `assay` and `python` on the path."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        ours = {name: value for name, value in os.environ.items() if not name.startswith("ASSAY_")}
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self._env = {**ours, "PATH": path, "PYTHONWARNINGS": "ignore"}
        lend(folder / ".assay")
        lend(folder / ".acquirer")

    def run(self, language: str, text: str) -> subprocess.CompletedProcess[str]:
        """Run one block to its end."""
        command = [*SHELL, text] if language == "bash" else [sys.executable, "-c", text]
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self._env,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )

    def phase(self, data_dir: str = ".assay") -> str:
        """What the supervisor last said of the stack, "" where there was none."""
        file = self.folder / data_dir / "run" / "stack.json"
        return str(json.loads(file.read_text())["phase"]) if file.exists() else ""

    def must(self, block: Block) -> str:
        """Standard output of a block that ends well."""
        found = self.run(block.language, block.text)
        assert found.returncode == 0, f"{block} gave {found.returncode}\n{found.stdout}\n{found.stderr}"
        assert "Traceback" not in found.stderr, f"{block}\n{found.stderr}"
        return found.stdout


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A desk on which nothing runs afterwards."""
    made = Desk(tmp_path)
    yield made
    for data_dir in (".assay", ".acquirer"):
        if made.phase(data_dir) not in ("", "stopped"):
            made.run("bash", f"assay down --data-dir {data_dir}")


def _marked(mark: str) -> list[Block]:
    return [block for block in blocks(README) if block.mark == mark]


@pytest.mark.parametrize("block", _marked("offline"), ids=str)
def test_an_example_runs_without_a_stack(block: Block, desk: Desk) -> None:
    assert desk.must(block)


def told_by(told: dict[Block, str], mark: str) -> list[str]:
    """The lines that the one block with ``mark`` in it wrote."""
    (said,) = [text for block, text in told.items() if mark in block.text]
    return said.splitlines()


def look_at_the_front_door(lines: list[str]) -> None:
    """Asked, asked again, three refusals, many at once, looked up: each as the README says."""
    answers = [json.loads(line.rpartition(" ")[0]) for line in lines]
    assert [line.rpartition(" ")[2] for line in lines] == ["200", "200", "409", "422", "422", "202", "200"]
    first, second, conflict, negative, card, many, known = answers
    assert lines[0] == lines[1]
    assert (first["kind"], first["action"], first["reasons"]) == ("final", "approve", ["no_model"])
    faults = [(a["error"]["code"], a["error"]["field"]) for a in (conflict, negative, card)]
    assert faults == [
        ("tx_conflict", "tx_id"),
        ("amount_negative", "amount_minor"),
        ("card_number", "texts.note"),
    ]
    assert many["accepted"] == 2
    assert [(r["index"], r["code"]) for r in many["refused"]] == [(1, "amount_negative"), (2, "not_json")]
    assert known["answer"] == second


@pytest.mark.timeout(600)
def test_the_examples_run_one_after_the_other_on_a_stack(desk: Desk) -> None:
    told = {block: desk.must(block) for block in _marked("stack")}

    assert told_by(told, "KafkaProducer") == ["approve None ['no_model']"]
    look_at_the_front_door(told_by(told, "decide()"))
    first, second = told_by(told, "import Client")
    assert first == "final approve None ('no_model',)"
    assert second.startswith("tx_conflict Another")
    assert (desk.folder / "captures.parquet").stat().st_size > 0
    assert desk.phase() == "stopped", "the last block stops the stack"


def _files() -> dict[str, str]:
    """The files that the README shows, by name."""
    return {b.mark.removeprefix("file "): b.text for b in blocks(README) if b.mark.startswith("file ")}


def test_a_third_schema_is_ten_lines_of_data_and_less_than_forty_of_portfolio() -> None:
    lines = {name: len(text.splitlines()) for name, text in _files().items()}
    assert lines["settled.csv"] == 1 + 10
    assert lines["acquirer.toml"] < 40


@pytest.mark.timeout(400)
def test_a_third_schema_goes_from_its_file_to_a_decision(desk: Desk) -> None:
    for name, text in _files().items():
        (desk.folder / name).write_text(text)
    (block,) = _marked("own stack")
    told = desk.must(block)

    assert "Portfolio acquirer is sound" in told
    assert "approve" in told
    assert "no_model" in told
    assert desk.phase(".acquirer") == "stopped"
    inputs = pl.read_parquet(desk.folder / "inputs.parquet").sort("tx_id")
    assert inputs["tx_id"].to_list() == [f"A-{number}" for number in range(1001, 1011)]
    asked = inputs.row(by_predicate=pl.col("tx_id") == "A-1009", named=True)
    assert (asked["shop_sum_1h"], asked["shop_risk_30d"], asked["card_new_till"]) == (64_000.0, 2 / 3, 1.0)
    assert (asked["branch"], asked["card_count_1d"]) == (2.0, 0.0)
    converted = inputs.row(by_predicate=pl.col("tx_id") == "A-1004", named=True)
    assert converted["amount"] == 1490.0 * 0.94
