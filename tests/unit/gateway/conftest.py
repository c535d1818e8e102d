"""A gateway in memory for each test that asks for one, and more of the same house."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest_asyncio

from tests.support.front_door import FrontDoor, Limits

MakeDoor = Callable[..., Awaitable[FrontDoor]]


@pytest_asyncio.fixture
async def make_door(tmp_path: Path) -> AsyncIterator[MakeDoor]:
    """Starts a gateway with ``Limits`` of the test's own; `name` and `beside` as `FrontDoor` has them."""
    doors: list[FrontDoor] = []

    async def start(name: str = "gateway-1", beside: FrontDoor | None = None, **limits: Any) -> FrontDoor:
        door = FrontDoor(tmp_path, Limits(**limits), name=name, beside=beside)
        doors.append(door)
        await door.start()
        return door

    yield start
    for door in doors:
        door.broker.recover()
        await door.stop()


@pytest_asyncio.fixture
async def door(make_door: MakeDoor) -> FrontDoor:
    """One gateway with limits that no test of another thing reaches."""
    return await make_door()
