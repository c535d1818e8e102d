"""Reading releases: apart from publishing them, which verifies models and so needs the compiled kernels."""

from __future__ import annotations

from shared.contracts.addresses import KafkaAddress
from shared.contracts.topics import topic_name
from shared.scoring.release import Chain, fold

from .artefacts import Verifies
from .kafka_log import read_whole


def read_chain(kafka: KafkaAddress, portfolio: str, trusted: Verifies) -> Chain:
    """The folded release chain of ``portfolio``. Raises KafkaAway."""
    records = read_whole(kafka, topic_name(portfolio, "releases"))
    return fold([record.value for record in records], trusted.verify)
