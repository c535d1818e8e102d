"""A window of whole hours: which records it holds, told by the minute."""

from __future__ import annotations

from typing import Final

import pytest

from shared.features.timelines import Timelines
from tests.support.oracle import Record
from tests.support.timeline_cases import Features, Logs, program_of

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 60 * MINUTE_MS
DAY_MS: Final = 24 * HOUR_MS
MIDNIGHT_MS: Final = 20_000 * DAY_MS
NOW_MS: Final = MIDNIGHT_MS + 14 * HOUR_MS + 25 * MINUTE_MS
IDS: Final = [("c", None)]
WINDOW: Final = {"kind": "count", "entity": 0, "window_ms": DAY_MS, "grain_ms": HOUR_MS}
HOURS, ENDED, EXACT = range(3)
PROGRAM: Final = program_of([WINDOW, {**WINDOW, "offset_ms": 7 * DAY_MS}, {**WINDOW, "grain_ms": 0}])


def _counts(*times_ms: int) -> list[float]:
    """Of a payment now that comes after others at these times."""
    logs = Logs(Features(PROGRAM))
    worker = Timelines(logs.features, 1_000_000, logs.key)
    for number, time_ms in enumerate([*times_ms, NOW_MS], 1):
        found = logs.fold(worker, [Record(time_ms, 1, number)], IDS)
    counts: list[float] = found.matrix[0].tolist()
    return counts


@pytest.mark.parametrize(
    ("days_ago", "hour", "minute_ms", "in_hours", "in_ended"),
    [
        (0, 14, 25 * MINUTE_MS, 1, 0),
        (1, 14, 25 * MINUTE_MS, 1, 0),
        (1, 14, 0, 1, 0),
        (1, 14, -1, 0, 0),
        (7, 14, 0, 0, 0),
        (7, 14, -1, 0, 1),
        (8, 14, 0, 0, 1),
        (8, 14, -1, 0, 0),
    ],
)
def test_a_window_begins_and_ends_at_the_start_of_an_hour(
    days_ago: int, hour: int, minute_ms: int, in_hours: int, in_ended: int
) -> None:
    counts = _counts(MIDNIGHT_MS - days_ago * DAY_MS + hour * HOUR_MS + minute_ms)
    assert (counts[HOURS], counts[ENDED]) == (in_hours, in_ended)


def test_an_exact_window_stands_beside_it() -> None:
    a_day_ago = NOW_MS - DAY_MS
    assert _counts(a_day_ago, a_day_ago + 1)[HOURS:] == [2, 0, 1]


def test_all_records_of_an_hour_are_in_or_out_together_in_any_order() -> None:
    hour_ms = MIDNIGHT_MS - DAY_MS + 14 * HOUR_MS
    of_hour = [hour_ms, hour_ms + 59 * MINUTE_MS, hour_ms + HOUR_MS - 1]
    assert _counts(*of_hour)[HOURS] == _counts(*reversed(of_hour))[HOURS] == 3
    before = [time_ms - HOUR_MS for time_ms in of_hour]
    assert _counts(*before)[HOURS] == _counts(*reversed(before))[HOURS] == 0


def test_hours_before_the_epoch_begin_where_others_do() -> None:
    logs = Logs(Features(PROGRAM))
    worker = Timelines(logs.features, 1_000_000, logs.key)
    times = [-DAY_MS - 1, -DAY_MS, MINUTE_MS]
    found = [logs.fold(worker, [Record(t, 1, k)], IDS).matrix[0, HOURS] for k, t in enumerate(times, 1)]
    assert found == [0, 1, 1]
