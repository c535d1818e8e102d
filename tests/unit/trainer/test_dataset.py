"""What a training set may know, and what names it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.trainer.core.dataset import Captured, KnownLabels, TrainingSet, build_set
from services.trainer.core.fit import sample_genuine
from services.trainer.core.window import DAY_MS, TrainingImpossible, Window, plan_window
from shared.features.mapping import Training

AS_OF_MS = 1_700_000_000_000
DELAY_MS = 7 * DAY_MS
WINDOW = Window(AS_OF_MS - 20 * DAY_MS, AS_OF_MS - 10 * DAY_MS, AS_OF_MS - DELAY_MS, refit=False)
NAMES = ("x", "y")


def captured(rows: int, order: list[int] | None = None, start_ms: int = WINDOW.from_ms) -> Captured:
    """One payment an hour; ``order`` is the order in which they come."""
    place = np.array(order if order is not None else range(rows), dtype=np.int64)
    matrix = np.column_stack([place * 1.5, np.where(place % 3 == 0, np.nan, place)])
    return Captured(
        pa.array([f"t{k}" for k in place], pa.string()),
        pa.array([f"a{k % 5}" for k in place], pa.string()),
        start_ms + place * 3_600_000,
        100 + place,
        matrix.astype(np.float64),
    )


def labels(*entries: tuple[str, int, bool]) -> KnownLabels:
    return KnownLabels(
        pa.array([entry[0] for entry in entries], pa.string()),
        np.array([entry[1] for entry in entries], dtype=np.int64),
        np.array([entry[2] for entry in entries], dtype=np.bool_),
    )


def build(rows: Captured, known: KnownLabels, window: Window = WINDOW) -> TrainingSet:
    return build_set(rows, known, AS_OF_MS, window, NAMES)


@pytest.mark.parametrize(
    ("entries", "fraud"),
    [
        ([], False),
        ([("t1", AS_OF_MS, True)], True),
        ([("t1", AS_OF_MS + 1, True)], False),
        ([("t1", AS_OF_MS - 9, True), ("t1", AS_OF_MS - 5, False)], False),
        ([("t1", AS_OF_MS - 5, False), ("t1", AS_OF_MS - 9, True)], False),
        ([("t1", AS_OF_MS - 5, True), ("t1", AS_OF_MS - 5, False)], False),
        ([("t1", AS_OF_MS - 5, False), ("t1", AS_OF_MS - 5, True)], True),
        ([("t1", AS_OF_MS - 9, True), ("t1", AS_OF_MS + 1, False)], True),
        ([("elsewhere", AS_OF_MS - 9, True)], False),
    ],
    ids="none at_as_of younger reversed reversed_first tie_reversed tie_fraud reversed_later other".split(),
)
def test_the_verdict_in_force_at_the_stated_time_counts(
    entries: list[tuple[str, int, bool]], fraud: bool
) -> None:
    found = build(captured(4), labels(*entries))
    assert dict(zip(found.tx_ids.to_pylist(), found.fraud.tolist(), strict=True))["t1"] is fraud


def test_an_account_is_blocked_once_one_of_its_frauds_is_known() -> None:
    rows, hour_ms = captured(40), 3_600_000
    known_ms = WINDOW.from_ms + 20 * hour_ms
    found = build(
        rows, labels(("t1", known_ms, True), ("t6", known_ms + hour_ms, True), ("t2", known_ms, False))
    )
    blocked = {
        tx_id
        for tx_id, is_blocked in zip(found.tx_ids.to_pylist(), found.is_blocked, strict=True)
        if is_blocked
    }
    # Every fifth payment is of the same account; the one at the very moment knows it already.
    assert blocked == {"t21", "t26", "t31", "t36"}


def test_payments_without_an_account_block_no_others() -> None:
    rows = captured(40)
    nameless = replace(rows, accounts=pa.array([""] * 40, pa.string()))
    found = build(nameless, labels(("t1", WINDOW.from_ms, True)))
    assert [
        t for t, is_blocked in zip(found.tx_ids.to_pylist(), found.is_blocked, strict=True) if is_blocked
    ] == ["t1"]


def test_payments_whose_label_had_no_time_to_come_are_left_out() -> None:
    hours = 40 * 24
    found = build(captured(hours), labels())
    assert found.event_ms.min() == WINDOW.from_ms
    assert found.event_ms.max() == WINDOW.to_ms - 3_600_000
    assert len(found.fraud) == 13 * 24


@settings(max_examples=40, deadline=None)
@given(order=st.permutations(range(24)))
def test_the_name_and_rows_do_not_depend_on_the_order_of_the_lake(order: list[int]) -> None:
    known = labels(("t3", AS_OF_MS - 1, True))
    one, other = build(captured(24), known), build(captured(24, order), known)
    assert one.hash == other.hash
    assert one.matrix.tobytes() == other.matrix.tobytes()
    assert one.tx_ids.equals(other.tx_ids)


def test_the_name_changes_with_every_part_of_the_content() -> None:
    rows, none = captured(24), labels()
    base = build(rows, none).hash
    moved = replace(rows, event_ms=rows.event_ms + 1)
    changed = rows.matrix.copy()
    changed[5, 0] = np.nextafter(changed[5, 0], 9e9)
    others = {
        build(rows, labels(("t3", AS_OF_MS - 1, True))).hash,
        build(moved, none).hash,
        build(replace(rows, matrix=changed), none).hash,
        build(captured(23), none).hash,
        build_set(rows, none, AS_OF_MS, WINDOW, ("x", "z")).hash,
    }
    assert len(others | {base}) == 6


def test_one_missing_is_like_another() -> None:
    rows = captured(6)
    odd = rows.matrix.copy()
    odd.view(np.uint64)[np.isnan(odd)] = 0xFFF8_0000_0000_0001
    other = replace(rows, matrix=odd)
    assert build(rows, labels()).hash == build(other, labels()).hash


def test_a_payment_that_stands_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        build(captured(4, [0, 1, 2, 2]), labels())


def test_nothing_captured_is_an_empty_set() -> None:
    assert len(build(captured(0), labels()).fraud) == 0


def test_the_window_ends_a_delay_before_and_keeps_days_back() -> None:
    window = plan_window(AS_OF_MS, 0, 7, Training(days=28, calibration_days=5))
    end = AS_OF_MS - DELAY_MS
    assert window == Window(end - 28 * DAY_MS, end - 5 * DAY_MS, end, refit=False)
    assert plan_window(AS_OF_MS, 14, 7, Training()).from_ms == end - 14 * DAY_MS


def test_without_days_back_a_rehearsal_measures_and_all_days_train() -> None:
    window = plan_window(AS_OF_MS, 8, 7, Training(calibration_days=0))
    assert window.refit
    assert window.to_ms - window.later_ms == 2 * DAY_MS


def test_days_back_must_leave_some() -> None:
    with pytest.raises(TrainingImpossible, match="none left to train on"):
        plan_window(AS_OF_MS, 5, 7, Training(calibration_days=5))


def test_sampling_keeps_frauds_and_the_base_rate() -> None:
    data = build(captured(13 * 24), labels(*((f"t{k}", AS_OF_MS, True) for k in range(0, 312, 31))))
    kept, weights = sample_genuine(data, 0.25, seed=1)
    assert kept.fraud.sum() == data.fraud.sum()
    assert len(kept.fraud) < len(data.fraud) / 2
    assert weights.sum() == pytest.approx(len(data.fraud), rel=0.2)
    half = data.select(np.arange(len(data.fraud)) % 2 == 0)
    both = set(sample_genuine(half, 0.25, seed=1)[0].tx_ids.to_pylist())
    assert both == set(kept.tx_ids.to_pylist()) & set(half.tx_ids.to_pylist())
