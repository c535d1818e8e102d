"""Records to what they add to the tables, by minute: in whatever shares they come, the rows are the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from shared.contracts.payments import Label
from shared.contracts.places import Place
from shared.evaluation.time_bins import bins_of

from .reading import (
    LABELS,
    DeadLetterPart,
    DecisionPart,
    Message,
    PredictionPart,
    part_reader,
)

MINUTE_MS: Final = 60_000
SCORE_BINS: Final = 50
CALLERS_MOST: Final = 500
OTHER: Final = "other"
"""Whom callers count as who come when there are `CALLERS_MOST`."""
STAGES: Final = ("queue", "state", "features", "predict", "decide")

Key = tuple[str | int, ...]
Rows = dict[Key, list[int]]
"""By key columns in the table's order: what is added to its other columns, in their order."""

_DECISIONS: Final = part_reader(DecisionPart)
_PREDICTIONS: Final = part_reader(PredictionPart)
_DEAD_LETTERS: Final = part_reader(DeadLetterPart)


@dataclass(slots=True)
class Seen:
    """When a caller's payments were decided: first and last of a share, ms."""

    first_ms: int
    last_ms: int


@dataclass(slots=True)
class Callers:
    """Who is counted by name. A system that invents one per payment makes no row per payment."""

    names: set[str] = field(default_factory=set)

    def counted_as(self, caller: str) -> str:
        """Its own name for the first `CALLERS_MOST` that come, else `OTHER`."""
        if caller in self.names:
            return caller
        if len(self.names) >= CALLERS_MOST:
            return OTHER
        self.names.add(caller)
        return caller


@dataclass(slots=True)
class Counts:
    """What was counted and not yet written, and the next offset of each partition it came from.

    ``known`` is shared with the counts before and after.
    """

    known: Callers = field(default_factory=Callers)
    decisions: Rows = field(default_factory=dict)
    reasons: Rows = field(default_factory=dict)
    scores: Rows = field(default_factory=dict)
    times: Rows = field(default_factory=dict)
    labels: Rows = field(default_factory=dict)
    dead_letters: Rows = field(default_factory=dict)
    callers: dict[str, Seen] = field(default_factory=dict)
    ends: dict[Place, int] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    records: int = 0
    since_ms: int | None = None

    def add(self, place: Place, topic: str, messages: Sequence[Message], end: int, now_ms: int) -> None:
        """Count ``messages`` of ``place``, whose topic's card is ``topic``; ``end`` is the offset after them.

        Raises KeyError for a topic that is not counted.
        """
        _COUNTERS[topic](self, messages)
        self.ends[place] = end
        self.records += len(messages)
        self.since_ms = now_ms if self.since_ms is None else self.since_ms

    def count_decisions(self, messages: Sequence[Message]) -> None:
        """By minute of the decision; a decision's reasons and its time from append to answer as well."""
        _, records = _DECISIONS.read(messages, self.refused)
        for r in records:
            minute_ms = r.decided_at_ms - r.decided_at_ms % MINUTE_MS
            caller = self.known.counted_as(r.caller)
            key = (
                minute_ms,
                r.action,
                r.currency,
                caller,
                r.gateway,
                r.model or "",
                r.release_seq,
                r.state_quality,
            )
            _add(self.decisions, key, 1, r.amount_minor)
            for reason in r.reasons:
                _add(self.reasons, (minute_ms, r.action, reason), 1)
            self._see(caller, r.decided_at_ms)
        # Without a time of append there is no time to tell: it is left out, not counted as nothing.
        timed = [(r.decided_at_ms, r.decided_at_ms - r.ingest_time_ms) for r in records if r.ingest_time_ms]
        self._count_times("end_to_end", [at for at, _ in timed], [took for _, took in timed])

    def count_predictions(self, messages: Sequence[Message]) -> None:
        """By minute of the broker's append."""
        kept, records = _PREDICTIONS.read(messages, self.refused)
        came = [message.timestamp for message in kept]
        for at_ms, r in zip(came, records, strict=True):
            number = min(max(int(r.score * SCORE_BINS), 0), SCORE_BINS - 1)
            _add(self.scores, (at_ms - at_ms % MINUTE_MS, r.lane, f"{r.model}@{r.model_version}", number), 1)
        for stage, times in zip(STAGES, _stage_times(records), strict=True):
            self._count_times(stage, came, times)

    def count_labels(self, messages: Sequence[Message]) -> None:
        """By minute of ``known_at_ms``."""
        # A load's ticks hold no record.
        _, records = LABELS.read([m for m in messages if m.value], self.refused)
        for r in records:
            key = (_minute(r.known_at_ms), r.verdict, r.source, r.fraud_type or "")
            _add(self.labels, key, 1, _loss_minor(r))

    def count_dead_letters(self, messages: Sequence[Message]) -> None:
        """By minute of ``at_ms``."""
        _, records = _DEAD_LETTERS.read(messages, self.refused)
        for r in records:
            _add(self.dead_letters, (_minute(r.at_ms), r.topic, r.reason, r.service), 1)

    def _count_times(self, stage: str, at_ms: Sequence[int], times: Sequence[int]) -> None:
        for at, number, took in zip(at_ms, bins_of(times).tolist(), times, strict=True):
            _add(self.times, (at - at % MINUTE_MS, stage, number), 1, took)

    def _see(self, caller: str, at_ms: int) -> None:
        if caller not in self.known.names:
            return  # of many together none can be said to be silent
        seen = self.callers.get(caller)
        if seen is None:
            self.callers[caller] = Seen(at_ms, at_ms)
        else:
            seen.first_ms = min(seen.first_ms, at_ms)
            seen.last_ms = max(seen.last_ms, at_ms)


_COUNTERS: Final[Mapping[str, Callable[[Counts, Sequence[Message]], None]]] = {
    "decisions": Counts.count_decisions,
    "predictions": Counts.count_predictions,
    "labels": Counts.count_labels,
    "dead-letters": Counts.count_dead_letters,
}

COUNTED: Final = tuple(_COUNTERS)
"""The topics, by the name of their card, that are counted."""


def _add(rows: Rows, key: Key, *amounts: int) -> None:
    found = rows.get(key)
    if found is None:
        rows[key] = list(amounts)
        return
    for place, amount in enumerate(amounts):
        found[place] += amount


def _minute(at_ms: int) -> int:
    return at_ms - at_ms % MINUTE_MS


def _loss_minor(label: Label) -> int:
    """What a fraud cost; a label that does not say adds nothing to a sum of what is known."""
    return label.loss_minor or 0


def _stage_times(records: Iterable[PredictionPart]) -> list[list[int]]:
    """Times of each of `STAGES`."""
    rows = [(r.queue_ms, r.state_us, r.features_us, r.predict_us, r.decide_us) for r in records]
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in STAGES]
