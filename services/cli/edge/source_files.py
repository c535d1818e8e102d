"""Files of payments as tables in event order: Parquet streamed, CSV and NDJSON read whole."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import msgspec
import polars as pl
import pyarrow.parquet as pq

from services.cli.core.source_columns import instant, own_columns
from services.cli.core.source_rows import FILE, ROW, Refused
from services.cli.edge.errors import WrongUse
from services.cli.edge.lookup_files import LookupFiles
from shared.features.mapping import Source

BATCH_ROWS: Final = 65_536
KINDS: Final = {".parquet": "parquet", ".csv": "csv", ".ndjson": "ndjson", ".jsonl": "ndjson"}
TIME: Final = "__time"


@dataclass(frozen=True, slots=True)
class Period:
    """Event times to take, UTC ms: from (included) to (excluded), None for no bound."""

    from_ms: int | None = None
    to_ms: int | None = None

    def inside(self, time: pl.Expr) -> pl.Expr:
        """Rows inside; a row without a readable time stays, to be refused by name."""
        tests = [time.is_null()]
        if self.from_ms is None and self.to_ms is None:
            return pl.lit(value=True)
        low = time >= self.from_ms if self.from_ms is not None else pl.lit(value=True)
        high = time < self.to_ms if self.to_ms is not None else pl.lit(value=True)
        return tests[0] | (low & high)


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file, its rows inside the period and their event times; sorted ones can be streamed."""

    path: Path
    number: int
    rows: int
    first_ms: int
    last_ms: int
    is_sorted: bool


class SourceFiles:
    """Files with one mapping, numbered from ``first``. Raises WrongUse for what cannot be read at all."""

    def __init__(
        self, paths: Sequence[Path], source: Source, *, with_labels: bool, period: Period, first: int = 0
    ) -> None:
        self.paths = tuple(paths)
        self.refused: list[Refused] = []
        self._source = source
        self._columns = own_columns(source, with_labels)
        self._lookups = LookupFiles(source.lookups)
        self._period = period
        self._texts: dict[int, pl.DataFrame] = {}
        self.files = [self._look(number, path) for number, path in enumerate(self.paths, first)]

    @property
    def rows(self) -> int:
        """Rows inside the period."""
        return sum(file.rows for file in self.files)

    def batches(self) -> Iterator[pl.DataFrame]:
        """All rows in event order, in tables with the needed columns, `FILE` and `ROW`."""
        files = sorted((f for f in self.files if f.rows), key=lambda f: f.first_ms)
        apart = all(a.last_ms <= b.first_ms for a, b in pairwise(files))
        if apart and all(file.is_sorted for file in files):
            for file in files:
                yield from self._read(file)
            return
        tables = [table for file in files for table in self._read(file)]
        if tables:
            whole = pl.concat(tables, how="diagonal_relaxed")
            whole = (
                whole.with_columns(self._time(whole).alias(TIME)).sort(TIME, maintain_order=True).drop(TIME)
            )
            yield from whole.iter_slices(BATCH_ROWS)

    def _look(self, number: int, path: Path) -> SourceFile:
        column = self._source.fields["event_time_ms"].column
        if KINDS[path.suffix] == "parquet":
            table = _guarded(path, lambda: pl.read_parquet(path, columns=self._present(path, [column])))
        else:
            table = self._texts[number] = self._read_text(number, path)
        times = table.select(self._time(table).alias(TIME)).filter(self._period.inside(pl.col(TIME)))[TIME]
        known = times.drop_nulls()
        first, last = (known.min(), known.max()) if len(known) else (0, 0)
        return SourceFile(path, number, len(times), int(first), int(last), known.is_sorted())

    def _present(self, path: Path, wanted: Sequence[str]) -> list[str]:
        there = parquet_columns(path)
        missing = [name for name in wanted if name not in there]
        if missing:
            raise WrongUse(
                f"{path.name} lacks the column {missing[0]} that the portfolio's mapping names.",
                "Correct [source.fields] of the portfolio, or name another file.",
            )
        return list(wanted)

    def _read(self, file: SourceFile) -> Iterator[pl.DataFrame]:
        if file.number in self._texts:
            tables: Iterator[pl.DataFrame] = iter([self._texts.pop(file.number)])
        else:
            columns = self._present(file.path, self._columns)
            batches = pq.ParquetFile(file.path).iter_batches(BATCH_ROWS, columns=columns)
            tables = (pl.DataFrame(batch) for batch in batches)
        first = 1
        for table in tables:
            rows = pl.int_range(first, first + table.height, dtype=pl.Int64, eager=True)
            first += table.height
            if ROW not in table.columns:
                table = table.with_columns(rows.alias(ROW))
            table = table.with_columns(pl.lit(file.number, pl.Int64).alias(FILE))
            inside = table.filter(self._period.inside(self._time(table)))
            if inside.height:
                yield self._lookups.complete(file.path.parent, inside)

    def _time(self, table: pl.DataFrame) -> pl.Expr:
        column = self._source.fields["event_time_ms"].column
        return instant(pl.col(column), table.schema[column], self._source.time_offset_minutes)

    def _read_text(self, number: int, path: Path) -> pl.DataFrame:
        rows = _csv_rows(path) if KINDS[path.suffix] == "csv" else _ndjson_rows(path)
        cells: list[list[str | None]] = [[] for _ in self._columns]
        numbers: list[int] = []
        for row, found in rows:
            if isinstance(found, str):
                self.refused.append(Refused(number, row, found, ""))
                continue
            numbers.append(row)
            for column, name in zip(cells, self._columns, strict=True):
                column.append(found.get(name))
        table = pl.DataFrame(
            dict(zip(self._columns, cells, strict=True)), dict.fromkeys(self._columns, pl.String)
        )
        for name in self._columns:
            if numbers and table[name].null_count() == len(numbers) and name in self._required():
                raise WrongUse(
                    f"{path.name} lacks the column {name} that the portfolio's mapping names.",
                    "Correct [source.fields] of the portfolio, or name another file.",
                )
        return table.with_columns(pl.Series(ROW, numbers, pl.Int64))

    def _required(self) -> set[str]:
        return {
            self._source.fields[f].column for f in ("tx_id", "account_id", "event_time_ms", "amount_minor")
        }


