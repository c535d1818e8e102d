"""Record batches packed from columns are byte for byte those of aiokafka's own builder."""

from __future__ import annotations

from typing import Any

import numpy as np
from aiokafka.producer.message_accumulator import BatchBuilder
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.bus.ports import Outgoing, RecordColumns
from shared.bus.record_batch import RecordBatch, batches
from shared.contracts.texts import together

AT_MS = 1_700_000_000_123
RECORDS = st.lists(
    st.tuples(st.binary(max_size=40), st.binary(min_size=1, max_size=200)), min_size=1, max_size=8
)
LARGE = [(b"k" * 63, b"v" * 8_191), (b"k" * 64, b"v" * 8_192)] * 70


def columns(records: list[tuple[bytes, bytes]]) -> RecordColumns:
    keys, values = zip(*records, strict=True)
    return RecordColumns(together(keys), together(values))


def aiokafkas(records: list[tuple[bytes, bytes]], producer: tuple[int, int, int]) -> bytes:
    builder = BatchBuilder(1 << 24, 0)
    for key, value in records:
        builder.append(timestamp=AT_MS, key=key, value=value, headers=[])
    builder._set_producer_state(*producer)
    return bytes(builder._build())


@settings(deadline=None)  # the first example compiles the kernel
@given(RECORDS, st.integers(0, 2**40), st.integers(0, 2**15 - 1), st.integers(0, 2**31 - 1))
@example(LARGE, 7, 3, 900)
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
