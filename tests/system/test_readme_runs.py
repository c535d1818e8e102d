"""The README's examples, run as they stand: those without a stack, then the story of those with one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

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

    def phase(self) -> str:
        """What the supervisor last said of the stack, "" where there was none."""
        file = self.folder / ".assay" / "run" / "stack.json"
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
    if made.phase() not in ("", "stopped"):
        made.run("bash", "assay down")


def _marked(mark: str) -> list[Block]:
    return [block for block in blocks(README) if block.mark == mark]


@pytest.mark.parametrize("block", _marked("offline"), ids=str)
def test_an_example_runs_without_a_stack(block: Block, desk: Desk) -> None:
    assert desk.must(block)


@pytest.mark.timeout(600)
def test_the_examples_run_one_after_the_other_on_a_stack(desk: Desk) -> None:
    told = [desk.must(block) for block in _marked("stack")]

    assert "approve None ['no_model']" in "".join(told)
    assert (desk.folder / "captures.parquet").stat().st_size > 0
    assert desk.phase() == "stopped", "the last block stops the stack"
