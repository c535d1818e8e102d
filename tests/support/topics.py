"""Topics for tests on the shared broker, with every setting of the table.

``status`` and ``audit`` belong to no portfolio and so to all tests of a session: one that made them with the
broker's defaults would break those that compare the broker with the table.
"""

from __future__ import annotations

from infra.kafka import broker
from infra.kafka.topics import wanted_topics
from shared.contracts.addresses import KafkaAddress
from shared.contracts.topics import topic_name


def create_topics(bootstrap: str, portfolio: str, *names: str, input_partitions: int = 2) -> None:
    """Create ``names`` of ``portfolio`` as the table says, unless they are there."""
    mine = {topic_name(portfolio, name) for name in names}
    wanted = [topic for topic in wanted_topics([portfolio], input_partitions) if topic.name in mine]
    broker.apply(KafkaAddress(bootstrap), wanted)
