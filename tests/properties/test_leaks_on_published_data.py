"""The leak proofs of `test_leaks` on a slice of published payments, where they lie beside the repository."""

from __future__ import annotations

from datetime import datetime
from random import Random
from typing import Final

import numpy as np
import polars as pl
import pytest

from services.cli.core.source_rows import FILE, PAYMENT, ROW, read_rows
from services.cli.edge.commands.ingest import source_of
from shared.contracts.payments import Transaction
from shared.features.compiled import compile_portfolio
from shared.features.durations import DAY_MS
from shared.features.portfolio import parse_portfolio
from tests.support import handbook
from tests.support.leak_worlds import (
    KNOWN_AFTER_DAYS,
    World,
    after,
    label_of,
    seen,
    until,
    with_long_horizon,
    with_young_labels_flipped,
)
from tests.support.pages import ROOT
from tests.support.twin_worlds import epoch_ms

pytestmark = pytest.mark.skipif(bool(handbook.absence()), reason=handbook.absence())

FILE_OF_32: Final = ROOT / "infra" / "portfolios" / "handbook.toml"
BEGIN: Final = datetime(2018, 5, 1)
END: Final = datetime(2018, 8, 15)
CUT_MS: Final = epoch_ms(datetime(2018, 7, 20))
TERMINALS: Final = pl.col("TERMINAL_ID") % 200 == 7
PORTFOLIO: Final = with_long_horizon(parse_portfolio(FILE_OF_32.read_text(), FILE_OF_32.name))
FEATURES: Final = compile_portfolio(PORTFOLIO)


@pytest.fixture(scope="module")
def world() -> World:
    """All payments at some terminals, as `assay ingest` reads them; frauds labelled, by turns late."""
    table = handbook.payments(BEGIN, END).filter(TERMINALS)
    table = table.with_columns(pl.lit(0).alias(FILE), pl.int_range(pl.len()).alias(ROW))
    rows = read_rows(PAYMENT, source_of(PORTFOLIO), table)
    assert not rows.refused
    payments: list[Transaction] = [PAYMENT.codec.decode(value) for value in rows.table["value"]]
    frauds = [p for p, fraud in zip(payments, rows.table["TX_FRAUD"], strict=True) if fraud]
    late = [p.event_time_ms + KNOWN_AFTER_DAYS[i % 3] * DAY_MS for i, p in enumerate(frauds)]
    labels = (label_of(p, "fraud", known_ms) for p, known_ms in zip(frauds, late, strict=True))
    return World(tuple(payments), (), tuple(labels))


def test_young_labels_move_no_input_of_published_payments(world: World) -> None:
    bits = seen(FEATURES, world)
    moved = (seen(FEATURES, with_young_labels_flipped(world, CUT_MS, 7 * DAY_MS)) != bits).any(axis=1)
    before = np.array([p.event_time_ms <= CUT_MS for p in world.payments])
    assert before.sum() > 2_000
    assert not moved[before].any()
    assert moved[~before].any()


def test_another_future_moves_no_input_of_published_payments(world: World) -> None:
    past = until(world, CUT_MS)
    future = after(world, CUT_MS, Random(7))
    assert len(future) > 500
    assert np.array_equal(seen(FEATURES, past), seen(FEATURES, past, future))
