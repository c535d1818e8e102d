"""Days that are read together: in order, none left out, no more rows than told unless one day has more."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.replayer.edge.ground import runs

FIRST = date(2018, 4, 1)


@given(st.dictionaries(st.integers(0, 60), st.integers(0, 50)), st.integers(1, 100))
def test_days_come_once_and_in_order(rows: dict[int, int], most: int) -> None:
    by_day = {FIRST + timedelta(days=k): count for k, count in rows.items()}
    found = runs(by_day, most)
    assert [day for some in found for day in some] == sorted(by_day)
    assert all(len(some) == 1 or sum(by_day[day] for day in some) <= most for some in found)


def test_neighbours_are_put_together() -> None:
    days = [FIRST + timedelta(days=k) for k in range(3)]
    assert runs(dict.fromkeys(days, 10), 20) == [days[:2], days[2:]]
