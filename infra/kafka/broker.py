"""Topics on a broker: read them, create what is missing, verify. The rules are in `topics`."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType, NewTopic
from kafka.errors import KafkaError

from shared.contracts.access import refusal
from shared.contracts.addresses import KafkaAddress

from .topics import TopicFault, TopicState, diff

REQUEST_TIMEOUT_MS: Final = 15_000
CONNECT_TIMEOUT_S: Final = 3.0
SEEN_TIMEOUT_S: Final = 10.0
POLL_S: Final = 0.05


class BrokerAwayError(Exception):
    """The broker did not answer."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What `apply` did: names of the topics it ``created``, and the ``faults`` it found and left alone."""

    created: tuple[str, ...]
    faults: tuple[TopicFault, ...]


@contextmanager
def admin_client(kafka: KafkaAddress, **options: str) -> Iterator[Any]:
    """A client for one step, signed in as ``kafka`` says unless ``options`` say other. BrokerAwayError."""
    _require_listener(kafka)
    try:
        told = {**kafka.options(), **options}
        admin = KafkaAdminClient(
            **told, request_timeout_ms=REQUEST_TIMEOUT_MS, bootstrap_timeout_ms=REQUEST_TIMEOUT_MS
        )
        try:
            yield admin
        finally:
            admin.close()
    except KafkaError as error:
        raise (refusal(error, kafka, "manage") or _away(kafka, error)) from error


def _away(kafka: KafkaAddress, error: KafkaError) -> BrokerAwayError:
    who = f", or does not know {kafka.user} by the password in {kafka.password_file}" if kafka.user else ""
    return BrokerAwayError(f"Kafka at {kafka} did not do it{who}: {error}")


def _require_listener(kafka: KafkaAddress) -> None:
    """Ask before the client does: it waits long for a broker that is away, and leaves its sockets open."""
    for address in kafka.bootstrap.split(","):
        host, _, port = address.strip().rpartition(":")
        try:
            socket.create_connection((host, int(port)), timeout=CONNECT_TIMEOUT_S).close()
        except (OSError, ValueError):
            continue
        return
    raise BrokerAwayError(f"Kafka at {kafka} does not answer.")


def verify(kafka: KafkaAddress, wanted: Sequence[TopicState]) -> list[TopicFault]:
    """Every difference between the broker and ``wanted``; none means fit to run. Raises BrokerAwayError."""
    with admin_client(kafka) as admin:
        return diff(wanted, _read(admin, [topic.name for topic in wanted]), kafka)


def apply(kafka: KafkaAddress, wanted: Sequence[TopicState]) -> Applied:
    """Create what is missing, report what differs. Raises BrokerAwayError."""
    with admin_client(kafka) as admin:
        names = [topic.name for topic in wanted]
        before = _read(admin, names)
        missing = [topic for topic in wanted if topic.name not in before]
        if missing:
            _create(admin, missing)
        faults = diff(wanted, _read(admin, names), kafka)
    return Applied(tuple(topic.name for topic in missing), tuple(faults))


def create(kafka: KafkaAddress, topic: TopicState) -> None:
    """Create one topic. Raises BrokerAwayError, also when it exists."""
    with admin_client(kafka) as admin:
        _create(admin, [topic])


def recreate(kafka: KafkaAddress, topic: TopicState) -> None:
    """Delete the topic with its records and create it as ``topic`` says. Raises BrokerAwayError."""
    with admin_client(kafka) as admin:
        admin.delete_topics([topic.name])
        _create(admin, [topic])


def set_configs(kafka: KafkaAddress, name: str, configs: Mapping[str, str]) -> None:
    """Change settings of a topic that exists. Raises BrokerAwayError."""
    with admin_client(kafka) as admin:
        found = _read(admin, [name]).get(name)
        if found is None:
            raise BrokerAwayError(f"Kafka at {kafka} has no topic {name}.")
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, configs=dict(configs))])
        _await_seen(admin, [TopicState(name, found.partitions, found.replicas, configs)])


def _create(admin: Any, topics: Sequence[TopicState]) -> None:
    new = [NewTopic(t.name, t.partitions, t.replicas, topic_configs=dict(t.configs)) for t in topics]
    admin.create_topics(new)
    _await_seen(admin, topics)


def _await_seen(admin: Any, topics: Sequence[TopicState]) -> None:
    """Until the broker shows what the controller has accepted; it follows a moment later."""
    names = [topic.name for topic in topics]
    until(lambda: not diff(topics, _read(admin, names), KafkaAddress("")), f"{names[0]} as asked")


def until(shown: Callable[[], bool], what: str) -> None:
    """Wait until the broker shows what its controller has accepted. Raises BrokerAwayError."""
    deadline = time.monotonic() + SEEN_TIMEOUT_S
    while not shown():
        if time.monotonic() > deadline:
            raise BrokerAwayError(f"Kafka accepted but does not show {what}.")
        time.sleep(POLL_S)


def _read(admin: Any, names: Sequence[str]) -> dict[str, TopicState]:
    """The topics of ``names`` that exist, with all their settings."""
    present = [row for row in admin.describe_topics(list(names)) if row["error_code"] == 0]
    resources = [ConfigResource(ConfigResourceType.TOPIC, row["name"]) for row in present]
    configs = admin.describe_configs(resources, config_filter="all")["topic"] if resources else {}
    return {row["name"]: _state(row, configs[row["name"]]) for row in present}


def _state(row: Mapping[str, Any], configs: Mapping[str, Mapping[str, str]]) -> TopicState:
    partitions = row["partitions"]
    replicas = min((len(p["replica_nodes"]) for p in partitions), default=0)
    values = {key: setting["value"] for key, setting in configs.items()}
    return TopicState(row["name"], len(partitions), replicas, values)
