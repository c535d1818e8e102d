"""What many streams tell of memory, and of pulses that never came."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psutil
import pytest

from tests.bench.console.house import House
from tests.bench.console.streams import Sample, slope_kb_per_min, streamed
from tests.support.console_house import ConsoleHouse


def test_the_slope_is_that_of_the_straight_line() -> None:
    grown = [Sample(at_s=60.0 * n, rss_mb=100.0 + n / 1024 * 7, cpu_share=0.1, events=n) for n in range(6)]
    assert slope_kb_per_min(grown) == pytest.approx(7.0)


def skip_five(made: ConsoleHouse) -> None:
    """Five pulses that nobody gets."""
    made.desk._seq += 5


async def test_streams_count_what_comes_and_what_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.bench.console.streams.SAMPLE_S", 2.5)
    made = ConsoleHouse(tmp_path)
    await made.start()
    try:
        browser, _ = await made.signed_in("vera")
        where = House(url=made.url, name="vera", password="", pid=psutil.Process().pid, decisions=0)
        whole = await streamed(where, dict(browser.cookies), 3, 0.04)
        assert (whole.dropped, whole.broken) == (0, 0)
        assert whole.events >= 6
        asyncio.get_running_loop().call_later(1.5, skip_five, made)
        assert (await streamed(where, dict(browser.cookies), 3, 0.04)).dropped == 15
        gone = await streamed(where, {}, 2, 0.04)
        assert (gone.events, gone.broken) == (0, 2)
        await browser.aclose()
    finally:
        await made.stop()
