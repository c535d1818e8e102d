"""A scored batch: decisions per output partition with the offsets that they settle, and its trail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.scorer.core.captures import NOTHING_TOLD, CaptureRows, Told, action_codes
from services.scorer.core.columns import Columns
from services.scorer.core.intake import Item
from services.scorer.core.outputs import Decided, flagged
from shared.bus.ports import Place, RecordColumns
from shared.contracts.decisions import StateQuality
from shared.contracts.texts import Texts
from shared.contracts.topics import topic_name
from shared.scoring.deciding import Answers, Scores, quality_code

from .outputs import Outputs
from .prepared import Prepared
from .trail import Trail, add_captures, by_partition, stretches

KINDS: Final = 256
"""More than there are kinds of records."""


@dataclass(frozen=True, slots=True)
class Folded:
    """What the timelines gave for a batch: (n, d) inputs, (n, e) versions, repeats, conflicts (n,)."""

    matrix: NDArray[np.float64]
    versions: NDArray[np.int64]
    repeats: Sequence[Sequence[int]]
    conflicts: NDArray[np.bool_]
    epoch: int
    quality: StateQuality
    state_us: int
    features_us: int


@dataclass(frozen=True, slots=True)
class Judged:
    """The answers to the payments ``rows`` (k,) of a batch; ``told`` holds a column of records per lane."""

    rows: NDArray[np.intp]
    keys: Texts
    scores: Scores
    answers: Answers
    made: Decided
    told: list[Texts]
    decided_at_ms: int


@dataclass(slots=True)
class Scored:
    """What became of a batch: its decisions, its trail, the payments that conflict, counts for the status."""

    outputs: Outputs
    trail: Trail
    conflicts: list[Item]
    actions: dict[str, int]
    queue_ms: list[int]


def collect(prepared: Prepared, folded: Folded, judged: Judged) -> Scored:
    """Everything to publish for a batch of which the payments ``judged.rows`` got an answer."""
    items, columns, deciding = prepared.items, prepared.assembly.columns, prepared.deciding
    outputs = Outputs()
    partitions = columns.partition[judged.rows]
    topic = topic_name(deciding.release.content.portfolio, "decisions")
    for partition, rows in by_partition(partitions):
        record = RecordColumns(judged.keys[rows], judged.made.bodies[rows])
        outputs.records[Place(topic, partition)].append(record)
    settle(outputs, items, columns)
    decided = np.zeros(len(items), np.bool_)
    decided[judged.rows] = True
    scores, hashes = judged.scores, judged.made.core_hashes
    told = Told(scores.raw, scores.score, action_codes(judged.answers), hashes)
    trail = Trail(
        deciding,
        _capture_rows(prepared, folded, decided, told),
        judged.keys,
        partitions,
        judged.told,
        _flagged(folded, judged),
    )
    return Scored(
        outputs,
        trail,
        [items[i] for i in np.flatnonzero(folded.conflicts)],
        judged.answers.actions(),
        (judged.decided_at_ms - columns.ingest_ms[judged.rows]).tolist(),
    )


def _flagged(folded: Folded, judged: Judged) -> list[tuple[int, bytes]]:
    rows = judged.answers.flagged()
    if not len(rows):
        return []
    bodies = flagged(judged.made.bodies[rows], folded.matrix[judged.rows[rows]])
    return list(zip(rows.tolist(), bodies, strict=True))


def settle(outputs: Outputs, items: Sequence[Item], columns: Columns) -> None:
    """The items' offsets are settled once ``outputs`` stands."""
    places = columns.partition * KINDS + columns.kind
    order, edges = stretches(places)
    for start, stop in pairwise(edges):
        message = items[order[start]].message
        place = Place(message.topic, message.partition)
        outputs.settles[place].extend(columns.offset[order[start:stop]].tolist())


def captures_only(prepared: Prepared, folded: Folded) -> Outputs:
    """Captures of records that were appended and are not decided here; they settle no offset."""
    nothing = np.zeros(len(prepared.items), np.bool_)
    outputs = Outputs()
    rows = _capture_rows(prepared, folded, nothing, NOTHING_TOLD)
    add_captures(outputs, prepared.deciding.release.content.portfolio, rows)
    return outputs


def _capture_rows(prepared: Prepared, folded: Folded, decided: NDArray[np.bool_], told: Told) -> CaptureRows:
    n = len(prepared.items)
    return CaptureRows(
        items=prepared.items,
        columns=prepared.assembly.columns,
        input_hashes=prepared.assembly.hashes,
        epoch=np.full(n, folded.epoch, np.int64),
        quality=np.full(n, quality_code(folded.quality), np.uint8),
        release_seq=np.full(n, prepared.deciding.release.seq, np.int64),
        versions=folded.versions,
        repeats=folded.repeats,
        matrix=folded.matrix,
        decided=decided,
        told=told,
    )
