"""A kind of feature is a file and an entry, as docs/extend.md says: done on a copy of the rooms.

The copy runs as plain Python, without numba's compiler: what is asked is whether all parts are found.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[3]
ROOMS: Final = ("shared/features", "shared/contracts")
WRITER: Final = "tests/support/made_dispatch.py"

FILE: Final = '''
"""The largest less the smallest amount."""

from ..kernels_compile import kernel
from ..kernels_window import Window
from .extremes import largest, smallest


@kernel
def width(w: Window) -> float:
    """In minor units, NaN when empty."""
    return largest(w) - smallest(w)
'''
ENTRY: Final = '_window("width", "width.width", "width", "minor units", missing=_EMPTY, peaks=True),'

ASKED: Final = """
import numpy as np
from shared.features.compiled import compile_portfolio
from shared.features.layout import KIND_TRANSACTION
from shared.features.portfolio import parse_portfolio
from shared.features.timelines import Timelines

features = compile_portfolio(parse_portfolio('''
name = "street"
currency = "EUR"
entities = [{ name = "account", key = "account_id" }]
features = [
  { name = "width", kind = "width", entity = "account", window = "1d", self = true },
  { name = "count", kind = "count", entity = "account", window = "1d", self = true },
]
''', "street.toml"))
rows = np.zeros(3, features.layout.dtype)
rows["t"], rows["a"], rows["id"], rows["kind"] = 1_000, [500, 300, 350], [1, 2, 3], KIND_TRANSACTION
timelines = Timelines(features, 1 << 20)
claim = timelines.claim([("anna",)] * 3)
print(timelines.fold(claim, rows, [0], b"").matrix.tolist())
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for room in ROOMS:
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / WRITER).parent.mkdir(parents=True)
    shutil.copy(ROOT / WRITER, tmp_path / WRITER)
    return tmp_path


def test_a_kind_is_a_file_and_an_entry(copy: Path) -> None:
    (copy / "shared/features/kinds/width.py").write_text(FILE)
    table = copy / "shared/features/kinds/table.py"
    head, mark, tail = table.read_text().partition("_OF_A_WINDOW: Final = (\n")
    assert mark
    table.write_text(f"{head}{mark}    {ENTRY}\n{tail}")
    _python(copy, "-m", "tests.support.made_dispatch")
    assert _python(copy, "-c", ASKED) == "[[0.0, 1.0], [200.0, 2.0], [200.0, 3.0]]\n"


def _python(folder: Path, *words: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(folder), "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run(
        [sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
