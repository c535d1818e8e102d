"""A load waits for several scorers, for what they can have decided, and not for ever."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from services.cli.edge import abreast as module
from services.cli.edge.abreast import Abreast, Ends, Marks
from shared.bus.ports import Place

PLACE = Place("bank.transactions", 0)
HOUR_MS = 3_600_000
T0_MS = 1_600_000_200_000 - 1_600_000_200_000 % HOUR_MS


class Scorers:
    """``members`` scorers that commit one record more each time they are asked."""

    def __init__(self, members: int | None, speed: int = 1) -> None:
        self.members = members
        self.speed = speed
        self.passed = 0
        self.asked_for: list[int] = []

    def count(self) -> int | None:
        return self.members

    def have_passed(self, ends: Ends) -> bool:
        self.asked_for.append(ends[PLACE])
        self.passed += self.speed
        return self.passed >= ends[PLACE]


@pytest.fixture(autouse=True)
def _no_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "sleep", lambda _: None)


def ends_of(*offsets: int) -> Iterator[Ends]:
    return iter([{PLACE: offset} for offset in offsets])


def never() -> bool:
    return False


def test_what_a_later_step_has_shown_is_waited_for() -> None:
    marks = Marks()
    assert marks.add(T0_MS + 5, {PLACE: 10}) is None
    # Within the same hour nobody can have gone on: the next tick comes with the next hour.
    assert marks.add(T0_MS + HOUR_MS - 1, {PLACE: 20}) is None
    assert marks.add(T0_MS + HOUR_MS + 1, {PLACE: 30}) == {PLACE: 20}
    assert marks.add(T0_MS + HOUR_MS + 2, {PLACE: 40}) is None
    assert marks.add(T0_MS + 9 * HOUR_MS, {PLACE: 50}) == {PLACE: 40}


def test_a_step_waits_until_all_before_the_last_one_is_decided() -> None:
    scorers = Scorers(2)
    ends = ends_of(3, 6, 9)
    together = Abreast(scorers, lambda: next(ends))
    for step in range(3):
        assert together.is_needed()
        together.wait(T0_MS + step * 6 * HOUR_MS + 1, never)
    assert scorers.asked_for == [3, 3, 3, 6, 6, 6]
    assert together.alone == 0


@pytest.mark.parametrize("members", [None, 0, 1])
def test_one_scorer_keeps_its_order_by_itself(members: int) -> None:
    assert not Abreast(Scorers(members), lambda: {PLACE: 1}).is_needed()


def test_a_second_scorer_is_seen_within_a_second() -> None:
    scorers, now = Scorers(1), [0.0]
    together = Abreast(scorers, lambda: {PLACE: 1}, lambda: now[0])
    assert not together.is_needed()
    scorers.members = 2
    now[0] = 0.5
    assert not together.is_needed()
    now[0] = 1.0
    assert together.is_needed()
    # What cannot be told changes nothing.
    scorers.members = None
    now[0] = 2.0
    assert together.is_needed()


def test_scorers_that_stand_still_do_not_hold_a_load_for_ever() -> None:
    ticking = count()
    ends = ends_of(3, 6)
    together = Abreast(Scorers(2, speed=0), lambda: next(ends), lambda: float(next(ticking)))
    together.wait(T0_MS + 1, never)
    together.wait(T0_MS + 6 * HOUR_MS, never)
    assert together.alone == 1


def test_who_stops_the_load_is_not_made_to_wait() -> None:
    ends = ends_of(3, 6)
    together = Abreast(Scorers(2, speed=0), lambda: next(ends))
    together.wait(T0_MS + 1, never)
    together.wait(T0_MS + 6 * HOUR_MS, lambda: True)
    assert together.alone == 0
