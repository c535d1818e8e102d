"""Activities in a load: what a file says, and where they stand among payments and labels."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from services.cli.core.load_plan import NEVER_MS, LabelRule, LoadPlan, Step
from services.cli.core.source_activities import ActivityQueue, activity_source
from services.cli.core.source_rows import FILE, ROW
from services.cli.edge.activity_files import open_activities
from services.cli.edge.errors import WrongUse
from services.cli.edge.source_files import Period
from shared.contracts.codec import decode_activity
from shared.contracts.payments import Activity
from shared.features.mapping import ColumnMap, LabelMap, Source

T0 = 1_600_000_000_000
HOUR = 3_600_000
PAYMENTS = Source(
    fields={
        "currency": ColumnMap(constant="EUR"),
        "tx_id": ColumnMap(column="id"),
        "account_id": ColumnMap(column="acc"),
        "event_time_ms": ColumnMap(column="at"),
        "amount_minor": ColumnMap(column="amount"),
    },
    label=LabelMap(column="fraud"),
)
RULE = LabelRule(beside=True, after_ms=HOUR, as_mapped=False)


def _numbered(table: pl.DataFrame) -> pl.DataFrame:
    return table.with_columns(pl.lit(0, pl.Int64).alias(FILE), pl.int_range(1, pl.len() + 1).alias(ROW))


def _payments(*hours: float) -> pl.DataFrame:
    rows = [
        {"id": f"t{n}", "acc": "a", "at": T0 + round(h * HOUR), "amount": 5, "fraud": 1}
        for n, h in enumerate(hours)
    ]
    return _numbered(pl.DataFrame(rows))


def _activities(*hours: float) -> pl.DataFrame:
    rows = [
        {"activity_id": f"v{n}", "account_id": "a", "event_time_ms": T0 + round(h * HOUR), "kind": "login"}
        for n, h in enumerate(hours)
    ]
    return _numbered(pl.DataFrame(rows))


def _queue(*batches: pl.DataFrame) -> ActivityQueue:
    return ActivityQueue(activity_source(batches[0].columns), iter(batches))


def _steps(payments: list[pl.DataFrame], activities: ActivityQueue, step_rows: int) -> list[Step]:
    plan = LoadPlan(PAYMENTS, RULE, step_rows)
    plan.add_activities(activities)
    return list(plan.steps(payments))


def _sent(steps: list[Step]) -> list[tuple[int, int]]:
    """(time, lane) in the order in which all goes out, lanes as the loader sends them."""
    found = []
    for step in steps:
        for lane, table in enumerate((step.labels, step.activities, step.payments)):
            found += [(time, lane) for time in table["time_ms"]]
    return found


def _promises_hold(steps: list[Step]) -> None:
    promised = 0
    for step in steps:
        times = [time for time, _ in _sent([step])]
        assert all(promised <= time <= step.until_ms for time in times)
        promised = step.until_ms


def test_no_payment_is_ahead_of_an_activity_or_label_of_its_time() -> None:
    hours = [h / 4 for h in range(40)]
    activities = _activities(*(h / 3 for h in range(-30, 60)), 5, 5)
    steps = _steps([_payments(*hours)], _queue(activities.sort("event_time_ms")), 7)
    sent = _sent(steps)
    assert len(sent) == 2 * 40 + 92
    for position, (time, lane) in enumerate(sent):
        if lane == 2:
            assert not [other for other in sent[position:] if other[1] < 2 and other[0] <= time]
    _promises_hold(steps)


def test_a_long_time_without_payments_is_many_steps_before_between_and_after() -> None:
    quiet = [(100 + h) / 10 for h in range(95)]
    activities = _queue(_activities(*(h / 10 for h in range(95))), _activities(*quiet))
    steps = _steps([_payments(5), _payments(15)], activities, 10)
    assert sum(step.activities.height for step in steps) == 190
    assert max(step.activities.height for step in steps) < 20
    _promises_hold(steps)


def test_no_more_is_read_than_is_due() -> None:
    read = []

    def batches() -> Iterator[pl.DataFrame]:
        for hour in (1, 2, 3, 9):
            read.append(hour)
            yield _activities(hour)

    queue = ActivityQueue(activity_source(_activities(0).columns), batches())
    assert queue.take(T0 + HOUR, 9).height == 1
    assert read == [1, 2]
    assert queue.take(NEVER_MS, 2).height == 2
    assert read == [1, 2, 3]
    assert queue.take(NEVER_MS, 9).height == 1
    assert not queue.has(NEVER_MS, 1)


def _file(folder: Path, *rows: dict[str, Any]) -> Path:
    table = pl.DataFrame(rows, infer_schema_length=None)
    path = folder / "activities.parquet"
    table.with_columns(pl.col("event_time").dt.cast_time_unit("ms")).write_parquet(path)
    return path


def _row(number: int, minute: int, **fields: Any) -> dict[str, Any]:
    time = datetime(2020, 1, 1, 0, minute, tzinfo=UTC)
    return {"activity_id": f"v{number}", "account_id": "a", "event_time": time, "kind": "login", **fields}


def _values(queue: ActivityQueue) -> list[Activity]:
    return [decode_activity(value) for value in queue.take(NEVER_MS, 1_000)["value"]]


def test_a_file_says_what_an_activity_has_and_null_is_absent(tmp_path: Path) -> None:
    rows = [
        _row(0, 1, device_id="d", amount_minor=None, **{"texts.browser": "b"}),
        _row(1, 2, device_id=None, amount_minor=7, **{"texts.browser": None}),
    ]
    found = _values(open_activities(_file(tmp_path, *rows), 0, Period()))
    start = 1_577_836_800_000
    same: dict[str, Any] = {"v": 1, "account_id": "a", "kind": "login"}
    assert found == [
        Activity(
            **same, activity_id="v0", event_time_ms=start + 60_000, device_id="d", texts={"browser": "b"}
        ),
        Activity(**same, activity_id="v1", event_time_ms=start + 120_000, amount_minor=7),
    ]


def test_rows_out_of_order_are_sorted_those_that_need_the_codec_too(tmp_path: Path) -> None:
    rows = [
        _row(n, minute, device_id="dé" if minute % 3 else "d") for n, minute in enumerate((5, 1, 4, 2, 3))
    ]
    queue = open_activities(_file(tmp_path, *rows), 0, Period())
    assert [(a.event_time_ms // 60_000) % 60 for a in _values(queue)] == [1, 2, 3, 4, 5]


def test_bad_rows_are_refused_under_the_files_number_and_a_period_is_kept(tmp_path: Path) -> None:
    rows = [_row(0, 1), _row(1, 2, kind=None), _row(2, 3, amount_minor=-1), _row(3, 9), _row(4, 4)]
    queue = open_activities(_file(tmp_path, *rows), 3, Period(to_ms=1_577_836_800_000 + 9 * 60_000))
    assert [a.activity_id for a in _values(queue)] == ["v0", "v4"]
    assert [tuple(row) for row in queue.refused] == [
        (3, 2, "field_missing", "kind"),
        (3, 3, "amount_negative", "amount_minor"),
    ]


def test_a_file_that_holds_no_activities_is_refused_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(WrongUse, match="no file"):
        open_activities(tmp_path / "none.parquet", 0, Period())
    (tmp_path / "a.csv").write_text("activity_id\n")
    with pytest.raises(WrongUse, match=r"no \.parquet"):
        open_activities(tmp_path / "a.csv", 0, Period())
    pl.DataFrame({"activity_id": ["v"], "kind": ["login"]}).write_parquet(tmp_path / "a.parquet")
    with pytest.raises(WrongUse, match="lacks account_id, event_time"):
        open_activities(tmp_path / "a.parquet", 0, Period())
    open_activities(_file(tmp_path, _row(0, 1, devise_id="d")), 0, Period())
    assert "devise_id" in capsys.readouterr().err
