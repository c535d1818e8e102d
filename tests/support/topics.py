"""Topics of a test's own on the session's broker."""

from __future__ import annotations

from kafka.admin import KafkaAdminClient, NewTopic

from shared.contracts.topics import TOPICS, partition_count, topic_name


def create_topics(bootstrap: str, portfolio: str, *names: str, input_partitions: int = 2) -> None:
    """Create ``names`` from the table for ``portfolio``; an unscoped one that stands already is left."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        standing = set(admin.list_topics())
        wanted = {topic_name(portfolio, card.name): card for card in TOPICS if card.name in names}
        fresh = [
            NewTopic(name, partition_count(card, input_partitions), 1)
            for name, card in wanted.items()
            if name not in standing
        ]
        if fresh:
            admin.create_topics(fresh)
    finally:
        admin.close()
