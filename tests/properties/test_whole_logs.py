"""Whole logs walked at the end give what a worker gave each payment at its time, to the bit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from shared.features.folding import FoldResult
from shared.features.timelines import Timelines
from shared.features.whole_logs import ABSENT, Asks, LogWalker
from tests.properties.test_timelines import ROOMY, SETTINGS
from tests.support.arrivals import FEATURES, FORGETFUL, LONG_STEP_MS, Arrival, arrivals
from tests.support.oracle import Record
from tests.support.timeline_cases import Features, Logs, assert_same_bits, encode

LATE_EVERY = 5


def _words(records: Sequence[Record]) -> NDArray[np.int64]:
    return encode(records, FEATURES.layout).view(np.int64).reshape(len(records), -1)


def _online(found: list[Arrival], logs: Logs) -> list[FoldResult]:
    """Every record by a worker of its own batch; each fifth payment is late: scored, and not appended."""
    timelines = Timelines(logs.features, ROOMY, logs.key)
    results = []
    for number, (record, ids) in enumerate(found):
        kept = np.array([not (record.kind == 1 and number % LATE_EVERY == 0)])
        results.append(logs.fold(timelines, [record], [ids], kept))
    return results


def _asks_of(
    log: Sequence[Record], versions: Sequence[tuple[int, int]], rows: NDArray[Any]
) -> tuple[Asks, list[int]]:
    """Asks of one log: (number of the payment, its version), ordered by what they saw."""
    after = [v + 1 if v >= 0 else -2 - v for _, v in versions]
    order = sorted(range(len(versions)), key=after.__getitem__)
    kept = np.array([versions[k][1] >= 0 for k in order], np.bool_)
    words = _words(log)
    own = [words[versions[k][1]] if versions[k][1] >= 0 else rows[versions[k][0]] for k in order]
    asks = Asks(
        np.array([after[k] for k in order], np.int64),
        kept,
        np.array(own, np.int64).reshape(-1, words.shape[1]),
        np.array([0, len(order)], np.int64),
    )
    return asks, [versions[k][0] for k in order]


@SETTINGS
@given(st.one_of(arrivals(), arrivals(60, LONG_STEP_MS)), st.sampled_from([FEATURES, FORGETFUL]))
def test_a_walk_gives_the_bits_that_the_worker_gave(found: list[Arrival], features: Features) -> None:
    logs = Logs(features)
    results = _online(found, logs)
    rows = _words([record for record, _ in found])
    walker, again = LogWalker(features), np.full((len(found), len(features.program.kind)), np.nan)
    for key, log in logs.logs.items():
        entity, _, own = key.decode().partition("/")
        e = int(entity)
        asked = [
            (i, int(results[i].versions[0, e]))
            for i, (record, ids) in enumerate(found)
            if record.kind == 1 and ids[e] == own
        ]
        if not log:
            continue
        asks, numbers = _asks_of(log, asked, rows)
        ends = np.array([0, len(log)], np.int64)
        told = walker.walk(e, _words(log), np.arange(len(log)), ends, asks)
        again[np.ix_(np.array(numbers, np.int64), walker.columns_of(e))] = told[:, walker.columns_of(e)]
    walker.settle(again)
    timeline = np.concatenate([walker.columns_of(e) for e in range(2)])
    for i, (record, ids) in enumerate(found):
        seen = [logs.logs.get(f"{e}/{own}".encode()) for e, own in enumerate(ids) if own is not None]
        if record.kind == 1 and not results[i].conflicts[0] and all(seen):
            assert_same_bits(again[i][timeline], results[i].matrix[0][timeline])


def test_a_record_that_is_known_nowhere_takes_its_index() -> None:
    log = [Record(time=1_000 * k, amount=k, id=k, body=k, extra=(0, 0)) for k in range(1, 4)]
    walker, words, ends = LogWalker(FEATURES), _words(log), np.array([0, 3], np.int64)
    last = Asks(np.array([3]), np.array([True]), words[2:], np.array([0, 1], np.int64))
    whole = walker.walk(0, words, np.arange(3), ends, last)
    holed = walker.walk(0, words, np.array([0, ABSENT, 2]), ends, last)
    without = walker.walk(
        0,
        words,
        np.array([0, 2]),
        np.array([0, 2], np.int64),
        Asks(np.array([2]), np.array([True]), words[2:], np.array([0, 1], np.int64)),
    )
    assert_same_bits(holed[0], without[0])
    with pytest.raises(AssertionError):
        assert_same_bits(holed[0], whole[0])


def test_logs_do_not_see_each_other_and_room_grows() -> None:
    log = [Record(time=1_000 * k, amount=k, id=k, body=k, extra=(0, 0)) for k in range(1, 2_001)]
    walker, words = LogWalker(FEATURES), _words(log)
    small = Asks(np.array([5]), np.array([True]), words[4:5], np.array([0, 1], np.int64))
    once = walker.walk(0, words, np.arange(5), np.array([0, 5], np.int64), small)
    steps = np.concatenate([np.arange(2_000), np.arange(5)])
    after = np.array([2_000, 5])
    both = Asks(after, np.array([True, True]), words[[1_999, 4]], np.array([0, 1, 2], np.int64))
    again = walker.walk(0, words, steps, np.array([0, 2_000, 2_005], np.int64), both)
    assert_same_bits(again[1], once[0])
