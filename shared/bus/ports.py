"""What a service asks of a log: take records, send batches that are confirmed, commit offsets."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol


class Place(NamedTuple):
    """A partition of a topic."""

    topic: str
    partition: int


class Message(Protocol):
    """One record as taken from a log; ``timestamp`` is the broker's append time in ms."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...


Headers = tuple[tuple[str, bytes], ...]


class Outgoing(NamedTuple):
    """A record to send."""

    key: bytes | None
    value: bytes
    headers: Headers = ()


Record = tuple[bytes | None, bytes, Headers]
"""An `Outgoing`, or a plain tuple of the same where thousands are made."""


@dataclass(slots=True)
class Rebalance:
    """What a consumer calls when partitions come and go; both are awaited before it goes on."""

    assigned: Callable[[set[Place]], Awaitable[None]]
    revoked: Callable[[set[Place]], Awaitable[None]]


class Committed(NamedTuple):
    """The next offset to read, and the note that was committed with it."""

    offset: int
    note: str


class LogAway(Exception):
    """The log does not answer, or refused for a passing reason; nothing is known to be written."""


class Fenced(Exception):
    """This consumer is no longer a member of its group; what it held belongs to another now."""


class Consumer(Protocol):
    """Takes records of the partitions assigned to this group member."""

    async def start(self) -> None: ...
    async def stop(self) -> None: ...

    async def take(self, limit: int, wait_ms: int) -> Sequence[Message]:
        """At most ``limit`` records, waiting at most ``wait_ms`` for the first. Raises LogAway."""
        ...

    async def commit(self, offsets: Mapping[Place, Committed]) -> None:
        """Commit next offsets with notes. Raises LogAway, Fenced."""
        ...

    async def committed(self, place: Place) -> Committed | None: ...
    async def end_offsets(self, places: Sequence[Place]) -> dict[Place, int]: ...
    def highwater(self, place: Place) -> int | None: ...
    def assignment(self) -> set[Place]: ...
    def pause(self, places: set[Place]) -> None: ...
    def resume(self, places: set[Place]) -> None: ...


class Producer(Protocol):
    """Sends batches; a returned awaitable resolves when the broker has confirmed all of the batch."""

    async def start(self) -> None: ...
    async def stop(self) -> None: ...

    async def send(self, place: Place, records: Sequence[Record]) -> Awaitable[None]:
        """Queue ``records`` in order to ``place``; await the result for the confirmation (LogAway)."""
        ...


@dataclass(frozen=True, slots=True)
class Taken:
    """A message of the in-memory log."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = field(default=())
