"""From a compiled program to the tables that the fold walks: streams, window edges, features by entity.

A window (t - o - w, t - o] is two edges, "records up to t - o" and "records up to t - o - w"; one of whole
hours has "records before the hour of" them. Features share edges, so each is searched once per payment,
nearest first.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .kernels_rows import EXTRA, KIND_ACTIVITY, KIND_LABEL, KIND_TRANSACTION, LABELS, TRANSACTIONS, W_EXTRA
from .kernels_window import HELD
from .kinds import KINDS, NAMES, KindSpec
from .program import Program

NO_EDGE = -1
FOLDS = tuple(dict.fromkeys(kind.fold for kind in KINDS.values() if kind.fold))
"""Every fold by name; its code is its place here."""

Edge = tuple[int, int, int]
"""(stream, bucket, how far back), as in ``Plan.edges``."""

Shared = tuple[float, ...]
"""All that two features have in common which share a fold."""


class Plan(NamedTuple):
    """What one payment's evaluation reads; all arrays are small.

    ``stream_of`` (256,) maps a record kind to its segment, the last of ``streams`` holding what no feature
    reads (kept so that repeats are known). ``extras`` are the words of a row that cells keep from column
    ``EXTRA`` on. ``squares`` is the column of the high limb of running squares, ``peaks`` that of the steps
    back to the nearest larger amount; 0 when nothing needs them.
    ``edges`` (k, 3) are (stream, length of the buckets that it moves to or 0, how far back in ms), by entity,
    then stream, then bucket, then nearest first.
    ``steps`` (m, 13), one line per timeline feature by entity, have the ``STEP_*`` columns below, where an
    edge counts from the entity's first one; ``parameters`` (m, 2) are their p0 and p1. ``cuts`` (e+1, 2)
    say where each entity's edges and steps start. ``held`` entries hold what all folds find: features with
    the same fold over the same window name the same place, and only the first of them passes over it.
    ``reach`` (e,) is how far back in ms any feature of an entity reads, ``keep`` (e,) how far behind the
    newest payment of a log a record must lie to be forgotten.
    """

    streams: int
    stream_of: NDArray[np.int64]
    extras: NDArray[np.int64]
    squares: int
    peaks: int
    columns: int
    cuts: NDArray[np.int64]
    edges: NDArray[np.int64]
    steps: NDArray[np.int64]
    parameters: NDArray[np.float64]
    held: int
    reach: NDArray[np.int64]
    keep: NDArray[np.int64]


STEP_FEATURE, STEP_KIND, STEP_LO, STEP_HI, STEP_FIRST, STEP_LAST = range(6)
STEP_APART, STEP_WORD, STEP_COLUMN, STEP_SPAN, STEP_FOLD, STEP_HELD, STEP_STREAM = range(6, 13)
"""Columns of ``Plan.steps``. ``STEP_FOLD`` is -1 where no fold is needed or an earlier step ran it."""
_STEPS = 13


def make_plan(program: Program, entities: int, lateness_ms: int) -> Plan:
    """The tables for ``program`` over ``entities`` timelines per record, which come at most so late."""
    extras = sorted({int(c) for c in _of_timelines(program, program.column) if c >= 0})
    streams = [
        TRANSACTIONS,
        LABELS,
        *sorted({int(s) for s in _of_timelines(program, program.stream) if s > 1}),
    ]
    kinds = _kinds(program)
    columns = EXTRA + len(extras)
    squares = columns if any(kind.squares for kind in kinds) else 0
    columns += 2 if squares else 0
    peaks = columns if any(kind.peaks for kind in kinds) else 0
    edges = [_edges(program, entity, streams) for entity in range(entities)]
    steps = [_steps(program, entity, streams, edges[entity], extras) for entity in range(entities)]
    order = np.concatenate([s[:, STEP_FEATURE] for s in steps])
    reach = np.array([reach_ms(program, entity) for entity in range(entities)], np.int64)
    return Plan(
        streams=len(streams) + 1,
        stream_of=_stream_of(program, streams),
        extras=np.array([W_EXTRA + c for c in extras], np.int64),
        squares=squares,
        peaks=peaks,
        columns=columns + (1 if peaks else 0),
        cuts=np.column_stack([_starts([len(e) for e in edges]), _starts([len(s) for s in steps])]),
        edges=np.array([edge for e in edges for edge in e], np.int64).reshape(-1, 3),
        steps=np.concatenate(steps),
        parameters=np.column_stack([program.p0[order], program.p1[order]]).astype(np.float64),
        held=HELD * (1 + max((int(s[:, STEP_HELD].max(initial=0)) // HELD for s in steps), default=0)),
        reach=reach,
        keep=reach + lateness_ms,
    )


def reach_ms(program: Program, entity: int) -> int:
    """How far behind a payment its features read the entity's timeline, ms."""
    spans = np.where([kind.nested for kind in _kinds(program)], program.span_ms, 0)
    of_entity = _is_timeline(program) & (program.entity == entity)
    ago = program.offset_ms + program.window_ms + spans + program.grain_ms
    return int(ago[of_entity].max(initial=0))


