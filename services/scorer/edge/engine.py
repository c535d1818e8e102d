"""The stages of one micro-batch around the core, each timed: assemble, fold, predict, decide, encode."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.scorer.core.assembly import Assembly, assemble
from services.scorer.core.columns import columns_of
from services.scorer.core.intake import Item
from services.scorer.core.outputs import Batch, Seen, Stamp, Timings, decisions, predictions
from services.scorer.core.pricing import price
from shared.contracts.capture import REPEAT_SHIFT
from shared.contracts.decisions import StateQuality
from shared.contracts.ids import KIND_TRANSACTION
from shared.features.compiled import FeatureSet
from shared.features.rows import RowEncoder
from shared.features.rowwise import Rowwise
from shared.features.timelines import FoldResult, Timelines
from shared.features.trimming import Base, cut
from shared.runtime.clock import Clock
from shared.scoring.deciding import Deciding, predict, verdicts
from shared.stores.timeline_keys import entity_key
from shared.stores.timeline_port import AppendCall, AppendReply, EpochState

from .prepared import Prepared
from .scored import Folded, Judged, Scored, collect

ClockNs = Callable[[], int]


@dataclass(frozen=True, slots=True)
class Overgrown:
    """A log of ``epoch`` that is worth cutting, and where."""

    epoch: int
    key: bytes
    dtype: np.dtype[Any]
    keep_ms: int

    def choose(self, base: Base, rows: bytes) -> Base:
        """The base that it can be cut down to."""
        return cut(np.frombuffer(rows, self.dtype), base, self.keep_ms)


class Engine:
    """Owns the cache of timelines; everything else comes and goes with a batch."""

    def __init__(
        self,
        feature_set: FeatureSet,
        encoder: RowEncoder,
        cache_bytes: int,
        clock: Clock,
        clock_ns: ClockNs,
        worker: str,
        fail_on_id: str = "",
    ) -> None:
        self.feature_set = feature_set
        self._encoder = encoder
        self._rowwise = Rowwise(feature_set)
        self._clock = clock
        self._clock_ns = clock_ns
        self._worker = worker
        self._fail_on_id = fail_on_id
        self._names = [entity.name for entity in feature_set.entities]
        self._epoch = EpochState(number=0, rebuilding=False, layout="")
        self._timelines = Timelines(feature_set, cache_bytes, self.key_of)

    def key_of(self, entity: int, entity_id: str) -> bytes:
        """The store's key of a timeline in the epoch we are in."""
        epoch = self._epoch
        name = self._names[entity]
        return entity_key(self.feature_set.portfolio_name, epoch.number, name, entity_id, epoch.buckets)

    def enter(self, epoch: EpochState) -> None:
        """Timelines of another epoch, or of a store that was restarted: what is cached means nothing."""
        self._epoch = epoch
        self._timelines.clear()

    def forget(self) -> None:
        """Drop the cache; the store's logs are read again."""
        self._timelines.clear()

    def prepare(self, items: list[Item], decode_us: int, deciding: Deciding) -> Prepared:
        """Amounts, rows, claim and state call of a batch. Raises KeyError for a currency without a rate."""
        price(items, deciding.release.content.rates_ppm)
        assembly = assemble(items, self._encoder, self._timelines)
        call = self._call(assembly)
        return Prepared(items, deciding, assembly, call, decode_us, self._rebuild, sent_ns=self._clock_ns())

    @property
    def evicted(self) -> int:
        """Timelines that left the cache for want of room."""
        return self._timelines.evicted

    @property
    def read_back(self) -> int:
        """Records read from the store since the first of them left."""
        return self._timelines.read_back

    def overgrown(self) -> list[Overgrown]:
        """Logs that are worth cutting, each told once."""
        epoch, dtype, timelines = self._epoch.number, self.feature_set.layout.dtype, self._timelines
        return [
            Overgrown(epoch, self.key_of(entity, own_id), dtype, timelines.keep_ms(entity))
            for entity, own_id in timelines.overgrown()
        ]

    def _rebuild(self, prepared: Prepared) -> None:
        self._timelines.release(prepared.assembly.claim)
        prepared.assembly = assemble(prepared.items, self._encoder, self._timelines)
        prepared.call = self._call(prepared.assembly)

    def _call(self, assembly: Assembly) -> AppendCall:
        claim = assembly.claim
        return AppendCall(self._epoch.number, claim.keys, claim.known, claim.counts, assembly.body())

    def fold(self, prepared: Prepared, reply: AppendReply) -> Folded:
        """Inputs (n, d) and versions (n, e) of a batch whose records are appended."""
        assembly, items = prepared.assembly, prepared.items
        started = self._clock_ns()
        matrix = np.full((len(items), len(self.feature_set.names)), np.nan)
        self._fill(prepared, matrix)
        starts = np.frombuffer(reply.starts, "<i8")
        result = self._timelines.fold(
            assembly.claim, assembly.rows, starts, reply.unseen, matrix, reply.bases
        )
        if result.restated.any():
            self._restate(prepared, result)
        quality: StateQuality = "rebuilding" if self._epoch.rebuilding else "exact"
        ended = self._clock_ns()
        return Folded(
            matrix=matrix,
            versions=result.versions,
            repeats=_by_row(len(items), result.repeats),
            conflicts=result.conflicts,
            epoch=self._epoch.number,
            quality=quality,
            state_us=(started - prepared.sent_ns) // 1000,
            features_us=(ended - started) // 1000,
        )

    def _restate(self, prepared: Prepared, result: FoldResult) -> None:
        """A redelivered payment counts with the time and amount of its first copy."""
        items = prepared.items
        for i in np.flatnonzero(result.restated).tolist():
            items[i].event_ms = int(result.rows["t"][i])
            items[i].amount_base_minor = int(result.rows["a"][i])
            is_clamped = items[i].event_ms < items[i].record.event_time_ms
            items[i].flags = ("ahead",) if is_clamped else ()
        prepared.assembly.columns = columns_of(items)
        self._fill(prepared, result.matrix)
        self._timelines.settle(result.matrix)

    def degraded(self, prepared: Prepared) -> Folded:
        """What the payments themselves carry: every input that needs state is missing."""
        self._timelines.release(prepared.assembly.claim)
        n, d = len(prepared.items), len(self.feature_set.names)
        matrix = np.full((n, d), np.nan)
        self._fill(prepared, matrix)
        matrix[:, self.feature_set.state_features] = np.nan
        return Folded(
            matrix=matrix,
            versions=np.full((n, len(self._names)), -1, np.int64),
            repeats=[()] * n,
            conflicts=np.zeros(n, np.bool_),
            epoch=0,  # of no timeline, so that the core does not depend on what this worker had seen
            quality="unavailable",
            state_us=(self._clock_ns() - prepared.sent_ns) // 1000,
            features_us=0,
        )

    def _fill(self, prepared: Prepared, matrix: NDArray[np.float64]) -> None:
        columns = prepared.assembly.columns
        records = [item.record if item.kind == KIND_TRANSACTION else None for item in prepared.items]
        self._rowwise.fill(matrix, columns.event_ms, columns.amount_base_minor, records)  # type: ignore[arg-type]  # by their kind

    def decide(self, prepared: Prepared, folded: Folded) -> Scored:
        """Decisions, predictions and captures of a folded batch. Any exception here is a bug of ours."""
        items, deciding = prepared.items, prepared.deciding
        if self._fail_on_id:
            self._fail(items)
        assembly = prepared.assembly
        payments = assembly.payments
        if folded.conflicts.any():
            payments = payments[np.flatnonzero(~folded.conflicts[payments.rows])]
        rows = payments.rows
        columns = assembly.columns[rows]
        seen = Seen(folded.matrix[rows], folded.versions[rows], folded.epoch, folded.quality)
        before = self._clock_ns()
        scores = predict(deciding, seen.matrix)
        between = self._clock_ns()
        flags = [items[i].flags for i in rows.tolist()]
        answers = verdicts(deciding, columns.amount_base_minor, flags, scores, folded.quality)
        stamp = Stamp(self._clock.now_ms(), self._worker)
        batch = Batch(payments, columns, assembly.hashes[rows], seen, scores)
        made = decisions(deciding, batch, answers, stamp)
        after = self._clock_ns()
        timings = Timings(
            prepared.decode_us,
            folded.state_us,
            folded.features_us,
            (between - before) // 1000,
            (after - between) // 1000,
            0,
        )
        told = predictions(deciding, batch, timings, stamp)
        judged = Judged(rows, payments.words.accounts, scores, answers, made, told, stamp.decided_at_ms)
        return collect(prepared, folded, judged)

    def _fail(self, items: Sequence[Item]) -> None:
        if any(item.own_id == self._fail_on_id for item in items):
            raise RuntimeError("told to fail on this record")


def _by_row(n: int, repeats: Sequence[tuple[int, int, int]]) -> list[Sequence[int]]:
    """Repeats as captures keep them, per row."""
    rows: list[Sequence[int]] = [()] * n
    for row, entity, index in repeats:
        rows[row] = [*rows[row], (entity << REPEAT_SHIFT) + index]
    return rows
