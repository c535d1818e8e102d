"""A program becomes streams, shared window edges and one step per timeline feature."""

from __future__ import annotations

from typing import Any

import numpy as np

from shared.features.dispatch import combine, evaluate, gather
from shared.features.kernels_plan import FOLDS, NO_EDGE, STEP_FOLD, STEP_HELD, make_plan
from shared.features.kernels_rows import (
    EXTRA,
    FRAUD,
    ID,
    KIND_ACTIVITY,
    KIND_LABEL,
    KIND_TRANSACTION,
    MARK,
    W_EXTRA,
)
from shared.features.kernels_window import HELD, Window
from shared.features.kinds import CODES, KINDS, NAMES
from shared.features.layout import Layout
from shared.features.places import pack
from shared.features.timelines import warm_up
from tests.support.timeline_cases import Features, full_program, program_of

DAY_MS = 86_400_000


def test_features_of_one_window_share_their_edges() -> None:
    kinds = ("count", "mean", "sum")
    features = [{"kind": k, "entity": 0, "window_ms": w * DAY_MS} for k in kinds for w in (1, 7)]
    plan = make_plan(program_of(features), 2, 0)
    assert plan.edges.tolist() == [[0, 0, 0], [0, 0, DAY_MS], [0, 0, 7 * DAY_MS]]
    assert plan.cuts.tolist() == [[0, 0], [3, 6], [3, 6]]


def test_only_what_a_feature_reads_is_kept() -> None:
    lean = make_plan(program_of([{"kind": "count", "entity": 0, "window_ms": DAY_MS}]), 1, 0)
    assert (lean.columns, lean.squares, lean.peaks, lean.streams) == (EXTRA, 0, 0, 3)
    assert lean.stream_of[KIND_TRANSACTION] == 0
    assert lean.stream_of[KIND_LABEL] == lean.streams - 1
    assert lean.stream_of[KIND_ACTIVITY] == lean.streams - 1
    full = make_plan(full_program(), 2, 0)
    assert full.extras.tolist() == [W_EXTRA + 1, W_EXTRA + 2]
    assert (full.columns, full.squares, full.peaks) == (EXTRA + 5, EXTRA + 2, EXTRA + 4)
    assert full.stream_of[KIND_LABEL] == 1
    assert full.stream_of[KIND_ACTIVITY] == 2
    assert full.stream_of[KIND_ACTIVITY + 1] == 3
    assert full.stream_of[KIND_ACTIVITY + 2] == full.streams - 1


def test_every_declared_timeline_kind_has_a_kernel_and_a_feature_in_the_property_program() -> None:
    cells = np.ones((4, EXTRA + 3), np.int64)
    held, scratch = np.ones(HELD, np.int64), np.zeros(64, np.int64)
    labels = (3, 4)
    cells[3, MARK] = FRAUD << 32
    cells[0, ID] = 2  # a genuine payment before two frauds
    spot = pack(1, 1)
    cells[:, EXTRA] = spot
    window = Window(
        cells, 0, 0, 3, *labels, 5, 1, spot, 0, EXTRA, EXTRA + 1, EXTRA, 1.0, 1.0, 60, held, 0, scratch
    )
    for kind in KINDS.values():
        if kind.entity:
            if kind.fold:
                gather(FOLDS.index(kind.fold), window)
            assert not np.isnan(evaluate(CODES[kind.name], window)), kind.name
    assert np.isnan(evaluate(CODES["night"], window))
    assert np.isnan(combine(CODES["night"], 1.0, 1.0))
    kinds = {NAMES[code] for code in full_program().kind.tolist()}
    assert kinds >= {kind.name for kind in KINDS.values() if kind.entity or kind.operands}


def test_features_that_share_a_window_pass_over_it_once() -> None:
    """Eleven features, six passes: the others read what the first of their fold and window held."""
    window: dict[str, Any] = {"entity": 0, "window_ms": 7 * DAY_MS, "span_ms": 7 * DAY_MS}
    delayed: dict[str, Any] = {"entity": 0, "stream": 1, "window_ms": DAY_MS, "offset_ms": 7 * DAY_MS}
    of_labels = ("delayed_risk", "delayed_frauds", "fraud_run", "since_genuine")
    features: list[dict[str, Any]] = [
        *({"kind": kind, **window} for kind in ("clean_ratio", "clean_z")),
        {"kind": "clean_z", **window, "self": 1},
        *({"kind": kind, **delayed} for kind in of_labels),
        {"kind": "delayed_risk", **delayed, "window_ms": 7 * DAY_MS},
        *({"kind": kind, **window, "column": 0} for kind in ("pair_sum", "pair_mean", "pair_z")),
    ]
    plan = make_plan(program_of(features), 1, 0)
    passes = [FOLDS[code] for code in plan.steps[:, STEP_FOLD].tolist() if code != NO_EDGE]
    assert passes == [
        "clean.clean",
        "clean.clean",
        "delayed.frauds",
        "known.known",
        "delayed.frauds",
        "pair_amounts.amounts",
    ]
    places = (plan.steps[:, STEP_HELD] // HELD).tolist()
    assert places == [0, 0, 1, 2, 2, 3, 3, 4, 5, 5, 5]
    assert plan.held == 6 * HELD


def test_a_longer_window_goes_on_where_a_shorter_one_of_the_same_numbers_ended() -> None:
    high: dict[str, Any] = {"kind": "high_count", "entity": 0, "p0": 3.0, "p1": 5.0, "span_ms": 60 * DAY_MS}
    features = [
        *({**high, "window_ms": days * DAY_MS} for days in (3, 7, 14)),
        {**high, "window_ms": 14 * DAY_MS, "p0": 4.0},
        {**high, "window_ms": 14 * DAY_MS, "offset_ms": DAY_MS},
    ]
    plan = make_plan(program_of(features), 1, 0)
    assert (plan.steps[:, STEP_HELD] // HELD).tolist() == [0, 0, 0, 1, 2]
    assert np.flatnonzero(plan.steps[:, STEP_FOLD] != NO_EDGE).tolist() == [0, 3, 4]


def test_warm_up_compiles_for_any_layout() -> None:
    warm_up(
        Features(full_program(), Layout(columns=(("a", "category"), ("b", "device_id"), ("c", "country"))))
    )
