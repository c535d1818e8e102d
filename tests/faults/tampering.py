"""A copy of a stand's data folder in which one thing is not what it was."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
from deltalake import DeltaTable, write_deltalake

from shared.stores.lake_tables import PARTITION_COLUMNS, table_card
from tests.support.scorer_stand import Stand

Change = Callable[[pl.DataFrame], pl.DataFrame]


def copied(stand: Stand, folder: Path) -> Path:
    """The lake, keys and models of ``stand`` in a folder of their own."""
    folder.mkdir()
    for name in ("lake", "keys", "artefacts"):
        shutil.copytree(stand.home / name, folder / name)
    (folder / "numba").symlink_to((stand.home / "numba").resolve())
    return folder


def rewrite(data_dir: Path, table: str, change: Change) -> None:
    """Replace ``table`` of the copy by what ``change`` makes of its rows."""
    card = table_card(table)
    path = data_dir / "lake" / card.name
    rows = pl.from_arrow(DeltaTable(str(path)).to_pyarrow_table())
    assert isinstance(rows, pl.DataFrame)
    shutil.rmtree(path)
    changed = change(rows).to_arrow().cast(card.columns)
    write_deltalake(str(path), changed, partition_by=list(PARTITION_COLUMNS))


def swapped_bytes(own_id: str, column: str, old: bytes, new: bytes) -> Change:
    """The raw bytes of one record, found by ``column``, with ``old`` replaced by ``new``."""

    def change(rows: pl.DataFrame) -> pl.DataFrame:
        chosen = (rows[column] == own_id).fill_null(value=False).to_list()
        raws = rows["raw_bytes"].to_list()
        assert any(chosen)
        made = [raw.replace(old, new) if is_it else raw for raw, is_it in zip(raws, chosen, strict=True)]
        assert made != raws
        return rows.with_columns(raw_bytes=pl.Series(made, dtype=pl.Binary))

    return change
