"""How many batches go out: each is a round trip of its own, so one to a place is the aim."""

from __future__ import annotations

import numpy as np

from services.scorer.core.deciding import Answers, Scores
from services.scorer.core.outputs import Decided
from services.scorer.edge.publisher import Outputs
from services.scorer.edge.scored import Judged, route
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


def _judged(lanes: int, payments: int) -> Judged:
    return Judged(
        rows=np.arange(payments),
        keys=_column("k", payments),
        scores=Scores(np.empty((lanes, payments)), np.empty((lanes, payments))),
        answers=Answers([], np.zeros(payments, np.intp)),
        made=Decided(_column("d", payments), np.zeros((payments, 16), np.uint8)),
        told=[_column(f"lane {lane} of ", payments) for lane in range(lanes)],
        decided_at_ms=0,
    )


def test_predictions_of_all_lanes_go_to_a_partition_in_one_batch() -> None:
    partitions = np.array([3, 0, 3, 1, 3])
    for lanes in range(4):
        outputs = Outputs()
        route(outputs, "p", _judged(lanes, len(partitions)), partitions)
        for partition, rows in ((0, [1]), (1, [3]), (3, [0, 2, 4])):
            decided = [[(b"k%d" % row, b"d%d" % row) for row in rows]]
            assert _values(outputs.records[Place("p.decisions", partition)]) == decided
            told = [(b"k%d" % r, b"lane %d of %d" % (lane, r)) for lane in range(lanes) for r in rows]
            found = _values(outputs.records.get(Place("p.predictions", partition), []))
            assert found == ([told] if lanes else [])


def test_joined_columns_are_the_texts_of_each_in_turn() -> None:
    columns = [_column("a", 2), lines(b"x\n\nyz"), _column("long ", 1)[np.array([0, 0])]]
    assert joined(columns).tolist() == [b"a0", b"a1", b"x", b"", b"yz", b"long 0", b"long 0"]
    assert joined(columns[:1]) is columns[0]
