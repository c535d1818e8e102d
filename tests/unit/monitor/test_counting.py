"""Counting by shares equals a slow count of whole records; what is no record is counted by reason."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.monitor.core.counting import CALLERS_MOST, COUNTED, OTHER, Callers, Counts, Rows
from shared.contracts.codec import encode
from shared.contracts.places import Place
from shared.stores import monitor_tables
from tests.support.lake_messages import T0_MS, FakeMessage, decision, label
from tests.support.monitor_records import (
    Slow,
    dead_letter,
    messages_of,
    slow_count,
    some_decisions,
    some_labels,
    some_predictions,
)

NUMBER = 400


def logs() -> tuple[dict[str, list[FakeMessage]], Slow]:
    records = {
        "decisions": some_decisions(NUMBER),
        "predictions": some_predictions(NUMBER),
        "labels": some_labels(NUMBER),
        "dead-letters": [dead_letter(i, reason) for i, reason in enumerate(["not_json", "oversize"] * 9)],
    }
    found = {name: messages_of(name, map(encode, some)) for name, some in records.items()}  # type: ignore[call-overload]
    slow = slow_count(
        (record, message.timestamp)
        for name, some in records.items()
        for record, message in zip(some, found[name], strict=True)  # type: ignore[call-overload]
    )
    return found, slow


def flat(counts: Counts) -> Slow:
    """As `slow_count` gives it."""
    return {name: flat_rows(name, getattr(counts, name)) for name in slow_count([])}


def flat_rows(name: str, rows: Rows) -> Counter[tuple[str | int, ...]]:
    table = getattr(monitor_tables, name.upper())
    names = [column.name for column in table.columns if not column.primary_key]
    pairs = [(key, zip(names, amounts, strict=True)) for key, amounts in rows.items()]
    return Counter({(*key, name): amount for key, named in pairs for name, amount in named})


@pytest.mark.parametrize("share", [1, 7, NUMBER])
def test_shares_add_up_to_the_slow_count(share: int) -> None:
    found, slow = logs()
    counts = Counts()
    for name in COUNTED:
        for start in range(0, len(found[name]), share):
            some = found[name][start : start + share]
            counts.add(Place(name, 0), name, some, some[-1].offset + 1, T0_MS)
    assert flat(counts) == slow
    assert counts.ends == {Place(name, 0): len(found[name]) for name in COUNTED}
    assert counts.records == sum(map(len, found.values()))
    assert counts.refused == {}


def test_callers_are_seen_from_first_to_last() -> None:
    records = [
        replace(decision(i), caller="pos", decided_at_ms=T0_MS + at) for i, at in enumerate([70, 10, 90])
    ]
    counts = Counts()
    counts.count_decisions(messages_of("decisions", map(encode, records)))
    seen = counts.callers["pos"]
    assert (seen.first_ms, seen.last_ms) == (T0_MS + 10, T0_MS + 90)


POISON = (b"", b"{}", b"\xff", b"[1]", b"null", b'{"amount_minor":"x"}', b"{}\n{}", b"[" * 2_000)


@given(st.lists(st.sampled_from([*POISON, b"good", b"\n"]), max_size=12))
def test_poison_costs_its_neighbours_nothing(kinds: list[bytes]) -> None:
    good = encode(decision(1))
    values = [good if kind == b"good" else kind for kind in kinds]
    counts = Counts()
    counts.count_decisions(messages_of("decisions", values))
    taken = sum(amounts[0] for amounts in counts.decisions.values())
    assert taken == kinds.count(b"good")
    assert sum(counts.refused.values()) == len(kinds) - taken
    assert set(counts.refused) <= {"not_json", "field_type"}


def test_labels_are_read_as_strictly_as_the_lake_reads_them_and_ticks_are_none() -> None:
    twice = encode(label(1)).replace(b'"v":1', b'"v":1,"v":1')
    counts = Counts()
    counts.count_labels(messages_of("labels", [b"", encode(label(1)), twice]))
    assert sum(amounts[0] for amounts in counts.labels.values()) == 1
    assert counts.refused == {"duplicate_key": 1}


def test_a_record_written_twice_counts_twice() -> None:
    counts = Counts()
    counts.count_decisions(messages_of("decisions", [encode(decision(1))] * 2))
    assert [amounts[0] for amounts in counts.decisions.values()] == [2]


def test_callers_beyond_the_most_are_counted_together_in_every_share() -> None:
    known = Callers()
    invented = [replace(decision(i), caller=f"invented-{i}") for i in range(CALLERS_MOST + 50)]
    messages = messages_of("d", map(encode, invented))
    shares = []
    for start in range(0, len(messages), 100):
        counts = Counts(known)
        counts.add(Place("bank.decisions", 0), "decisions", messages[start : start + 100], start + 100, 0)
        shares.append(counts)
    by_caller: Counter[str | int] = Counter()
    for counts in shares:
        for key, (count, _) in counts.decisions.items():
            by_caller[key[3]] += count
    assert len(by_caller) == CALLERS_MOST + 1
    assert by_caller[OTHER] == 50
    assert by_caller.total() == len(invented)
    assert OTHER not in {name for counts in shares for name in counts.callers}
