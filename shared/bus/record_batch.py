"""A whole record batch made at once from columns, in the place of aiokafka's builder.

aiokafka appends records one by one, 2 us each on our machine and two for every payment; a batch of columns is
packed in one call. The producer asks a builder for just the methods below, the private ones included; the
version is pinned, and tests hold the bytes to those of aiokafka's own builder.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

import numpy as np
from crc32c import crc32c

from .kernels_records import FRAME_BYTES, pack_records
from .ports import RecordColumns

_HEADER: Final = struct.Struct(">qiibIhiqqqhii")
_AFTER_LENGTH: Final = struct.calcsize(">qi")
_CRC_AT: Final = struct.calcsize(">qiib")
_AFTER_CRC: Final = struct.calcsize(">qiibI")
_MAGIC: Final = 2
_NO_LEADER_EPOCH: Final = -1
_NO_PRODUCER: Final = -1


class RecordBatch:
    """``records``, at least one, at the time ``at_ms``; format version 2, not compressed."""

    def __init__(self, records: RecordColumns, at_ms: int) -> None:
        self._count = len(records)
        self._at_ms = at_ms
        self._producer = (_NO_PRODUCER, _NO_PRODUCER, 0)
        self._packed = _pack(records)
        self._size = _HEADER.size + len(self._packed)
        self._built: bytes | None = None

    def record_count(self) -> int:
        """How many records it holds."""
        return self._count

    def closed(self) -> bool:
        """Always: nothing is added to it."""
        return True

    def close(self) -> None:
        """Nothing to do."""

    def size(self) -> int:
        """Bytes of the whole batch."""
        return self._size

    def _set_producer_state(self, producer_id: int, producer_epoch: int, base_sequence: int) -> None:
        self._producer = (producer_id, producer_epoch, base_sequence)

    def _build(self) -> bytes:
        if self._built is None:
            self._built = self._header() + self._packed
            self._packed = b""
        return self._built

    def _header(self) -> bytes:
        length = self._size - _AFTER_LENGTH
        last, at_ms = self._count - 1, self._at_ms
        fields = (0, last, at_ms, at_ms, *self._producer, self._count)
        open_header = _HEADER.pack(0, length, _NO_LEADER_EPOCH, _MAGIC, 0, *fields)
        checked = crc32c(self._packed, crc32c(open_header[_AFTER_CRC:]))
        return open_header[:_CRC_AT] + struct.pack(">I", checked) + open_header[_AFTER_CRC:]


def batches(records: RecordColumns, limit_bytes: int, at_ms: int) -> Iterator[RecordBatch]:
    """Record batches of at most ``limit_bytes``; a record that is larger alone is in a batch of its own."""
    sizes = records.sizes() + FRAME_BYTES
    ends = np.cumsum(sizes)
    first, n = 0, len(records)
    while first < n:
        done = int(ends[first - 1]) if first else 0
        fit = int(np.searchsorted(ends, done + limit_bytes - _HEADER.size, side="right"))
        stop = max(fit, first + 1)
        yield RecordBatch(records[np.arange(first, stop)] if (first, stop) != (0, n) else records, at_ms)
        first = stop


def _pack(records: RecordColumns) -> bytes:
    keys, values = records.keys, records.values
    out = np.empty(int(records.sizes().sum()) + FRAME_BYTES * len(records), np.uint8)
    size = pack_records(
        np.frombuffer(keys.pool, np.uint8),
        keys.bounds,
        np.frombuffer(values.pool, np.uint8),
        values.bounds,
        out,
    )
    return out[:size].tobytes()
