"""Each screen as a picture, light, dark and narrow, without a complaint of the browser or of axe."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from tests.browser.conftest import Look
from tests.support.chromium import LOOKS

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
SCREENS = {
    "overview": "/",
    "tail": "/tail",
    "decision": "/decisions/tx-9f31c2ab77e0",
    "cases": "/queue",
    "alerts": "/alerts",
    "labels": "/labels",
}
SERIOUS = {"serious", "critical"}


async def faults(look: Look) -> list[str]:
    """What axe finds serious. It is given to the page past its policy, as a debugger would."""
    await look.page.evaluate(AXE.read_text(encoding="utf-8"))
    found = await look.page.evaluate("axe.run()")
    return [
        f"{one['id']}: {node['target']} {node['failureSummary']}"
        for one in found["violations"]
        if one["impact"] in SERIOUS
        for node in one["nodes"]
    ]


async def keep(look: Look, folder: Path | None, name: str) -> None:
    """The picture in 128 colours: a quarter of its bytes."""
    if folder is None:
        return
    drawn = (
        Image.open(io.BytesIO(await look.page.screenshot()))
        .convert("RGB")
        .quantize(128, dither=Image.Dither.NONE)
    )
    drawn.save(folder / name, optimize=True)


async def is_as_wide_as_its_window(look: Look) -> bool:
    """Whether nobody must scroll sideways."""
    return bool(await look.page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


@pytest.mark.parametrize("kind", LOOKS)
async def test_each_screen_is_a_picture_without_a_fault(look: Look, pictures: Path | None, kind: str) -> None:
    width, height = LOOKS[kind]
    await look.page.set_viewport_size({"width": width, "height": height})
    await look.page.emulate_media(color_scheme="dark" if kind == "dark" else "light")
    await look.page.goto(look.house.url + "/sign-in")
    assert await faults(look) == []
    await keep(look, pictures, f"sign-in-{kind}.png")
    await look.sign_in()
    found = {}
    for name, path in SCREENS.items():
        await look.go(path)
        if name == "overview":
            await look.page.wait_for_selector("#chart-times canvas")
        await look.page.wait_for_timeout(300)
        await keep(look, pictures, f"{name}-{kind}.png")
        found[name] = await faults(look)
        assert await is_as_wide_as_its_window(look), name
    assert {name: what for name, what in found.items() if what} == {}
