"""A batch's records column by column, read once and used by rows, inputs, records and captures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .intake import Item

Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Of n items: kinds, times in ms, amounts in base minor units, and where each stood, all (n,)."""

    kind: NDArray[np.uint8]
    event_ms: Integers
    amount_base_minor: Integers
    partition: Integers
    offset: Integers
    ingest_ms: Integers
    mark_ms: Integers

    def __getitem__(self, rows: NDArray[np.intp] | list[int]) -> Columns:
        return Columns(
            self.kind[rows],
            self.event_ms[rows],
            self.amount_base_minor[rows],
            self.partition[rows],
            self.offset[rows],
            self.ingest_ms[rows],
            self.mark_ms[rows],
        )


def joined_columns(parts: Sequence[Columns]) -> Columns:
    """One after the other."""
    return Columns(*(np.concatenate([getattr(part, name) for part in parts]) for name in Columns.__slots__))


def columns_of(items: Sequence[Item]) -> Columns:
    """The columns of ``items``, in their order."""
    messages = [item.message for item in items]
    return Columns(
        np.array([item.kind for item in items], np.uint8),
        np.array([item.event_ms for item in items], np.int64),
        np.array([item.amount_base_minor for item in items], np.int64),
        np.array([message.partition for message in messages], np.int64),
        np.array([message.offset for message in messages], np.int64),
        np.array([message.timestamp for message in messages], np.int64),
        np.array([item.mark_ms for item in items], np.int64),
    )
