"""The two worlds of the label flip: alike but for labels nobody may know yet, and compared to the bit."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

from tests.support.twin_worlds import LATER, Moved, Worlds, compare, epoch_ms, worlds

BEGIN = datetime(2018, 6, 1)
CUT = datetime(2018, 6, 21)
DAYS = 30


@pytest.fixture(scope="module")
def made() -> Worlds:
    """Three payments a day for thirty days; every seventh is a fraud."""
    rows = pl.select(pl.int_range(DAYS * 3, dtype=pl.Int32).alias("TRANSACTION_ID")).with_columns(
        TX_DATETIME=pl.lit(BEGIN) + pl.duration(hours=pl.col("TRANSACTION_ID") * 8),
        CUSTOMER_ID=pl.col("TRANSACTION_ID") % 4,
        TERMINAL_ID=pl.col("TRANSACTION_ID") % 3,
        TX_AMOUNT=pl.col("TRANSACTION_ID") * 0.01,
        TX_FRAUD=(pl.col("TRANSACTION_ID") % 7 == 0).cast(pl.Int8),
    )
    return worlds(rows, CUT)


def test_both_worlds_have_the_same_payments_under_other_ids(made: Worlds) -> None:
    rows = pl.concat([made.first, made.rest])
    one = rows.filter(pl.col("TRANSACTION_ID") < 200_000_000)
    two = rows.filter(pl.col("TRANSACTION_ID") >= 200_000_000)
    assert one.height == two.height == DAYS * 3
    assert not set(one["CUSTOMER_ID"]) & set(two["CUSTOMER_ID"])
    assert not set(one["TERMINAL_ID"]) & set(two["TERMINAL_ID"])
    same = ["TX_DATETIME", "TX_AMOUNT"]
    assert one.select(same).equals(two.select(same))
    assert made.first.height == 6


def test_labels_differ_where_none_may_be_known_and_nowhere_else(made: Worlds) -> None:
    number = pl.col("tx_id").str.strip_prefix("tx-").cast(pl.Int64)
    labels = made.labels.with_columns(number % 100_000_000, (number // 100_000_000).alias("world"))
    says = {
        world: {row["tx_id"]: row["verdict"] for row in labels.filter(pl.col("world") == world).to_dicts()}
        for world in (1, 2)
    }
    frauds = {i for i in range(DAYS * 3) if i % 7 == 0}
    young = {i for i in range(DAYS * 3) if _is_young(i)}
    assert made.flipped == len(young)
    assert says[1] == dict.fromkeys(frauds, "fraud")
    assert {i for i, verdict in says[2].items() if verdict == "fraud"} == (frauds - young) | (young - frauds)
    assert {i for i, verdict in says[2].items() if verdict == "genuine"} == frauds & young
    assert young - frauds, "some genuine payment says fraud"
    assert any(_time(i) <= CUT - timedelta(days=7) for i in young), "some label comes later than its delay"


def _time(number: int) -> datetime:
    return BEGIN + timedelta(hours=8 * number)


def _is_young(number: int) -> bool:
    known = _time(number) + timedelta(days=(2, 7, 16)[number % 3])
    return known > CUT or _time(number) > CUT - timedelta(days=7)


def _captures(values: dict[int, float]) -> pl.DataFrame:
    """Two payments of each world, one at the cut and one behind it, with one input."""
    cut_ms = epoch_ms(CUT + LATER)
    rows = [
        {
            "tx_id": f"tx-{world * 100_000_000 + n}",
            "event_time_ms": cut_ms + n,
            "x": values.get(world + n, 1.0),
        }
        for world in (1, 2)
        for n in (0, 10)
    ]
    return pl.DataFrame(rows)


def test_one_bit_is_seen_on_either_side_of_the_cut() -> None:
    cut, bit = CUT + LATER, float(np.nextafter(1.0, 2.0))
    assert compare(_captures({}), ["x"], cut) == Moved(1, 0, 1, 0)
    assert compare(_captures({2: bit}), ["x"], cut) == Moved(1, 1, 1, 0)
    assert compare(_captures({11: bit}), ["x"], cut) == Moved(1, 0, 1, 1)
    missing = _captures({1: float("nan"), 2: float("nan")})
    assert compare(missing, ["x"], cut) == Moved(1, 0, 1, 0)


def test_a_missing_twin_is_no_silent_pass() -> None:
    with pytest.raises(ValueError, match="not the same"):
        compare(_captures({})[:-1], ["x"], CUT + LATER)
    with pytest.raises(ValueError, match="not the same"):
        compare(_captures({})[:0], ["x"], CUT + LATER)
