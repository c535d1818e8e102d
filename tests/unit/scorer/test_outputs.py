"""How many batches go out: each is a round trip of its own, so one to a place is the aim."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from services.scorer.edge.outputs import Outputs
from services.scorer.edge.trail import Trail, add_telemetry, by_partition
from shared.bus.ports import Batch, Outgoing, Place, RecordColumns
from shared.contracts.texts import Texts, joined, lines, together

LETTERS, OTHERS = Place("dead-letters", 0), Place("captures", 1)


def _letter(number: int) -> Outgoing:
    return Outgoing(None, b"%d" % number)


def _column(prefix: str, count: int) -> Texts:
    return together([f"{prefix}{number}".encode() for number in range(count)])


def _values(batches: list[Batch]) -> list[list[tuple[bytes | None, bytes]]]:
    return [[(record.key, record.value) for record in batch] for batch in batches]


def test_records_added_one_by_one_go_to_a_place_in_one_batch() -> None:
    outputs = Outputs()
    for number in range(300):
        outputs.add(LETTERS, _letter(number))
    outputs.add(OTHERS, _letter(0), _letter(1))
    assert _values(outputs.records[LETTERS]) == [[(None, b"%d" % number) for number in range(300)]]
    assert _values(outputs.records[OTHERS]) == [[(None, b"0"), (None, b"1")]]


def test_what_comes_after_columns_keeps_its_place_behind_them() -> None:
    outputs = Outputs()
    outputs.add(LETTERS, _letter(0))
    outputs.records[LETTERS].append(RecordColumns(_column("k", 2), _column("v", 2)))
    outputs.add(LETTERS, _letter(1))
    assert _values(outputs.records[LETTERS]) == [
        [(None, b"0")],
        [(b"k0", b"v0"), (b"k1", b"v1")],
        [(None, b"1")],
    ]


def _trail(lanes: int, partitions: list[int], first: int = 0) -> Trail:
    k = len(partitions)
    names = range(first, first + k)
    return Trail(
        deciding=None,  # type: ignore[arg-type]  # telemetry does not look at it
        rows=None,  # type: ignore[arg-type]  # nor at captures
        keys=together([b"k%d" % name for name in names]),
        partitions=np.array(partitions, np.int64),
        told=[together([b"lane %d of %d" % (lane, name) for name in names]) for lane in range(lanes)],
    )


@pytest.mark.parametrize("lanes", range(4))
@pytest.mark.parametrize("cuts", [(5,), (2, 5), (0, 1, 2, 3, 4, 5), (3, 3, 5)])
def test_telemetry_of_all_lanes_and_batches_goes_to_a_partition_in_one_batch(
    lanes: int, cuts: tuple[int, ...]
) -> None:
    partitions = [3, 0, 3, 1, 3]
    trails = [_trail(lanes, partitions[a:b], a) for a, b in pairwise((0, *cuts))]
    outputs = Outputs()
    add_telemetry(outputs, "p.predictions", trails)
    for partition, rows in ((0, [1]), (1, [3]), (3, [0, 2, 4])):
        told = [(b"k%d" % r, b"lane %d of %d" % (lane, r)) for lane in range(lanes) for r in rows]
        found = _values(outputs.records.get(Place("p.predictions", partition), []))
        assert found == ([told] if lanes else [])


def test_rows_by_partition_keep_their_order() -> None:
    found = {partition: rows.tolist() for partition, rows in by_partition(np.array([3, 0, 3, 1, 3]))}
    assert found == {0: [1], 1: [3], 3: [0, 2, 4]}
    assert list(by_partition(np.empty(0, np.int64))) == []


def test_joined_columns_are_the_texts_of_each_in_turn() -> None:
    columns = [_column("a", 2), lines(b"x\n\nyz"), _column("long ", 1)[np.array([0, 0])]]
    assert joined(columns).tolist() == [b"a0", b"a1", b"x", b"", b"yz", b"long 0", b"long 0"]
    assert joined(columns[:1]) is columns[0]
