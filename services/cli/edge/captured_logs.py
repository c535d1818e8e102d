"""Timelines as the lake has them: every captured record of every entity, by log, in its true order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from shared.contracts.capture import REPEAT_SHIFT
from shared.contracts.codec import decode_activity, decode_label, decode_transaction
from shared.contracts.ids import KIND_ACTIVITY, KIND_LABEL, KIND_TRANSACTION
from shared.contracts.payments import Activity, Label, Transaction
from shared.features.compiled import FeatureSet
from shared.features.rows import RowEncoder
from shared.stores.lake_log import LogEntry as Appended
from shared.stores.lake_log import log_entries
from shared.stores.lake_read import LakeReader
from shared.stores.timeline_admin import LogEntry

_MANY: Final = 20_000
"""Records that stand as Python objects at once."""

_DECODERS: Final[dict[int, Callable[[bytes], Any]]] = {
    KIND_TRANSACTION: decode_transaction,
    KIND_LABEL: decode_label,
    KIND_ACTIVITY: decode_activity,
}
_PLACES: Final = {
    "entity": pl.UInt8,
    "entity_id": pl.String,
    "epoch": pl.UInt32,
    "index": pl.UInt32,
    "row": pl.UInt32,
}
_ORDER: Final = ["entity", "entity_id", "epoch", "index"]

Place = tuple[int, str, int, int, int]


class CapturedLogs:
    """Reads the lake once, day by day: one encoded row per record, and where it stands in which log.

    What stays in memory is a row of the layout per record, and some 40 bytes per place. ``progress`` is told
    how many records were read.
    """

    def __init__(
        self,
        reader: LakeReader,
        features: FeatureSet,
        key: bytes,
        progress: Callable[[int], None] = lambda read: None,
    ) -> None:
        self._features = features
        self._encoder = RowEncoder(features, key)
        appended = (
            entry for entry in log_entries(reader.scan, features.portfolio_name) if entry.raw is not None
        )
        rows, places, read = [np.empty((0, features.layout.record_bytes), np.uint8)], [_frame([])], 0
        while some := list(islice(appended, _MANY)):
            found, stands = self._encode(some, read)
            rows.append(found)
            places.append(stands)
            read += len(some)
            progress(read)
        self._rows: NDArray[np.uint8] = np.concatenate(rows)
        self._places = pl.concat(places).unique(_ORDER, keep="first").sort(_ORDER)

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

    def _encode(self, some: list[Appended], first: int) -> tuple[NDArray[np.uint8], pl.DataFrame]:
        """Rows (n, record_bytes) and their places, counted from the row ``first``."""
        encoded = bytearray()
        places: list[Place] = []
        for number, entry in enumerate(some, first):
            record = _DECODERS[entry.kind](entry.raw or b"")
            encoded += self._row(record, entry)
            places += self._stand(record, number, entry)
        return np.frombuffer(bytes(encoded), np.uint8).reshape(len(some), -1), _frame(places)

    def _row(self, record: Transaction | Label | Activity, entry: Appended) -> bytes:
        body = int.from_bytes(entry.input_hash[:4], "little")
        if isinstance(record, Transaction):
            return self._encoder.transaction(record, entry.amount_base_minor, entry.event_time_ms, body)
        if isinstance(record, Label):
            return self._encoder.label(record, body)
        return self._encoder.activity(record, body)

    def _stand(self, record: Any, number: int, entry: Appended) -> list[Place]:
        """(entity, id, epoch, index, row) of every place where the record stands."""
        ids = self._encoder.entity_ids(record)
        places = [(entity, index) for entity, index in enumerate(entry.versions) if index >= 0]
        places += [divmod(repeat, 1 << REPEAT_SHIFT) for repeat in entry.repeats or []]
        found = []
        for entity, index in places:
            entity_id = ids[entity]
            if entity_id is not None:
                found.append((entity, entity_id, entry.epoch, index, number))
        return found


def _frame(places: list[Place]) -> pl.DataFrame:
    return pl.DataFrame(places, schema=_PLACES, orient="row")
