"""From a compiled program to the tables that the fold walks: streams, window edges, features by entity.

A window (t - o - w, t - o] is two edges, "records up to t - o" and "records up to t - o - w". Features
share edges, so each is searched once per payment, nearest first.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .kernels_rows import EXTRA, KIND_ACTIVITY, KIND_LABEL, KIND_TRANSACTION, LABELS, TRANSACTIONS, W_EXTRA
from .kinds import codes
from .program import Program

_READS_LABELS = (codes.DELAYED_FRAUDS, codes.DELAYED_RISK)
_DELAYED = (codes.DELAYED_COUNT, *_READS_LABELS)
_READS_SQUARES = (codes.STD, codes.Z)
NO_EDGE = -1


class Plan(NamedTuple):
    """What one payment's evaluation reads; all arrays are small.

    ``stream_of`` (256,) maps a record kind to its segment, the last of ``streams`` holding what no feature
    reads (kept so that repeats are known). ``extras`` are the words of a row that cells keep from column
    ``EXTRA`` on. ``squares`` is the column of the high limb of running squares, 0 when nothing needs them.
    ``edges`` (k, 2) are (stream, how far back in ms), by entity, then stream, then nearest first.
    ``steps`` (m, 9), one line per timeline feature by entity, have the ``STEP_*`` columns below, where an
    edge counts from the entity's first one; ``parameters`` (m, 2) are their p0 and p1. ``cuts`` (e+1, 2)
    say where each entity's edges and steps start.
    """

    streams: int
    stream_of: NDArray[np.int64]
    extras: NDArray[np.int64]
    squares: int
    columns: int
    cuts: NDArray[np.int64]
    edges: NDArray[np.int64]
    steps: NDArray[np.int64]
    parameters: NDArray[np.float64]


STEP_FEATURE, STEP_KIND, STEP_LO, STEP_HI, STEP_FIRST, STEP_LAST, STEP_APART, STEP_WORD, STEP_COLUMN = range(
    9
)
"""Columns of ``Plan.steps``."""


def make_plan(program: Program, entities: int) -> Plan:
    """The tables for ``program`` over ``entities`` timelines per record."""
    extras = sorted({int(c) for c in _of_timelines(program, program.column) if c >= 0})
    streams = [
        TRANSACTIONS,
        LABELS,
        *sorted({int(s) for s in _of_timelines(program, program.stream) if s > 1}),
    ]
    squares = EXTRA + len(extras) if np.isin(program.kind, _READS_SQUARES).any() else 0
    edges = [_edges(program, entity, streams) for entity in range(entities)]
    steps = [_steps(program, entity, streams, edges[entity], extras) for entity in range(entities)]
    order = np.concatenate([s[:, STEP_FEATURE] for s in steps])
    return Plan(
        streams=len(streams) + 1,
        stream_of=_stream_of(program, streams),
        extras=np.array([W_EXTRA + c for c in extras], np.int64),
        squares=squares,
        columns=EXTRA + len(extras) + (2 if squares else 0),
        cuts=np.column_stack([_starts([len(e) for e in edges]), _starts([len(s) for s in steps])]),
        edges=np.array([edge for e in edges for edge in e], np.int64).reshape(-1, 2),
        steps=np.concatenate(steps),
        parameters=np.column_stack([program.p0[order], program.p1[order]]).astype(np.float64),
    )


def arithmetic_of(program: Program) -> NDArray[np.int64]:
    """The matrix columns made of two others, in order."""
    return np.flatnonzero(np.isin(program.kind, codes.ARITHMETIC)).astype(np.int64)


def _is_timeline(program: Program) -> NDArray[np.bool_]:
    mask: NDArray[np.bool_] = (program.kind >= codes.FIRST_TIMELINE) & ~np.isin(
        program.kind, codes.ARITHMETIC
    )
    return mask


def _of_timelines(program: Program, field: NDArray[np.int32]) -> NDArray[np.int32]:
    return field[_is_timeline(program)]


def _starts(lengths: list[int]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def _stream_of(program: Program, streams: list[int]) -> NDArray[np.int64]:
    segments = np.full(256, len(streams), np.int64)
    segments[KIND_TRANSACTION] = 0
    if np.isin(program.kind, _READS_LABELS).any():
        segments[KIND_LABEL] = 1
    for position, stream in enumerate(streams[2:], start=2):
        segments[stream + KIND_ACTIVITY - 2] = position
    return segments


def _reads(program: Program, feature: int, streams: list[int]) -> list[tuple[int, int]]:
    """The edges of a feature: low and high of its records, then of its labels where it reads them."""
    kind = int(program.kind[feature])
    high = int(program.offset_ms[feature])
    low = high + int(program.window_ms[feature])
    stream = TRANSACTIONS if kind in _DELAYED else streams.index(int(program.stream[feature]))
    labels = [(LABELS, low), (LABELS, high)] if kind in _READS_LABELS else []
    return [(stream, low), (stream, high), *labels]


def _features(program: Program, entity: int) -> list[int]:
    return np.flatnonzero(_is_timeline(program) & (program.entity == entity)).tolist()


def _edges(program: Program, entity: int, streams: list[int]) -> list[tuple[int, int]]:
    features = _features(program, entity)
    return sorted({edge for f in features for edge in _reads(program, f, streams)})


def _steps(
    program: Program, entity: int, streams: list[int], edges: list[tuple[int, int]], extras: list[int]
) -> NDArray[np.int64]:
    steps = np.full((len(_features(program, entity)), 9), NO_EDGE, np.int64)
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
    return steps
