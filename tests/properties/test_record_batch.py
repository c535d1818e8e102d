"""Record batches packed from columns are byte for byte those of aiokafka's own builder."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from aiokafka.producer.message_accumulator import BatchBuilder
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.bus.ports import Outgoing, RecordColumns
from shared.bus.record_batch import RecordBatch, batches
from shared.contracts.texts import together

AT_MS = 1_700_000_000_123
RECORDS = st.lists(st.tuples(st.binary(max_size=40), st.binary(max_size=200)), min_size=1, max_size=8)
LARGE = [(b"k" * 63, b"v" * 8_191), (b"k" * 64, b"v" * 8_192)] * 70
SIZES = [0, 1, 55, 56, 57, 58, 63, 64, 65, 127, 128, 8_180, 8_185, 8_191, 8_192, 16_383, 16_384]
"""A length's varint grows at 64, 8,192 and 1,048,576; a record's does some bytes before its value's."""
HUGE = [1_048_560, 1_048_575, 1_048_576]


def columns(records: list[tuple[bytes, bytes]]) -> RecordColumns:
    return RecordColumns(together([key for key, _ in records]), together([value for _, value in records]))


def aiokafkas(records: list[tuple[bytes, bytes]], producer: tuple[int, int, int]) -> bytes:
    builder = BatchBuilder(1 << 24, 0)
    for key, value in records:
        builder.append(timestamp=AT_MS, key=key, value=value, headers=[])
    builder._set_producer_state(*producer)
    return bytes(builder._build())


@settings(deadline=None)  # the first example compiles the kernel
@given(RECORDS, st.integers(0, 2**40), st.integers(0, 2**15 - 1), st.integers(0, 2**31 - 1))
@example(LARGE, 7, 3, 900)
@example([(b"", b"")], 7, 3, 900)
@example([(b"", b"v"), (b"k", b""), (b"", b"")], 7, 3, 900)
def test_the_bytes_are_aiokafkas(
    records: list[tuple[bytes, bytes]], producer_id: int, epoch: int, sequence: int
) -> None:
    batch: Any = RecordBatch(columns(records), AT_MS)
    assert (batch.record_count(), batch.closed()) == (len(records), True)
    batch._set_producer_state(producer_id, epoch, sequence)
    built = batch._build()
    assert built == aiokafkas(records, (producer_id, epoch, sequence))
    assert batch.size() == len(built)
    assert batch._build() is built  # a batch that is sent again is the same


@pytest.mark.parametrize("size", [*SIZES, *HUGE])
def test_every_length_is_written_as_aiokafka_writes_it(size: int) -> None:
    others = SIZES if size in SIZES else [1]
    records = [(bytes([i]) * size, bytes([64 + i]) * other) for i, other in enumerate(others)]
    records += [(value, key) for key, value in records]
    for some in (records, records[:1]):
        assert RecordBatch(columns(some), AT_MS)._build() == aiokafkas(some, (-1, -1, 0))


@pytest.mark.parametrize("n", [63, 64, 65, 66, 8_191, 8_192, 8_193, 8_194])
def test_every_place_is_written_as_aiokafka_writes_it(n: int) -> None:
    """A record's place is a varint too, so it grows with the 65th and the 8,193rd record."""
    records = [(b"%d" % i, b"v" * (i % 5)) for i in range(n)]
    assert RecordBatch(columns(records), AT_MS)._build() == aiokafkas(records, (-1, -1, 0))


@given(RECORDS, st.data())
def test_records_may_stand_anywhere_in_their_pools(
    records: list[tuple[bytes, bytes]], data: st.DataObject
) -> None:
    rows = data.draw(st.lists(st.integers(0, len(records) - 1), min_size=1, max_size=8))
    some = columns(records)[np.array(rows, np.intp)]
    assert RecordBatch(some, AT_MS)._build() == aiokafkas([records[row] for row in rows], (-1, -1, 0))


def test_no_records_are_no_batch() -> None:
    assert list(batches(columns([]), 1_000, AT_MS)) == []


def test_batches_are_as_full_as_their_limit_allows() -> None:
    # 61 bytes of header; a record is counted with 23 beside its own 30, of which it needs fewer.
    records = [(b"k" * 10, b"v" * 20)] * 100
    for limit, count in ((61 + 17 * 53, 17), (61 + 18 * 53 - 1, 17), (61 + 18 * 53, 18)):
        made = [batch.record_count() for batch in batches(columns(records), limit, AT_MS)]
        assert made == [count] * (100 // count) + [100 % count]


@given(RECORDS, st.integers(100, 600))
def test_what_is_too_much_for_one_batch_is_split(records: list[tuple[bytes, bytes]], limit: int) -> None:
    made = list(batches(columns(records), limit, AT_MS))
    assert sum(batch.record_count() for batch in made) == len(records)
    assert all(batch.size() <= limit or batch.record_count() == 1 for batch in made)
    at, built = 0, []
    for batch in made:
        part = records[at : at + batch.record_count()]
        at += batch.record_count()
        built.append(batch._build() == aiokafkas(part, (-1, -1, 0)))
    assert all(built)


@given(RECORDS)
def test_columns_are_records_too(records: list[tuple[bytes, bytes]]) -> None:
    found = columns(records)
    assert list(found) == [Outgoing(key, value) for key, value in records]
    assert found.sizes().tolist() == [len(key) + len(value) for key, value in records]
    back = np.arange(len(records))[::-1]
    assert list(found[back]) == list(reversed(list(found)))
