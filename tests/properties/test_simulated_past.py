"""However the past is cut into stretches, it is the same past."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from services.simulator.core.columns import Activities, Payments, join_activities, join_payments
from services.simulator.core.history import past_days
from services.simulator.core.labels import Labels
from services.simulator.core.span import HOUR_MS
from services.simulator.core.world import make_world

WORLD = make_world(5, 400, 40)
START_H = 20_000 * 24


def past(from_h: int, to_h: int) -> tuple[Payments, Labels, Activities]:
    days = list(past_days(WORLD, from_h * HOUR_MS, to_h * HOUR_MS))
    labels = Labels(*(np.concatenate(columns) for columns in zip(*(d.labels for d in days), strict=True)))
    payments = join_payments([day.payments for day in days])
    return payments, labels, join_activities([day.activities for day in days])


@given(st.integers(0, 72), st.integers(1, 72), st.integers(1, 72))
@settings(max_examples=15, deadline=None)
def test_two_stretches_make_one(start_h: int, first_h: int, second_h: int) -> None:
    begin = START_H + start_h
    whole = past(begin, begin + first_h + second_h)
    parts = past(begin, begin + first_h), past(begin + first_h, begin + first_h + second_h)
    for kind in (0, 1, 2):
        for i, column in enumerate(whole[kind]):
            assert np.array_equal(column, np.concatenate([parts[0][kind][i], parts[1][kind][i]]))
