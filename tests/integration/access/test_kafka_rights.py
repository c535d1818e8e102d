"""Every principal tries everything: each topic, each group, each act of the operator, from the table."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import GroupAuthorizationFailedError, TopicAuthorizationFailedError
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka import TopicPartition as Place
from kafka.admin import (
    ACL,
    ACLOperation,
    ACLPermissionType,
    ConfigResource,
    ConfigResourceType,
    NewTopic,
    ResourcePattern,
    ResourceType,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from kafka.errors import AuthorizationError, UnknownTopicOrPartitionError

from shared.contracts.access import PRINCIPALS, Right, rights
from shared.contracts.addresses import KafkaAddress
from shared.contracts.topics import TOPICS, topic_name
from tests.integration.access.conftest import PORTFOLIO, Guarded

NAMES = [principal.name for principal in PRINCIPALS]
TOPIC_NAMES = [topic_name(PORTFOLIO, card.name) for card in TOPICS]
GROUPS = [
    *(f"{PORTFOLIO}{g.replace('*', 'shop')}" for p in PRINCIPALS for g in p.groups),
    "elsewhere.scorer",
]
TABLE = rights([PORTFOLIO])
WAIT_S = 10.0


def allowed(principal: str, operation: str, resource: str) -> set[str]:
    return {
        f"{right.name}shop" if right.family else right.name
        for right in TABLE
        if (right.principal, right.operation, right.resource) == (principal, operation, resource)
    }


@pytest.mark.parametrize("principal", NAMES)
async def test_topics_are_written_as_the_table_says(guarded: Guarded, principal: str) -> None:
    async with signed_in(AIOKafkaProducer, guarded.as_(principal)) as producer:

        async def write(topic: str) -> None:
            await producer.send_and_wait(topic, b"x", partition=0)

        taken = await those_that_work(write, TOPIC_NAMES)
    assert taken == allowed(principal, "write", "topic")


@pytest.fixture(scope="module")
def filled(guarded: Guarded) -> Guarded:
    """A record stands on every topic."""
    operator: Any = KafkaProducer(**guarded.server.address.options())
    for topic in TOPIC_NAMES:
        operator.send(topic, b"x", partition=0).get(WAIT_S)
    operator.close()
    return guarded


@pytest.mark.parametrize("principal", NAMES)
def test_topics_are_read_as_the_table_says(filled: Guarded, principal: str) -> None:
    told = filled.as_(principal).options()
    admin: Any = KafkaAdminClient(**told)
    seen = {row["name"] for row in admin.describe_topics(TOPIC_NAMES) if row["error_code"] == 0}
    admin.close()
    operations = ("read", "write", "describe")
    assert seen == set().union(*(allowed(principal, operation, "topic") for operation in operations))

    consumer: Any = KafkaConsumer(**told, fetch_max_wait_ms=10)
    try:
        found = {topic for topic in seen if _reads(consumer, topic)}
    finally:
        consumer.close()
    assert found == allowed(principal, "read", "topic")


def _reads(consumer: Any, topic: str) -> bool:
    """Of a topic that it may not even see, a client hears nothing; of any other it has a record or a no."""
    consumer.assign([Place(topic, 0)])
    consumer.seek(Place(topic, 0), 0)
    try:
        return bool(consumer.poll(timeout_ms=WAIT_S * 1000))
    except AuthorizationError:
        return False


@pytest.mark.parametrize("principal", NAMES)
async def test_groups_are_joined_as_the_table_says(guarded: Guarded, principal: str) -> None:
    place = TopicPartition(sorted(allowed(principal, "read", "topic"))[0], 0)

    async def commit(group: str) -> None:
        async with signed_in(AIOKafkaConsumer, guarded.as_(principal), group_id=group) as consumer:
            consumer.assign([place])
            await asyncio.wait_for(consumer.commit({place: 1}), WAIT_S)

    assert await those_that_work(commit, GROUPS) == allowed(principal, "read", "group")


@pytest.mark.parametrize("principal", NAMES)
def test_nobody_but_the_operator_manages(guarded: Guarded, principal: str) -> None:
    admin: Any = KafkaAdminClient(**guarded.as_(principal).options())
    topic = f"{PORTFOLIO}.labels"
    everything = ResourcePattern(ResourceType.TOPIC, "*")
    right = ACL(f"User:{principal}", "*", ACLOperation.ALL, ACLPermissionType.ALLOW, everything)
    kept = ConfigResource(ConfigResourceType.TOPIC, topic, configs={"retention.ms": "1"})
    user = UserScramCredentialUpsertion("mallory", ScramMechanism.SCRAM_SHA_512, "secret")
    tries: dict[str, Callable[[], Any]] = {
        "create a topic": lambda: admin.create_topics([NewTopic(f"{PORTFOLIO}.new", 1, 1)]),
        "delete a topic": lambda: admin.delete_topics([topic]),
        "delete records": lambda: admin.delete_records({Place(topic, 0): 1}),
        "change a topic": lambda: admin.alter_configs([kept], raise_on_unknown=False),
        "grant itself a right": lambda: admin.create_acls([right]),
    }
    try:
        done = {what for what, attempt in tries.items() if not _is_refused(attempt)}
        # The broker refuses without a word, which the client takes for none: what counts is what stands.
        admin.alter_user_scram_credentials([user])
    finally:
        admin.close()
    assert done == set()
    operator: Any = KafkaAdminClient(**guarded.server.address.options())
    users = operator.describe_user_scram_credentials()
    operator.close()
    assert "mallory" not in users
    assert principal in users


def _is_refused(attempt: Callable[[], Any]) -> bool:
    """kafka-python raises some refusals and gives others back."""
    try:
        answer = attempt()
    except (AuthorizationError, UnknownTopicOrPartitionError):  # what it may not see is unknown to it
        return True
    return "authoriz" in str(answer).lower()


@asynccontextmanager
async def signed_in(client: Callable[..., Any], kafka: KafkaAddress, **options: Any) -> AsyncIterator[Any]:
    told = {"enable_idempotence": True} if client is AIOKafkaProducer else {"fetch_max_wait_ms": 10}
    made = client(**kafka.options(), **told, **options)
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


async def those_that_work(attempt: Callable[[str], Awaitable[None]], names: Sequence[str]) -> set[str]:
    """The names with which ``attempt`` is not refused; anything but a refusal fails the test."""

    async def works(name: str) -> bool:
        try:
            await asyncio.wait_for(attempt(name), 2 * WAIT_S)
        except (TopicAuthorizationFailedError, GroupAuthorizationFailedError):
            return False
        return True

    found = await asyncio.gather(*map(works, names))
    return {name for name, works_ in zip(names, found, strict=True) if works_}


def test_the_scorer_has_what_s19_says_and_nothing_else() -> None:
    reads = {"transactions", "activities", "labels", "releases", "captures"}
    writes = {"decisions", "predictions", "captures", "flagged", "dead-letters", "status"}
    assert {right for right in TABLE if right.principal == "scorer"} == {
        *(Right("scorer", "read", "topic", topic_name(PORTFOLIO, name)) for name in reads),
        *(Right("scorer", "write", "topic", topic_name(PORTFOLIO, name)) for name in writes),
        Right("scorer", "read", "group", f"{PORTFOLIO}.scorer"),
    }
