"""Decisions and predictions of a batch, with all that is equal in them encoded once.

The bytes are those of ``codec.encode`` of each whole record (a property test holds both together); encoding
them one by one was a third of a payment's cost.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from shared.contracts.codec import encode
from shared.contracts.decisions import StateQuality
from shared.contracts.texts import Texts, lines, together
from shared.scoring.decide import Verdict
from shared.scoring.deciding import Answers, Deciding, Lane
from shared.scoring.identity import DecisionIds, PredictionIds

from .columns import Columns
from .payments import Words
from .rows_text import Hex, Part, write


class Timings(NamedTuple):
    """Microseconds of a micro-batch's stages, and process CPU per record."""

    decode_us: int
    state_us: int
    features_us: int
    predict_us: int
    decide_us: int
    cpu_us: int


class Stamp(NamedTuple):
    """This attempt's readings: when it was decided, and by whom."""

    decided_at_ms: int
    worker: str


# A hasher takes longer to make than to use, and these change with a release at most.
_decision_ids = lru_cache(maxsize=8)(DecisionIds)
_prediction_ids = lru_cache(maxsize=32)(PredictionIds)


def quoted(value: object) -> str:
    """``value`` as the codec writes it."""
    return encode(value).decode()


def numbers(values: Sequence[float | None]) -> Texts:
    """Every number of a list as the codec writes it."""
    return lines(encode(values)[1:-1].replace(b",", b"\n"))


class ScoreTexts(NamedTuple):
    """One lane's answers on n payments: calibrated and raw scores as `numbers` wrote them."""

    score: Texts
    raw: Texts


class Evidence(NamedTuple):
    """What n decisions stand on: versions (n, e), input and vector hashes (n, 16)."""

    versions: NDArray[np.int64]
    inputs: NDArray[np.uint8]
    vectors: NDArray[np.uint8]


class DecisionWriter:
    """Writes decisions of one release, epoch, state quality and attempt."""

    def __init__(self, deciding: Deciding, epoch: int, quality: StateQuality, stamp: Stamp) -> None:
        release, content, champion = deciding.release, deciding.release.content, deciding.champion
        model = f"{champion.model.name}@{champion.model.version}" if champion else None
        self._ids = _decision_ids(content.portfolio)
        self._portfolio = f'","portfolio":{quoted(content.portfolio)},"tx_id":"'
        self._release = (
            f',"model":{quoted(model)},"release_seq":{release.seq},"release_hash":{quoted(release.hash)},'
            f'"feature_set":{quoted(content.feature_set)},"layout":{quoted(content.layout)},'
            f'"state_quality":{quoted(quality)},"epoch":{epoch},"entity_versions":['
        )
        self._stamp = f',"decided_at_ms":{stamp.decided_at_ms},"worker":{quoted(stamp.worker)},"caller":"'

    def cores(
        self,
        columns: Columns,
        amounts_minor: NDArray[np.int64],
        words: Words,
        answers: Answers,
        scored: ScoreTexts,
        evidence: Evidence,
    ) -> Texts:
        """The deterministic parts."""
        codes = answers.codes
        said = together([_said(verdict, flags).encode() for verdict, flags in answers.choices])
        reached = together([encode(verdict.threshold) for verdict, _ in answers.choices])
        parts: list[Part] = [
            '{"v":1,"decision_id":"', Hex(self._ids.of_all(words.ids)),
            self._portfolio, words.tx_id,
            '","account_id":"', words.account_id,
            '","event_time_ms":', columns.event_ms,
            ',"amount_minor":', amounts_minor,
            ',"currency":"', words.currency,
            '",', said[codes],
            '"score":', scored.score,
            ',"raw_score":', scored.raw,
            ',"threshold":', reached[codes],
            self._release, *_listed(evidence.versions),
            '],"input_hash":"', Hex(evidence.inputs),
            '","vector_hash":"', Hex(evidence.vectors), '"}',
        ]  # fmt: skip  # a name beside its value
        return write(parts, len(codes))

    def wholes(self, cores: Texts, hashes: NDArray[np.uint8], columns: Columns, words: Words) -> Texts:
        """The decisions; ``hashes`` (n, 16) are the cores'."""
        open_ended = Texts(cores.pool, cores.bounds - np.array([0, 1]))
        parts: list[Part] = [
            open_ended,
            ',"core_hash":"', Hex(hashes),
            '","partition":', columns.partition,
            ',"offset":', columns.offset,
            ',"ingest_time_ms":', columns.ingest_ms,
            self._stamp, words.caller,
            '","gateway":"', words.gateway, '"}',
        ]  # fmt: skip  # a name beside its value
        return write(parts, len(hashes))


def _said(verdict: Verdict, flags: Sequence[str]) -> str:
    return f'"action":"{verdict.action}","reasons":{quoted(verdict.reasons)},"flags":{quoted(flags)},'


def _listed(versions: NDArray[np.int64]) -> list[Part]:
    """The columns of ``versions`` (n, e) with commas between them."""
    columns = [np.ascontiguousarray(column) for column in versions.T]
    parts: list[Part] = []
    for column in columns:
        parts += (",", column)
    return parts[1:]


class PredictionWriter:
    """Writes one lane's predictions of a batch."""

    def __init__(
        self, deciding: Deciding, lane: Lane, quality: StateQuality, timings: Timings, stamp: Stamp
    ) -> None:
        content, model = deciding.release.content, lane.model
        self._ids = _prediction_ids(model.name, model.version, content.feature_set, lane.name)
        self._stamp = stamp
        self._lane = (
            f',"lane":{quoted(lane.name)},"model":{quoted(model.name)},'
            f'"model_version":{quoted(model.version)},"feature_set":{quoted(content.feature_set)},"raw_score":'
        )
        self._quality = f',"release_seq":{deciding.release.seq},"state_quality":{quoted(quality)},'
        stages = ",".join(f'"{name}":{value}' for name, value in timings._asdict().items())
        self._tail = f'{stages},"worker":{quoted(stamp.worker)}}}'

    def write(self, columns: Columns, words: Words, scored: ScoreTexts, missing: NDArray[np.int64]) -> Texts:
        """A prediction for each payment; ``missing`` (n,) counts the inputs that were."""
        n = len(missing)
        parts: list[Part] = [
            '{"v":1,"prediction_id":"', Hex(self._ids.of_all(words.ids)),
            '","tx_id":"', words.tx_id,
            '","account_id":"', words.account_id,
            '","event_time_ms":', columns.event_ms,
            self._lane, scored.raw,
            ',"score":', scored.score,
            ',"missing_inputs":', missing,
            ',"caller":"', words.caller,
            '","gateway":"', words.gateway,
            '","queue_ms":', self._stamp.decided_at_ms - columns.ingest_ms,
            f'{self._quality}"batch_size":{n},{self._tail}',
        ]  # fmt: skip  # a name beside its value
        return write(parts, n)
