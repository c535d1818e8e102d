"""The topic table says of itself what creation, rights and docs need."""

from __future__ import annotations

import pytest

from shared.contracts import bounds, topics
from shared.contracts.topics import TOPICS, Topic

HOUSE_ORDER = """transactions activities labels decisions predictions captures answers flagged explanations
releases candidates requests alerts dead-letters status audit""".split()
CO_PARTITIONED = ("transactions", "activities", "labels", "decisions", "predictions", "captures")


def test_the_table_holds_the_topics_of_the_house_once() -> None:
    assert [card.name for card in TOPICS] == HOUSE_ORDER


@pytest.mark.parametrize("card", TOPICS, ids=lambda card: card.name)
def test_a_card_is_complete(card: Topic) -> None:
    assert card.purpose.endswith(".")
    assert card.key
    assert card.producers
    assert card.consumers
    assert card.retention_ms == topics.FOREVER or card.retention_ms >= topics.DAY_MS
    assert card.dead_letter == "dead-letters" or card.name == "dead-letters"


def test_names_carry_their_portfolio_except_status_and_audit() -> None:
    assert topics.topic_name("bank", "transactions") == "bank.transactions"
    assert {c.name for c in TOPICS if not c.scoped} == {"status", "audit"}
    assert topics.topic_name("bank", "status") == "status"


def test_a_name_outside_the_table_is_refused() -> None:
    with pytest.raises(KeyError):
        topics.topic_name("bank", "payments")
    with pytest.raises(KeyError):
        topics.topic("payments")


@pytest.mark.parametrize("name", CO_PARTITIONED)
def test_inputs_and_their_outputs_have_equal_partition_counts(name: str) -> None:
    assert topics.partition_count(topics.topic(name), 7) == 7


def test_chained_topics_have_one_partition_and_stay_for_ever() -> None:
    for name in ("releases", "audit"):
        assert topics.partition_count(topics.topic(name), 7) == 1
        assert topics.topic(name).retention_ms == topics.FOREVER


def test_a_refused_record_fits_into_a_dead_letter() -> None:
    base64_bytes = 4 * (bounds.RECORD_LIMIT_BYTES + 2) // 3

    assert base64_bytes + 4096 < topics.MESSAGE_LIMIT_BYTES
