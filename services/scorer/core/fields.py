"""The texts of many records' fields, found in the records' own bytes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from shared.contracts.texts import Texts, together

from .kernels_fields import ABSENT, find_fields


class FieldFinder:
    """Finds text fields of canonical records; ``defaults`` are those fields with what an absent one means."""

    def __init__(self, defaults: Mapping[str, str]) -> None:
        names = together([name.encode() for name in defaults])
        self._names = np.frombuffer(names.pool, np.uint8)
        self._ends = np.concatenate(([0], names.bounds[:, 1]))
        self._defaults = together([text.encode() for text in defaults.values()])

    def find(self, records: Texts) -> list[Texts]:
        """Each field's n texts as JSON writes them, without quotes; all in one pool.

        ``records`` are as the codec encodes them.
        """
        pool, start = records.pool + self._defaults.pool, len(records.pool)
        found = np.empty((len(self._ends) - 1, len(records), 2), np.int64)
        find_fields(np.frombuffer(pool, np.uint8), records.bounds, self._names, self._ends, found)
        for column, default in zip(found, self._defaults.bounds, strict=True):
            column[column[:, 0] == ABSENT] = default + start
        return [Texts(pool, column) for column in found]
