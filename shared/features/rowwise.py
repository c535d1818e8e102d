"""Features of the payment alone: its own fields and the local calendar, no timeline needed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from shared.contracts.payments import Transaction

from . import fields
from .calendar import hours, weekdays
from .compiled import FeatureSet
from .kernels_place import fill_kilometres
from .kinds import NAMES

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_OF_TIME = ("hour", "weekday", "weekend", "night")


class Rowwise:
    """Fills the columns of kinds of the payment alone for a micro-batch."""

    def __init__(self, feature_set: FeatureSet) -> None:
        program = feature_set.program
        kinds = [NAMES[code] for code in program.kind.tolist()]
        self._calendar = feature_set.calendar
        self._scale = float(10**feature_set.minor_digits)
        self._numbers = feature_set.numbers
        self._codes = {name: float(i) for i, name in enumerate(feature_set.layout.categories, 1)}
        self._of_time = [(j, kind, program.p0[j]) for j, kind in enumerate(kinds) if kind in _OF_TIME]
        self._distances = [(j, s.places) for j, s in enumerate(feature_set.specs) if s.places]
        self._values = [
            (j, int(program.p0[j]), int(program.column[j])) for j, kind in enumerate(kinds) if kind == "value"
        ]

    def fill(
        self,
        matrix: Floats,
        event_time_ms: Integers,
        amount_base_minor: Integers,
        records: Sequence[Transaction | None],
    ) -> None:
        """Write the columns of ``matrix`` (n, d) in place from accepted times and amounts, both (n,).

        ``records`` are the n payments for fields that no timeline keeps; a row of None (a label, an
        activity) gets NaN there, and its other values mean nothing.
        """
        if self._of_time:
            self._fill_calendar(matrix, event_time_ms)
        for j, field, position in self._values:
            matrix[:, j] = self._value(field, position, amount_base_minor, records)
        for j, places in self._distances:
            matrix[:, j] = _kilometres(places, records)

    def _fill_calendar(self, matrix: Floats, event_time_ms: Integers) -> None:
        local = self._calendar.local_ms(event_time_ms)
        hour, weekday = hours(local), weekdays(local)
        for j, kind, last_hour in self._of_time:
            if kind == "hour":
                matrix[:, j] = hour
            elif kind == "weekday":
                matrix[:, j] = weekday
            elif kind == "weekend":
                matrix[:, j] = weekday >= 5
            else:
                matrix[:, j] = hour <= last_hour

    def _value(
        self, field: int, position: int, amount: Integers, records: Sequence[Transaction | None]
    ) -> Floats:
        # Dividing an integer by a power of ten is correctly rounded, so a price comes out as the very
        # double that its decimal text means.
        if field == fields.AMOUNT:
            return amount / self._scale
        if field == fields.AMOUNT_MINOR:
            return amount.astype(np.float64)
        return np.array([self._read(field, position, record) for record in records], np.float64)

    def _read(self, field: int, position: int, record: Transaction | None) -> float:
        if record is None:
            return np.nan
        if field == fields.NUMBER:
            numbers = record.numbers
            return numbers.get(self._numbers[position], np.nan) if numbers else np.nan
        if field == fields.CATEGORY:
            return self._codes.get(record.category, np.nan) if record.category else np.nan
        place = record.latitude if field == fields.LATITUDE else record.longitude
        return np.nan if place is None else place


def _kilometres(places: tuple[str, ...], records: Sequence[Transaction | None]) -> Floats:
    read = [[fields.number_of(record, field) for field in places] for record in records]
    found = np.empty(len(read))
    fill_kilometres(np.array(read, np.float64).reshape(-1, len(places)), found)
    return found
