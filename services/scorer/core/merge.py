"""Event-time order across partitions: live records go as they come, loads wait for the slowest partition.

A terminal's history is written by payments of many accounts, which come by other partitions. In live use
nobody is waited for. In a load nothing at T leaves before every assigned partition has shown T, else a fast
load would silently compute wrong terminal features.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from heapq import heapify, heappop, heapreplace
from operator import attrgetter
from typing import Final, NamedTuple

from .intake import TICK_END_MS, Item

PlaceKey = tuple[str, int]
"""Topic and partition."""

NOT_SHOWN: Final = -1

ORDER = attrgetter("merge_ms", "rank", "message.partition", "message.offset")
"""Labels before payments at equal times; ties by coordinates, so that the order is one."""


def live_order(items: list[Item]) -> list[Item]:
    """What one take brought, in event-time order."""
    return items if len(items) < 2 else sorted(items, key=ORDER)


class Shown(NamedTuple):
    """How far a load has been seen on a partition; stands in the commit note, so a restart knows it."""

    load: str
    reached_ms: int


@dataclass(slots=True)
class _Load:
    shown: dict[PlaceKey, int]
    held: dict[PlaceKey, deque[Item]] = field(default_factory=dict)

    @property
    def slowest_ms(self) -> int:
        return min(self.shown.values(), default=NOT_SHOWN)

    def show(self, place: PlaceKey, reached_ms: int) -> None:
        if reached_ms > self.shown[place]:
            self.shown[place] = reached_ms


class Barrier:
    """Holds a load's records until every assigned partition has shown their time."""

    def __init__(self) -> None:
        self._places: tuple[PlaceKey, ...] = ()
        self._loads: dict[str, _Load] = {}

    @property
    def loading(self) -> bool:
        """Whether some load has begun and not ended on every assigned partition."""
        return bool(self._loads)

    def assign(self, shown: Mapping[PlaceKey, Shown | None]) -> None:
        """Start over with these partitions and what their commit notes say; held records come again."""
        self._places = tuple(shown)
        self._loads = {}
        for place, seen in shown.items():
            if seen is not None:
                self._load(seen.load).show(place, seen.reached_ms)
        self._loads = {name: load for name, load in self._loads.items() if load.slowest_ms < TICK_END_MS}

    def hold(self, place: PlaceKey, item: Item) -> Shown:
        """Keep a load's record; its time is now shown on its partition."""
        assert item.load is not None
        load = self._load(item.load)
        load.held.setdefault(place, deque()).append(item)
        return self._show(item.load, load, place, item.merge_ms)

    def tick(self, place: PlaceKey, name: str, reached_ms: int) -> Shown:
        """The load ``name`` has reached a time on ``place``."""
        return self._show(name, self._load(name), place, reached_ms)

    def _show(self, name: str, load: _Load, place: PlaceKey, reached_ms: int) -> Shown:
        load.show(place, reached_ms)
        # A load that stands behind another on a partition is over there, ended or abandoned.
        for other in self._loads.values():
            if other is not load:
                other.show(place, TICK_END_MS)
        return Shown(name, load.shown[place])

    def _load(self, name: str) -> _Load:
        load = self._loads.get(name)
        if load is None:
            load = self._loads[name] = _Load(dict.fromkeys(self._places, NOT_SHOWN))
        return load

    def release(self, limit: int) -> list[Item]:
        """Records before their load's slowest partition, in order, at most ``limit``.

        Strictly before: a partition that has shown T may still bring another record at T.
        """
        free: list[Item] = []
        for name, load in list(self._loads.items()):
            _release(load, limit, free)
            if load.slowest_ms == TICK_END_MS and not any(load.held.values()):
                del self._loads[name]
        return free

    def overfull(self, high: int) -> set[PlaceKey]:
        """Partitions that hold more than ``high`` records and are not the slowest: fetch no more of them."""
        full: set[PlaceKey] = set()
        for load in self._loads.values():
            slowest = load.slowest_ms
            full |= {p for p, held in load.held.items() if len(held) > high and load.shown[p] > slowest}
        return full

    def held(self) -> int:
        """How many records wait."""
        return sum(len(queue) for load in self._loads.values() for queue in load.held.values())


def _release(load: _Load, limit: int, free: list[Item]) -> None:
    slowest = load.slowest_ms
    heads = [_head(place, queue) for place, queue in load.held.items() if queue]
    heapify(heads)
    while heads and len(free) < limit and heads[0][0] < slowest:
        place = heads[0][-1]
        queue = load.held[place]
        free.append(queue.popleft())
        if queue:
            heapreplace(heads, _head(place, queue))
        else:
            heappop(heads)


def _head(place: PlaceKey, queue: deque[Item]) -> tuple[int, int, int, int, PlaceKey]:
    item = queue[0]
    return (item.merge_ms, item.rank, item.message.partition, item.message.offset, place)
