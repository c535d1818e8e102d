"""Payments of the lake with a score: as decided, or by a stored model on their captured inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from services.cli.core.protocol import FraudType, Protocol, by_fraud_type, metrics
from services.cli.edge import releasing
from services.cli.edge.errors import WrongUse
from services.cli.edge.surroundings import House
from shared.features.compiled import compile_portfolio
from shared.scoring.calibration import Calibrator
from shared.scoring.trees import predict_raw
from shared.stores.artefacts import ArtefactStore
from shared.stores.guarded_load import admit
from shared.stores.lake_read import LakeReader
from shared.stores.lake_scan import Range
from shared.stores.signing import read_trusted

LAST_MS: Final = 4_102_444_800_000
AS_DECIDED: Final = "as decided"

Reals = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scored:
    """One row per payment, and by whom it was scored.

    ``rows``: event_time_ms, account_id, amount_minor (of the portfolio's currency), fraud, fraud_type (null
    where the label names none), reported, and for each of ``models`` in turn score_K and probability_K.
    ``reported``: the account has a fraud outside these rows. A probability is null where the model has no
    calibration. ``known_until_ms``: when the last of the labels became known, None without one.
    """

    rows: pl.DataFrame
    models: tuple[str, ...]
    known_until_ms: int | None


def read(
    house: House, models: tuple[str, ...], from_ms: int | None, to_ms: int | None, known_at_ms: int | None
) -> Scored:
    """Payments with scores of each of ``models``, "" as decided; one without a label in force is genuine.

    Raises LakeAway, FaultFound for an unknown model, WrongUse for one of other inputs.
    """
    features = compile_portfolio(house.read_portfolio())
    reader, times = LakeReader(house.lake), Range(from_ms, to_ms)
    rows = reader.captures_wide(house.portfolio, features.names, times, feature_set=features.hash)
    rows = rows.rename({"amount_base_minor": "amount_minor", "score": "decided"})
    named = [_scored(house, model, rows, features.names) for model in models]
    for k, (_, scores, probabilities) in enumerate(named):
        rows = rows.with_columns(scores.alias(f"score_{k}"), probabilities.alias(f"probability_{k}"))
    columns = [f"{kind}_{k}" for k in range(len(models)) for kind in ("score", "probability")]
    rows = rows.filter(pl.all_horizontal(pl.col(f"score_{k}").is_not_null() for k in range(len(models))))
    accounts = reader.transactions(house.portfolio, times, ["tx_id", "account_id"])
    labels = reader.labels_in_force(house.portfolio, LAST_MS if known_at_ms is None else known_at_ms)
    joined = _with_verdicts(rows.join(accounts, on="tx_id", how="inner"), labels)
    kept = joined.select(
        "event_time_ms", "account_id", "amount_minor", "fraud", "fraud_type", "reported", *columns
    )
    last = labels["known_at_ms"].max() if labels.height else None
    return Scored(kept, tuple(name for name, _, _ in named), int(last) if isinstance(last, int) else None)


def measure(rows: pl.DataFrame, protocol: Protocol | None) -> dict[str, float | int]:
    """The metrics of a ranking for `read`'s rows, by the first model."""
    return metrics(
        rows["event_time_ms"].to_numpy(),
        rows["account_id"].to_numpy(),
        rows["fraud"].to_numpy().astype(np.bool_),
        rows["score_0"].to_numpy().astype(np.float64),
        protocol,
    )


def recalls(rows: pl.DataFrame) -> list[FraudType]:
    """What the first model finds of each type of fraud among `read`'s rows."""
    return by_fraud_type(
        rows["fraud_type"].to_numpy(),
        rows["fraud"].to_numpy().astype(np.bool_),
        rows["score_0"].to_numpy().astype(np.float64),
    )


def _with_verdicts(rows: pl.DataFrame, labels: pl.DataFrame) -> pl.DataFrame:
    """``rows`` with whether each is a fraud, and whether its account has one elsewhere."""
    frauds = labels.filter(pl.col("verdict") == "fraud")
    elsewhere = frauds.join(rows, on="tx_id", how="anti")["account_id"].drop_nulls().unique()
    named = frauds.select("tx_id", "fraud_type", fraud=pl.lit(value=True))
    joined = rows.join(named, on="tx_id", how="left", maintain_order="left")
    return joined.with_columns(
        pl.col("fraud").fill_null(value=False), reported=pl.col("account_id").is_in(elsewhere.implode())
    )


def _scored(
    house: House, model: str, rows: pl.DataFrame, names: tuple[str, ...]
) -> tuple[str, pl.Series, pl.Series]:
    """The model by name and version, its scores and its probabilities.

    A named model scores raw: a ranking needs the order alone, and calibration keeps it but for ties.
    """
    if not model:
        return AS_DECIDED, rows["decided"], rows["decided"]
    card = releasing.stored_card(house, model)
    verified = ArtefactStore(house.artefacts).load(card.artefact, read_trusted(house.keys))
    if tuple(card.feature_names) != names:
        raise WrongUse(f"{card.version} was trained on other inputs.", "Name a model of this feature set.")
    trees = admit(verified, None)
    matrix = np.ascontiguousarray(rows.select(names).to_numpy(), dtype=np.float64)
    raw: Reals = predict_raw(trees, matrix)
    likely = None if card.calibration is None else Calibrator(card.calibration).apply(raw)
    probabilities = (
        pl.Series(likely) if likely is not None else pl.Series([None] * len(raw), dtype=pl.Float64)
    )
    return f"{card.name} {card.version}", pl.Series(raw), probabilities
