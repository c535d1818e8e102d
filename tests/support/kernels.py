"""Compiled kernels for all tests and every process that they start: one folder of the clone.

A cold clone compiles for a minute, and a service over a data folder of its own would do it once more. The
folder is named after the sources, so an edit compiles anew. ``python -m tests.support.kernels`` fills it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from shared.runtime import numba_cache

HOME: Final = Path(__file__).parents[2] / ".pytest_cache" / "assay"


def share() -> Path:
    """Point this process and its children to the folder. Raises RuntimeError if numba was imported before."""
    return numba_cache.prepare(HOME)


def lend(data_dir: Path) -> None:
    """Make ``data_dir`` for a service that then loads these kernels."""
    data_dir.mkdir(parents=True, exist_ok=True)
    (HOME / "numba").mkdir(parents=True, exist_ok=True)
    (data_dir / "numba").symlink_to(HOME / "numba")


def _fill() -> None:
    folder = share()
    from services.scorer.edge.warm_up import compile_apart  # imports numba, after it was told the folder

    compile_apart(folder, "bank", None)


if __name__ == "__main__":
    _fill()
