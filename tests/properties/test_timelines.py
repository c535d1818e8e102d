"""The fold against the oracle: any batches, order, repeats, writers, labels, evictions and restarts."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.features.timelines import Timelines
from tests.support.arrivals import (
    FEATURES,
    FORGETFUL,
    LONG_STEP_MS,
    START_MS,
    STEP_MS,
    Arrival,
    a_payment,
    arrivals,
    cut,
    split,
)
from tests.support.oracle import Record, vector
from tests.support.timeline_cases import Features, Logs, assert_same_bits, encode

ROOMY: Final = 2_000_000
TIGHT: Final = 30_000
OTHERS: Final = 100_000

SETTINGS: Final = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@SETTINGS
@given(
    found=st.one_of(arrivals(), arrivals(60, LONG_STEP_MS)),
    sizes=st.lists(st.integers(1, 8), max_size=12),
    turns=st.lists(st.integers(0, 5), max_size=30),
    budget=st.sampled_from([ROOMY, TIGHT]),
    features=st.sampled_from([FEATURES, FORGETFUL]),
)
def test_any_arrival_equals_the_oracle(
    found: list[Arrival], sizes: list[int], turns: list[int], budget: int, features: Features
) -> None:
    logs = Logs(features)
    timelines = Timelines(features, budget, logs.key)
    for number, batch in enumerate(cut(found, sizes)):
        turn = turns[number] if number < len(turns) else 5
        if turn == 0:
            logs.by_another(*split(batch))
            continue
        if turn == 1:
            timelines = Timelines(features, budget, logs.key)
        if turn in (1, 2):
            logs.trim()
        records, names = split(batch)
        logs.check(logs.fold(timelines, records, names), records, names)
        assert timelines.used_bytes <= budget


@SETTINGS
@given(
    step_ms=st.sampled_from([STEP_MS, LONG_STEP_MS]),
    data=st.data(),
    sizes=st.lists(st.integers(1, 8), min_size=2, max_size=12),
    budget=st.sampled_from([ROOMY, TIGHT]),
)
def test_calls_in_flight_equal_the_oracle(
    step_ms: int, data: st.DataObject, sizes: list[int], budget: int
) -> None:
    """The next batch's call goes out before the last one is folded; in between another worker appends
    records of its own, and as a worker that was replaced does, one of ours again; logs are trimmed."""
    found, others = data.draw(arrivals(40, step_ms)), data.draw(arrivals(12, step_ms))
    others = [(replace(record, id=record.id + OTHERS), names) for record, names in others]
    logs = Logs(FORGETFUL)
    timelines = Timelines(FORGETFUL, budget, logs.key)
    waiting = []
    for number, batch in enumerate(cut(found, sizes)):
        records, names = split(batch)
        claim = timelines.claim(names)
        waiting.append((claim, records, names, logs.ask(claim, records)))
        logs.trim()
        logs.by_another(*split([*others[number : number + 1], *batch[:1]]))
        while len(waiting) > 2 - number % 2:
            claim, records, names, (starts, unseen, bases) = waiting.pop(0)
            rows = encode(records, FORGETFUL.layout)
            logs.check(timelines.fold(claim, rows, starts, unseen, bases=bases), records, names)


def _in_turn(shuffled: list[Arrival], original: list[Arrival]) -> list[Arrival]:
    """Payments of one instant in the places that they got, but in their original order."""
    waiting: dict[int, list[Arrival]] = {}
    for arrival in reversed(original):
        if arrival[0].kind == 1:
            waiting.setdefault(arrival[0].time, []).append(arrival)
    return [waiting[a[0].time].pop() if a[0].kind == 1 else a for a in shuffled]


@SETTINGS
@given(found=arrivals(25), order=st.randoms(use_true_random=False), asked=a_payment(50))
def test_the_state_after_all_is_the_same_for_every_order(
    found: list[Arrival], order: object, asked: Record
) -> None:
    """A last payment sees the same whatever the order in which distinct records arrived (F23).

    Payments of one instant keep their order: it says which of them is the newest, hence how a run ends.
    """
    distinct = list({record.id: (record, names) for record, names in found}.values())
    # Labels known at one instant are the exception that the rules name: the later index wins.
    known = {(r.ref, r.amount): r.id for r, _ in distinct if r.kind == 2}
    distinct = [(r, n) for r, n in distinct if r.kind != 2 or known[r.ref, r.amount] == r.id]
    shuffled = list(distinct)
    order.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis hands out a random.Random
    shuffled = _in_turn(shuffled, distinct)
    last = replace(asked, time=START_MS + 25_000)
    results = []
    for arrival in (distinct, shuffled):
        logs = Logs(FEATURES)
        timelines = Timelines(FEATURES, ROOMY, logs.key)
        logs.fold(timelines, *split(arrival))
        results.append(logs.fold(timelines, [last], [("c1", "t1")]).matrix[0])
    assert_same_bits(results[0], results[1])


@SETTINGS
@given(
    step_ms=st.sampled_from([STEP_MS, LONG_STEP_MS]),
    data=st.data(),
)
def test_a_payment_that_is_not_kept_sees_all_and_leaves_nothing(step_ms: int, data: st.DataObject) -> None:
    found, late = data.draw(arrivals(25, step_ms)), data.draw(a_payment(50, step_ms))
    logs = Logs(FORGETFUL)
    timelines = Timelines(FORGETFUL, ROOMY, logs.key)
    logs.fold(timelines, *split(found))
    before = {key: list(log) for key, log in logs.logs.items()}
    result = logs.fold(timelines, [late], [("c1", "t1")], np.zeros(1, np.bool_))
    read = [logs.log(0, "c1") or [], logs.log(1, "t1") or []]
    assert result.versions[0].tolist() == [-2 - len(log) for log in read]
    seen = [len(log) for log in read]
    lateness, last = FORGETFUL.lateness_ms, [len(log) - 1 for log in read]
    assert_same_bits(
        result.matrix[0], np.array(vector(FORGETFUL.program, read, last, [late, late], lateness, seen))
    )
    assert {key: log for key, log in logs.logs.items() if log} == {k: v for k, v in before.items() if v}
