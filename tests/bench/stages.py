"""Where the scorer's time goes, from its own prediction records: one reading per micro-batch."""

from __future__ import annotations

from dataclasses import dataclass

import orjson
from kafka import KafkaConsumer, TopicPartition

NAMES = ("decode", "state", "features", "predict", "decide")


@dataclass(frozen=True, slots=True)
class Stages:
    """Microseconds per payment of each stage. State is the time from asking to folding, which overlaps."""

    us: dict[str, float]
    batches: int
    payments: int


def read_stages(bootstrap: str, topic: str) -> Stages:
    """Sum each micro-batch once; batches are told apart by their stage times and size."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    seen: dict[tuple[int, ...], int] = {}
    payments = 0
    try:
        places = [TopicPartition(topic, p) for p in consumer.partitions_for_topic(topic) or ()]
        consumer.assign(places)
        consumer.seek_to_beginning(*places)
        ends = consumer.end_offsets(places)
        while any(consumer.position(place) < ends[place] for place in places):
            for records in consumer.poll(1000, max_records=5000).values():
                for record in records:
                    told = orjson.loads(record.value)
                    payments += 1
                    seen[tuple(told[f"{name}_us"] for name in NAMES)] = told["batch_size"]
    finally:
        consumer.close()
    counted = sum(seen.values())
    us = {name: sum(key[i] for key in seen) / max(counted, 1) for i, name in enumerate(NAMES)}
    return Stages(us, len(seen), payments)
