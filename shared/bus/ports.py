"""What a service asks of a log: take records, send batches that are confirmed, commit offsets."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from shared.contracts.places import Place as Place
from shared.contracts.texts import Texts


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


Run = tuple[Place, Sequence[Message]]
"""Records of one partition, in the order of their offsets."""

Headers = tuple[tuple[str, bytes], ...]


class Outgoing(NamedTuple):
    """A record to send."""

    key: bytes | None
    value: bytes
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class RecordColumns:
    """n records without headers, where thousands are made: their keys and their values as columns."""

    keys: Texts
    values: Texts

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, rows: NDArray[np.intp]) -> RecordColumns:
        return RecordColumns(self.keys[rows], self.values[rows])

    def __iter__(self) -> Iterator[Outgoing]:
        return map(Outgoing, self.keys.tolist(), self.values.tolist())

    def sizes(self) -> NDArray[np.int64]:
        """Bytes of key and value of each record, (n,)."""
        keys, values = self.keys.bounds, self.values.bounds
        sizes: NDArray[np.int64] = keys[:, 1] - keys[:, 0] + values[:, 1] - values[:, 0]
        return sizes


Batch = Sequence[Outgoing] | RecordColumns
"""Records that are sent together."""


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

    async def take(self, limit: int, wait_ms: int) -> Sequence[Run]:
        """At most ``limit`` records, waiting at most ``wait_ms`` for the first. Raises LogAway."""
        ...

    async def commit(self, offsets: Mapping[Place, Committed]) -> None:
        """Commit next offsets with notes. Raises LogAway, Fenced."""
        ...

    async def committed(self, place: Place) -> Committed | None: ...
    async def end_offsets(self, places: Sequence[Place]) -> dict[Place, int]: ...

    async def behind(self) -> set[Place]:
        """Partitions whose records the log has and `take` has not given; not paused ones. Raises LogAway."""
        ...

    def highwater(self, place: Place) -> int | None: ...
    def assignment(self) -> set[Place]: ...
    def pause(self, places: set[Place]) -> None: ...
    def resume(self, places: set[Place]) -> None: ...


class Producer(Protocol):
    """Sends batches; a returned awaitable resolves when the broker has confirmed all of the batch."""

    async def start(self) -> None: ...
    async def stop(self) -> None: ...

    async def send(self, place: Place, records: Batch) -> Awaitable[None]:
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
