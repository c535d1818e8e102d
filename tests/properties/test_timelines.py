"""The fold against the oracle: any batches, order, repeats, writers, labels, evictions and restarts."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.features.layout import Layout
from shared.features.timelines import Timelines
from tests.support.oracle import Record, vector
from tests.support.timeline_cases import Features, Ids, Logs, assert_same_bits, encode, full_program

FEATURES: Final = Features(
    program=full_program(),
    layout=Layout(
        columns=(("unused", "category"), ("device", "device_id")), activities=("login", "registered")
    ),
)
START_MS: Final = 1_700_000_000_000
ROOMY: Final = 2_000_000
TIGHT: Final = 30_000
OTHERS: Final = 100_000

SETTINGS: Final = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)

Arrival = tuple[Record, Ids]

times = st.integers(0, 40).map(lambda s: START_MS + 500 * s)
amounts = st.one_of(st.integers(0, 30), st.integers(10**12 - 20, 10**12), st.integers(0, 10**12))
ids_of = st.tuples(
    st.one_of(st.none(), st.sampled_from(["c1", "c2", "c3"])),
    st.one_of(st.sampled_from(["t1", "t2"]), st.none()),
)


def _payment(number: int) -> st.SearchStrategy[Record]:
    return st.builds(
        Record,
        time=times,
        amount=amounts,
        id=st.just(1_000 + number),
        body=st.just(number),
        extra=st.tuples(st.integers(0, 2**63), st.integers(0, 3)),
    )


def _label(number: int) -> st.SearchStrategy[Record]:
    return st.builds(
        Record,
        kind=st.just(2),
        id=st.just(5_000 + number),
        body=st.just(number),
        time=times,
        amount=times,
        ref=st.integers(1_000, 1_012),
        verdict=st.sampled_from([1, 1, 2, 3]),
        extra=st.just((0, 0)),
    )


def _activity(number: int) -> st.SearchStrategy[Record]:
    return st.builds(
        Record,
        kind=st.sampled_from([3, 4, 255]),
        time=times,
        amount=amounts,
        id=st.just(9_000 + number),
        extra=st.tuples(st.integers(0, 2**63), st.integers(0, 3)),
    )


@st.composite
def arrivals(draw: st.DrawFn, largest: int = 40) -> list[Arrival]:
    """Records with their entities in the order of arrival, some of them again, some changed."""
    found: list[Arrival] = []
    for number in range(draw(st.integers(1, largest))):
        step = draw(st.integers(0, 10))
        if step < 4 or not found:
            found.append((draw(_payment(number % 13)), draw(ids_of)))
        elif step < 7:
            labelled = draw(st.sampled_from(found))
            label = draw(_label(number))
            if labelled[0].kind == 1:
                label = replace(label, ref=labelled[0].id, time=labelled[0].time)
            found.append((label, labelled[1]))
        elif step < 9:
            found.append((draw(_activity(number)), draw(ids_of)))
        else:
            again, names = draw(st.sampled_from(found))
            found.append((_again(again, draw(st.integers(0, 5))), names))
    return _one_home(found)


def _again(record: Record, how: int) -> Record:
    if how == 0:
        return replace(record, body=record.body + 1)
    if how == 1 and record.kind == 1:
        return replace(record, amount=record.amount // 2)
    return record


def _one_home(found: list[Arrival]) -> list[Arrival]:
    """A record's copies name the same entities, as equal bytes do."""
    homes: dict[int, Ids] = {}
    first: dict[int, Record] = {}
    kept = []
    for record, names in found:
        names = homes.setdefault(record.id, names)
        known = first.setdefault(record.id, record)
        kept.append((record if record.time == known.time else replace(record, body=known.body + 7), names))
    return kept


def _cut(found: list[Arrival], sizes: list[int]) -> list[list[Arrival]]:
    batches, at = [], 0
    for size in sizes:
        batches.append(found[at : at + size])
        at += size
    return [batch for batch in [*batches, found[at:]] if batch]


