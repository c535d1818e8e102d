"""A slice of the published data through a real Kafka, Redis, scorer and archiver: parity and no leak.

A card's windows need that card's payments alone, a terminal's those of the terminal. So the slice is all
payments of some cards and all payments at some terminals, and each is compared in the columns of its own
entity. ``make quality`` does the same with everything.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import polars as pl
import pytest

from tests.support import handbook
from tests.support.twin_worlds import Worlds, compare, worlds

Ask = Callable[..., Any]

pytestmark = [
    pytest.mark.skipif(bool(handbook.absence()), reason=handbook.absence()),
    pytest.mark.timeout(420),
]

END: Final = datetime(2018, 8, 15)
BEGIN: Final = datetime(2018, 7, 25) - timedelta(days=38)
"""The reference begins on 25 July, and its widest window reaches back 37 days."""

CUT: Final = datetime(2018, 8, 5)
CARDS: Final = pl.col("CUSTOMER_ID") % 200 == 7
TERMINALS: Final = pl.col("TERMINAL_ID") % 200 == 7
WORLDS: Final = pl.col("TERMINAL_ID") % 400 == 7

_COLUMNS = re.compile(r'\[\[parity\.columns\]\]\ncolumn = .*\nfeature = "(?P<feature>.*)"\n(?:\w.*\n)*')


def test_captures_of_a_slice_equal_the_published_inputs(ask: Ask, house: Path, tmp_path: Path) -> None:
    payments = handbook.payments(BEGIN, END).filter(CARDS | TERMINALS)
    payments.write_parquet(tmp_path / "slice.parquet")
    load = ask("ingest", str(tmp_path / "slice.parquet"), "--labels-after", "7d", "--wait")
    assert load["outcome"]["decisions"] == load["transactions"] == payments.height
    whole = house.read_text()
    for entity, inside in (("customer", CARDS), ("terminal", TERMINALS)):
        reference = _reference(payments.filter(inside))
        assert reference.height > 800
        house.write_text(_columns_of(whole, entity))
        report = _parity(ask, reference, tmp_path)
        assert report["equal"], report
        assert (report["report"]["rows_compared"], report["report"]["missing"]) == (reference.height, 0)
        assert len(report["report"]["columns"]) == 8
    wrong = reference.with_columns(pl.col("TERMINAL_ID_NB_TX_7DAY_WINDOW") + (pl.int_range(pl.len()) == 9))
    found = _parity(ask, wrong, tmp_path, code=1)["report"]
    assert [c["column"] for c in found["columns"] if c["mismatches"]] == ["TERMINAL_ID_NB_TX_7DAY_WINDOW"]
    assert found["differing_rows"] == 1


def _parity(ask: Ask, reference: pl.DataFrame, folder: Path, code: int = 0) -> Any:
    reference.write_parquet(folder / "reference.parquet")
    return ask("verify-parity", "--reference", str(folder / "reference.parquet"), code=code)


def _reference(payments: pl.DataFrame) -> pl.DataFrame:
    published = pl.read_parquet(handbook.REFERENCE)
    return published.join(payments.select("TRANSACTION_ID"), on="TRANSACTION_ID", how="semi")


def _columns_of(portfolio: str, entity: str) -> str:
    """The portfolio's file that compares the columns of one entity and those of none."""
    kept = (entity, "weekend", "night")
    return _COLUMNS.sub(lambda found: found[0] if found["feature"].startswith(kept) else "", portfolio)


def test_no_label_younger_than_its_delay_moves_an_input(ask: Ask, house: Path, tmp_path: Path) -> None:
    made = worlds(handbook.payments(BEGIN, END).filter(WORLDS), CUT)
    names = [row["name"] for row in ask("features", "list")]
    moved = compare(_captured(ask, made, tmp_path), names, made.cut)
    assert moved.before > 500
    assert moved.moved_before == 0
    assert moved.moved_after > moved.after / 2


def _captured(ask: Ask, made: Worlds, folder: Path) -> pl.DataFrame:
    """Both worlds through the house, labels before everything but the first day."""
    first, rest, labels, out = (folder / f"{name}.parquet" for name in ("first", "rest", "labels", "out"))
    made.first.write_parquet(first)
    made.rest.write_parquet(rest)
    made.labels.write_parquet(labels)
    ask("ingest", str(first), "--labels", str(labels), "--wait")
    ask("ingest", str(rest), "--no-labels", "--wait")
    assert ask("dlq", "list")["count"] == 0
    ask("export", "captures", "--out", str(out))
    return pl.read_parquet(out)
