"""Decisions again, from what their payments are and what their logs say: no captured value comes in here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from shared.contracts.decisions import ACTIONS, STATE_QUALITIES, DecisionCore
from shared.contracts.texts import together
from shared.features.compiled import FeatureSet
from shared.features.hashing import Digests
from shared.features.kernels_plan import arithmetic_of, timeline_features_of
from shared.scoring.decide import Verdict
from shared.scoring.deciding import Deciding, predict, verdicts
from shared.scoring.identity import DecisionIds, core_bytes, core_hashes, vector_hashes

from .records import FLAGS

Integers = NDArray[np.int64]
Reals = NDArray[np.float64]

UNAVAILABLE: Final = STATE_QUALITIES.index("unavailable")
TOGETHER: Final = 8_192
"""Cores that are hashed in one call."""

RELEASE_FIELDS: Final = ("portfolio", "model", "release_hash", "feature_set", "layout")
_NAMED: Final = ("portfolio", "model", "release_seq", "release_hash", "feature_set", "layout")
_FLAG_LISTS: Final = [list(flags) for flags in FLAGS]
_ACTION_CODE: Final = {action: code for code, action in enumerate(ACTIONS)}
NO_VERDICT: Final = Verdict("approve", [], None)


@dataclass(frozen=True, slots=True, eq=False)
class Payments:
    """n payments as their bytes and logs have them.

    ``told``: a frame with ``tx_id``, ``account_id``, ``amount_minor``, ``currency`` of the bytes;
    ``event_ms``, ``amount_base_minor``, ``flags`` (codes of `records.FLAGS`) as they count, (n,);
    ``inputs`` (n, 16), hashes of the bytes; ``matrix`` (n, d), the features.
    """

    told: pl.DataFrame
    event_ms: Integers
    amount_base_minor: Integers
    flags: NDArray[np.uint8]
    inputs: Digests
    matrix: Reals


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """The names under which n decisions were made: release, quality as a place in `STATE_QUALITIES`, epoch,
    all (n,), and versions (n, e)."""

    release_seq: Integers
    quality: NDArray[np.uint8]
    epoch: Integers
    versions: Integers


@dataclass(slots=True, eq=False)
class Again:
    """n decisions recomputed.

    ``is_known`` (n,): the release could be loaded, and ``names`` what each puts into a core. ``lanes`` (n,);
    ``raw`` and ``score`` (n, most lanes), NaN behind a row's last; ``verdict`` (n,) places in ``choices``;
    hashes of vectors, decision ids and cores (n, 16).
    """

    is_known: NDArray[np.bool_]
    lanes: Integers
    raw: Reals
    score: Reals
    verdict: NDArray[np.intp]
    choices: list[Verdict]
    vectors: Digests
    ids: Digests
    cores: Digests
    names: dict[int, dict[str, Any]]

    def actions(self) -> NDArray[np.uint8]:
        """Places in `ACTIONS`, (n,)."""
        return np.array([_ACTION_CODE[v.action] for v in self.choices], np.uint8)[self.verdict]


def degrade(matrix: Reals, quality: NDArray[np.uint8], features: FeatureSet) -> None:
    """Without state nothing stands but what the payment itself carries."""
    rows = np.flatnonzero(quality == UNAVAILABLE)
    # Arithmetic is settled after the fold, which such a payment never saw.
    apart = np.concatenate([timeline_features_of(features.program), arithmetic_of(features.program)])
    matrix[np.ix_(rows, apart)] = np.nan


def recompute(payments: Payments, seen: Seen, releases: Mapping[int, Deciding], portfolio: str) -> Again:
    """Every decision under its named release; those of a release that is not in ``releases`` stay empty."""
    n = len(payments.event_ms)
    most = max((len(deciding.lanes) for deciding in releases.values()), default=0)
    ids = together([tx_id.encode() for tx_id in payments.told["tx_id"].to_list()])
    again = Again(
        is_known=np.isin(seen.release_seq, list(releases)),
        lanes=np.zeros(n, np.int64),
        raw=np.full((n, most), np.nan),
        score=np.full((n, most), np.nan),
        verdict=np.zeros(n, np.intp),
        choices=[NO_VERDICT],
        vectors=vector_hashes(payments.matrix),
        ids=DecisionIds(portfolio).of_all(ids),
        cores=np.zeros((n, 16), np.uint8),
        names={seq: _names(deciding) for seq, deciding in releases.items()},
    )
    for seq, quality in sorted(set(zip(seen.release_seq.tolist(), seen.quality.tolist(), strict=True))):
        if seq in releases:
            rows = np.flatnonzero((seen.release_seq == seq) & (seen.quality == quality))
            _decide(payments, releases[seq], quality, rows, again)
    _write_cores(payments, seen, again)
    return again


def _decide(
    payments: Payments, deciding: Deciding, quality: int, rows: NDArray[np.intp], again: Again
) -> None:
    scores = predict(deciding, payments.matrix[rows])
    flags = [FLAGS[code] for code in payments.flags[rows].tolist()]
    amounts = payments.amount_base_minor[rows]
    answers = verdicts(deciding, amounts, flags, scores, STATE_QUALITIES[quality])
    lanes = len(deciding.lanes)
    again.lanes[rows] = lanes
    again.raw[rows, :lanes], again.score[rows, :lanes] = scores.raw.T, scores.score.T
    again.verdict[rows] = answers.codes + len(again.choices)
    again.choices += [verdict for verdict, _ in answers.choices]


def _write_cores(payments: Payments, seen: Seen, again: Again) -> None:
    rows = np.flatnonzero(again.is_known)
    for first in range(0, len(rows), TOGETHER):
        some = rows[first : first + TOGETHER]
        # Records one at a time, their bytes together: so many records are a load for the garbage collector.
        written = together([core_bytes(core) for core in _cores(payments, seen, again, some)])
        again.cores[some] = core_hashes(written)


def _cores(payments: Payments, seen: Seen, again: Again, rows: NDArray[np.intp]) -> Iterator[DecisionCore]:
    """The deterministic parts of the decisions ``rows``, as records of the contract."""
    told = payments.told
    # Every field by its name: a record made from a dictionary takes twice as long.
    named = {seq: tuple(names[field] for field in _NAMED) for seq, names in again.names.items()}
    said = [(choice.action, choice.reasons, choice.threshold) for choice in again.choices]
    columns = zip(
        _hex(again.ids[rows]),
        *(told[name].gather(rows).to_list() for name in ("tx_id", "account_id", "amount_minor", "currency")),
        payments.event_ms[rows].tolist(),
        map(_FLAG_LISTS.__getitem__, payments.flags[rows].tolist()),
        map(said.__getitem__, again.verdict[rows].tolist()),
        _champion(again.score, again.lanes, rows),
        _champion(again.raw, again.lanes, rows),
        map(named.__getitem__, seen.release_seq[rows].tolist()),
        map(STATE_QUALITIES.__getitem__, seen.quality[rows].tolist()),
        seen.epoch[rows].tolist(),
        seen.versions[rows].tolist(),
        _hex(payments.inputs[rows]),
        _hex(again.vectors[rows]),
        strict=True,
    )
    return (
        DecisionCore(
            v=1,
            decision_id=own,
            portfolio=portfolio,
            tx_id=tx_id,
            account_id=account,
            event_time_ms=event,
            amount_minor=amount,
            currency=currency,
            action=action,
            reasons=reasons,
            flags=flags,
            score=score,
            raw_score=raw,
            threshold=threshold,
            model=model,
            release_seq=release_seq,
            release_hash=release_hash,
            feature_set=feature_set,
            layout=layout,
            state_quality=quality,
            epoch=epoch,
            entity_versions=versions,
            input_hash=input_hash,
            vector_hash=vector_hash,
        )
        for (
            own, tx_id, account, amount, currency, event, flags, (action, reasons, threshold), score, raw,
            (portfolio, model, release_seq, release_hash, feature_set, layout), quality, epoch, versions,
            input_hash, vector_hash,
        ) in columns
    )  # fmt: skip  # one name per field of the record


def _names(deciding: Deciding) -> dict[str, Any]:
    """What a release puts into every core."""
    release, content, champion = deciding.release, deciding.release.content, deciding.champion
    return {
        "portfolio": content.portfolio,
        "model": f"{champion.model.name}@{champion.model.version}" if champion else None,
        "release_seq": release.seq,
        "release_hash": release.hash,
        "feature_set": content.feature_set,
        "layout": content.layout,
    }


def _champion(values: Reals, lanes: Integers, rows: NDArray[np.intp]) -> Sequence[float | None]:
    if not values.shape[1]:
        return [None] * len(rows)
    found: list[float] = values[rows, 0].tolist()
    return [value if count else None for value, count in zip(found, lanes[rows].tolist(), strict=True)]


def _hex(digests: Digests) -> list[str]:
    text, size = digests.tobytes().hex(), 2 * digests.shape[1]
    return [text[at : at + size] for at in range(0, len(text), size)]
