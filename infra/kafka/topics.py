"""Topics as the table wants them: what is missing or different on a broker, and the command that mends it.

Nothing here changes a topic that exists: a missing one is created with every setting named, a different
one is reported. Partition counts decide which worker owns an account, so they are never changed in place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from shared.contracts.addresses import KafkaAddress
from shared.contracts.topics import (
    FOREVER,
    INPUT_PARTITIONS,
    MESSAGE_LIMIT_BYTES,
    TOPICS,
    Topic,
    partition_count,
    topic_name,
)

INPUT_TOPICS: Final = frozenset({"transactions", "activities", "labels"})
INPUT_MESSAGE_LIMIT_BYTES: Final = 16 * 1024 * 1024
"""Far above what a record may have, so that an oversize one reaches the scorer, which refuses it by name."""

HOUR_MS: Final = 3_600_000
LONGEST_SEGMENT_MS: Final = 7 * 24 * HOUR_MS
SEGMENTS_KEPT: Final = 4

COMMAND: Final = "python -m infra.kafka"

FaultKind = Literal["missing", "partitions", "replicas", "config"]


@dataclass(frozen=True, slots=True)
class TopicState:
    """A topic as wanted or as found; ``configs`` are the settings that we name, as text."""

    name: str
    partitions: int
    replicas: int
    configs: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class TopicFault:
    """One difference. ``setting`` is "" unless a config differs; ``fix`` is the command that mends it."""

    topic: str
    kind: FaultKind
    setting: str
    wanted: str
    found: str
    fix: str

    @property
    def sentence(self) -> str:
        """The fault in words."""
        if self.kind == "missing":
            return f"Topic {self.topic} is missing."
        what = self.setting or self.kind
        return f"Topic {self.topic} has {what} {self.found}, wanted {self.wanted}."


def wanted_topics(
    portfolios: Sequence[str], input_partitions: int = INPUT_PARTITIONS, replicas: int = 1
) -> tuple[TopicState, ...]:
    """Every topic of a deployment that serves ``portfolios``, in the order of the table."""
    names = {
        topic_name(portfolio, card.name): card
        for card in TOPICS
        for portfolio in (portfolios if card.scoped else ("",))
    }
    return tuple(
        TopicState(name, partition_count(card, input_partitions), replicas, _configs(card, replicas))
        for name, card in names.items()
    )


def _configs(card: Topic, replicas: int) -> dict[str, str]:
    limit = INPUT_MESSAGE_LIMIT_BYTES if card.name in INPUT_TOPICS else MESSAGE_LIMIT_BYTES
    return {
        "cleanup.policy": "delete",
        "compression.type": "producer",
        "max.message.bytes": str(limit),
        "message.timestamp.type": "LogAppendTime",
        "min.insync.replicas": str(max(1, replicas - 1)),
        "retention.bytes": "-1",
        "retention.ms": str(card.retention_ms),
        "segment.ms": str(_segment_ms(card.retention_ms)),
    }


def _segment_ms(retention_ms: int) -> int:
    """Only closed segments are deleted, so they close often enough to keep little more than was promised."""
    if retention_ms == FOREVER:
        return LONGEST_SEGMENT_MS
    return max(HOUR_MS, min(LONGEST_SEGMENT_MS, retention_ms // SEGMENTS_KEPT))


def words(kafka: KafkaAddress) -> str:
    """How a command is told where the broker is, and as whom to sign in."""
    signed_in = f" --user {kafka.user} --password-file {kafka.password_file}" if kafka.user else ""
    return f"--bootstrap {kafka.bootstrap}{signed_in}"


def diff(
    wanted: Iterable[TopicState], found: Mapping[str, TopicState], kafka: KafkaAddress
) -> list[TopicFault]:
    """How ``found`` (by name) differs from ``wanted``, each difference with the command that mends it."""
    return [fault for topic in wanted for fault in _differences(topic, found.get(topic.name), kafka)]


def _differences(wanted: TopicState, found: TopicState | None, kafka: KafkaAddress) -> Iterable[TopicFault]:
    if found is None:
        yield TopicFault(wanted.name, "missing", "", "present", "missing", _create(wanted, kafka))
        return
    counts: tuple[tuple[FaultKind, int, int], ...] = (
        ("partitions", wanted.partitions, found.partitions),
        ("replicas", wanted.replicas, found.replicas),
    )
    for kind, want, have in counts:
        if want != have:
            fix = _create(wanted, kafka, "recreate")
            yield TopicFault(wanted.name, kind, "", str(want), str(have), fix)
    for key, value in wanted.configs.items():
        have_value = found.configs.get(key, "unset")
        if have_value != value:
            fix = f"{COMMAND} set {words(kafka)} --topic {wanted.name} {key}={value}"
            yield TopicFault(wanted.name, "config", key, value, have_value, fix)


def _create(topic: TopicState, kafka: KafkaAddress, verb: str = "create") -> str:
    """Making anew loses the topic's records: the command says so by its name and asks for ``--yes``."""
    sure = " --yes" if verb == "recreate" else ""
    settings = " ".join(f"{key}={value}" for key, value in topic.configs.items())
    counts = f"--partitions {topic.partitions} --replicas {topic.replicas}"
    return f"{COMMAND} {verb}{sure} {words(kafka)} --topic {topic.name} {counts} {settings}"
