"""The reference pages say what the tables say."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.docs import FOLDER, PAGES, write
from shared.contracts.reasons import REASONS
from shared.contracts.topics import TOPICS


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_up_to_date(name: str) -> None:
    assert (FOLDER / name).read_text() == PAGES[name](), "run `make docs`"


def test_writing_gives_every_page(tmp_path: Path) -> None:
    write(tmp_path)

    assert {path.name for path in tmp_path.iterdir()} == set(PAGES)


def test_pages_name_every_topic_record_and_reason() -> None:
    topics, reasons = PAGES["topics.md"](), PAGES["reasons.md"]()

    assert all(f"\n## {card.name}\n" in topics for card in TOPICS)
    assert all(f"\n## {r.__name__}\n" in topics for card in TOPICS for r in card.records or ())
    assert all(f"| `{code}` |" in reasons for code in REASONS)


def test_links_within_the_topics_page_lead_somewhere() -> None:
    page = PAGES["topics.md"]()
    targets = {line[3:].lower() for line in page.splitlines() if line.startswith("## ")}
    links = {part.split(")")[0] for part in page.split("](#")[1:]}

    assert links <= targets
