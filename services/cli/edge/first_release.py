"""Release 1, without a champion: published as soon as the topics stand, so that payments get decisions."""

from __future__ import annotations

from collections.abc import Callable

from infra.local.state import StackState
from services.cli.edge import releasing
from services.cli.edge.surroundings import House


class FirstRelease:
    """Watches a starting stack, passes every change on, and publishes release 1 where there is none."""

    def __init__(self, house: House, then: Callable[[StackState], None]) -> None:
        self._house = house
        self._then = then
        self._done = False

    def __call__(self, state: StackState) -> None:
        """The stack has changed. Raises KafkaAway, ReleaseRefused."""
        self._then(state)
        topics = next((part for part in state.parts if part.name == "topics"), None)
        if not self._done and topics is not None and topics.phase == "ready":
            self._done = True
            releasing.Desk(self._house, self._house.kafka_at(state)).begin()
