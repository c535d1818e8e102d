"""A stack of this run's own, driven by nothing but the command `assay` as child processes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from tests.support.kernels import lend

ASSAY: Final = (str(Path(sys.executable).with_name("assay")),)
CALL_S: Final = 3_600.0
LEAST_FREE_BYTES: Final = 5 << 30
"""What the load leaves on the disk, topics for the most part, is half of it."""


class StepFailed(Exception):
    """A command did not do what it should; the text is its own sentence."""


class House:
    """One data dir and the command on it. No setting of the caller's environment reaches it."""

    def __init__(self, folder: Path, portfolio: str, workers: int) -> None:
        self.folder = folder
        self._portfolio = portfolio
        self._workers = workers
        ours = {name: value for name, value in os.environ.items() if not name.startswith("ASSAY_")}
        self._environment = {**ours, "PYTHONWARNINGS": "ignore"}

    def up(self) -> None:
        """Start everything without traffic. Raises StepFailed."""
        workers = ("--workers", f"{self._workers}")
        self.ask("up", "--portfolio", self._portfolio, *workers, "--no-simulator", "--detach")

    def down(self) -> None:
        """Stop everything. Raises StepFailed."""
        self.ask("down")

    def ask(self, *words: str, codes: tuple[int, ...] = (0,)) -> Any:
        """The JSON answer of a command that ends with one of ``codes``. Raises StepFailed."""
        done = self._call(words)
        if done.returncode not in codes or not done.stdout:
            raise StepFailed(f"assay {words[0]} ended with {done.returncode}: {_reason(done)}")
        return json.loads(done.stdout)

    def pids(self) -> dict[str, int]:
        """The running parts by name."""
        parts = self.ask("status", codes=(0, 1))["parts"]
        return {part["name"]: part["pid"] for part in parts if part["pid"]}

    def _call(self, words: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                [*ASSAY, *words, "--data-dir", str(self.folder), "--json"],
                capture_output=True,
                text=True,
                timeout=CALL_S,
                env=self._environment,
                check=False,
            )
        except subprocess.TimeoutExpired as late:
            raise StepFailed(f"assay {words[0]} did not end within {CALL_S:.0f} s") from late


def _reason(done: subprocess.CompletedProcess[str]) -> str:
    """The command's own sentence, or the end of what it said."""
    last = next(iter(reversed(done.stderr.strip().splitlines())), "it said nothing")
    try:
        told = json.loads(last)
        return f"{told['error']} {told['way_out']}".strip()
    except (ValueError, KeyError, TypeError):
        return last[:500]


@contextmanager
def house(portfolio: str, workers: int, keep: Path | None) -> Iterator[House]:
    """A house of ``workers`` scorers.

    It is down afterwards, whatever happened, and removed unless its folder is to be kept.
    """
    folder = keep if keep is not None else Path(tempfile.mkdtemp(prefix="assay-quality-"))
    made = House(folder.absolute(), portfolio, workers)
    try:
        lend(folder)
        yield made
    finally:
        try:
            made.down()
        finally:
            if keep is None:
                shutil.rmtree(folder, ignore_errors=True)


def require_room(keep: Path | None) -> None:
    """Raises StepFailed where the disk has no room for the load, or a folder to keep is in use."""
    if keep is not None and keep.exists() and any(keep.iterdir()):
        raise StepFailed(f"{keep} is not empty; a run needs a folder of its own.")
    place = Path(tempfile.gettempdir()) if keep is None else keep.absolute()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    if free < LEAST_FREE_BYTES:
        gigabytes = f"{free / 2**30:.1f} GB free, {LEAST_FREE_BYTES >> 30} needed"
        raise StepFailed(
            f"{place} has too little room ({gigabytes}); set TMPDIR or name another with --keep."
        )
