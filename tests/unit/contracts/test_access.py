"""Rights as the topic table gives them: every word of it is somebody, and nobody gets more than it says."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiokafka import errors as aiokafka_errors
from kafka import errors as kafka_errors

from shared.contracts.access import (
    ANY_CONSUMER,
    EVERY_SERVICE,
    EVERYONE,
    OPERATOR,
    PRINCIPALS,
    Right,
    access_table,
    consumers,
    producers,
    refusal,
    rights,
)
from shared.contracts.addresses import KafkaAddress
from shared.contracts.topics import TOPICS, topic

NAMES = {principal.name for principal in PRINCIPALS}
KAFKA = KafkaAddress("h:1", "scorer", "canary", "/secrets/kafka.scorer")


def test_every_word_of_the_table_is_somebody() -> None:
    words = {word for card in TOPICS for word in (*card.producers, *card.consumers)}
    assert words - {ANY_CONSUMER, EVERY_SERVICE, EVERYONE} <= NAMES
    assert OPERATOR not in NAMES


def test_every_service_folder_has_a_principal() -> None:
    services = Path(__file__).parents[3] / "services"
    assert {folder.parent.name for folder in services.glob("*/settings.py")} <= NAMES


def test_words_that_mean_many_leave_out_guests_and_who_does_not_run() -> None:
    assert producers(topic("status")) == NAMES - {"applications", "cli"}
    assert consumers(topic("releases")) == NAMES - {"applications"}
    buriers = producers(topic("dead-letters"))
    assert {"scorer", "archiver", "trainer", "gateway"} <= buriers <= producers(topic("status"))


def test_rights_follow_the_portfolio_and_unscoped_topics_stand_once() -> None:
    bank, shop = rights(["bank"]), rights(["shop"])
    assert rights(["bank", "shop"]) == bank | shop
    assert {right.name for right in bank & shop} == {"status", "audit"}


def test_nobody_but_the_scorer_decides() -> None:
    for name in ("decisions", "predictions", "captures", "flagged"):
        writers = {r.principal for r in rights(["bank"]) if r[1:4] == ("write", "topic", f"bank.{name}")}
        assert writers == {"scorer"}


def test_the_table_for_people_says_all_of_it() -> None:
    said = {
        Right(row.principal, operation, row.resource, row.name.removesuffix("*"), row.name.endswith("*"))
        for row in access_table("bank")
        for operation in row.may
    }
    assert said == rights(["bank"])


@pytest.mark.parametrize(
    "error",
    [
        aiokafka_errors.TopicAuthorizationFailedError("bank.labels"),
        aiokafka_errors.GroupAuthorizationFailedError("bank.scorer"),
        kafka_errors.TopicAuthorizationFailedError("bank.labels"),
        kafka_errors.ClusterAuthorizationFailedError(),
        aiokafka_errors.SaslAuthenticationFailed(),
        kafka_errors.SaslAuthenticationFailedError(),
    ],
)
def test_a_refusal_names_who_and_what_mends_it_and_no_password(error: Exception) -> None:
    told = str(refusal(error, KAFKA, "read", "bank.labels"))
    assert told.startswith("access_refused: ")
    assert "scorer" in told
    assert "`assay " in told
    assert "canary" not in told


@pytest.mark.parametrize(
    "error", [aiokafka_errors.KafkaConnectionError(), kafka_errors.KafkaTimeoutError(), OSError(29)]
)
def test_a_broker_that_is_away_refuses_nothing(error: Exception) -> None:
    assert refusal(error, KAFKA, "read", "bank.labels") is None
