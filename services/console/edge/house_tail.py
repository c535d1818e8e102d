"""The topics that the console follows, each record put where the screens look."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from shared.bus.ports import Message, Place
from shared.bus.tail import Tail
from shared.contracts.addresses import KafkaAddress
from shared.contracts.codec import DecodeError, decode
from shared.contracts.decisions import Answer, Decision, Flagged
from shared.contracts.operations import Alert, Status
from shared.contracts.topics import topic_name
from shared.runtime.clock import Clock
from shared.runtime.health import Health
from shared.runtime.logs import get_logger

from .held import Held

log = get_logger("console.tail")

BACK: Final = 2_500
"""Records per partition that are read again at a start, so that a restart shows what was shown."""
GATHER_BYTES: Final = 128 * 1024
"""A screen is told once a second: nobody sees that the broker gathered for half of one."""

FOLLOWED: Final = ("decisions", "answers", "flagged", "status", "alerts")


class HouseTail(Tail):
    """Fills `Held`. A record that cannot be read is counted by its reason, and its neighbours go on."""

    def __init__(
        self,
        kafka: KafkaAddress,
        places: Sequence[Place],
        portfolio: str,
        held: Held,
        clock: Clock,
        health: Health,
        **kwargs: Any,
    ) -> None:
        super().__init__(kafka, places, BACK, GATHER_BYTES, **kwargs)
        self._held = held
        self._clock = clock
        self._health = health
        self._roads: dict[str, Callable[[Message], None]] = {
            topic_name(portfolio, "decisions"): self._decision,
            topic_name(portfolio, "answers"): self._answer,
            topic_name(portfolio, "flagged"): self._flagged,
            topic_name(portfolio, "status"): self._status,
            topic_name(portfolio, "alerts"): self._alert,
        }

    def take(self, messages: Sequence[Message]) -> None:
        """Put each where it belongs."""
        self._held.taken += len(messages)
        self._held.heard_at_ms = self._clock.now_ms()
        for message in messages:
            try:
                self._roads[message.topic](message)
            except DecodeError as error:
                self._held.refused[error.code] += 1

    def moved(self) -> None:
        """The reader lives."""
        self._health.beat("tail")

    def found(self) -> None:
        """Kafka answers."""
        self._health.clear("tail")

    def lost(self, error: Exception) -> None:
        """Kafka does not; the screens say so by the silence."""
        self._health.beat("tail")
        self._health.hold("tail", "kafka_away")
        log.warning("tail_lost", reason="kafka_away", error=type(error).__name__)

    def _decision(self, message: Message) -> None:
        self._held.recent.decided(decode(Decision, message.value or b""))

    def _answer(self, message: Message) -> None:
        self._held.recent.answered(decode(Answer, message.value or b""))

    def _flagged(self, message: Message) -> None:
        self._held.recent.flagged(decode(Flagged, message.value or b""))

    def _status(self, message: Message) -> None:
        self._held.statuses.said(decode(Status, message.value or b""), message.timestamp)

    def _alert(self, message: Message) -> None:
        alert = decode(Alert, message.value or b"")
        self._held.alerts[alert.rule, alert.subject] = alert
