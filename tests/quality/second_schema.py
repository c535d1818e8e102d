"""Another schema by its portfolio file alone: load, train on captures, score the last quarter of a year."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import lightgbm
import numpy as np
import polars as pl
from numpy.typing import NDArray

from services.trainer.core.fit import resolve_parameters
from shared.evaluation.ranking import average_precision, threshold_at_false_positives
from shared.features.durations import DAY_MS
from shared.features.portfolio import Portfolio, parse_portfolio
from tests.quality.figures import Group, Load, SecondSchema
from tests.quality.house import House
from tests.quality.steps import loaded
from tests.support import sparkov
from tests.support.pages import ROOT

PORTFOLIO: Final = "sparkov"
FILE: Final = ROOT / "infra" / "portfolios" / f"{PORTFOLIO}.toml"
TEST_FROM: Final = "2023-10-01"
"""The first test day, on which labels are taken as known: training stops a label delay before it."""

RATE: Final = 0.01
GROUPS: Final = (
    ("fields of the payment", ("amount", "category", "hour", "weekday", "night")),
    ("places", ("home_km", "card_moved_km", "card_speed_kmh")),
    ("velocity", ("card_count_", "card_sum_", "card_gap_s", "card_pace", "card_spend_pace")),
    ("usual amounts", ("card_z_", "card_ratio_", "card_max_", "card_high_", "card_branch_", "card_new_")),
    ("merchant, labels", ("merchant_", "card_frauds_")),
)
"""What features a group adds to those before it, by how their names begin."""


def load(house: House) -> Load:
    """The whole year through Kafka, labels after their delay, until all is decided and archived."""
    rows, frauds = sparkov.counts()
    told = house.ask("ingest", str(sparkov.PAYMENTS), "--wait", codes=(0, 1))
    return loaded(told, rows, frauds)


def measured(house: House) -> SecondSchema:
    """A model of the portfolio's own recipe on the test days, and what each group of features adds."""
    card = house.ask("train", "--as-of", TEST_FROM)["card"]
    found = house.ask("evaluate", "--model", card["artefact"], "--from", TEST_FROM, "--samples", "0")
    return SecondSchema(
        model=f"{card['name']} {card['version']}",
        trained_rows=card["rows"],
        trained_frauds=card["frauds"],
        test_rows=found["rows"],
        test_frauds=found["frauds"],
        average_precision=found["average_precision"],
        recall=found["recall_at_1_percent_ratio"],
        groups=groups(_captures(house), parse_portfolio(FILE.read_text(), FILE.name)),
    )


def _captures(house: House) -> pl.DataFrame:
    """Every payment's captured inputs and whether it was fraud, as labels say in the end."""
    out, labels = house.folder / "inputs.parquet", house.folder / "labels.parquet"
    house.ask("export", "captures", "--out", str(out))
    house.ask("export", "labels", "--out", str(labels))
    frauds = pl.read_parquet(labels).filter(pl.col("verdict") == "fraud")["tx_id"]
    return pl.read_parquet(out).with_columns(fraud=pl.col("tx_id").is_in(frauds.implode()))


def groups(captures: pl.DataFrame, portfolio: Portfolio) -> list[Group]:
    """One fit per group, on it and those before it; rows with ``fraud`` and a column per feature."""
    test_ms = round(datetime.fromisoformat(TEST_FROM).replace(tzinfo=UTC).timestamp() * 1000)
    to_ms = test_ms - portfolio.label_delay_days * DAY_MS
    time = pl.col("event_time_ms")
    train = captures.filter((time >= to_ms - portfolio.training.days * DAY_MS) & (time < to_ms))
    test = captures.filter(time >= test_ms)
    names = [feature.name for feature in portfolio.features]
    taken: list[str] = []
    found = []
    for title, beginnings in GROUPS:
        taken += [name for name in names if name.startswith(beginnings) and name not in taken]
        found.append(_group(title, train, test, taken, portfolio))
    if len(taken) != len(names):
        raise ValueError(f"no group holds {sorted(set(names) - set(taken))}")
    return found


def _group(
    title: str, train: pl.DataFrame, test: pl.DataFrame, names: list[str], portfolio: Portfolio
) -> Group:
    parameters: dict[str, Any] = resolve_parameters(portfolio.training, 1)
    rounds = int(parameters.pop("num_iterations"))
    rows = lightgbm.Dataset(
        _matrix(train, names), label=train["fraud"].to_numpy().astype(float), feature_name=names
    )
    booster = lightgbm.train(parameters, rows, num_boost_round=rounds)
    scores = np.asarray(booster.predict(_matrix(test, names), num_threads=1), np.float64)
    fraud = test["fraud"].to_numpy()
    limit = threshold_at_false_positives(fraud, scores, RATE)
    precision = average_precision(fraud, scores)
    return Group(title, len(names), precision, float((scores[fraud] >= limit).mean()))


def _matrix(rows: pl.DataFrame, names: list[str]) -> NDArray[np.float64]:
    return rows.select(names).to_numpy().astype(np.float64)
