"""A small lake with a learnable fraud pattern, written straight to its tables: for tests of the trainer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pyarrow as pa

from shared.contracts.capture import KIND_TRANSACTION
from shared.features.compiled import compile_portfolio
from shared.features.portfolio import parse_portfolio
from shared.stores.lake import Lake
from shared.stores.lake_commit import Source
from shared.stores.lake_tables import table_card

DAY_MS = 86_400_000
AS_OF_MS = 1_700_006_400_000  # 2023-11-15T00:00:00Z
DAYS = 12
DELAY_DAYS = 3
ACCOUNTS = 997
FRAUD_TYPES = ("stolen_card", "account_takeover")

PORTFOLIO = """
name = "{name}"
currency = "EUR"
label_delay_days = 3

[[entities]]
name = "account"
key = "account_id"

[[features]]
name = "amount"
kind = "value"
field = "amount"

[[features]]
name = "latitude"
kind = "value"
field = "latitude"

[[features]]
name = "count_1d"
kind = "count"
entity = "account"
window = "1d"

[training]
days = 8
calibration_days = 2
seeds = [3]

[training.parameters]
num_iterations = {iterations}
num_leaves = 7
min_data_in_leaf = 20
"""


@dataclass(frozen=True)
class SmallLake:
    """Where things are."""

    folder: Path
    portfolio: str
    portfolio_file: Path
    lake: Path


def make_small_lake(folder: Path, portfolio: str, rows: int = 4_000, iterations: int = 20) -> SmallLake:
    """Twelve days of ``rows`` payments that end at `AS_OF_MS`, frauds among the large amounts."""
    text = PORTFOLIO.format(name=portfolio, iterations=iterations)
    file = folder / "portfolio.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    made = SmallLake(folder, portfolio, file, folder / "lake")
    features = compile_portfolio(parse_portfolio(text, "portfolio.toml"))
    draw = np.random.default_rng(7)
    event_ms = np.sort(draw.integers(AS_OF_MS - DAYS * DAY_MS, AS_OF_MS, rows))
    matrix = np.column_stack([draw.exponential(50, rows), draw.normal(size=rows), draw.integers(0, 9, rows)])
    matrix[draw.random(rows) < 0.1, 1] = np.nan
    fraud = (matrix[:, 0] > 120) & (draw.random(rows) < 0.7)
    _write(
        made, "transactions", event_ms, tx_id=_ids(rows), account_id=[f"a{k % ACCOUNTS}" for k in range(rows)]
    )
    _write(
        made,
        "captures",
        event_ms,
        id=_ids(rows),
        kind=[KIND_TRANSACTION] * rows,
        features=[3] * rows,
        vector=list(matrix),
        release_seq=[1] * rows,
        state_quality=[0] * rows,
        row=list(range(rows)),
        input_raw=[[]] * rows,
        score=[[]] * rows,
        amount_base_minor=np.rint(matrix[:, 0] * 100).astype(np.int64),
    )
    _write(made, "decisions", event_ms[:1], tx_id=["t0"], release_seq=[1], feature_set=[features.hash])
    _label(made, event_ms, np.flatnonzero(fraud))
    return made


def _ids(rows: int) -> list[str]:
    return [f"t{k}" for k in range(rows)]


def _label(made: SmallLake, event_ms: Any, frauds: Any) -> None:
    """Frauds are known three days later; every twentieth is taken back a minute after."""
    back = frauds[::20]
    rows = np.concatenate([frauds, back])
    verdicts = ["fraud"] * len(frauds) + ["reversed"] * len(back)
    known_ms = event_ms[rows] + DELAY_DAYS * DAY_MS + np.where(np.array(verdicts) == "reversed", 60_000, 0)
    _write(
        made,
        "labels",
        event_ms[rows],
        label_id=[f"l{k}" for k in range(len(rows))],
        tx_id=[f"t{k}" for k in rows],
        account_id=[f"a{k % ACCOUNTS}" for k in rows],
        known_at_ms=known_ms.tolist(),
        verdict=verdicts,
        fraud_type=[FRAUD_TYPES[k % len(FRAUD_TYPES)] for k in rows],
    )


def _write(made: SmallLake, table: str, event_ms: Any, **columns: Any) -> None:
    card = table_card(table)
    rows = len(event_ms)
    topic = f"{made.portfolio}.{card.topic}"
    own = columns[card.look_up] if card.look_up in columns else [""] * rows
    days = [datetime.fromtimestamp(at / 1000, UTC).date() for at in event_ms.tolist()]
    given = {
        "portfolio": [made.portfolio] * rows,
        "event_day": days,
        "topic": [topic] * rows,
        "partition": [0] * rows,
        "offset": list(range(rows)),
        "ingest_time_ms": event_ms.tolist(),
        "event_time_ms": event_ms.tolist(),
        "key_hash": [crc32(name.encode()) for name in own],
        **columns,
    }
    arrays = [
        pa.array(given[field.name], field.type) if field.name in given else pa.nulls(rows, field.type)
        for field in card.columns
    ]
    whole = pa.Table.from_arrays(arrays, schema=card.columns)
    Lake(made.lake).open(card).append(whole, {Source(topic, 0): rows}, AS_OF_MS)