def find_files(place: Path, source: Source) -> tuple[list[Path], list[Path]]:
    """The files of payments that ``place`` names, and those of a folder that hold something else.

    Of a folder, labels files and Parquet files without the mapping's columns are left out. Raises WrongUse.
    """
    if not place.is_dir():
        if not place.exists():
            raise WrongUse(f"There is no file {place}.", "Check the path.")
        if place.suffix not in KINDS:
            raise WrongUse(
                f"{place.name} is no .parquet, .csv, .ndjson or .jsonl file.", "Convert it to one of them."
            )
        return [place], []
    there = sorted(p for p in place.iterdir() if p.suffix in KINDS and not p.name.startswith("."))
    needed = set(own_columns(source, with_labels=False))
    beside = {lookup.file for lookup in source.lookups}
    found = [
        path
        for path in there
        if not path.name.startswith("labels") and path.name not in beside and _fits(path, needed)
    ]
    if not found:
        raise WrongUse(
            f"{place} holds no Parquet, CSV or NDJSON file of payments.", "Name a file, or another folder."
        )
    return found, [path for path in there if path not in found and path.name not in beside]


def _fits(path: Path, needed: set[str]) -> bool:
    if KINDS[path.suffix] != "parquet":
        return True
    return needed <= set(parquet_columns(path))


def parquet_columns(path: Path) -> list[str]:
    """Names of a Parquet file's columns. Raises WrongUse."""
    names: list[str] = _guarded(path, lambda: pq.read_schema(path)).names
    return names


def read_table(path: Path) -> pl.DataFrame:
    """A whole file with all its columns, `FILE` 0 and `ROW`; unreadable lines of a text file are left out."""
    if KINDS.get(path.suffix) == "parquet":
        table: pl.DataFrame = _guarded(path, lambda: pl.read_parquet(path))
    else:
        rows = _csv_rows(path) if KINDS.get(path.suffix) == "csv" else _ndjson_rows(path)
        table = pl.DataFrame(
            [found for _, found in rows if not isinstance(found, str)], infer_schema_length=None
        )
    return table.with_columns(
        pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias(ROW), pl.lit(0, pl.Int64).alias(FILE)
    )


def _guarded(path: Path, read: Any) -> Any:
    try:
        return read()
    except (pl.exceptions.PolarsError, OSError, ValueError) as error:
        reason = str(error).splitlines()[0][:160]
        raise WrongUse(f"{path.name} cannot be read: {reason}.", "Check that the file is whole.") from error


Cells = dict[str, str | None]


def _csv_rows(path: Path) -> Iterator[tuple[int, Cells | str]]:
    """Row number from 1 and its cells (an empty one is missing), or the reason why it is none."""
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as lines:
        reader = csv.reader(lines)
        names = next(reader, [])
        for number, cells in enumerate(reader, 1):
            if any("\udc80" <= c <= "\udcff" for cell in cells if not cell.isascii() for c in cell):
                yield number, "not_utf8"
            elif len(cells) != len(names):
                yield number, "field_missing"
            else:
                yield number, {name: cell or None for name, cell in zip(names, cells, strict=True)}


def _ndjson_rows(path: Path) -> Iterator[tuple[int, Cells | str]]:
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if line.isspace():
                continue
            try:
                found = msgspec.json.decode(line, type=dict[str, msgspec.Raw])
            except (msgspec.DecodeError, UnicodeDecodeError):
                yield number, "not_json"
                continue
            yield number, {name: _cell(bytes(raw)) for name, raw in found.items()}


def _cell(raw: bytes) -> str | None:
    """A JSON value as the text a CSV cell would hold."""
    if raw[:1] == b'"':
        text: str = msgspec.json.decode(raw)
        return text
    return None if raw == b"null" else {b"true": "1", b"false": "0"}.get(raw, raw.decode())
