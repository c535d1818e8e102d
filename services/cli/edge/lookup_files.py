"""Columns that files beside the payments add to their rows, by a key that both have."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import polars as pl

from services.cli.edge.errors import WrongUse
from shared.features.mapping import Lookup

_KEY: Final = "__key"


class LookupFiles:
    """The lookups of a mapping; each folder's files are read once, whole."""

    def __init__(self, lookups: Sequence[Lookup]) -> None:
        self._lookups = lookups
        self._tables: dict[Path, pl.DataFrame] = {}

    def complete(self, folder: Path, table: pl.DataFrame) -> pl.DataFrame:
        """``table`` with the columns of the files in ``folder``, rows as they are. Raises WrongUse."""
        for lookup in self._lookups:
            found = self._table(folder / lookup.file, lookup)
            key = pl.col(lookup.key).cast(pl.String).alias(_KEY)
            table = table.with_columns(key).join(found, on=_KEY, how="left", maintain_order="left").drop(_KEY)
        return table

    def _table(self, path: Path, lookup: Lookup) -> pl.DataFrame:
        if path not in self._tables:
            self._tables[path] = _read(path, lookup)
        return self._tables[path]


def _read(path: Path, lookup: Lookup) -> pl.DataFrame:
    """Key as text, and the columns to add."""
    wanted = [lookup.key, *lookup.columns]
    try:
        whole = pl.read_parquet(path) if path.suffix == ".parquet" else pl.read_csv(path, infer_schema=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = str(error).splitlines()[0][:160]
        way = "Put it beside the payments, or correct [[source.lookups]] of the portfolio."
        raise WrongUse(f"{path.name} cannot be read: {reason}.", way) from error
    if missing := [name for name in wanted if name not in whole.columns]:
        raise WrongUse(
            f"{path.name} lacks the column {missing[0]} that the portfolio's lookup names.",
            "Correct [[source.lookups]] of the portfolio, or the file.",
        )
    keys = whole[lookup.key].cast(pl.String)
    if (twice := keys.filter(keys.is_duplicated() & keys.is_not_null())).len():
        raise WrongUse(f"{path.name} has the {lookup.key} {twice[0]} more than once.", "Leave one row of it.")
    return whole.select(keys.alias(_KEY), *lookup.columns).filter(pl.col(_KEY).is_not_null())
