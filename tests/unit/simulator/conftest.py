"""A small world that every test may look at."""

from __future__ import annotations

import pytest

from services.simulator.core.world import World, make_world


@pytest.fixture(scope="session")
def world() -> World:
    """3,000 accounts at 200 merchants."""
    return make_world(7, 3_000, 200)