def _split(batch: list[Arrival]) -> tuple[list[Record], list[Ids]]:
    return [r for r, _ in batch], [names for _, names in batch]


@SETTINGS
@given(
    found=arrivals(),
    sizes=st.lists(st.integers(1, 8), max_size=12),
    turns=st.lists(st.integers(0, 5), max_size=12),
    budget=st.sampled_from([ROOMY, TIGHT]),
)
def test_any_arrival_equals_the_oracle(
    found: list[Arrival], sizes: list[int], turns: list[int], budget: int
) -> None:
    logs = Logs(FEATURES)
    timelines = Timelines(FEATURES, budget, logs.key)
    for number, batch in enumerate(_cut(found, sizes)):
        turn = turns[number] if number < len(turns) else 5
        if turn == 0:
            logs.by_another(*_split(batch))
            continue
        if turn == 1:
            timelines = Timelines(FEATURES, budget, logs.key)
        records, names = _split(batch)
        logs.check(logs.fold(timelines, records, names), records, names)
        assert timelines.used_bytes <= budget


@SETTINGS
@given(
    found=arrivals(),
    others=arrivals(12),
    sizes=st.lists(st.integers(1, 8), min_size=2, max_size=12),
    budget=st.sampled_from([ROOMY, TIGHT]),
)
def test_calls_in_flight_equal_the_oracle(
    found: list[Arrival], others: list[Arrival], sizes: list[int], budget: int
) -> None:
    """The next batch's call goes out before the last one is folded; in between another worker appends
    records of its own, and as a worker that was replaced does, one of ours again."""
    others = [(replace(record, id=record.id + OTHERS), names) for record, names in others]
    logs = Logs(FEATURES)
    timelines = Timelines(FEATURES, budget, logs.key)
    waiting = []
    for number, batch in enumerate(_cut(found, sizes)):
        records, names = _split(batch)
        claim = timelines.claim(names)
        waiting.append((claim, records, names, logs.append(claim, records)))
        logs.by_another(*_split([*others[number : number + 1], *batch[:1]]))
        while len(waiting) > 2 - number % 2:
            claim, records, names, (starts, unseen) = waiting.pop(0)
            rows = encode(records, FEATURES.layout)
            logs.check(timelines.fold(claim, rows, starts, unseen), records, names)


def _in_turn(shuffled: list[Arrival], original: list[Arrival]) -> list[Arrival]:
    """Payments of one instant in the places that they got, but in their original order."""
    waiting: dict[int, list[Arrival]] = {}
    for arrival in reversed(original):
        if arrival[0].kind == 1:
            waiting.setdefault(arrival[0].time, []).append(arrival)
    return [waiting[a[0].time].pop() if a[0].kind == 1 else a for a in shuffled]


@SETTINGS
@given(found=arrivals(25), order=st.randoms(use_true_random=False), asked=_payment(50))
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
        logs.fold(timelines, *_split(arrival))
        results.append(logs.fold(timelines, [last], [("c1", "t1")]).matrix[0])
    assert_same_bits(results[0], results[1])


@SETTINGS
@given(found=arrivals(25), late=_payment(50))
def test_a_payment_that_is_not_kept_sees_all_and_leaves_nothing(found: list[Arrival], late: Record) -> None:
    logs = Logs(FEATURES)
    timelines = Timelines(FEATURES, ROOMY, logs.key)
    logs.fold(timelines, *_split(found))
    before = {key: list(log) for key, log in logs.logs.items()}
    result = logs.fold(timelines, [late], [("c1", "t1")], np.zeros(1, np.bool_))
    read = [logs.log(0, "c1") or [], logs.log(1, "t1") or []]
    assert result.versions[0].tolist() == [-2 - len(log) for log in read]
    assert_same_bits(
        result.matrix[0], np.array(vector(FEATURES.program, read, [len(log) - 1 for log in read], late))
    )
    assert {key: log for key, log in logs.logs.items() if log} == {k: v for k, v in before.items() if v}
