"""What the screens say: of strange data, of an empty house, of a part that is away; and what they load."""

from __future__ import annotations

from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import pytest

from services.console.edge.rendering import HERE
from tests.support.console_house import NOW_MS, ConsoleHouse, decision

STRANGE = {
    "script": "<script>alert(1)</script>",
    "image": '"><img src=x onerror=alert(1)>',
    "quote": 'it\'s "&" {{ 7*7 }}',
    "hebrew": "שלום-1",
    "emoji": "card-🦊",
    "path": "a/b?c#d%2F",
}
PAGES = ("/", "/tail", "/queue", "/alerts", "/search?q={}", "/decisions/{}")
ROOT = Path(__file__).parents[3]


class Tags(HTMLParser):
    """Tags with their attributes, and the text of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def assert_runs_nothing(html: str) -> None:
    """No script but our own files, no handler, no style of its own, no image of others."""
    for tag, attributes in Tags(html).tags:
        assert not [name for name in attributes if name.startswith("on") or name == "style"], attributes
        if tag == "script":
            assert (attributes.get("src") or "").startswith("/static/")
        assert tag not in ("img", "iframe", "object", "style")


@pytest.mark.parametrize("kind", STRANGE)
async def test_strange_ids_are_shown_as_they_are_and_run_nothing(house: ConsoleHouse, kind: str) -> None:
    strange = STRANGE[kind]
    told = decision(
        7, NOW_MS, tx_id=strange, account_id=strange, caller=strange, action="decline", reasons=[strange]
    )
    house.tell(told)
    client, _ = await house.signed_in("omar")
    async with client:
        for page in PAGES:
            path, _, query = page.partition("?")
            if query:
                answer = await client.get(path, params={"q": strange}, follow_redirects=True)
            else:
                answer = await client.get(_filled(path, strange))
            assert answer.status_code == 200, page
            assert_runs_nothing(answer.text)
            if page != "/alerts":
                assert strange in Tags(answer.text).text, page


def _filled(path: str, own_id: str) -> str:
    from urllib.parse import quote

    return path.replace("{}", quote(own_id, safe="/"))


async def test_an_empty_house_says_which_command_fills_each_screen(tmp_path: Path) -> None:
    house = ConsoleHouse(tmp_path)
    await house.start()
    client, _ = await house.signed_in("omar")
    async with client:
        for page in ("/", "/tail", "/queue", "/alerts"):
            text = (await client.get(page)).text
            assert "<code>assay " in text, page
        lost = await client.get("/search", params={"q": "nobody"})
        assert lost.status_code == 404
        assert "assay dlq list" in lost.text
    await house.stop()


async def test_a_silent_scorer_broker_and_redis_are_said_and_unsaid(
    house: ConsoleHouse,
) -> None:
    client, _ = await house.signed_in("omar")

    async def said() -> list[str]:
        house.broadcaster.send(house.desk.pulse())
        page = (await client.get("/")).text
        told = (await client.get("/api/v1/health")).json()["troubles"]
        assert all(each["words"] in Tags(page).text for each in told)
        return [each["part"] for each in told]

    async with client:
        assert await said() == []
        house.clock.advance(6_000)
        house.speak(but=("scorer",))
        assert await said() == ["scorer"]
        house.speak(detail="redis_away")
        assert await said() == ["redis"]
        house.clock.advance(5_000)
        assert await said() == ["kafka"]
        house.speak()
        assert await said() == []


async def test_an_error_has_an_id_and_no_trace(house: ConsoleHouse) -> None:
    client, _ = await house.signed_in("omar")
    house.stories.by_tx["tx-bad"] = None  # type: ignore[assignment]  # a defect of ours
    async with client:
        page = await client.get("/decisions/tx-bad")
        told = (await client.get("/api/v1/decisions/tx-bad")).json()["error"]
    assert page.status_code == 500
    assert told["code"] == "bug"
    assert len(told["request_id"]) == 16
    assert "Traceback" not in page.text
    assert "NoneType" not in page.text


@pytest.mark.parametrize("folder", [HERE / "static" / "vendor", ROOT / "tests" / "browser" / "vendor"])
def test_vendored_files_are_what_was_taken(folder: Path) -> None:
    lines = (folder / "hashes.txt").read_text().splitlines()[1:]
    kept = {name: digest for digest, name in (line.split() for line in lines)}
    found = {path.name: sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    found.pop("hashes.txt")
    assert found == kept
    assert any("LICENSE" in name for name in kept)


def test_scripts_of_ours_are_short_and_import_none() -> None:
    """An import names a file without its hash: a second copy would run, and an old one after a change."""
    scripts = {path.name: path.read_text() for path in (HERE / "static").glob("*.js")}
    assert scripts
    assert max(len(text.splitlines()) for text in scripts.values()) <= 300
    assert [name for name, text in scripts.items() if "import " in text] == []


def test_templates_hold_no_script_style_or_handler() -> None:
    for path in (HERE / "templates").glob("*.html"):
        assert_runs_nothing(path.read_text().replace("{{ asset('", "/static/"))
