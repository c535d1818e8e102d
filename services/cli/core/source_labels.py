"""Labels that stand beside payments in a file, or in a file of their own, as records with their own time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec
import polars as pl

from shared.contracts.codec import Codec, DecodeError, encode
from shared.contracts.payments import ENTITY_FIELDS, Label
from shared.contracts.turns import turn_ms
from shared.features.mapping import LabelMap, Source

from .source_columns import instant
from .source_rows import FILE, ROW, Refused, our

_CODEC: Final = Codec(Label)
_ENTITIES: Final = tuple(f for f in ENTITY_FIELDS if f != "account_id")
_OWN_TIMES: Final = ("event_time", "known_at")


class Due(NamedTuple):
    """Labels as a table (time_ms of their turn, key, value) in that order, and rows that are no label."""

    table: pl.DataFrame
    refused: list[Refused]


DUE_SCHEMA: Final = {"time_ms": pl.Int64, "key": pl.Binary, "value": pl.Binary}
NOTHING_DUE: Final = Due(pl.DataFrame(schema=DUE_SCHEMA), [])


def labels_beside(source: Source, payments: pl.DataFrame, after_ms: int, *, as_mapped: bool) -> Due:
    """The labels of good ``payments``: known ``after_ms`` after the payment, or as the mapping's column says.

    A fraud that was taken back gives a second record, "reversed", at its own time.
    """
    label = source.label
    if label is None or not payments.height:
        return NOTHING_DUE
    wanted = [1.0, 0.0] if label.send_genuine else [1.0]
    mark = pl.col(label.column).cast(pl.Float64, strict=False)
    marked = payments.with_columns(mark.alias("__mark")).filter(pl.col("__mark").is_in(wanted))
    if not marked.height:
        return NOTHING_DUE
    by_column = as_mapped and bool(label.known_at)
    known = _instant(marked, label.known_at, source) if by_column else pl.col(our("event_time_ms")) + after_ms
    verdict = pl.when(pl.col("__mark") == 1).then(pl.lit("fraud")).otherwise(pl.lit("genuine"))
    given = marked.with_columns(known.alias("__known"), verdict.alias("__verdict"))
    tables = [given]
    if label.reversed_at and as_mapped:
        back = _instant(marked, label.reversed_at, source)
        tables.append(marked.with_columns(back.alias("__known"), pl.lit("reversed").alias("__verdict")))
    rows = pl.concat(tables).filter(pl.col("__known").is_not_null())
    return _write(rows.iter_rows(named=True), lambda row: _beside(row, label))


def _instant(table: pl.DataFrame, column: str, source: Source) -> pl.Expr:
    return instant(pl.col(column), table.schema[column], source.time_offset_minutes)


def _beside(row: dict[str, Any], label: LabelMap) -> dict[str, Any]:
    verdict = row["__verdict"]
    found = {
        "label_id": f"{row[our('tx_id')]}-{verdict}",
        "known_at_ms": row["__known"],
        "verdict": verdict,
        "source": label.source,
        "fraud_type": row.get(label.fraud_type) if label.fraud_type else None,
    }
    same = ("tx_id", "account_id", "event_time_ms", "amount_minor", *_ENTITIES)
    return {**found, **{field: row.get(our(field)) for field in same}}


def labels_of_file(table: pl.DataFrame) -> Due:
    """Labels of a file of their own: columns named as a label's fields, times also without ``_ms``."""
    for name in _OWN_TIMES:
        if name in table.columns:
            found = instant(pl.col(name), table.schema[name], 0)
            table = table.with_columns(found.alias(f"{name}_ms")).drop(name)
    return _write(table.iter_rows(named=True), _own)


def _own(row: dict[str, Any]) -> dict[str, Any]:
    return {field: _number(field, row.get(field)) for field in Label.__struct_fields__ if field != "v"}


def _number(field: str, value: Any) -> Any:
    """A file of text has text where the contract has a number."""
    digits = isinstance(value, str) and value.lstrip("-").isdigit()
    return int(value) if digits and field.endswith(("_ms", "_minor")) else value


def _write(rows: Any, record_of: Any) -> Due:
    good: list[Label] = []
    refused: list[Refused] = []
    for row in rows:
        fields = {name: value for name, value in record_of(row).items() if value is not None}
        try:
            record = _CODEC.decode(msgspec.json.encode({"v": 1, **fields}))
        except DecodeError as error:
            refused.append(Refused(row[FILE], row[ROW], error.code, error.field))
            continue
        good.append(record)
    good.sort(key=lambda label: (turn_ms(label), label.known_at_ms))
    table = [(turn_ms(label), label.account_id.encode(), encode(label)) for label in good]
    return Due(pl.DataFrame(table, schema=DUE_SCHEMA, orient="row"), refused)


class LabelQueue:
    """Labels that wait for their time."""

    def __init__(self) -> None:
        self._waiting = NOTHING_DUE.table

    def add(self, labels: Sequence[pl.DataFrame]) -> None:
        """More labels, in any order."""
        fresh = [table for table in labels if table.height]
        if fresh:
            self._waiting = pl.concat([self._waiting, *fresh]).sort("time_ms", maintain_order=True)

    def take(self, until_ms: int | None = None) -> pl.DataFrame:
        """Labels whose turn is at ``until_ms`` or before, all without it, in order."""
        due = self._waiting.height
        if until_ms is not None:
            due = int(self._waiting["time_ms"].search_sorted(until_ms, side="right"))
        taken, self._waiting = self._waiting[:due], self._waiting[due:]
        return taken

    def __len__(self) -> int:
        return self._waiting.height
