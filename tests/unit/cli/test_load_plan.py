"""Labels in a load: when they are known, what they say, where they stand among payments."""

from __future__ import annotations

from typing import Any

import polars as pl

from services.cli.core.load_plan import STEP_MS, LabelRule, LoadPlan, Step
from services.cli.core.source_labels import labels_of_file
from services.cli.core.source_rows import FILE, ROW
from shared.bus.loader import TICK_EVERY_MS
from shared.contracts.codec import decode_label
from shared.contracts.turns import LABEL_LEAD_MS
from shared.features.mapping import ColumnMap, LabelMap, Source

DAY = 86_400_000
T0 = 1_600_000_000_000

SOURCE = Source(
    fields={
        "currency": ColumnMap(constant="EUR"),
        "tx_id": ColumnMap(column="id"),
        "account_id": ColumnMap(column="acc"),
        "terminal_id": ColumnMap(column="term"),
        "event_time_ms": ColumnMap(column="at"),
        "amount_minor": ColumnMap(column="amount"),
    },
    label=LabelMap(
        column="fraud",
        known_at="known",
        reversed_at="back",
        fraud_type="type",
        source="bank",
        send_genuine=True,
    ),
)


def _batch(rows: list[dict[str, Any]]) -> pl.DataFrame:
    schema = {"id": pl.String, "acc": pl.String, "term": pl.String, "at": pl.Int64, "amount": pl.Int64}
    schema |= {"fraud": pl.Int8, "known": pl.Int64, "back": pl.Int64, "type": pl.String}
    table = pl.DataFrame(rows, schema=schema)
    return table.with_columns(pl.lit(0, pl.Int64).alias(FILE), pl.int_range(1, pl.len() + 1).alias(ROW))


def _row(number: int, day: float, fraud: int | None = None, **more: Any) -> dict[str, Any]:
    at = T0 + round(day * DAY)
    return {"id": f"t{number}", "acc": "a", "term": "x", "at": at, "amount": 5, "fraud": fraud, **more}


def _steps(plan: LoadPlan, rows: list[dict[str, Any]]) -> list[Step]:
    return list(plan.steps([_batch(rows)]))


def _sent(steps: list[Step]) -> list[tuple[str, int]]:
    """Everything in the order in which it goes out: labels of a step first."""
    found = []
    for step in steps:
        found += [(decode_label(v).label_id, t) for t, _, v in step.labels.iter_rows()]
        found += [("payment", t) for t in step.payments["time_ms"]]
    return found


def test_labels_come_after_their_delay_and_never_behind_a_payment() -> None:
    rule = LabelRule(beside=True, after_ms=7 * DAY, as_mapped=False)
    plan = LoadPlan(SOURCE, rule, step_rows=2)
    rows = [_row(i, i, 1 if i % 3 == 0 else None) for i in range(20)]
    steps = _steps(plan, rows)
    known = [(time, index) for index, (name, time) in enumerate(_sent(steps)) if name != "payment"]
    payments = [(time, index) for index, (name, time) in enumerate(_sent(steps)) if name == "payment"]
    assert [time for time, _ in known] == [T0 + (i + 7) * DAY - LABEL_LEAD_MS for i in range(0, 20, 3)]
    for time, index in known:
        assert all(index < later for at, later in payments if at >= time)
    assert steps[-1].payments.height == 0
    assert steps[-1].until_ms == T0 + (18 + 7) * DAY - LABEL_LEAD_MS
    assert all(step.labels["time_ms"].is_sorted() for step in steps)


def test_nothing_before_a_steps_promise_follows() -> None:
    plan = LoadPlan(SOURCE, LabelRule(beside=True, after_ms=DAY, as_mapped=False), step_rows=3)
    steps = _steps(plan, [_row(i, i / 4, 1) for i in range(30)])
    promised = 0
    for step in steps:
        times = [*step.labels["time_ms"], *step.payments["time_ms"]]
        assert all(time >= promised for time in times)
        promised = step.until_ms


def test_the_mappings_columns_say_when_and_what() -> None:
    plan = LoadPlan(SOURCE, LabelRule(beside=True, after_ms=0, as_mapped=True))
    rows = [
        _row(0, 0, 1, known=T0 + 3 * DAY, back=T0 + 9 * DAY, type="stolen"),
        _row(1, 1, 0, known=T0 + 2 * DAY),
        _row(2, 2, None),
        _row(3, 3, 1),
    ]
    labels = [decode_label(v) for step in _steps(plan, rows) for v in step.labels["value"]]
    assert [(label.label_id, (label.known_at_ms - T0) // DAY) for label in labels] == [
        ("t1-genuine", 2),
        ("t0-fraud", 3),
        ("t0-reversed", 9),
    ]
    fraud = labels[1]
    assert (fraud.fraud_type, fraud.source, fraud.terminal_id, fraud.amount_minor) == (
        "stolen",
        "bank",
        "x",
        5,
    )
    assert fraud.event_time_ms == T0


def test_without_labels_only_payments_go() -> None:
    plan = LoadPlan(SOURCE, LabelRule(beside=False, after_ms=0, as_mapped=True))
    assert {name for name, _ in _sent(_steps(plan, [_row(0, 0, 1)]))} == {"payment"}


def test_a_labels_file_of_its_own() -> None:
    table = pl.DataFrame(
        {
            "label_id": ["l1", "l2", "l3"],
            "tx_id": ["t1", "t2", "t3"],
            "account_id": ["a", "a", "a"],
            "event_time": [T0, T0, T0],
            "known_at": [T0 + DAY, T0, T0],
            "verdict": ["fraud", "genuine", "perhaps"],
            "source": ["file"] * 3,
        }
    ).with_columns(pl.lit(0, pl.Int64).alias(FILE), pl.int_range(1, pl.len() + 1).alias(ROW))
    due = labels_of_file(table)
    assert [decode_label(v).known_at_ms for v in due.table["value"]] == [T0, T0 + DAY]
    assert due.table["time_ms"].to_list() == [T0, T0]
    assert [(r.row, r.code, r.field) for r in due.refused] == [(3, "field_type", "verdict")]
    plan = LoadPlan(SOURCE, LabelRule(beside=False, after_ms=0, as_mapped=True))
    plan.add_labels(due)
    assert len(plan.refused) == 1
    assert [name for name, _ in _sent(_steps(plan, [_row(0, 0.5, 1)]))] == ["l2", "l1", "payment"]


def test_no_step_is_longer_than_a_step_may_be() -> None:
    rows = [_row(number, number / 16) for number in range(100)]
    steps = _steps(LoadPlan(SOURCE, LabelRule(False, 0, as_mapped=True), step_rows=3), rows)
    assert sum(step.payments.height for step in steps) == 100
    for step in steps:
        times = step.payments["time_ms"].to_list()
        assert len(times) <= 3
        assert times[0] // STEP_MS == times[-1] // STEP_MS
    assert [step.until_ms for step in steps] == sorted(step.until_ms for step in steps)


def test_labels_go_farther_ahead_than_scorers_are_apart() -> None:
    assert LABEL_LEAD_MS > 2 * STEP_MS + TICK_EVERY_MS
