"""Commands that need nothing heavy start without it: an import at the wrong place costs seconds of each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

LIGHT = (
    "--help",
    "status --help",
    "status",
    "down",
    "topics --help",
    "topics show",
    "topics diff",
    "dlq list",
    "release show",
    "release history",
    "decision tx-1",
)
HEAVY = "aiokafka cryptography deltalake duckdb jgo kafka lightgbm numba numpy polars pyarrow redis".split()
LIMIT_S = 60

_RUN = """
import json, os, sys
from contextlib import redirect_stderr, redirect_stdout
from services.cli.wiring import run
light, heavy = json.load(sys.stdin)
found = {}
with open(os.devnull, "w") as away, redirect_stdout(away), redirect_stderr(away):
    for words in light:
        code = run(words.split())
        found[words] = [code, [name for name in heavy if name in sys.modules]]
json.dump(found, sys.stdout)
"""


def test_what_needs_nothing_heavy_loads_nothing_heavy(tmp_path: Path) -> None:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("ASSAY_")}

    told = subprocess.run(
        [sys.executable, "-c", _RUN],
        input=json.dumps([LIGHT, HEAVY]),
        capture_output=True,
        text=True,
        check=True,
        timeout=LIMIT_S,
        env={**ours, "ASSAY_DATA_DIR": str(tmp_path / "none")},
    )

    loaded = json.loads(told.stdout)
    assert {words: names for words, (_, names) in loaded.items()} == {words: [] for words in LIGHT}
    codes = {words: code for words, (code, _) in loaded.items()}
    assert codes["--help"] == codes["topics show"] == codes["down"] == 0
    assert codes["status"] == codes["release show"] == codes["topics diff"] == 3
