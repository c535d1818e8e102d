"""README and docs say what is there: commands, options, links, files, marks of blocks, made pages."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.support.command_line import ask
from tests.support.pages import PAGES, README, ROOT, Block, blocks, commands, headings, links
from tests.support.reference_pages import CALLS, DOCS, PORTFOLIOS, pages

MARKS = ("offline", "stack", "own stack", "file ", "no - ")
SHOWN = sorted({call for page in PAGES for call in commands(page)})
CHECK = ("features", "check", "--portfolio", "bank", "--json")


class Told(NamedTuple):
    """All that this module asks of the command line, in one process."""

    tree: dict[str, Any]
    pages: dict[str, str]
    bank: dict[str, Any]
    extended: dict[str, Any]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    (shown,) = [block for block in blocks(DOCS / "extend.md") if "features = [" in block.text]
    bank = (ROOT / "infra" / "portfolios" / "bank.toml").read_text()
    file = tmp_path_factory.mktemp("extended") / "bank.toml"
    file.write_text(bank.replace("features = [\n", shown.text.rsplit("]", 1)[0], 1))
    calls = [*CALLS, CHECK, (f"ASSAY_PORTFOLIO_FILE={file}", *CHECK)]
    tree, answers = ask(calls)
    return Told(tree, pages(answers[: len(CALLS)]), answers[-2].data(), answers[-1].data())


@pytest.mark.parametrize("call", SHOWN)
def test_a_command_that_is_shown_exists_with_its_options(call: str, told: Told) -> None:
    here, words = told.tree, shlex.split(call)
    if words[0] == "COMMAND":
        return
    while words and here["commands"] and not words[0].startswith("-"):
        assert words[0] in here["commands"], f"there is no `assay {call}`"
        here = here["commands"][words.pop(0)]
    options = {word.partition("=")[0] for word in words if word.startswith("-")}

    assert options <= {*here["options"], "--help"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_link_leads_somewhere(page: Path) -> None:
    for target in links(page):
        path, _, anchor = target.partition("#")
        to = (page.parent / path).resolve() if path else page
        assert to.exists(), f"{page.name} links to {target}"
        assert not anchor or anchor in headings(to), f"{page.name} links to {target}"


def test_the_readme_reaches_every_page() -> None:
    found = {(README.parent / target.partition("#")[0]).resolve() for target in links(README)}

    assert set(DOCS.glob("*.md")) <= found


@pytest.mark.parametrize("block", blocks(README), ids=str)
def test_a_block_says_whether_a_test_runs_it(block: Block) -> None:
    assert block.mark.startswith(MARKS), f"{block}: add <!-- test: {'|'.join(MARKS)} -->"
    if block.mark.startswith("file "):
        assert block.mark.endswith(f".{block.language}")
        return
    shows_output = block.language == "text" and block.mark.startswith("no")
    assert block.language in ("bash", "python") or shows_output


def test_make_targets_that_are_shown_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    shown = {
        line
        for page in PAGES
        for b in blocks(page)
        for line in b.text.splitlines()
        if line.startswith("make ")
    }

    assert shown
    assert not [line for line in shown if f"\n{line.split()[1]}:" not in makefile]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_path_that_is_named_exists(page: Path) -> None:
    """Inline code that begins with a room's folder and holds no placeholder."""
    rooms = ("services/", "shared/", "infra/", "tests/")
    for word in set(_inline(page)):
        if (
            word.startswith(rooms)
            and word.replace("_", "").replace("/", "").replace(".", "").replace("-", "").islower()
        ):
            assert (ROOT / word).exists(), f"{page.name} names {word}"


def _inline(page: Path) -> list[str]:
    return [part for line in page.read_text().splitlines() for part in line.split("`")[1::2]]


def test_wrong_commands_links_and_marks_would_be_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A title\n[x](gone.md#a) and `assay fly --high`\n\n```bash\nassay up --no-net\n```\n")

    assert commands(page) == {"fly --high", "up --no-net"}
    assert links(page) == ["gone.md#a"]
    assert headings(page) == {"a-title"}
    assert [(block.mark, block.language, block.text) for block in blocks(page)] == [
        ("", "bash", "assay up --no-net\n")
    ]


@pytest.mark.parametrize(
    "name",
    ["settings.md", *(f"features-{name}.md" for name in PORTFOLIOS)],
)
def test_a_made_page_is_up_to_date(name: str, told: Told) -> None:
    assert (DOCS / name).read_text() == told.pages[name], "run `make docs`"


def test_the_feature_lines_of_the_extension_page_compile(told: Told) -> None:
    assert told.extended["features"] == told.bank["features"] + 3
    assert told.extended["feature_set"] != told.bank["feature_set"]
