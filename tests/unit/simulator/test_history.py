"""The past: the same whatever stretch is asked for, byte for byte, and in the shape its portfolio reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from services.simulator.core.history import past_days
from services.simulator.core.payments import join
from services.simulator.core.tables import LABELS, TRANSACTIONS, Tables
from services.simulator.core.world import CATEGORIES, DAY_MS, HOUR_MS, World, make_world
from services.simulator.edge.history_files import write_history
from shared.features.portfolio import parse_portfolio

BANK = Path(__file__).parents[3] / "infra" / "portfolios" / "bank.toml"
START = 20_000 * DAY_MS


def test_payments_come_in_time_order_within_the_stretch(world: World) -> None:
    days = list(past_days(world, START + HOUR_MS, START + 2 * DAY_MS + 5 * HOUR_MS))
    times = join([day.payments for day in days]).time_ms
    assert [day.day for day in days] == [20_000, 20_001, 20_002]
    assert (np.diff(times) >= 0).all()
    assert times[0] >= START + HOUR_MS
    assert times[-1] < START + 2 * DAY_MS + 5 * HOUR_MS


def test_a_day_is_the_same_in_every_stretch(world: World) -> None:
    (alone,) = past_days(world, START, START + DAY_MS)
    longer = list(past_days(world, START - 9 * DAY_MS, START + 3 * DAY_MS))[9]
    assert alone.day == longer.day
    for part in ("payments", "labels"):
        for a, b in zip(getattr(alone, part), getattr(longer, part), strict=True):
            assert np.array_equal(a, b)


def test_equal_seeds_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        world = make_world(3, 500, 50)
        written = write_history(
            Tables(world, "EUR"), past_days(world, START, START + 2 * DAY_MS), tmp_path / name
        )
    for file in ("transactions.parquet", "labels.parquet"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == ["labels.parquet", "transactions.parquet"]
    assert written.transactions == pq.read_metadata(tmp_path / "a" / "transactions.parquet").num_rows


def test_fraud_is_rare(world: World) -> None:
    payments = join([day.payments for day in past_days(world, START, START + 60 * DAY_MS)])
    assert 0.004 < (payments.pattern != 0).mean() < 0.012
    assert set(payments.pattern.tolist()) == {0, 1, 2, 3}


def test_the_amount_alone_tells_nothing(world: World) -> None:
    payments = join([day.payments for day in past_days(world, START, START + 60 * DAY_MS)])
    ranks = payments.amount_minor.argsort().argsort()
    fraud = payments.pattern != 0
    area = (ranks[fraud].mean() - (fraud.sum() - 1) / 2) / (~fraud).sum()
    assert 0.3 < area < 0.7


def test_the_files_have_the_columns_that_the_portfolio_reads() -> None:
    portfolio = parse_portfolio(BANK.read_text(), str(BANK))
    source = portfolio.source
    assert source.label is not None
    label = source.label
    columns = {mapping.column for mapping in source.fields.values()}
    columns |= {label.column, label.known_at, label.reversed_at, label.fraud_type}
    assert columns == set(TRANSACTIONS.names)
    assert portfolio.categories == tuple(category.name for category in CATEGORIES)


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
        assert row["account_id"] == payment["account_id"]
        assert row["terminal_id"] == payment["terminal_id"]
        assert row["known_at"] > row["event_time"] == payment["event_time"]
        assert row["label_id"] == f"{row['tx_id']}-{row['verdict']}"
        known = "fraud_reversed_at" if row["verdict"] == "reversed" else "fraud_known_at"
        assert payment[known] == row["known_at"]
