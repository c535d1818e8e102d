"""Logs laid down from places: who stands where, what is missing, and what an epoch begins with."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import polars as pl
import pytest

from services.replayer.core.laying import Entries, places, worded
from services.replayer.core.logs import ANOTHER, GAP, MISSING, UNTRUSTED, Laid, answer, lay_down
from shared.features.whole_logs import ABSENT, LogWalker
from tests.support.oracle import Record
from tests.support.timeline_cases import Features, encode, full_program

FEATURES: Final = Features(program=full_program())
WORDS: Final = FEATURES.layout.record_bytes // 8
NOTHING: Final = pl.DataFrame(schema={"entity": pl.Int8, "epoch": pl.Int64, "index": pl.Int64})


def _rows(ids: list[int]) -> np.ndarray[Any, Any]:
    records = [Record(time=1_000 + own, amount=own, id=own, body=own) for own in ids]
    return encode(records, FEATURES.layout).view(np.int64).reshape(len(ids), WORDS)


def _places(
    ids: list[int],
    versions: list[int],
    repeats: list[list[int]] | None = None,
    epochs: list[int] | None = None,
    faults: list[int] | None = None,
) -> pl.DataFrame:
    """Places of records in the one log of card c; no record names a terminal."""
    n = len(ids)
    entries = Entries(
        order=np.arange(n),
        epoch=np.array(epochs or [1] * n),
        versions=np.column_stack([versions, np.full(n, -1)]),
        repeats=pl.Series(repeats or [[]] * n, dtype=pl.List(pl.Int64)),
        fault=np.array(faults or [0] * n, np.uint8),
    )
    owns = [pl.Series("own", ["c"] * n), pl.Series("own", [None] * n, pl.String)]
    return places(entries, _rows(ids), owns)


def _asks(ids: list[int], versions: list[int], epoch: int = 1) -> pl.DataFrame:
    n = len(ids)
    columns: dict[str, Any] = {
        "entity": np.zeros(n, np.int8),
        "own": ["c"] * n,
        "epoch": np.full(n, epoch),
        "number": np.arange(n),
        "version": np.array(versions),
    }
    return pl.DataFrame({**columns, **worded(_rows(ids))})


def _stand(laid: Laid, log: int = 0) -> list[int | None]:
    """Ids by index."""
    steps = laid.steps[laid.starts[log] : laid.starts[log + 1]].tolist()
    return [None if step == ABSENT else int(laid.rows[step, 2]) for step in steps]


def _status(laid: Laid, asks: pl.DataFrame) -> list[tuple[int, int]]:
    (found,) = answer(laid, asks, LogWalker(FEATURES))
    order = np.argsort(found.numbers)
    return list(zip(found.status[order].tolist(), found.at[order].tolist(), strict=True))


def test_records_stand_at_their_indices_and_a_repeat_where_it_was_appended() -> None:
    laid = lay_down(_places([7, 8, 9], [0, 1, 3], [[], [2], []]), _asks([9], [3]), [], NOTHING)
    assert _stand(laid) == [7, 8, 8, 9]
    assert _status(laid, _asks([7, 8, 9], [0, 1, 3])) == [(0, -1)] * 3


def test_lines_may_come_in_any_order_with_a_repeat_and_without() -> None:
    assert _stand(lay_down(_places([7, 8, 9], [2, 0, 1]), _asks([7], [2]), [], NOTHING)) == [8, 9, 7]
    doubled = _places([7, 8, 9], [3, 0, 1], [[], [2], [2]])
    assert _stand(lay_down(doubled, _asks([7], [3]), [], NOTHING)) == [8, 9, 8, 7]


def test_who_was_appended_at_an_index_stands_there_before_who_only_names_it() -> None:
    """Two bodies under one id name one first index; the later one was appended at its repeat."""
    later_first = _places([5, 5], [0, 0], [[1], []], faults=[2, 0])
    laid = lay_down(later_first, _asks([5], [0]), [], NOTHING)
    assert _stand(laid) == [5, 5]
    assert laid.bad.tolist() == [False, True]


def test_a_version_nobody_stands_at_and_one_where_another_stands() -> None:
    asks = _asks([7, 8, 6, 5], [0, 4, 0, -1])
    laid = lay_down(_places([7], [0]), asks, [], NOTHING)
    assert [bits for bits, _ in _status(laid, asks)] == [0, MISSING, ANOTHER, MISSING]


def test_a_gap_is_told_of_those_above_it_and_a_bad_record_too() -> None:
    laid = lay_down(_places([7, 8, 9], [0, 2, 3], faults=[0, 0, 2]), _asks([7], [0]), [], NOTHING)
    assert _stand(laid) == [7, None, 8, 9]
    assert _status(laid, _asks([7, 8, 9], [0, 2, 3])) == [(0, -1), (GAP, 1), (GAP | UNTRUSTED, 3)]


def test_an_index_whose_bytes_are_gone_is_a_bad_record_and_no_gap() -> None:
    unread = pl.DataFrame([(0, 1, 1)], schema=NOTHING.schema, orient="row")
    laid = lay_down(_places([7, 8], [0, 2]), _asks([7], [0]), [], unread)
    assert not laid.gaps.any()
    assert _status(laid, _asks([8], [2])) == [(UNTRUSTED, 1)]


def test_late_payments_see_so_many_and_stand_nowhere() -> None:
    asks = _asks([9, 9, 9], [-2, -4, -5])
    laid = lay_down(_places([7, 8], [0, 1]), asks, [], NOTHING)
    assert [bits for bits, _ in _status(laid, asks)] == [0, 0, MISSING]


@pytest.mark.parametrize(("rebuilding", "stand"), [([], [7, 8, 9]), ([2], [None, None, 9])])
def test_an_epoch_begins_with_the_first_copies_of_those_before_it(
    rebuilding: list[int], stand: list[int | None]
) -> None:
    found = _places([7, 8, 9], [0, 1, 2], [[2], [], []], [1, 1, 2])
    laid = lay_down(found, _asks([9], [2], epoch=2), rebuilding, NOTHING)
    assert _stand(laid, 0) == [7, 8, 7]
    assert _stand(laid, 1) == stand


def test_a_log_that_is_only_asked_about_is_as_long_as_it_was_laid_down() -> None:
    asks = _asks([9], [-4], epoch=2)
    laid = lay_down(_places([7, 8], [0, 1]), asks, [], NOTHING)
    assert _stand(laid, 1) == [7, 8]
    assert _status(laid, asks) == [(0, -1)]
