"""README and docs as tests read them: fenced blocks with their mark, links, commands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parents[2]
README: Final = ROOT / "README.md"
PAGES: Final = (README, *sorted((ROOT / "docs").rglob("*.md")))

_FENCE: Final = re.compile(
    r"(?:^<!-- test: (?P<mark>.+?) -->\n)?^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^ *```$",
    re.M | re.S,
)
_LINK: Final = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_CODE: Final = re.compile(r"`([^`\n]+)`")


class Block(NamedTuple):
    """A fenced block: ``mark`` is what the comment before it says a test does with it, "" without one."""

    page: Path
    line: int
    mark: str
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def blocks(page: Path) -> list[Block]:
    """Every fenced block of ``page``, in order."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(
            page,
            text.count("\n", 0, found.start()) + 1,
            found["mark"] or "",
            found["language"],
            "".join(line.removeprefix(found["indent"]) for line in found["text"].splitlines(keepends=True)),
        )
        for found in _FENCE.finditer(text)
    ]


def links(page: Path) -> list[str]:
    """Targets of links and pictures that lead to a file or a heading."""
    return [target for target in _LINK.findall(_prose(page)) if "://" not in target]


def headings(page: Path) -> set[str]:
    """The anchors of a page's headings."""
    titles = re.findall(r"^#+ (.+)$", _prose(page), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def commands(page: Path) -> set[str]:
    """Each piece of text that calls `assay`, in blocks and inline, from the word after it on."""
    inline = _CODE.findall(_prose(page))
    lines = [line.strip() for block in blocks(page) for line in block.text.splitlines()]
    return {text.removeprefix("assay ") for text in (*inline, *lines) if text.startswith("assay ")}


def _prose(page: Path) -> str:
    return _FENCE.sub("", page.read_text(encoding="utf-8"))
