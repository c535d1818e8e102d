"""What a person does: sign in, filter, work the queue by keys; and what a page does by itself."""

from __future__ import annotations

from sqlalchemy import delete, func, select

from shared.stores.database import Database
from shared.stores.monitor_tables import TIMES
from tests.browser.conftest import Look
from tests.support.console_house import NOW_MS, decision

OWN_COLOUR = """() => {
  const canvas = document.querySelector("#chart-times canvas");
  const found = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  let count = 0;
  for (let at = 0; at < found.length; at += 4) {
    const off = [0x0b, 0x7a, 0x75].reduce((sum, want, part) => sum + Math.abs(found[at + part] - want), 0);
    if (off < 12 && found[at + 3] > 200) count += 1;
  }
  return count;
}"""
"""How many points of the chart of times have the colour of its p50."""


async def test_a_case_is_worked_by_keys_alone(look: Look) -> None:
    await look.sign_in("omar")
    await look.page.keyboard.press("g")
    await look.page.keyboard.press("c")
    await look.page.wait_for_url("**/queue")
    first = await look.page.locator("[data-case]").first.get_attribute("id")
    await look.page.keyboard.press("c")
    await look.page.wait_for_selector(f"[id='{first}'] button[data-key=f]")
    await look.page.keyboard.press("f")
    await look.page.wait_for_selector(f"[id='{first}']", state="detached")
    (label,) = look.house.labels
    assert f"case-{label.tx_id}" == first
    assert label.verdict == "fraud"
    assert await look.page.locator("[data-case][data-chosen]").count() == 1


async def test_a_new_decision_and_a_trouble_appear_and_go_without_a_reload(look: Look) -> None:
    await look.sign_in("vera")
    await look.go("/tail")
    look.house.take(decision(999_001, NOW_MS, account_id="acc-fresh"))
    await look.page.wait_for_selector("text=acc-fresh")
    look.house.held.heard_at_ms = NOW_MS - 5_000
    await look.page.wait_for_selector("#troubles >> text=Kafka does not answer")
    look.house.held.heard_at_ms = NOW_MS
    await look.page.wait_for_selector("#troubles .trouble", state="detached")


async def test_p_freezes_the_page_and_lets_it_go_on(look: Look) -> None:
    await look.sign_in("vera")
    await look.go("/tail")
    await look.page.keyboard.press("p")
    await look.page.wait_for_selector("#badge[data-state=paused]")
    await look.page.wait_for_timeout(1_200)
    look.house.take(decision(999_002, NOW_MS, account_id="acc-frozen"))
    await look.page.wait_for_timeout(2_500)
    assert await look.page.locator("text=acc-frozen").count() == 0
    await look.page.keyboard.press("p")
    await look.page.wait_for_selector("text=acc-frozen")


async def test_search_theme_and_filter_by_hand(look: Look) -> None:
    await look.sign_in("vera")
    await look.page.keyboard.press("/")
    await look.page.keyboard.type("tx-9f31c2ab77e0")
    await look.page.keyboard.press("Enter")
    await look.page.wait_for_url("**/decisions/tx-9f31c2ab77e0")
    before = await look.page.evaluate("getComputedStyle(document.body).backgroundColor")
    await look.page.click("#theme")
    assert await look.page.evaluate("getComputedStyle(document.body).backgroundColor") != before
    await look.page.reload()
    assert await look.page.evaluate("getComputedStyle(document.body).backgroundColor") != before
    await look.go("/tail")
    await look.page.select_option("select[name=action]", "decline")
    await look.page.click("#filters button.main")
    await look.page.wait_for_url("**/tail?action=decline*")
    await look.page.wait_for_timeout(1_500)
    actions = set(await look.page.locator("#rows .action").all_inner_texts())
    assert actions == {"decline"}


async def test_strange_ids_run_nothing_in_a_browser(look: Look) -> None:
    strange = "<img src=x onerror=document.title='run'>"
    names = {"tx_id": strange, "account_id": strange, "caller": "<b>x</b>"}
    look.house.tell(decision(7, NOW_MS, action="decline", score=0.99, amount_minor=10**7, **names))
    await look.sign_in("omar")
    for path in ("/", "/tail", "/queue", "/decisions/%3Cimg%20src=x%20onerror=document.title='run'%3E"):
        await look.go(path)
        await look.page.locator("main", has_text=strange).wait_for()
        assert strange in await look.page.inner_text("main"), path
        assert "run" not in await look.page.title() or path.startswith("/decisions")
        assert await look.page.locator("main img").count() == 0


async def test_a_file_of_labels_is_seen_then_sent_and_told_row_by_row(look: Look) -> None:
    await look.sign_in("omar")
    await look.go("/labels")
    text = "tx_id,verdict\ntx-9f31c2ab77e0,fraud\n<img src=x>,fraud\n"
    await look.page.set_input_files(
        "#file", {"name": "labels.csv", "mimeType": "text/csv", "buffer": text.encode()}
    )
    await look.page.wait_for_function("document.getElementById('rows').value.includes('9f31c2')")
    await look.page.click("form.rows-form button.main")
    await look.page.wait_for_selector("text=1 taken, 1 refused")
    assert await look.page.locator("table.rows >> text=label_unknown_tx").count() == 1
    assert await look.page.locator("main img").count() == 0
    assert [label.tx_id for label in look.house.labels] == ["tx-9f31c2ab77e0"]


async def test_a_minute_that_was_counted_alone_is_drawn(look: Look) -> None:
    with Database.open(look.house.settings.monitor_url).writing() as sql:
        middle = sql.scalar(select(func.min(TIMES.c.minute_ms))) + 10 * 60_000
        sql.execute(delete(TIMES).where(TIMES.c.minute_ms != middle))
    await look.page.emulate_media(color_scheme="light")
    await look.sign_in("vera")
    await look.page.wait_for_selector("#chart-times canvas")
    await look.page.wait_for_timeout(500)
    assert await look.page.evaluate(OWN_COLOUR) > 10
