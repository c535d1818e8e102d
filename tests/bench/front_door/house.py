"""The house under load: one that runs already, or one of our own with traffic of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from shared.client import Client, NewKey

TRAFFIC_PER_S: Final = 200
GREEDY_PER_S: Final = 100.0
FREE_PER_S: Final = 100_000.0

ADDRESS: Final = "gateway"
"""The name of the front door among the addresses of `assay status --json`."""
OPERATOR_KEY: Final = Path("secrets") / "gateway.operator"
"""Where the house keeps its operator's key, below its data dir."""


class House(NamedTuple):
    """Where the front door is; a key without a limit that is felt, and one with ``greedy_per_s``."""

    url: str
    key: str
    greedy_key: str | None
    greedy_per_s: float | None


@contextmanager
def own_house() -> Iterator[House]:
    """A house in a folder of its own, with simulated traffic, until the end. Raises SystemExit."""
    folder = Path(tempfile.mkdtemp(prefix="assay-front-door-"))
    data = ["--data-dir", str(folder / "data")]
    try:
        _assay("up", "--detach", "--rate", f"{TRAFFIC_PER_S}", *data)
        addresses = json.loads(_assay("status", "--json", *data))["addresses"]
        operator = folder / "data" / OPERATOR_KEY
        if ADDRESS not in addresses or not operator.exists():
            raise SystemExit("This house has no front door to open by itself: give --url and --key.")
        yield _with_keys(addresses[ADDRESS], operator.read_text().strip())
    finally:
        _assay("down", *data)
        shutil.rmtree(folder, ignore_errors=True)


def _with_keys(url: str, operator_key: str) -> House:
    with Client(url, operator_key, timeout_ms=10_000) as assay:
        free = assay.add_key(NewKey(name="bench", actions=("decide", "ingest"), rate_per_s=FREE_PER_S))
        greedy = assay.add_key(NewKey(name="greedy", actions=("decide",), rate_per_s=GREEDY_PER_S))
        return House(url, free.key, greedy.key, GREEDY_PER_S)


def _assay(*words: str) -> str:
    """What the command says. Raises SystemExit with its own words."""
    command = [sys.executable, "-m", "services.cli", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"assay {words[0]}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout
