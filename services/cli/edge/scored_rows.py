"""Payments of the lake with a score: as decided, or by a stored model on their captured inputs."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from services.cli.core.protocol import Protocol, metrics
from services.cli.edge import releasing
from services.cli.edge.errors import WrongUse
from services.cli.edge.surroundings import House
from shared.features.compiled import compile_portfolio
from shared.scoring.trees import predict_raw
from shared.stores.artefacts import ArtefactStore
from shared.stores.guarded_load import admit
from shared.stores.lake_read import LakeReader
from shared.stores.lake_scan import Range
from shared.stores.signing import read_trusted

LAST_MS: Final = 4_102_444_800_000


def read(
    house: House, model: str, from_ms: int | None, to_ms: int | None, known_at_ms: int | None
) -> pl.DataFrame:
    """Columns event_time_ms, account_id, fraud, score; a payment without a label in force is genuine.

    Raises LakeAway, FaultFound for an unknown model, WrongUse for one of other inputs.
    """
    features = compile_portfolio(house.read_portfolio())
    reader, times = LakeReader(house.lake), Range(from_ms, to_ms)
    rows = reader.captures_wide(house.portfolio, features.names, times, feature_set=features.hash)
    if model:
        rows = rows.with_columns(pl.Series("score", _scores(house, model, rows, features.names)))
    rows = rows.filter(pl.col("score").is_not_null())
    accounts = reader.transactions(house.portfolio, times, ["tx_id", "account_id"])
    labels = reader.labels_in_force(house.portfolio, LAST_MS if known_at_ms is None else known_at_ms)
    frauds = labels.filter(pl.col("verdict") == "fraud").select("tx_id", fraud=pl.lit(value=True))
    joined = rows.join(accounts, on="tx_id", how="inner").join(frauds, on="tx_id", how="left")
    return joined.select("event_time_ms", "account_id", pl.col("fraud").fill_null(value=False), "score")


def measure(rows: pl.DataFrame, protocol: Protocol | None) -> dict[str, float | int]:
    """The metrics of `read`'s rows."""
    return metrics(
        rows["event_time_ms"].to_numpy(),
        rows["account_id"].to_numpy(),
        rows["fraud"].to_numpy().astype(np.bool_),
        rows["score"].to_numpy().astype(np.float64),
        protocol,
    )


def _scores(house: House, model: str, rows: pl.DataFrame, names: tuple[str, ...]) -> NDArray[np.float64]:
    """Raw scores (n,): metrics read the order alone, and calibration keeps it."""
    card = releasing.stored_card(house, model)
    verified = ArtefactStore(house.artefacts).load(card.artefact, read_trusted(house.keys))
    if tuple(card.feature_names) != names:
        raise WrongUse(f"{card.version} was trained on other inputs.", "Name a model of this feature set.")
    trees = admit(verified, None)
    matrix = np.ascontiguousarray(rows.select(names).to_numpy(), dtype=np.float64)
    return predict_raw(trees, matrix)
