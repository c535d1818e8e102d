"""Timelines as the lake has them: every captured record of every entity, by log, in its true order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from shared.contracts.codec import decode_activity, decode_label, decode_transaction
from shared.contracts.ids import KIND_ACTIVITY, KIND_LABEL, KIND_TRANSACTION
from shared.contracts.payments import Activity, Label, Transaction
from shared.features.compiled import FeatureSet
from shared.features.rows import RowEncoder
from shared.stores.lake_read import LakeReader
from shared.stores.timeline_admin import LogEntry

REPEAT_SHIFT: Final = 40
"""A repeat is written as entity * 2**40 + index (`contracts.capture`)."""

_TABLES: Final[tuple[tuple[int, str, Callable[[bytes], Any]], ...]] = (
    (KIND_TRANSACTION, "transactions", decode_transaction),
    (KIND_LABEL, "labels", decode_label),
    (KIND_ACTIVITY, "activities", decode_activity),
)
_CAPTURE_COLUMNS: Final = [
    "kind",
    "input_partition",
    "input_offset",
    "event_time_ms",
    "amount_base_minor",
    "input_hash",
    "epoch",
    "versions",
    "repeats",
]
_PLACES: Final = {
    "entity": pl.Int64,
    "entity_id": pl.String,
    "epoch": pl.Int64,
    "index": pl.Int64,
    "row": pl.Int64,
}


class CapturedLogs:
    """Reads the lake once: one encoded row per record, and where it stands in which log."""

    def __init__(self, reader: LakeReader, features: FeatureSet, key: bytes) -> None:
        self._features = features
        self._encoder = RowEncoder(features, key)
        self._portfolio = features.portfolio_name
        self._bytes = features.layout.record_bytes
        parts = [self._read(reader, kind, table, decode) for kind, table, decode in _TABLES]
        rows, places, base = [], [], 0
        for encoded, found in parts:
            rows.append(encoded)
            places.append(found.with_columns(pl.col("row") + base))
            base += len(encoded)
        self._rows: NDArray[np.uint8] = np.concatenate(rows)
        order = ["entity", "entity_id", "epoch", "index"]
        self._places = pl.concat(places).unique(order, keep="first").sort(order)

    @property
    def records(self) -> int:
        """Entries of all logs together."""
        return self._places.height

    @property
    def last_epoch(self) -> int:
        """The highest epoch in the captures, 0 without any."""
        return int(self._places["epoch"].max() or 0)  # type: ignore[arg-type]  # an integer column

    def entries(self) -> Iterator[LogEntry]:
        """Entries grouped by log, ordered by (epoch, index)."""
        names = [entity.name for entity in self._features.entities]
        for entity, entity_id, epoch, index, row in self._places.iter_rows():
            yield LogEntry(names[entity], entity_id, epoch, index, self._rows[row].tobytes())

    def _read(
        self, reader: LakeReader, kind: int, table: str, decode: Callable[[bytes], Any]
    ) -> tuple[NDArray[np.uint8], pl.DataFrame]:
        captures = reader.scan.rows("captures", self._portfolio, columns=_CAPTURE_COLUMNS)
        mine = captures.filter(pl.col("kind") == kind)
        raws = reader.scan.rows(table, self._portfolio, columns=["partition", "offset", "raw_bytes"])
        joined = mine.join(
            raws,
            left_on=["input_partition", "input_offset"],
            right_on=["partition", "offset"],
            how="inner",
        )
        encoded = bytearray()
        places: list[tuple[int, str, int, int, int]] = []
        columns = [
            "raw_bytes",
            "event_time_ms",
            "amount_base_minor",
            "input_hash",
            "epoch",
            "versions",
            "repeats",
        ]
        for number, values in enumerate(joined.select(columns).iter_rows()):
            raw, event_ms, amount, hashed, epoch, versions, repeats = values
            record = decode(raw)
            encoded += self._encode(record, amount, event_ms, int.from_bytes(hashed[:4], "little"))
            places += self._stand(record, number, epoch, versions, repeats)
        array = np.frombuffer(bytes(encoded), np.uint8).reshape(-1, self._bytes)
        return array, pl.DataFrame(places, schema=_PLACES, orient="row")

    def _encode(self, record: Transaction | Label | Activity, amount: int, event_ms: int, body: int) -> bytes:
        if isinstance(record, Transaction):
            return self._encoder.transaction(record, amount, event_ms, body)
        if isinstance(record, Label):
            return self._encoder.label(record, body)
        return self._encoder.activity(record, body)

    def _stand(
        self, record: Any, number: int, epoch: int, versions: list[int], repeats: list[int]
    ) -> list[tuple[int, str, int, int, int]]:
        """(entity, id, epoch, index, row) of every place where the record stands."""
        ids = self._encoder.entity_ids(record)
        places = [(entity, index) for entity, index in enumerate(versions) if index >= 0]
        places += [divmod(repeat, 1 << REPEAT_SHIFT) for repeat in repeats or []]
        found = []
        for entity, index in places:
            entity_id = ids[entity]
            if entity_id is not None:
                found.append((entity, entity_id, epoch, index, number))
        return found
