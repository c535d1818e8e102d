"""The trail of scored batches, telemetry, cases and captures: nobody waits for it, so several go out as one.

A micro-batch of one payment costs a table, three records and three appends of the broker if its trail goes
alone; at a few hundred payments a second that is more than deciding them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from services.scorer.core.captures import CaptureRows, captures, joined_rows
from shared.bus.ports import Outgoing, Place, RecordColumns
from shared.contracts import headers
from shared.contracts.capture import schema_hash
from shared.contracts.texts import Texts, joined
from shared.contracts.topics import topic_name
from shared.scoring.deciding import Deciding

from .outputs import Outputs


@dataclass(frozen=True, slots=True)
class Trail:
    """Of one batch that ``deciding`` answered: its captures, and its telemetry.

    ``keys`` and ``partitions`` (k,) are those of the payments that got an answer; ``told`` holds k records
    per lane; ``flagged`` those to look at, each with the row of its payment among the k.
    """

    deciding: Deciding
    rows: CaptureRows
    keys: Texts
    partitions: NDArray[np.int64]
    told: Sequence[Texts]
    flagged: Sequence[tuple[int, bytes]] = ()

    def __len__(self) -> int:
        return len(self.rows.items)


def trail_outputs(trails: Sequence[Trail]) -> Outputs:
    """Telemetry and captures of batches that one release answered, in their order."""
    outputs = Outputs()
    portfolio = trails[0].deciding.release.content.portfolio
    add_telemetry(outputs, topic_name(portfolio, "predictions"), trails)
    add_flagged(outputs, topic_name(portfolio, "flagged"), trails)
    add_captures(outputs, portfolio, joined_rows([trail.rows for trail in trails]))
    return outputs


def stretches(places: NDArray[np.int64]) -> tuple[NDArray[np.intp], list[int]]:
    """Rows sorted by their place, else in their order, and the edges of each place's stretch."""
    order = np.argsort(places, kind="stable")
    inner = np.flatnonzero(np.diff(places[order])) + 1
    return order, [0, *inner.tolist(), len(order)]


def by_partition(partitions: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.intp]]]:
    """Each of the ``partitions`` (k,) with its rows."""
    if not len(partitions):
        return
    order, edges = stretches(partitions)
    for start, stop in pairwise(edges):
        yield int(partitions[order[start]]), order[start:stop]


def add_telemetry(outputs: Outputs, topic: str, trails: Sequence[Trail]) -> None:
    """Predictions to the partitions that their payments came from, each partition's in one batch."""
    answered = [trail for trail in trails if len(trail.partitions)]
    if not answered or not answered[0].told:
        return
    partitions = np.concatenate([trail.partitions for trail in answered])
    keys = joined([trail.keys for trail in answered])
    lanes, k = len(answered[0].told), len(partitions)
    told = joined([trail.told[lane] for lane in range(lanes) for trail in answered])
    for partition, rows in by_partition(partitions):
        of_all = np.concatenate([rows + lane * k for lane in range(lanes)])
        record = RecordColumns(keys[np.tile(rows, lanes)], told[of_all])
        outputs.records[Place(topic, partition)].append(record)


def add_flagged(outputs: Outputs, topic: str, trails: Sequence[Trail]) -> None:
    """Decisions to look at, to the partitions that their payments came from."""
    for trail in trails:
        if trail.flagged:
            rows = np.array([row for row, _ in trail.flagged])
            keys = trail.keys[rows].tolist()
            for (row, body), key in zip(trail.flagged, keys, strict=True):
                outputs.add(Place(topic, int(trail.partitions[row])), Outgoing(key, body))


def add_captures(outputs: Outputs, portfolio: str, rows: CaptureRows) -> None:
    """The rows' captures, one message or more per input partition."""
    d, e = rows.matrix.shape[1], rows.versions.shape[1]
    head = (
        (headers.SCHEMA, schema_hash(d, e).encode()),
        (headers.SHAPE, b"%d,%d" % (d, e)),
    )
    topic = topic_name(portfolio, "captures")
    order, edges = stretches(rows.columns.partition)
    for partition, body in captures(rows, order, edges):
        outputs.add(Place(topic, partition), Outgoing(b"%d" % partition, body, head))
