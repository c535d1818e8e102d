"""Samples of captures: the lowest hashes of a window, each payment once, the same whoever reads."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import pytest

from services.monitor.core.sampling import Sampler
from services.monitor.core.windows import Judged, drift_readings, window_rows
from shared.contracts.places import Place
from shared.evaluation.drift import SAMPLE_FLOOR, ModelReference, reference_of
from tests.support.lake_messages import CAPTURE_HEADERS, T0_MS, FakeMessage, capture_body

PLACE = Place("bank.captures", 0)
OTHER = Place("bank.captures", 1)
WIDTH_MS = 10_000
START_MS = T0_MS - T0_MS % WIDTH_MS


def message(offset: int, numbers: list[int], at_ms: int = START_MS) -> FakeMessage:
    return FakeMessage("bank.captures", 0, offset, capture_body(numbers), at_ms, CAPTURE_HEADERS)


def taken(sampler: Sampler, *messages: FakeMessage, place: Place = PLACE) -> dict[str, int]:
    return sampler.add(place, messages, [one.offset for one in messages])


def lowest(numbers: range, limit: int) -> list[float]:
    """First inputs of the payments whose ids hash lowest, which are their numbers."""
    by_hash = sorted(numbers, key=lambda i: blake2b(f"tx-{i:06d}".encode(), digest_size=8).digest())
    return [float(i) for i in by_hash[:limit]]


@pytest.mark.parametrize("share", [1, 30, 100])
def test_the_lowest_hashes_stay_in_whatever_shares_they_come(share: int) -> None:
    sampler = Sampler(WIDTH_MS, limit=20)
    for start in range(0, 100, share):
        taken(sampler, message(start, list(range(start, min(start + share, 100)))))
    sample = sampler.read(START_MS)[2]
    assert sample.vectors[:, 0].tolist() == lowest(range(100), 20)
    assert np.isnan(sample.vectors[:, 2]).all()
    assert sample.scores.tolist() == [0.2] * 20


def test_a_capture_that_is_written_twice_counts_once() -> None:
    sampler = Sampler(WIDTH_MS, limit=50)
    taken(sampler, message(0, [1, 2]), message(1, [1, 2, 3]))
    assert sorted(sampler.read(START_MS)[2].vectors[:, 0].tolist()) == [1.0, 2.0, 3.0]


def test_a_window_is_due_when_every_place_has_passed_it() -> None:
    sampler = Sampler(WIDTH_MS, limit=50)
    taken(sampler, message(0, [1]))
    over_ms = START_MS + WIDTH_MS + 500
    assert sampler.due(over_ms - 1, {PLACE: False}, 500) == []
    assert sampler.due(over_ms, {PLACE: False, OTHER: False}, 500) == [START_MS]
    assert sampler.due(over_ms, {PLACE: False, OTHER: True}, 500) == []
    taken(sampler, message(0, [9], START_MS + WIDTH_MS), place=OTHER)
    assert sampler.due(over_ms, {PLACE: False, OTHER: True}, 500) == [START_MS]


def test_a_later_process_reads_again_from_the_oldest_open_window() -> None:
    sampler = Sampler(WIDTH_MS, limit=50)
    second_ms = START_MS + WIDTH_MS
    taken(sampler, message(5, [1]), message(6, [2], second_ms), message(7, [3], second_ms))
    taken(sampler, message(3, [4]), place=OTHER)
    assert sampler.kept_from(second_ms) == {PLACE: 5, OTHER: 3}
    assert sampler.kept_from(START_MS) == {PLACE: 6, OTHER: 4}
    sampler.close(START_MS)
    taken(sampler, message(8, [5]))
    assert (sampler.late, sampler.read(START_MS)) == (1, {})
    assert sampler.kept_from(START_MS + WIDTH_MS) == {PLACE: 9, OTHER: 4}


@pytest.mark.parametrize("shape", [b"", b"3", b"3,x", b"9,2", b"-1,2", b"3,2,1"])
def test_what_is_no_capture_is_counted_and_passed(shape: bytes) -> None:
    sampler = Sampler(WIDTH_MS, limit=50)
    bad = FakeMessage("bank.captures", 0, 0, capture_body([1]), START_MS, (("assay-shape", shape),))
    assert taken(sampler, bad, message(1, [2])) == {"field_type": 1}
    assert sampler.ends == {PLACE: 2}
    assert sampler.read(START_MS)[2].vectors[:, 0].tolist() == [2.0]


def test_a_window_has_a_row_per_input_and_one_for_the_score() -> None:
    sampler = Sampler(WIDTH_MS, limit=1_000)
    taken(sampler, message(0, list(range(SAMPLE_FLOOR))))
    train = [np.arange(1_000.0) + 600, np.arange(1_000.0) / 2, np.full(1_000, np.nan)]
    reference = ModelReference(
        v=1,
        rows=1_000,
        features=[reference_of(name, values) for name, values in zip("abc", train, strict=True)],
        score=reference_of("score", np.full(1_000, 0.2)),
    )
    judged = [Judged("trees@1", reference, list(sampler.read(START_MS).values()))]
    rows = window_rows(START_MS, WIDTH_MS, judged)
    assert [row.subject for row in rows] == ["a", "b", "c", "score"]
    assert [(row.psi or 0) >= 0.25 for row in rows] == [True, False, False, False]
    found = {(r.rule, r.subject): r.value for r in drift_readings(rows)}
    assert found["drift_feature", "a"] == rows[0].psi
    assert found["drift_score", ""] == 0
    narrow = sampler.read(START_MS)[2]._replace(vectors=sampler.read(START_MS)[2].vectors[:, :2])
    few = [Judged("trees@1", reference, [narrow])]
    assert window_rows(START_MS, WIDTH_MS, few) == []
