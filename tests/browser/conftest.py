"""A browser and a console for each test; without Chromium no test runs, and says so."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page

from tests.support.chromium import CHROMIUM, MISSING, chromium, sign_in
from tests.support.complete import missing
from tests.support.console_house import PASSWORD, ConsoleHouse


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where pictures of the screens go; without it none are drawn."""
    parser.addoption("--pictures", type=Path, help="a folder for the pictures of the screens")


@pytest.fixture
def pictures(request: pytest.FixtureRequest) -> Path | None:
    """Where the test puts its pictures, None if nobody asked for them."""
    asked: Path | None = request.config.getoption("--pictures")
    return asked


@dataclass
class Look:
    """A page of a signed-in person, and whatever the browser complained of."""

    house: ConsoleHouse
    context: BrowserContext
    page: Page
    complaints: list[str] = field(default_factory=list)

    async def go(self, path: str) -> None:
        """Load ``path`` and wait until the first pulse has come."""
        await self.page.goto(self.house.url + path)
        await self.page.wait_for_selector("#badge[data-state=live], #badge[data-state=stale]")

    async def sign_in(self, name: str = "omar") -> None:
        """As a person does it."""
        await sign_in(self.page, self.house.url, name, PASSWORD)


@pytest_asyncio.fixture
async def browser() -> AsyncIterator[Browser]:
    """Debian's Chromium, without a window."""
    if CHROMIUM is None:
        missing(MISSING)
    async with chromium() as started:
        yield started


@pytest_asyncio.fixture
async def house(tmp_path: Path) -> AsyncIterator[ConsoleHouse]:
    """A console on a good day."""
    made = ConsoleHouse(tmp_path)
    made.fill()
    await made.start()
    yield made
    await made.stop()


@pytest_asyncio.fixture
async def look(browser: Browser, house: ConsoleHouse) -> AsyncIterator[Look]:
    """A page that nobody has signed in on; at the end it must have complained of nothing."""
    context = await browser.new_context(viewport={"width": 1280, "height": 880})
    page = await context.new_page()
    made = Look(house, context, page)
    page.on("console", lambda said: made.complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: made.complaints.append(str(error)))
    yield made
    await context.close()
    assert made.complaints == []
