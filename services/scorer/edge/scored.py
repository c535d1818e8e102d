"""A scored batch as records per output partition, with the offsets that they settle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from services.scorer.core.captures import NOTHING_TOLD, CaptureRows, Told, captures
from services.scorer.core.deciding import Deciding, Scores, quality_code
from services.scorer.core.intake import Item
from services.scorer.core.outputs import Decided
from shared.bus.ports import Headers, Outgoing, Place, Record
from shared.contracts import headers
from shared.contracts.capture import schema_hash
from shared.contracts.decisions import StateQuality
from shared.contracts.topics import topic_name

from .publisher import Outputs

if TYPE_CHECKING:
    from .engine import Prepared

NO_HEADERS: Final[Headers] = ()


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
    """The answers to the payments ``rows`` (k,) of a batch; ``told`` holds a list of records per lane."""

    rows: NDArray[np.intp]
    keys: list[bytes]
    scores: Scores
    actions: list[str]
    made: Decided
    told: list[list[bytes]]
    decided_at_ms: int


@dataclass(slots=True)
class Scored:
    """What became of a batch: its outputs, the payments that conflict, counts for the status."""

    outputs: Outputs
    conflicts: list[Item]
    actions: list[str] = field(default_factory=list)
    queue_ms: list[int] = field(default_factory=list)


def collect(prepared: Prepared, folded: Folded, deciding: Deciding, judged: Judged) -> Scored:
    """Everything to publish for a batch of which the payments ``judged.rows`` got an answer."""
    items, assembly = prepared.items, prepared.assembly
    portfolio, columns = deciding.release.content.portfolio, assembly.columns
    outputs = Outputs()
    _route(outputs, portfolio, judged, columns.partition[judged.rows])
    decided = np.zeros(len(items), np.bool_)
    decided[judged.rows] = True
    told = Told(judged.scores.raw, judged.scores.score, judged.actions, judged.made.core_hashes)
    add_captures(outputs, portfolio, _capture_rows(prepared, folded, deciding, decided, told))
    settle(outputs, items)
    return Scored(
        outputs,
        [items[i] for i in np.flatnonzero(folded.conflicts)],
        judged.actions,
        (judged.decided_at_ms - columns.ingest_ms[judged.rows]).tolist(),
    )


def settle(outputs: Outputs, items: Sequence[Item]) -> None:
    """The items' offsets are settled once ``outputs`` stands."""
    places: dict[tuple[str, int], list[int]] = {}
    for item in items:
        message = item.message
        places.setdefault((message.topic, message.partition), []).append(message.offset)
    for (topic, partition), offsets in places.items():
        outputs.settles[Place(topic, partition)].extend(offsets)


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


def by_partition(partitions: NDArray[np.int64]) -> tuple[NDArray[np.intp], list[int]]:
    """Rows sorted by partition, else in their order, and the edges of the partitions' stretches."""
    order = np.argsort(partitions, kind="stable")
    inner = np.flatnonzero(np.diff(partitions[order])) + 1
    return order, [0, *inner.tolist(), len(order)]


def _route(outputs: Outputs, portfolio: str, judged: Judged, partitions: NDArray[np.int64]) -> None:
    """Decisions and predictions to the partitions that their payments came from."""
    if not len(partitions):
        return
    order, edges = by_partition(partitions)
    for name, bodies in (("decisions", [judged.made.bodies]), ("predictions", judged.told)):
        topic = topic_name(portfolio, name)
        for start, stop in pairwise(edges):
            rows = order[start:stop].tolist()
            records: list[Record] = [(judged.keys[i], lane[i], NO_HEADERS) for i in rows for lane in bodies]
            if records:
                outputs.records[Place(topic, int(partitions[rows[0]]))] = records


def add_captures(outputs: Outputs, portfolio: str, rows: CaptureRows) -> None:
    """The batch's captures, one message or more per input partition."""
    d, e = rows.matrix.shape[1], rows.versions.shape[1]
    head = (
        (headers.SCHEMA, schema_hash(d, e).encode()),
        (headers.SHAPE, b"%d,%d" % (d, e)),
    )
    topic = topic_name(portfolio, "captures")
    order, edges = by_partition(rows.columns.partition)
    for partition, body in captures(rows, order, edges):
        outputs.records[Place(topic, partition)].append(Outgoing(b"%d" % partition, body, head))
