"""What may arrive at timelines: any order, repeats, labels that come late or are reversed."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Final

from hypothesis import strategies as st

from shared.features.layout import Layout, place_field
from shared.features.places import pack

from .oracle import Record
from .timeline_cases import Features, Ids, full_program

FEATURES: Final = Features(
    program=full_program(),
    layout=Layout(
        columns=(
            ("unused", "category"),
            ("device", "device_id"),
            ("spot", place_field("latitude", "longitude")),
        ),
        activities=("login", "registered"),
    ),
)
FORGETFUL: Final = replace(FEATURES, lateness_ms=5_000)
"""The same, and nothing may come more than five seconds late."""

START_MS: Final = 1_700_000_000_000
STEP_MS: Final = 500
LONG_STEP_MS: Final = 10_000
"""Times lie a multiple of it apart, at most 40: all in reach of each other, or not."""

Arrival = tuple[Record, Ids]

amounts = st.one_of(st.integers(0, 30), st.integers(10**12 - 20, 10**12), st.integers(0, 10**12))
spots = st.sampled_from([0, pack(52.5, 13.4), pack(52.500001, 13.4), pack(-33.9, 151.2), pack(90, -180)])
extras = st.tuples(st.integers(0, 2**63), st.integers(0, 3), spots)
ids_of = st.tuples(
    st.one_of(st.none(), st.sampled_from(["c1", "c2", "c3"])),
    st.one_of(st.sampled_from(["t1", "t2"]), st.none()),
)


@cache
def _times(step_ms: int) -> st.SearchStrategy[int]:
    return st.integers(0, 40).map(lambda s: START_MS + step_ms * s)


@cache
def a_payment(number: int, step_ms: int = STEP_MS) -> st.SearchStrategy[Record]:
    """A payment of any time and amount, numbered within its test."""
    return st.builds(
        Record,
        time=_times(step_ms),
        amount=amounts,
        id=st.just(1_000 + number),
        body=st.just(number),
        extra=extras,
    )


@cache
def _label(number: int, step_ms: int) -> st.SearchStrategy[Record]:
    return st.builds(
        Record,
        kind=st.just(2),
        id=st.just(5_000 + number),
        body=st.just(number),
        time=_times(step_ms),
        amount=_times(step_ms),
        ref=st.integers(1_000, 1_012),
        verdict=st.sampled_from([1, 1, 2, 3]),
        extra=st.just((0, 0, 0)),
    )


@cache
def _activity(number: int, step_ms: int) -> st.SearchStrategy[Record]:
    return st.builds(
        Record,
        kind=st.sampled_from([3, 4, 255]),
        time=_times(step_ms),
        amount=amounts,
        id=st.just(9_000 + number),
        extra=extras,
    )


@st.composite
def arrivals(draw: st.DrawFn, largest: int = 40, step_ms: int = STEP_MS) -> list[Arrival]:
    """Records with their entities in the order of arrival, some of them again, some changed."""
    found: list[Arrival] = []
    for number in range(draw(st.integers(1, largest))):
        step = draw(st.integers(0, 10))
        if step < 4 or not found:
            found.append((draw(a_payment(number % 13, step_ms)), draw(ids_of)))
        elif step < 7:
            labelled = draw(st.sampled_from(found))
            label = draw(_label(number, step_ms))
            if labelled[0].kind == 1:
                label = replace(label, ref=labelled[0].id, time=labelled[0].time)
            found.append((label, labelled[1]))
        elif step < 9:
            found.append((draw(_activity(number, step_ms)), draw(ids_of)))
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


def cut(found: list[Arrival], sizes: list[int]) -> list[list[Arrival]]:
    """Batches of these sizes, then the rest."""
    batches, at = [], 0
    for size in sizes:
        batches.append(found[at : at + size])
        at += size
    return [batch for batch in [*batches, found[at:]] if batch]


def split(batch: list[Arrival]) -> tuple[list[Record], list[Ids]]:
    """The records and their entities."""
    return [r for r, _ in batch], [names for _, names in batch]
