"""Many records as chunks of lines, and what became of all of them together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

import msgspec
from msgspec import Struct

from .answers import ItemRefusal, Sent

CHUNK_ITEMS: Final = 1_000
CHUNK_BYTES: Final = 1 << 20

Item = Struct | Mapping[str, object]


class Chunk(NamedTuple):
    """``items`` records from the one at ``first`` on, a line of JSON each."""

    first: int
    items: int
    body: bytes


class Lines:
    """Gathers records until a chunk is full."""

    def __init__(self, limit_items: int = CHUNK_ITEMS, limit_bytes: int = CHUNK_BYTES) -> None:
        self._limit_items = limit_items
        self._limit_bytes = limit_bytes
        self._first = 0
        self._lines: list[bytes] = []
        self._bytes = 0

    def add(self, item: Item) -> Chunk | None:
        """Take one more; the chunk that is full without it, if one is. Raises TypeError for no JSON."""
        line = msgspec.json.encode(item) + b"\n"
        is_full = len(self._lines) >= self._limit_items or self._bytes + len(line) > self._limit_bytes
        full = self.rest() if is_full else None
        self._lines.append(line)
        self._bytes += len(line)
        return full

    def rest(self) -> Chunk | None:
        """What is left, None if nothing is."""
        if not self._lines:
            return None
        chunk = Chunk(self._first, len(self._lines), b"".join(self._lines))
        self._first += len(self._lines)
        self._lines, self._bytes = [], 0
        return chunk


def chunks(items: Iterable[Item]) -> Iterator[Chunk]:
    """All ``items``, chunk by chunk, taken as they are needed."""
    lines = Lines()
    for item in items:
        if (full := lines.add(item)) is not None:
            yield full
    if (last := lines.rest()) is not None:
        yield last


def placed(sent: Sent, chunk: Chunk) -> Sent:
    """What became of ``chunk``, its refusals counted from the beginning of the call."""
    refused = tuple(msgspec.structs.replace(item, index=chunk.first + item.index) for item in sent.refused)
    return msgspec.structs.replace(sent, items=chunk.items, refused=refused)


class Tally:
    """Adds up what became of the chunks."""

    def __init__(self) -> None:
        self._items = self._accepted = 0
        self._refused: list[ItemRefusal] = []
        self._parked: int | None = None

    def add(self, sent: Sent) -> None:
        """One more chunk."""
        self._items += sent.items
        self._accepted += sent.accepted
        self._refused += sent.refused
        if sent.parked is not None:
            self._parked = (self._parked or 0) + sent.parked

    def sent(self) -> Sent:
        """All so far."""
        return Sent(
            items=self._items, accepted=self._accepted, refused=tuple(self._refused), parked=self._parked
        )
