"""Truth comes late, sometimes never, sometimes twice."""

from __future__ import annotations

import numpy as np
import pytest

from services.simulator.core.chance import generator
from services.simulator.core.columns import Payments
from services.simulator.core.labels import NEVER, draw_labels
from services.simulator.core.span import DAY_MS

N = 20_000


def payments(pattern: int) -> Payments:
    times = np.arange(N) * 1000 + 20_000 * DAY_MS
    zeros = np.zeros(N, np.int64)
    return Payments(*(zeros for _ in Payments._fields))._replace(time_ms=times, pattern=zeros + pattern)


@pytest.mark.parametrize("speed", [1.0, 600.0])
def test_frauds_are_known_after_about_six_days(speed: float) -> None:
    rows = payments(1)
    labels = draw_labels(generator(1, 9, 9), rows, speed)
    known = labels.verdict == 1
    assert 0.96 < known.mean() < 0.98
    assert set(labels.verdict.tolist()) == {1, -1}
    delay = (labels.known_ms - rows.time_ms)[known]
    assert delay.min() > 0
    assert 5.8 < np.median(delay) * speed / DAY_MS < 6.2
    assert 18.5 < np.quantile(delay, 0.9) * speed / DAY_MS < 21.5
    assert (labels.known_ms[~known] == NEVER).all()


def test_a_few_are_taken_back_later() -> None:
    labels = draw_labels(generator(1, 9, 9), payments(1))
    back = labels.reversed_ms != NEVER
    assert 0.01 < back.mean() < 0.03
    assert (labels.reversed_ms[back] > labels.known_ms[back]).all()
    assert (labels.verdict[back] == 1).all()


def test_genuine_payments_are_rarely_labelled() -> None:
    labels = draw_labels(generator(1, 9, 9), payments(0))
    assert 0.001 < (labels.verdict == 0).mean() < 0.006
    mistaken = labels.verdict == 1
    assert 0 < mistaken.mean() < 0.001
    assert (labels.reversed_ms[mistaken] != NEVER).all()
