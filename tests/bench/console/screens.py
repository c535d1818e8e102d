"""First paint of each screen in Debian's Chromium, with a cache that is empty and with one that is not."""

from __future__ import annotations

import asyncio
from statistics import median
from typing import Any, Final

from msgspec import Struct
from playwright.async_api import Browser, BrowserContext

from tests.support.chromium import CHROMIUM, MISSING, chromium, sign_in

from .house import House

PAINT: Final = "first-contentful-paint"
TIMES: Final = f"""() => new Promise((tell) => {{
  const page = performance.getEntriesByType("navigation")[0];
  new PerformanceObserver((seen) => {{
    for (const paint of seen.getEntriesByName("{PAINT}"))
      tell([paint.startTime, page.responseStart, page.encodedBodySize]);
  }}).observe({{ type: "paint", buffered: true }});
}})"""
"""Told once the page is painted. Playwright's own waiting evaluates text, which the page's policy forbids."""
PAINT_S: Final = 30.0
VIEW: Final = {"width": 1280, "height": 880}


class Paint(Struct, frozen=True, kw_only=True):
    """One screen's times in ms from the start of the navigation, medians and the worst of all rounds.

    ``answer_ms`` is when the first byte of the page came; ``page_bytes`` is the page's own body.
    """

    screen: str
    cold_ms: float
    cold_worst_ms: float
    warm_ms: float
    warm_worst_ms: float
    answer_ms: float
    page_bytes: int


async def paints(house: House, paths: dict[str, str], rounds: int) -> list[Paint]:
    """Every path ``rounds`` times in a fresh profile, and once more in the same. Raises SystemExit."""
    if CHROMIUM is None:
        raise SystemExit(MISSING)
    async with chromium() as browser:
        signed_in = await _signed_in(browser, house)
        return [await _paint(browser, signed_in, house.url, each, rounds) for each in paths.items()]


async def _signed_in(browser: Browser, house: House) -> Any:
    """What a browser keeps of a session."""
    context = await browser.new_context()
    page = await context.new_page()
    await sign_in(page, house.url, house.name, house.password)
    state = await context.storage_state()
    await context.close()
    return state


async def _paint(browser: Browser, state: Any, url: str, screen: tuple[str, str], rounds: int) -> Paint:
    name, path = screen
    cold, warm = [], []
    for _ in range(rounds):
        context = await browser.new_context(viewport=VIEW, storage_state=state)  # type: ignore[arg-type]  # sizes
        cold.append(await _times(context, url + path))
        warm.append(await _times(context, url + path))
        await context.close()
    return Paint(
        screen=name,
        cold_ms=median(times[0] for times in cold),
        cold_worst_ms=max(times[0] for times in cold),
        warm_ms=median(times[0] for times in warm),
        warm_worst_ms=max(times[0] for times in warm),
        answer_ms=median(times[1] for times in cold + warm),
        page_bytes=int(cold[-1][2]),
    )


async def _times(context: BrowserContext, url: str) -> list[float]:
    """Paint, first byte and size of one load in a tab of its own."""
    page = await context.new_page()
    answer = await page.goto(url)
    assert answer is not None
    if not answer.ok:
        raise SystemExit(f"{url}: status {answer.status}")
    async with asyncio.timeout(PAINT_S):
        found: list[float] = await page.evaluate(TIMES)
    await page.close()
    return found
