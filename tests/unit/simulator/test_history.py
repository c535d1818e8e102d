"""The past: the same whatever stretch is asked for, byte for byte, and in the shape its portfolio reads."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from services.simulator.core.columns import (
    ACTIVITY_KINDS,
    DEVICE_REGISTERED,
    LOGIN,
    NONE,
    PATTERNS,
    Activities,
    Payments,
    join_activities,
    join_payments,
)
from services.simulator.core.history import Past, past_days
from services.simulator.core.names import (
    CHANNELS,
    DEVICE_PREFIX,
    DEVICE_SALT,
    PAYEE_PREFIX,
    PAYEE_SALT,
    channels,
    device_id,
    payee_id,
)
from services.simulator.core.span import DAY_MS, HOUR_MS
from services.simulator.core.tables import ACTIVITIES, LABELS, TRANSACTIONS, Tables
from services.simulator.core.texts import coded, numbered
from services.simulator.core.world import CATEGORIES, World, make_world
from services.simulator.edge.history_files import write_history
from shared.contracts.payments import Activity
from shared.features.portfolio import parse_portfolio

BANK = Path(__file__).parents[3] / "infra" / "portfolios" / "bank.toml"
START = 20_000 * DAY_MS


def test_events_come_in_time_order_within_the_stretch(world: World) -> None:
    days = list(past_days(world, START + HOUR_MS, START + 2 * DAY_MS + 5 * HOUR_MS))
    assert [day.day for day in days] == [20_000, 20_001, 20_002]
    for times in (
        join_payments([day.payments for day in days]).time_ms,
        join_activities([day.activities for day in days]).time_ms,
    ):
        assert (np.diff(times) >= 0).all()
        assert times[0] >= START + HOUR_MS
        assert times[-1] < START + 2 * DAY_MS + 5 * HOUR_MS


def test_a_day_is_the_same_in_every_stretch(world: World) -> None:
    (alone,) = past_days(world, START, START + DAY_MS)
    longer = list(past_days(world, START - 9 * DAY_MS, START + 3 * DAY_MS))[9]
    assert alone.day == longer.day
    for part in ("payments", "labels", "activities"):
        for a, b in zip(getattr(alone, part), getattr(longer, part), strict=True):
            assert np.array_equal(a, b)


def test_equal_seeds_give_equal_bytes(tmp_path: Path) -> None:
    told: list[int] = []
    for name in ("a", "b"):
        world = make_world(3, 500, 50)
        days = past_days(world, START, START + 2 * DAY_MS)
        written = write_history(Tables(world, "EUR"), days, tmp_path / name, told.append)
    files = ["activities.parquet", "labels.parquet", "transactions.parquet"]
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == files
    assert told == [20_000, 20_001] * 2
    assert written.transactions == pq.read_metadata(tmp_path / "a" / "transactions.parquet").num_rows
    assert written.activities == pq.read_metadata(tmp_path / "a" / "activities.parquet").num_rows > 0


def test_fraud_is_rare_and_of_every_pattern(payments: Payments) -> None:
    assert 0.004 < (payments.pattern != 0).mean() < 0.01
    counts = np.bincount(payments.pattern, minlength=len(PATTERNS))
    assert (counts[1:] > 15).all()


def test_every_channel_and_every_kind_of_activity_is_used(
    world: World, payments: Payments, activities: Activities
) -> None:
    shares = np.bincount(channels(world, payments), minlength=len(CHANNELS)) / len(payments.time_ms)
    assert 0.4 < shares[0] < 0.7
    assert 0.1 < shares[1] < 0.35
    assert 0.12 < shares[2] < 0.35
    kinds = np.bincount(activities.kind, minlength=len(ACTIVITY_KINDS))
    assert kinds.argmax() == LOGIN
    assert (kinds > 30).all()
    assert kinds[DEVICE_REGISTERED] < kinds[LOGIN] / 100


def test_a_transfer_has_a_payee_and_nothing_of_a_card(payments: Payments) -> None:
    transfer = payments.terminal < 0
    assert (payments.payee[transfer] >= 0).all()
    assert (payments.card[transfer] < 0).all()
    assert (payments.payee[~transfer] < 0).all()
    assert (payments.card[~transfer] >= 0).all()


def test_the_day_and_the_week_have_a_rhythm(payments: Payments) -> None:
    hours = (payments.time_ms // HOUR_MS) % 24
    cards = payments.terminal >= 0
    night, noon = (np.isin(hours[cards], range(a, b)).mean() for a, b in ((2, 6), (12, 16)))
    assert noon > 4 * night > 0
    weekday = (payments.time_ms[cards] // DAY_MS + 3) % 7
    assert (weekday == 5).mean() > 1.2 * (weekday == 0).mean()


def test_rent_follows_pay_day(world: World, past: list[Past]) -> None:
    rents = join_payments([day.payments for day in past])
    rents = rents.at((rents.payee >> 32 == 1) & (rents.device < 0))
    day_of_month = np.array([day.day for day in past])
    assert len(rents.time_ms) > world.accounts * 0.6
    moments = (rents.time_ms // DAY_MS).astype("datetime64[D]")
    days = (moments - moments.astype("datetime64[M]")).astype(int) + 1
    since = (days - world.pay_day[rents.account]) % 30
    assert since.min() >= 1
    assert since.max() <= 4
    assert len(day_of_month) == 60


def test_the_files_have_the_columns_that_the_portfolio_reads() -> None:
    portfolio = parse_portfolio(BANK.read_text(), str(BANK))
    source = portfolio.source
    assert source.label is not None
    label = source.label
    columns = {mapping.column for mapping in source.fields.values()}
    columns |= {label.column, label.known_at, label.reversed_at, label.fraud_type}
    assert columns == set(TRANSACTIONS.names)
    assert portfolio.categories == tuple(category.name for category in CATEGORIES)
    assert set(ACTIVITY_KINDS) < set(portfolio.activities)
    times = {"event_time": "event_time_ms"}
    assert {times.get(name, name) for name in ACTIVITIES.names} <= set(Activity.__struct_fields__)


def test_labels_name_their_payments(world: World) -> None:
    tables = Tables(world, "EUR")
    (day,) = past_days(world, START, START + DAY_MS)
    payments, labels = tables.transactions(day), tables.labels(day)
    assert labels.schema == LABELS
    assert payments.schema == TRANSACTIONS
    by_id = {row["tx_id"]: row for row in payments.to_pylist()}
    assert len(by_id) == len(payments)
    for row in labels.to_pylist():
        payment = by_id[row["tx_id"]]
        for entity in ("account_id", "card_id", "merchant_id", "terminal_id", "device_id", "payee_id"):
            assert row[entity] == payment[entity]
        assert row["known_at"] > row["event_time"] == payment["event_time"]
        assert row["label_id"] == f"{row['tx_id']}-{row['verdict']}"
        known = "fraud_reversed_at" if row["verdict"] == "reversed" else "fraud_known_at"
        assert payment[known] == row["known_at"]


def test_many_names_are_those_said_one_by_one() -> None:
    codes = np.array([0, 7, NONE, 1 << 48, (1 << 50) + 12345])
    wanted = [None if code == NONE else device_id(code) for code in codes.tolist()]
    assert coded(DEVICE_PREFIX, DEVICE_SALT, codes).to_pylist() == wanted
    assert coded(PAYEE_PREFIX, PAYEE_SALT, codes[:1]).to_pylist() == [payee_id(0)]
    assert numbered("t-", np.array([3, 999_999])).to_pylist() == ["t-000003", "t-999999"]
    assert numbered("t-", np.array([3, 1_000_000])).to_pylist() == ["t-000003", "t-1000000"]
    assert len(numbered("t-", np.empty(0, np.int64))) == len(coded("d-", 1, np.empty(0, np.int64))) == 0


def test_activities_have_null_where_there_is_nothing(world: World) -> None:
    (day,) = past_days(world, START, START + DAY_MS)
    table = Tables(world, "EUR").activities(day)
    assert table.schema == ACTIVITIES
    rows = table.to_pylist()
    assert all(a["event_time"] <= b["event_time"] for a, b in pairwise(rows))
    assert {row["payee_id"] is not None for row in rows if row["kind"] == "payee_added"} == {True}
    assert {row["payee_id"] for row in rows if row["kind"] == "login"} == {None}
    assert table["activity_id"].to_pylist()[0] == "act-20000-000000"
    assert pa.types.is_timestamp(table.schema.field("event_time").type)
