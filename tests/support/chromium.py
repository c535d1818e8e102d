"""Debian's Chromium without a window, and how a person signs in with it."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from playwright.async_api import Browser, Page, async_playwright

CHROMIUM: Final = shutil.which("chromium") or shutil.which("chromium-browser")
MISSING: Final = "no Chromium here: apt-get install chromium"
LOOKS: Final = {"light": (1280, 880), "dark": (1280, 880), "narrow": (390, 844)}
"""Width and height of the window, by how a screen is looked at."""


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A browser that ends with the block. Only where `CHROMIUM` is there."""
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield started
        finally:
            await started.close()


async def sign_in(page: Page, url: str, name: str, password: str) -> None:
    """By the form of the console at ``url``, until its first page is there."""
    await page.goto(f"{url}/sign-in")
    await page.fill("input[name=name]", name)
    await page.fill("input[name=password]", password)
    await page.click("button.main")
    await page.wait_for_url(f"{url}/")
