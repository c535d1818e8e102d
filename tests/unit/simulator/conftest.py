"""A small world that every test may look at."""

from __future__ import annotations

import pytest

from services.simulator.core.columns import Activities, Payments, join_activities, join_payments
from services.simulator.core.history import Past, past_days
from services.simulator.core.span import DAY_MS
from services.simulator.core.world import World, make_world

START_DAY = 20_000


@pytest.fixture(scope="session")
def world() -> World:
    """3,000 accounts at 200 merchants."""
    return make_world(7, 3_000, 200)


@pytest.fixture(scope="session")
def past(world: World) -> list[Past]:
    """Sixty days of it."""
    return list(past_days(world, START_DAY * DAY_MS, (START_DAY + 60) * DAY_MS))


@pytest.fixture(scope="session")
def payments(past: list[Past]) -> Payments:
    """The payments of the sixty days."""
    return join_payments([day.payments for day in past])


@pytest.fixture(scope="session")
def activities(past: list[Past]) -> Activities:
    """The activities of the sixty days."""
    return join_activities([day.activities for day in past])
