"""A program becomes streams, shared window edges and one step per timeline feature."""

from __future__ import annotations

import numpy as np

from shared.features.dispatch import evaluate
from shared.features.kernels_plan import arithmetic_of, make_plan
from shared.features.kernels_rows import EXTRA, KIND_ACTIVITY, KIND_LABEL, KIND_TRANSACTION, W_EXTRA
from shared.features.kernels_window import Window
from shared.features.kinds import KINDS, codes
from shared.features.layout import Layout
from shared.features.timelines import warm_up
from tests.support.timeline_cases import Features, full_program, program_of

DAY_MS = 86_400_000


def test_features_of_one_window_share_their_edges() -> None:
    kinds = (codes.COUNT, codes.MEAN, codes.SUM)
    features = [{"kind": k, "entity": 0, "window_ms": w * DAY_MS} for k in kinds for w in (1, 7)]
    plan = make_plan(program_of(features), 2)
    assert plan.edges.tolist() == [[0, 0], [0, DAY_MS], [0, 7 * DAY_MS]]
    assert plan.cuts.tolist() == [[0, 0], [3, 6], [3, 6]]


def test_only_what_a_feature_reads_is_kept() -> None:
    lean = make_plan(program_of([{"kind": codes.COUNT, "entity": 0, "window_ms": DAY_MS}]), 1)
    assert (lean.columns, lean.squares, lean.streams) == (EXTRA, 0, 3)
    assert lean.stream_of[KIND_TRANSACTION] == 0
    assert lean.stream_of[KIND_LABEL] == lean.streams - 1
    assert lean.stream_of[KIND_ACTIVITY] == lean.streams - 1
    full = make_plan(full_program(), 2)
    assert full.extras.tolist() == [W_EXTRA + 1]
    assert (full.columns, full.squares) == (EXTRA + 3, EXTRA + 1)
    assert full.stream_of[KIND_LABEL] == 1
    assert full.stream_of[KIND_ACTIVITY] == 2
    assert full.stream_of[KIND_ACTIVITY + 1] == 3
    assert full.stream_of[KIND_ACTIVITY + 2] == full.streams - 1


def test_every_declared_timeline_kind_has_a_kernel_and_a_feature_in_the_property_program() -> None:
    cells = np.ones((4, EXTRA + 3), np.int64)
    window = Window(cells, 0, 3, 0, 0, 5, 1, 1, 0, EXTRA, EXTRA + 1, 1.0, 1.0, np.zeros(64, np.int64))
    for kind in KINDS.values():
        if kind.code >= codes.FIRST_TIMELINE and kind.code not in codes.ARITHMETIC:
            assert not np.isnan(evaluate(kind.code, window)), kind.name
    assert np.isnan(evaluate(9, window))
    program = full_program()
    assert set(program.kind.tolist()) >= {k.code for k in KINDS.values() if k.code >= codes.FIRST_TIMELINE}
    assert len(arithmetic_of(program)) == len(codes.ARITHMETIC)


def test_warm_up_compiles_for_any_layout() -> None:
    warm_up(Features(full_program(), Layout(columns=(("a", "category"), ("b", "device_id")))))
