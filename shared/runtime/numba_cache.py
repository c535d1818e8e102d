"""Where compiled kernels are kept: a folder named after their sources.

numba looks at the file of the function it compiles, not at those of the functions this one calls, and so
would serve stale code after an edit there. With the folder named after all sources, an edit anywhere
compiles anew, and every process of a stack shares what one of them compiled.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

VARIABLE: Final = "NUMBA_CACHE_DIR"
KEPT: Final = 3
"""Folders that stay: switching between two versions of the code should not compile each time."""

KERNEL_ROOMS: Final = tuple(Path(__file__).parent.parent / room for room in ("features", "scoring"))


def sources_hash(rooms: Sequence[Path] = KERNEL_ROOMS) -> str:
    """16 hex digits that change with any Python file of ``rooms``, its place or Python's version."""
    digest = hashlib.sha256(sys.version.encode())
    for room in rooms:
        for path in sorted(room.rglob("*.py")):
            digest.update(f"{room.name}/{path.relative_to(room)}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def prepare(data_dir: Path, rooms: Sequence[Path] = KERNEL_ROOMS) -> Path:
    """Make the folder and point numba to it. Raises RuntimeError if numba was imported before."""
    folder = data_dir.absolute() / "numba" / sources_hash(rooms)
    if "numba" in sys.modules and os.environ.get(VARIABLE) != str(folder):
        raise RuntimeError("the kernel cache must be prepared before numba is imported")
    folder.mkdir(parents=True, exist_ok=True)
    os.environ[VARIABLE] = str(folder)
    folder.touch()
    _drop_oldest(folder.parent)
    return folder


def _drop_oldest(parent: Path) -> None:
    folders = sorted((path for path in parent.iterdir() if path.is_dir()), key=_age, reverse=True)
    for old in folders[KEPT:]:
        shutil.rmtree(old, ignore_errors=True)


def _age(path: Path) -> float:
    return path.stat().st_mtime