def arithmetic_of(program: Program) -> NDArray[np.int64]:
    """The matrix columns made of two others, in order."""
    return np.flatnonzero([kind.operands for kind in _kinds(program)]).astype(np.int64)


def timeline_features_of(program: Program) -> NDArray[np.int64]:
    """The matrix columns that a timeline answers, in order."""
    return np.flatnonzero(_is_timeline(program)).astype(np.int64)


def _kinds(program: Program) -> list[KindSpec]:
    return [KINDS[NAMES[code]] for code in program.kind.tolist()]


def _is_timeline(program: Program) -> NDArray[np.bool_]:
    return np.array([kind.entity for kind in _kinds(program)], np.bool_)


def _of_timelines(program: Program, field: NDArray[np.int32]) -> NDArray[np.int32]:
    return field[_is_timeline(program)]


def _starts(lengths: list[int]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def _stream_of(program: Program, streams: list[int]) -> NDArray[np.int64]:
    segments = np.full(256, len(streams), np.int64)
    segments[KIND_TRANSACTION] = 0
    if any(kind.labels for kind in _kinds(program)):
        segments[KIND_LABEL] = 1
    for position, stream in enumerate(streams[2:], start=2):
        segments[stream + KIND_ACTIVITY - 2] = position
    return segments


def _reads(program: Program, feature: int, streams: list[int]) -> list[Edge]:
    """The edges of a feature: low and high of its records, then of its labels where it reads them."""
    kind = KINDS[NAMES[program.kind[feature]]]
    offset_ms, grain = int(program.offset_ms[feature]), int(program.grain_ms[feature])
    # The payment's own time is no edge of a bucket: what came up to now is in the window.
    high = (grain if offset_ms else 0, offset_ms)
    low = (grain, offset_ms + int(program.window_ms[feature]))
    stream = TRANSACTIONS if kind.delayed else streams.index(int(program.stream[feature]))
    # Where the kind has a span and reads labels, the span is their delay.
    delay_ms = int(program.span_ms[feature])
    known = (0, delay_ms) if delay_ms > offset_ms else high
    labels = [(LABELS, *low), (LABELS, *known)] if kind.labels else []
    return [(stream, *low), (stream, *high), *labels]


def _features(program: Program, entity: int) -> list[int]:
    return np.flatnonzero(_is_timeline(program) & (program.entity == entity)).tolist()


def _edges(program: Program, entity: int, streams: list[int]) -> list[Edge]:
    features = _features(program, entity)
    return sorted({edge for f in features for edge in _reads(program, f, streams)})


def _steps(
    program: Program, entity: int, streams: list[int], edges: list[Edge], extras: list[int]
) -> NDArray[np.int64]:
    steps = np.full((len(_features(program, entity)), _STEPS), NO_EDGE, np.int64)
    places: dict[Shared, int] = {}
    for step, feature in zip(steps, _features(program, entity), strict=True):
        reads = _reads(program, feature, streams)
        step[STEP_FEATURE] = feature
        step[STEP_KIND] = program.kind[feature]
        step[STEP_LO : STEP_LO + len(reads)] = [edges.index(edge) for edge in reads]
        is_own = reads[0][0] == TRANSACTIONS and program.offset_ms[feature] == 0
        step[STEP_APART] = int(is_own and not program.self[feature])
        column = int(program.column[feature])
        if column >= 0:
            step[STEP_WORD] = W_EXTRA + column
            step[STEP_COLUMN] = EXTRA + extras.index(column)
        step[STEP_SPAN] = program.span_ms[feature]
        step[STEP_STREAM] = reads[0][0]
        numbers = (float(program.p0[feature]), float(program.p1[feature]))
        _share_fold(step, KINDS[NAMES[program.kind[feature]]], numbers, places)
    return steps


def _share_fold(
    step: NDArray[np.int64], kind: KindSpec, numbers: tuple[float, float], places: dict[Shared, int]
) -> None:
    """Name where the fold's findings stand, and run it unless a step before has it over this window."""
    step[STEP_HELD] = 0
    if not kind.fold:
        return
    code = FOLDS.index(kind.fold)
    window: Shared = (code, *step[STEP_LO : STEP_COLUMN + 1].tolist())
    if kind.nested:
        window = (code, *step[[STEP_HI, STEP_APART, STEP_SPAN]].tolist(), *numbers)
    if window not in places:
        places[window] = HELD * len(places)
        step[STEP_FOLD] = code
    step[STEP_HELD] = places[window]
