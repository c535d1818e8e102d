"""What is forgotten, one rule after the other, by a worker that has it all and by one that has a cut log."""

from __future__ import annotations

from typing import Any

import numpy as np

from shared.features.timelines import Timelines
from tests.support.oracle import Record
from tests.support.timeline_cases import Features, Logs, program_of

ROOM = 1_000_000
IDS = [("c", None)]
COUNT: dict[str, Any] = {"kind": "count", "entity": 0, "window_ms": 60}
FRAUDS: dict[str, Any] = {"kind": "delayed_frauds", "entity": 0, "stream": 1, "window_ms": 60}


class World:
    """Timelines that keep 100 ms: 60 for the windows, 40 for who comes late."""

    def __init__(self, *features: dict[str, Any], lateness_ms: int = 40) -> None:
        self.logs = Logs(Features(program_of(list(features)), lateness_ms=lateness_ms))
        self.warm = self.cold()

    def cold(self) -> Timelines:
        return Timelines(self.logs.features, ROOM, self.logs.key)

    def send(self, *records: Record) -> list[int]:
        """Each in a batch of its own; their versions."""
        return [int(self.logs.fold(self.warm, [r], IDS).versions[0, 0]) for r in records]

    def ask(self, worker: Timelines, time_ms: int) -> list[float]:
        """What a payment of that time would see, without a trace."""
        asked = Record(time_ms, 1, 99)
        found: list[float] = self.logs.fold(worker, [asked], IDS, np.zeros(1, np.bool_)).matrix[0].tolist()
        return found

    def both(self, time_ms: int) -> list[float]:
        """The same by who has all and by who begins with the cut logs."""
        told = self.ask(self.warm, time_ms)
        self.logs.trim()
        assert self.ask(self.cold(), time_ms) == told
        return told


def payment(number: int, time_ms: int, amount: int = 1, body: int = 0) -> Record:
    return Record(time_ms, amount, number, body=body)


def label(number: int, time_ms: int, ref: int) -> Record:
    return Record(time_ms, time_ms, number, kind=2, ref=ref, verdict=1)


def test_a_payment_in_time_sees_all_and_a_later_one_what_lies_above_the_floor() -> None:
    world = World(COUNT)
    world.send(payment(1, 100), payment(2, 110), payment(3, 200), payment(4, 200))
    assert world.ask(world.warm, 160) == [1]
    assert world.ask(world.warm, 159) == [1], "100 is forgotten, though its window would hold it"
    assert world.both(101) == [0]


def test_one_payment_far_ahead_takes_nothing_along() -> None:
    world = World(COUNT)
    world.send(payment(1, 100), payment(2, 10**9), payment(3, 110))
    assert world.both(120) == [2]
    world.send(payment(4, 10**9), payment(5, 10**9 + 1))
    assert world.both(120) == [0]


def test_who_comes_when_it_is_forgotten_takes_its_index_and_stands_nowhere() -> None:
    world = World({**COUNT, "self": 1})
    assert world.send(payment(1, 200), payment(2, 200), payment(3, 100), payment(3, 100)) == [0, 1, 2, 3]
    assert world.both(200) == [2]


def test_an_id_comes_anew_when_its_first_copy_is_forgotten() -> None:
    world = World(COUNT)
    assert world.send(payment(1, 100), payment(2, 200), payment(3, 201)) == [0, 1, 2]
    assert world.send(payment(1, 202, body=7)) == [3]
    assert world.both(202) == [3]


def test_a_payment_that_comes_again_late_reads_what_stands_without_itself() -> None:
    world = World(COUNT)
    world.send(payment(1, 110), payment(2, 120), payment(3, 130), payment(4, 190), payment(5, 190))
    result = world.logs.fold(world.warm, [payment(3, 130)], IDS)
    assert (result.versions.tolist(), result.repeats) == ([[-8, -1]], [(0, 0, 5)])
    assert result.matrix[0].tolist() == [2]
    in_time = world.logs.fold(world.warm, [payment(4, 190)], IDS)
    assert (in_time.versions.tolist(), in_time.repeats) == ([[3, -1]], [(0, 0, 6)])
    other = world.logs.fold(world.warm, [payment(3, 130, body=9)], IDS)
    assert other.conflicts.tolist() == [True]


def test_a_label_waits_for_its_payment_while_the_time_that_it_names_counts() -> None:
    world = World(FRAUDS)
    world.send(label(8, 100, 1), label(9, 150, 2), payment(3, 200), payment(4, 200))
    world.send(payment(1, 190), payment(2, 190))
    assert world.both(200) == [1], "only the label of 150 was still waiting"


def test_what_counted_as_forgotten_before_a_cut_is_forgotten_behind_it() -> None:
    """Without the floor that a base keeps, 5 at 390 would be a first copy to who begins there."""
    world = World(COUNT)
    world.send(payment(1, 500), payment(2, 500), payment(8, 480), payment(3, 650))
    world.send(payment(5, 390), payment(5, 700, body=7), payment(6, 740), payment(7, 740))
    assert world.both(745) == [3]
    assert world.logs.bases[b"0/c"].index == 3


def test_a_high_payment_is_held_against_what_is_not_forgotten() -> None:
    high: dict[str, Any] = {"kind": "high_count", "entity": 0, "window_ms": 50, "span_ms": 40}
    world = World({**high, "p0": 1.0, "p1": 1.0}, lateness_ms=10)
    world.send(payment(1, 95, 1), payment(2, 110, 10), payment(3, 200), payment(4, 200))
    assert world.both(130) == [0]


def test_a_cache_does_not_grow_with_its_log() -> None:
    world = World(COUNT, FRAUDS)
    for number in range(1_000):
        world.send(payment(1_000 + number, 10 * number), label(9_000 + number, 10 * number, number))
    assert world.warm.used_bytes < 100 * 1_000
    assert world.warm.overgrown() == [(0, "c")]
    assert world.warm.overgrown() == []
    assert world.both(10_000) == [5, 0]
