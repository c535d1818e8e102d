"""Which records may leave a log, tie by tie, and what its base keeps of them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from shared.features.layout import BEFORE_ALL, Layout
from shared.features.trimming import (
    BASE_BYTES,
    LEAST,
    WHOLE,
    Base,
    cut,
    decode_base,
    split_log,
)
from tests.support.oracle import Record
from tests.support.timeline_cases import encode

KEEP_MS = 100
LAYOUT = Layout()


def payment(number: int, time_ms: int) -> Record:
    return Record(time_ms, 1, number)


def label(number: int, time_ms: int, ref: int) -> Record:
    return Record(time_ms, time_ms, number, kind=2, ref=ref, verdict=1)


OLD = [payment(1, 10), payment(2, 20), payment(3, 30)]
NEW = [payment(4, 200), payment(5, 210)]
"""The floor is 100: the newest time that two successive payments reach is 200."""


def left(records: Sequence[Record], base: Base = WHOLE) -> int:
    """How many records leave."""
    return cut(encode(records, LAYOUT), base, KEEP_MS, least=1).index - base.index


def test_what_lies_below_the_floor_leaves_from_the_front() -> None:
    assert left([*OLD, *NEW]) == 3
    assert left([*OLD, payment(9, 101), *OLD, *NEW]) == 3
    assert left([payment(8, 100), *NEW]) == 1
    assert left([payment(8, 101), *NEW]) == 0
    assert left(OLD) == 0
    assert left([]) == 0


def test_one_payment_far_ahead_moves_no_floor() -> None:
    ahead = payment(9, 10**9)
    assert left([*OLD, ahead, payment(4, 40)]) == 0
    assert left([*OLD, ahead, ahead, payment(4, 40)]) == 0, "again right behind itself"
    assert left([*OLD, ahead, payment(10, 10**9), payment(4, 40)]) == 3


def test_a_label_and_an_activity_move_no_floor() -> None:
    ahead = [label(9, 10**9, 1), Record(10**9, 1, 10, kind=3), label(11, 10**9, 1)]
    assert left([*OLD, *ahead, payment(4, 40)]) == 0


@pytest.mark.parametrize(
    ("tie", "stays_from"),
    [
        (payment(2, 150), 1),
        (label(9, 150, 2), 1),
        (label(9, 50, 2), 4),
        (payment(2, 50), 4),
    ],
)
def test_a_record_stays_while_one_that_counts_is_tied_to_it(tie: Record, stays_from: int) -> None:
    assert left([*OLD, tie, *NEW]) == stays_from


def test_a_label_stays_while_its_payment_counts() -> None:
    assert left([payment(1, 10), label(9, 20, 4), payment(3, 30), *NEW]) == 1
    assert left([payment(1, 10), label(9, 20, 7), payment(3, 30), *NEW]) == 3


def test_a_small_cut_is_not_worth_it() -> None:
    rows = encode([payment(k + 10, k) for k in range(LEAST)] + NEW, LAYOUT)
    assert cut(rows, WHOLE, KEEP_MS).index == LEAST
    assert cut(rows[1:], WHOLE, KEEP_MS) == WHOLE
    many = encode([payment(k + 10, k) for k in range(LEAST)] + NEW * (2 * LEAST), LAYOUT)
    assert cut(many, WHOLE, KEEP_MS) == WHOLE


def test_a_base_goes_on_where_the_one_before_it_ended() -> None:
    records = [*OLD, *NEW, payment(6, 320), payment(7, 330)]
    whole = cut(encode(records, LAYOUT), WHOLE, KEEP_MS, least=1)
    first = cut(encode(records[:5], LAYOUT), WHOLE, KEEP_MS, least=1)
    assert first == Base(3, 20, 30, 3)
    assert cut(encode(records[3:], LAYOUT), first, KEEP_MS, least=1) == whole == Base(5, 200, 210, 5)


def test_a_repeat_right_behind_a_base_moves_no_floor() -> None:
    base = Base(3, 20, 10**9, 9)
    assert left([payment(9, 10**9), payment(4, 40), payment(5, 50)], base) == 0


def test_a_base_is_read_back_and_a_length_tells_whether_there_is_one() -> None:
    base, rows = Base(2**28, -5, BEFORE_ALL, -(2**63)), b"r" * 80
    assert len(base.encode()) == BASE_BYTES < Layout().record_bytes
    assert decode_base(base.encode()) == base
    assert split_log(base.encode() + rows, 40) == (base, rows)
    assert split_log(rows, 40) == (WHOLE, rows)
    assert split_log(b"", 40) == (WHOLE, b"")
    with pytest.raises(ValueError, match="41 bytes are no log of records of 40"):
        split_log(b"r" * 41, 40)
