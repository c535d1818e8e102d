"""A consumer group as somebody outside of it sees it: how many read, and how far they have committed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from kafka.admin import KafkaAdminClient
from kafka.errors import (
    CoordinatorLoadInProgressError,
    CoordinatorNotAvailableError,
    KafkaError,
    NotCoordinatorError,
)

from shared.contracts.addresses import KafkaAddress

from .ports import Place
from .refused import told

WAIT_MS: Final = 10_000
NOT_NOW: Final = (CoordinatorLoadInProgressError, CoordinatorNotAvailableError, NotCoordinatorError)
"""Nobody can say: the broker has seen no group yet, or their keeper is changing."""


class Followers:
    """The members of ``group``, asked by kafka-python. Blocking; every call raises LogAway, AccessRefused."""

    def __init__(self, kafka: KafkaAddress, group: str) -> None:
        self._kafka = kafka
        self._group = group
        with self._translated():
            self._admin: Any = KafkaAdminClient(**kafka.options(), request_timeout_ms=WAIT_MS)

    def __enter__(self) -> Followers:
        return self

    def __exit__(self, *_: object) -> None:
        self._admin.close()

    def count(self) -> int | None:
        """How many there are now, None when that cannot be told now."""
        with self._translated():
            try:
                found = self._admin.describe_groups([self._group])
            except NOT_NOW:
                return None
        return len(found[self._group]["members"])

    def have_passed(self, ends: Mapping[Place, int]) -> bool:
        """Whether everything before ``ends`` is committed."""
        commits = self.committed()
        return all(end <= commits.get(place, 0) for place, end in ends.items() if end > 0)

    def committed(self) -> dict[Place, int]:
        """The next offset of each partition that is known to have a commit."""
        with self._translated():
            try:
                found = self._admin.list_group_offsets(self._group)[self._group]
            except NOT_NOW:
                return {}
        return {Place(*tp): entry.offset for tp, entry in found.items()}

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except KafkaError as error:
            raise told(error, self._kafka, "look at", f"group {self._group}") from error
