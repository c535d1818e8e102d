"""Looks at a running stack as a person does: ``python -m tests.browser.walk --data-dir .assay --out DIR``.

Signs in with Chromium and keeps a picture of every screen, light, dark and narrow. ``--takeover`` also works
a case: waits for one whose features tell of a taken account (a payee never paid before, after a changed
password, a raised limit or from a new device), finds it in the tail, opens its detail, claims it and judges
it by keys, and waits for the label in the lake with the place it has in its topic.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import polars as pl
from playwright.async_api import Page

from tests.support.chromium import CHROMIUM, LOOKS, MISSING, chromium, sign_in

SCREENS: Final = {"overview": "/", "tail": "/tail", "cases": "/queue", "alerts": "/alerts"}
SIGNS: Final = ("account_passwords_1d", "account_new_device", "account_limits_1d")
SETTLE_MS: Final = 2_500
"""Time for the first pulses and the charts."""


class Walk:
    """One signed-in page, and where its pictures go."""

    def __init__(self, page: Page, url: str, out: Path, data_dir: Path) -> None:
        self._page, self._url, self._out, self._data_dir = page, url, out, data_dir
        self._began_s = time.monotonic()

    def say(self, words: str) -> None:
        """A line with the seconds since the walk began."""
        print(f"{time.monotonic() - self._began_s:6.1f} s  {words}", flush=True)

    async def sign_in(self, name: str, password: str) -> None:
        """By the form."""
        await sign_in(self._page, self._url, name, password)
        self.say(f"signed in as {name}")

    async def keep(self, name: str, path: str = "") -> None:
        """A picture of ``path``, or of the page as it is."""
        if path:
            await self._page.goto(self._url + path)
            await self._page.wait_for_timeout(SETTLE_MS)
        await self._page.screenshot(path=self._out / f"{name}.png")

    async def look_at_all(self, prefix: str) -> None:
        """Every screen in every look."""
        for kind, (width, height) in LOOKS.items():
            await self._page.set_viewport_size({"width": width, "height": height})
            await self._page.emulate_media(color_scheme="dark" if kind == "dark" else "light")
            for name, path in SCREENS.items():
                await self.keep(f"{prefix}-{name}-{kind}", path)
        await self._page.set_viewport_size({"width": 1280, "height": 880})
        await self._page.emulate_media(color_scheme="light")
        self.say(f"{len(SCREENS) * len(LOOKS)} pictures of {', '.join(SCREENS)}")

    async def work_a_takeover(self, wait_s: float) -> None:
        """Tail, detail, claim, verdict, label. Raises TimeoutError where no takeover comes in ``wait_s``."""
        case = await self._takeover(wait_s)
        tx_id = case["row"]["tx_id"]
        self.say(f"a case that looks like a taken account: {tx_id}, at risk {case['at_risk_minor']} minor")
        await self.keep("takeover-1-tail", f"/tail?text={quote(tx_id, safe='')}")
        await self._page.click(f"#rows a[href$='{tx_id}']")
        await self._page.wait_for_timeout(SETTLE_MS)
        await self.keep("takeover-2-detail")
        await self._page.goto(self._url + "/queue")
        row = f"[id='case-{tx_id}']"
        await self._page.wait_for_selector(row)
        await self._choose(row)
        await self._page.keyboard.press("c")
        await self._page.wait_for_selector(f"{row} button[data-key=f]")
        await self.keep("takeover-3-claimed")
        await self._page.keyboard.press("f")
        await self._page.wait_for_selector(row, state="detached")
        await self.keep("takeover-4-judged")
        self.say("claimed with c, judged fraud with f: it left the queue")
        self.say(f"its label in the lake: {await self._label(tx_id)}")
        await self.keep("takeover-5-detail-with-label", f"/decisions/{quote(tx_id, safe='')}")

    async def _takeover(self, wait_s: float) -> dict[str, Any]:
        end_s = time.monotonic() + wait_s
        seen: set[str] = set()
        while time.monotonic() < end_s:
            for case in (await self._json("/api/v1/queue"))["cases"]:
                tx_id = case["row"]["tx_id"]
                if tx_id in seen or case.get("claimed_by"):
                    continue
                features = await self._features(tx_id)
                if features:
                    seen.add(tx_id)
                if features.get("account_new_payee") == 1 and any(features.get(sign) for sign in SIGNS):
                    told = {name: features[name] for name in ("account_new_payee", *SIGNS)}
                    self.say(f"after {len(seen)} cases looked at; {told}")
                    return dict(case)
            await asyncio.sleep(2)
        raise TimeoutError(f"no case like a taken account among {len(seen)} in {wait_s} s")

    async def _features(self, tx_id: str) -> dict[str, float]:
        told = await self._json(f"/api/v1/decisions/{quote(tx_id, safe='')}")
        return {one["name"]: one["value"] for one in told["features"] if one.get("value") is not None}

    async def _json(self, path: str) -> Any:
        answer = await self._page.request.get(self._url + path)
        if not answer.ok:
            raise RuntimeError(f"{path}: {answer.status} {await answer.text()}")
        return await answer.json()

    async def _choose(self, row: str) -> None:
        """Down with ``j`` until it is the chosen one."""
        for _ in range(200):
            if await self._page.locator(f"{row}[data-chosen]").count():
                return
            await self._page.keyboard.press("j")
        raise TimeoutError("the case could not be reached with j")

    async def _label(self, tx_id: str) -> dict[str, Any]:
        end_s = time.monotonic() + 60
        while time.monotonic() < end_s:
            labels = pl.read_delta(str(self._data_dir / "lake" / "labels"))
            found = labels.filter((pl.col("tx_id") == tx_id) & (pl.col("source") == "analyst"))
            if len(found):
                return {name: value for name, value in found.row(0, named=True).items() if value is not None}
            await asyncio.sleep(1)
        raise TimeoutError(f"no label of {tx_id} by an analyst in the lake within 60 s")


async def walk(asked: argparse.Namespace) -> None:
    """What the arguments ask for, in one browser."""
    if CHROMIUM is None:
        raise SystemExit(MISSING)
    asked.out.mkdir(parents=True, exist_ok=True)
    password = (asked.data_dir / "secrets" / "console.admin").read_text().split()[-1]
    async with chromium() as browser:
        page = await browser.new_page(viewport={"width": 1280, "height": 880})
        told = Walk(page, asked.url, asked.out, asked.data_dir)
        await told.sign_in("admin", password)
        await told.look_at_all(asked.prefix)
        if asked.takeover:
            await told.work_a_takeover(asked.takeover)


def main() -> None:
    """The command."""
    command = argparse.ArgumentParser(description=__doc__)
    command.add_argument("--data-dir", type=Path, default=Path(".assay"))
    command.add_argument("--url", default="http://127.0.0.1:8600")
    command.add_argument("--out", type=Path, required=True, help="folder of the pictures")
    command.add_argument("--prefix", default="live", help="first word of each picture's name")
    command.add_argument(
        "--takeover", type=float, default=0, metavar="SECONDS", help="work a case, waiting so long"
    )
    asyncio.run(walk(command.parse_args()))


if __name__ == "__main__":
    main()
