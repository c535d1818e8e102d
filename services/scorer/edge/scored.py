"""A scored batch as records per output partition, with the offsets that they settle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.scorer.core.captures import NOTHING_TOLD, CaptureRows, Told, action_codes, captures
from services.scorer.core.columns import Columns
from services.scorer.core.deciding import Answers, Deciding, Scores, quality_code
from services.scorer.core.intake import Item
from services.scorer.core.outputs import Decided
from shared.bus.ports import Outgoing, Place, RecordColumns
from shared.contracts import headers
from shared.contracts.capture import schema_hash
from shared.contracts.decisions import StateQuality
from shared.contracts.texts import Texts, joined
from shared.contracts.topics import topic_name

from .prepared import Prepared
from .publisher import Outputs

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
    """What became of a batch: its outputs, the payments that conflict, counts for the status."""

    outputs: Outputs
    conflicts: list[Item]
    actions: dict[str, int]
    queue_ms: list[int]


def collect(prepared: Prepared, folded: Folded, deciding: Deciding, judged: Judged) -> Scored:
    """Everything to publish for a batch of which the payments ``judged.rows`` got an answer."""
    items, columns = prepared.items, prepared.assembly.columns
    portfolio = deciding.release.content.portfolio
    outputs = Outputs()
    route(outputs, portfolio, judged, columns.partition[judged.rows])
    decided = np.zeros(len(items), np.bool_)
    decided[judged.rows] = True
    scores, hashes = judged.scores, judged.made.core_hashes
    told = Told(scores.raw, scores.score, action_codes(judged.answers), hashes)
    add_captures(outputs, portfolio, _capture_rows(prepared, folded, deciding, decided, told))
    settle(outputs, items, columns)
    return Scored(
        outputs,
        [items[i] for i in np.flatnonzero(folded.conflicts)],
        judged.answers.actions(),
        (judged.decided_at_ms - columns.ingest_ms[judged.rows]).tolist(),
    )


def settle(outputs: Outputs, items: Sequence[Item], columns: Columns) -> None:
    """The items' offsets are settled once ``outputs`` stands."""
    places = columns.partition * KINDS + columns.kind
    order, edges = stretches(places)
    for start, stop in pairwise(edges):
        message = items[order[start]].message
        place = Place(message.topic, message.partition)
        outputs.settles[place].extend(columns.offset[order[start:stop]].tolist())


def captures_only(prepared: Prepared, folded: Folded, deciding: Deciding) -> Outputs:
    """Captures of records that were appended and are not decided here; they settle no offset."""
    nothing = np.zeros(len(prepared.items), np.bool_)
    outputs = Outputs()
    rows = _capture_rows(prepared, folded, deciding, nothing, NOTHING_TOLD)
    add_captures(outputs, deciding.release.content.portfolio, rows)
    return outputs


def _capture_rows(
    prepared: Prepared, folded: Folded, deciding: Deciding, decided: NDArray[np.bool_], told: Told
) -> CaptureRows:
    return CaptureRows(
        items=prepared.items,
        columns=prepared.assembly.columns,
        input_hashes=prepared.assembly.hashes,
        epoch=folded.epoch,
        quality=quality_code(folded.quality),
        release_seq=deciding.release.seq,
        versions=folded.versions,
        repeats=folded.repeats,
        matrix=folded.matrix,
        decided=decided,
        told=told,
    )


def stretches(places: NDArray[np.int64]) -> tuple[NDArray[np.intp], list[int]]:
    """Rows sorted by their place, else in their order, and the edges of each place's stretch."""
    order = np.argsort(places, kind="stable")
    inner = np.flatnonzero(np.diff(places[order])) + 1
    return order, [0, *inner.tolist(), len(order)]


def route(outputs: Outputs, portfolio: str, judged: Judged, partitions: NDArray[np.int64]) -> None:
    """Decisions and predictions to the partitions that their payments came from."""
    if not len(partitions):
        return
    order, edges = stretches(partitions)
    topics = (topic_name(portfolio, "decisions"), topic_name(portfolio, "predictions"))
    lanes, k = len(judged.told), len(judged.rows)
    told = joined(judged.told) if lanes else None
    for start, stop in pairwise(edges):
        rows = order[start:stop]
        partition = int(partitions[rows[0]])
        keys = judged.keys[rows]
        outputs.records[Place(topics[0], partition)].append(RecordColumns(keys, judged.made.bodies[rows]))
        if told is not None:  # in one batch, for each batch is a round trip of its own
            of_all = np.concatenate([rows + lane * k for lane in range(lanes)])
            of_keys = keys if lanes == 1 else judged.keys[np.tile(rows, lanes)]
            outputs.records[Place(topics[1], partition)].append(RecordColumns(of_keys, told[of_all]))


def add_captures(outputs: Outputs, portfolio: str, rows: CaptureRows) -> None:
    """The batch's captures, one message or more per input partition."""
    d, e = rows.matrix.shape[1], rows.versions.shape[1]
    head = (
        (headers.SCHEMA, schema_hash(d, e).encode()),
        (headers.SHAPE, b"%d,%d" % (d, e)),
    )
    topic = topic_name(portfolio, "captures")
    order, edges = stretches(rows.columns.partition)
    for partition, body in captures(rows, order, edges):
        outputs.add(Place(topic, partition), Outgoing(b"%d" % partition, body, head))
