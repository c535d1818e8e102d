"""F30 on a real broker: missing topic, wrong partition count, wrong retention; the fix commands mend them."""

from __future__ import annotations

import shlex
import subprocess
import sys

import pytest
from kafka import KafkaProducer
from kafka.errors import KafkaError, UnknownTopicOrPartitionError

from infra.kafka.broker import BrokerAwayError, apply, create, set_configs, verify
from infra.kafka.topics import TopicFault, wanted_topics
from infra.local.kafka import KafkaServer
from infra.local.ports import free_ports
from shared.contracts.addresses import KafkaAddress


def run_fix(fault: TopicFault) -> None:
    program, *words = shlex.split(fault.fix)
    assert program == "python"
    subprocess.run([sys.executable, *words], check=True, capture_output=True, timeout=30)


def test_missing_topics_are_created_as_the_table_says(kafka_server: KafkaServer) -> None:
    wanted = wanted_topics(["created"], 4)
    done = apply(kafka_server.address, wanted)
    assert set(done.created) >= {"created.transactions", "created.releases"}
    assert done.faults == ()
    assert apply(kafka_server.address, wanted).created == ()
    assert verify(kafka_server.address, wanted) == []


def test_wrong_topics_are_reported_left_alone_and_mended_by_their_commands(
    kafka_server: KafkaServer,
) -> None:
    wanted = {topic.name: topic for topic in wanted_topics(["wrong"], 2)}
    apply(kafka_server.address, list(wanted_topics(["wrong"], 2)))
    several = wanted_topics(["wrong"], 3)
    set_configs(kafka_server.address, "wrong.decisions", {"retention.ms": "1000"})
    faults = apply(kafka_server.address, several).faults
    kinds = {(fault.topic, fault.kind, fault.setting) for fault in faults}
    assert ("wrong.transactions", "partitions", "") in kinds
    assert ("wrong.decisions", "config", "retention.ms") in kinds
    still = verify(kafka_server.address, list(wanted.values()))
    assert [fault.topic for fault in still] == ["wrong.decisions"]
    run_fix(still[0])
    assert verify(kafka_server.address, list(wanted.values())) == []
    run_fix(next(fault for fault in faults if fault.topic == "wrong.transactions"))
    left = {fault.topic for fault in verify(kafka_server.address, several)}
    assert "wrong.transactions" not in left
    assert "wrong.labels" in left


def test_a_missing_topic_is_a_fault_and_its_command_creates_it(kafka_server: KafkaServer) -> None:
    wanted = wanted_topics(["absent"], 1)
    for topic in wanted:
        if topic.name not in {"absent.labels", "status", "audit"}:
            create(kafka_server.address, topic)
    faults = [f for f in verify(kafka_server.address, wanted) if f.topic == "absent.labels"]
    assert [fault.kind for fault in faults] == ["missing"]
    run_fix(faults[0])
    assert [f for f in verify(kafka_server.address, wanted) if f.topic == "absent.labels"] == []


def test_a_topic_never_springs_up_by_producing_to_it(kafka_server: KafkaServer) -> None:
    producer = KafkaProducer(bootstrap_servers=kafka_server.bootstrap, max_block_ms=1_000)
    with pytest.raises((KafkaError, UnknownTopicOrPartitionError)):
        producer.send("never.created", b"x").get(timeout=3)
    producer.close()


def test_ten_megabytes_reach_the_input_topic_and_no_other(kafka_server: KafkaServer) -> None:
    apply(kafka_server.address, wanted_topics(["large"], 1))
    producer = KafkaProducer(bootstrap_servers=kafka_server.bootstrap, max_request_size=16_000_000)
    body = b"x" * 10_000_000
    assert producer.send("large.transactions", body).get(timeout=20).offset == 0
    with pytest.raises(KafkaError):
        producer.send("large.decisions", body).get(timeout=20)
    producer.close()


def test_a_broker_that_is_away_is_said_so() -> None:
    with pytest.raises(BrokerAwayError, match="Kafka at"):
        verify(KafkaAddress(f"127.0.0.1:{free_ports(1)[0]}"), wanted_topics(["bank"]))
