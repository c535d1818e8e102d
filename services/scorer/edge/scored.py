"""A scored batch as records per output partition, with the offsets that they settle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from services.scorer.core.captures import CaptureRows, captures
from services.scorer.core.deciding import Deciding, Scores, quality_code
from services.scorer.core.intake import Item
from services.scorer.core.outputs import Decided, Stamp
from shared.bus.ports import Outgoing, Place
from shared.contracts import headers
from shared.contracts.capture import schema_hash
from shared.contracts.decisions import StateQuality
from shared.contracts.topics import topic_name
from shared.scoring.decide import Verdict

from .publisher import Outputs

if TYPE_CHECKING:
    from .engine import Prepared


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


@dataclass(slots=True)
class Scored:
    """What became of a batch: its outputs, the payments that conflict, counts for the status."""

    outputs: Outputs
    conflicts: list[Item]
    actions: list[str] = field(default_factory=list)
    queue_ms: list[int] = field(default_factory=list)


def collect(
    prepared: Prepared,
    folded: Folded,
    deciding: Deciding,
    decided: list[int],
    scores: Scores,
    answers: list[Verdict],
    made: list[Decided],
    told: list[list[bytes]],
    stamp: Stamp,
) -> Scored:
    """Everything to publish for a batch whose payments ``decided`` got an answer."""
    items, portfolio = prepared.items, deciding.release.content.portfolio
    outputs = Outputs()
    _route(outputs, portfolio, items, decided, made, told)
    actions: list[str | None] = [None] * len(items)
    cores: list[bytes | None] = [None] * len(items)
    for i, answer, decision in zip(decided, answers, made, strict=True):
        actions[i] = answer.action
        cores[i] = bytes.fromhex(decision.core_hash)
    mask = np.zeros(len(items), np.bool_)
    mask[decided] = True
    rows = CaptureRows(
        items=items,
        epoch=folded.epoch,
        quality=quality_code(folded.quality),
        release_seq=deciding.release.seq,
        versions=folded.versions,
        repeats=folded.repeats,
        matrix=folded.matrix,
        decided=mask,
        raw=_spread(scores.raw, mask),
        score=_spread(scores.score, mask),
        actions=actions,
        input_hashes=prepared.assembly.hashes,
        core_hashes=cores,
    )
    add_captures(outputs, portfolio, rows)
    settle(outputs, items)
    return Scored(
        outputs,
        [items[i] for i in np.flatnonzero(folded.conflicts)],
        [answer.action for answer in answers],
        [stamp.decided_at_ms - items[i].message.timestamp for i in decided],
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
    n = len(prepared.items)
    nothing = np.empty((0, n))
    rows = CaptureRows(
        items=prepared.items,
        epoch=folded.epoch,
        quality=quality_code(folded.quality),
        release_seq=deciding.release.seq,
        versions=folded.versions,
        repeats=folded.repeats,
        matrix=folded.matrix,
        decided=np.zeros(n, np.bool_),
        raw=nothing,
        score=nothing,
        actions=[None] * n,
        input_hashes=prepared.assembly.hashes,
        core_hashes=[None] * n,
    )
    outputs = Outputs()
    add_captures(outputs, deciding.release.content.portfolio, rows)
    return outputs


def _spread(values: NDArray[np.float64], mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(lanes, n) from (lanes, decided): NaN where nothing was decided."""
    if mask.all():
        return values
    spread = np.full((len(values), len(mask)), np.nan)
    spread[:, mask] = values
    return spread


def _route(
    outputs: Outputs,
    portfolio: str,
    items: Sequence[Item],
    decided: list[int],
    made: list[Decided],
    told: list[list[bytes]],
) -> None:
    to_decisions, to_predictions = topic_name(portfolio, "decisions"), topic_name(portfolio, "predictions")
    by_partition: dict[int, tuple[list[Outgoing], list[Outgoing]]] = {}
    for i, decision, answers in zip(decided, made, told, strict=True):
        partition = items[i].message.partition
        lists = by_partition.get(partition)
        if lists is None:
            lists = by_partition[partition] = (
                outputs.records[Place(to_decisions, partition)],
                outputs.records[Place(to_predictions, partition)],
            )
        lists[0].append(Outgoing(decision.key, decision.body))
        for answer in answers:
            lists[1].append(Outgoing(decision.key, answer))
    for place in [place for place, records in outputs.records.items() if not records]:
        del outputs.records[place]


def add_captures(outputs: Outputs, portfolio: str, rows: CaptureRows) -> None:
    """The batch's captures, one message or more per input partition."""
    d, e = rows.matrix.shape[1], rows.versions.shape[1]
    head = (
        (headers.SCHEMA, schema_hash(d, e).encode()),
        (headers.SHAPE, b"%d,%d" % (d, e)),
    )
    topic = topic_name(portfolio, "captures")
    for partition, body in captures(rows):
        outputs.records[Place(topic, partition)].append(Outgoing(b"%d" % partition, body, head))
