"""Files of one verification: what a step leaves for the next, so that no process has to hold it all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

TABLES: Final = ("matrix", "status", "at", "times")


class Scratch:
    """A folder with frames by name, and arrays that all processes fill."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, name: str, part: str, frame: pl.DataFrame) -> None:
        """Keep a frame as the part of a name."""
        path = self.folder / name
        path.mkdir(parents=True, exist_ok=True)
        frame.write_ipc(path / f"{part}.arrow", compression="uncompressed")

    def get(self, name: str, part: str) -> pl.DataFrame:
        """A part."""
        return pl.read_ipc(self.folder / name / f"{part}.arrow")

    def parts(self, name: str) -> Iterator[tuple[str, pl.DataFrame]]:
        """Every part of a name, in their order."""
        folder = self.folder / name
        for path in sorted(folder.glob("*.arrow")) if folder.is_dir() else ():
            yield path.stem, pl.read_ipc(path)

    def put_array(self, name: str, part: str, array: NDArray[Any]) -> None:
        """Keep an array as the part of a name."""
        path = self.folder / name
        path.mkdir(parents=True, exist_ok=True)
        np.save(path / f"{part}.npy", array, allow_pickle=False)

    def get_array(self, name: str, part: str) -> NDArray[Any]:
        """A part that is an array."""
        found: NDArray[Any] = np.load(self.folder / name / f"{part}.npy", allow_pickle=False)
        return found

    def make_tables(self, decisions: int, features: int, entities: int) -> None:
        """Room for what the logs give: features (n, d), status and index (n, e), time and amount (n, 2)."""
        shapes = (decisions, features), (decisions, entities), (decisions, entities), (decisions, 2)
        kinds = np.float64, np.uint8, np.int64, np.int64
        for name, shape, kind in zip(TABLES, shapes, kinds, strict=True):
            made = np.lib.format.open_memmap(self._table(name), mode="w+", dtype=kind, shape=shape)
            made[:] = np.nan if kind is np.float64 else 0  # who has no such entity has no such feature
            made.flush()

    def table(self, name: str) -> NDArray[Any]:
        """One of `TABLES`, shared with every process that opens it."""
        found: NDArray[Any] = np.lib.format.open_memmap(self._table(name), mode="r+")
        return found

    def _table(self, name: str) -> Path:
        return self.folder / f"{name}.npy"
