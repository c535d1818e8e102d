"""Wanted topics come from the table; every difference is found and has its fix command."""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest

from infra.kafka.__main__ import _parser
from infra.kafka.topics import (
    INPUT_MESSAGE_LIMIT_BYTES,
    INPUT_TOPICS,
    TopicState,
    diff,
    wanted_topics,
)
from shared.contracts.addresses import KafkaAddress
from shared.contracts.topics import TOPICS

WANTED = wanted_topics(["bank"], 4)
BY_NAME = {topic.name: topic for topic in WANTED}
KAFKA = KafkaAddress("127.0.0.1:9092")


def test_every_row_of_the_table_is_wanted_once_per_portfolio() -> None:
    two = {topic.name for topic in wanted_topics(["bank", "shop"])}
    scoped = {card.name for card in TOPICS if card.scoped}
    assert two == {f"{p}.{name}" for p in ("bank", "shop") for name in scoped} | {"status", "audit"}


def test_input_topics_share_their_partition_count() -> None:
    topics = {topic.name: topic for topic in wanted_topics(["bank"], 6)}
    assert {topics[f"bank.{name}"].partitions for name in INPUT_TOPICS} == {6}
    assert topics["bank.releases"].partitions == 1


def test_ingest_time_is_the_brokers_on_every_topic() -> None:
    assert {topic.configs["message.timestamp.type"] for topic in WANTED} == {"LogAppendTime"}


def test_input_topics_take_what_the_scorer_must_refuse() -> None:
    assert INPUT_MESSAGE_LIMIT_BYTES > 10_000_000
    limits = {topic.name: int(topic.configs["max.message.bytes"]) for topic in WANTED}
    assert {limits[f"bank.{name}"] for name in INPUT_TOPICS} == {INPUT_MESSAGE_LIMIT_BYTES}
    assert limits["bank.decisions"] == 1_048_576


def test_segments_close_within_the_retention() -> None:
    status = BY_NAME["status"].configs
    assert int(status["segment.ms"]) <= int(status["retention.ms"]) // 4
    assert BY_NAME["bank.releases"].configs["retention.ms"] == "-1"


@pytest.mark.parametrize(("replicas", "in_sync"), [(1, "1"), (3, "2")])
def test_in_sync_replicas_follow_the_copies(replicas: int, in_sync: str) -> None:
    assert {t.configs["min.insync.replicas"] for t in wanted_topics(["bank"], 4, replicas)} == {in_sync}


def test_equal_topics_have_no_faults() -> None:
    assert diff(WANTED, BY_NAME, KAFKA) == []


def with_config(topic: TopicState, key: str, value: str) -> TopicState:
    return replace(topic, configs={**topic.configs, key: value})


def test_each_difference_is_one_fault_with_a_command_that_parses() -> None:
    found = dict(BY_NAME)
    del found["bank.labels"]
    found["bank.transactions"] = replace(found["bank.transactions"], partitions=1)
    found["bank.decisions"] = with_config(found["bank.decisions"], "retention.ms", "1000")
    faults = {fault.topic: fault for fault in diff(WANTED, found, KAFKA)}
    assert {name: fault.kind for name, fault in faults.items()} == {
        "bank.labels": "missing",
        "bank.transactions": "partitions",
        "bank.decisions": "config",
    }
    assert faults["bank.decisions"].sentence == (
        "Topic bank.decisions has retention.ms 1000, wanted 2592000000."
    )
    for fault in faults.values():
        told = _parser().parse_args(shlex.split(fault.fix)[3:])
        assert told.topic == fault.topic


def test_recreating_must_be_confirmed() -> None:
    found = {**BY_NAME, "status": replace(BY_NAME["status"], partitions=9)}
    (fault,) = diff(WANTED, found, KAFKA)
    assert " recreate --yes " in fault.fix
    with pytest.raises(SystemExit):
        _parser().parse_args(shlex.split(fault.fix.replace(" --yes", ""))[3:])
