"""A console over invented data for each test that asks for one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.support.console_house import ConsoleHouse


@pytest_asyncio.fixture
async def house(tmp_path: Path) -> AsyncIterator[ConsoleHouse]:
    """A console with three people and the data of a good day."""
    made = ConsoleHouse(tmp_path)
    made.fill(200)
    await made.start()
    yield made
    await made.stop()
