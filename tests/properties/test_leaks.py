"""No input knows what it may not know: labels younger than their delay, the future, the payment itself.

Over every shipped portfolio, in seeded worlds. Each proof has its twin: a feature set that looks where it
should not, and is seen doing it.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any, Final

import numpy as np
import pytest
from msgspec.structs import replace as changed
from numpy.typing import NDArray

from shared.contracts.payments import Transaction
from shared.features.compiled import FeatureSet, compile_portfolio
from shared.features.durations import DAY_MS
from shared.features.kinds import KINDS
from shared.features.portfolio import Portfolio, parse_portfolio
from tests.support.leak_worlds import (
    BEGIN_MS,
    World,
    after,
    make_world,
    seen,
    sees_own_amount,
    until,
    with_long_horizon,
    with_young_labels_flipped,
)

FOLDER: Final = Path(__file__).parents[2] / "infra" / "portfolios"
PORTFOLIOS: Final = {
    path.stem: with_long_horizon(parse_portfolio(path.read_text(), path.name))
    for path in sorted(FOLDER.glob("*.toml"))
}
SEEDS: Final = range(4)
CUTS_MS: Final = tuple(BEGIN_MS + days * DAY_MS for days in (30, 60, 75))
ASKED: Final = 25
"""Payments at a world's end whose own amount is changed, one at a time."""

every_portfolio = pytest.mark.parametrize("portfolio", PORTFOLIOS.values(), ids=PORTFOLIOS)


def _moved_by_labels(features: FeatureSet, portfolio: Portfolio, seed: int) -> tuple[int, int]:
    """Inputs moved by young labels: of payments until each cut, and of those after it."""
    world, before, behind = make_world(portfolio, seed), 0, 0
    bits, times = seen(features, world), _times(world)
    for cut_ms in CUTS_MS:
        flipped = with_young_labels_flipped(world, cut_ms, portfolio.label_delay_days * DAY_MS)
        assert flipped != world
        moved = seen(features, flipped) != bits
        before += int(moved[times <= cut_ms].sum())
        behind += int(moved[times > cut_ms].sum())
    return before, behind


def _times(world: World) -> NDArray[np.int64]:
    return np.array([payment.event_time_ms for payment in world.payments])


@every_portfolio
@pytest.mark.parametrize("seed", SEEDS)
def test_labels_younger_than_their_delay_move_no_input(portfolio: Portfolio, seed: int) -> None:
    before, behind = _moved_by_labels(compile_portfolio(portfolio), portfolio, seed)
    assert before == 0
    assert behind > 0, "labels move nothing at all: the proof could not fail"


@every_portfolio
def test_a_feature_that_reads_labels_too_early_would_be_seen(portfolio: Portfolio) -> None:
    features = compile_portfolio(portfolio)
    early = features.program.offset_ms * (features.program.stream != 1)
    hasty = replace(features, program=features.program._replace(offset_ms=early))
    assert _moved_by_labels(hasty, portfolio, seed=0)[0] > 0


def _moved_by_future(features: FeatureSet, portfolio: Portfolio, seed: int) -> int:
    """Inputs of payments until each cut that differ between three futures: none, and two that came early."""
    world, other, moved = make_world(portfolio, seed), make_world(portfolio, seed + 1_000), 0
    for cut_ms in CUTS_MS:
        past, random = until(world, cut_ms), Random(seed)
        bits = seen(features, past)
        assert len(bits) > len(world.payments) / 5
        for future in (after(world, cut_ms, random), after(other, cut_ms, random)):
            moved += int((seen(features, past, future) != bits).sum())
    return moved


@every_portfolio
@pytest.mark.parametrize("seed", SEEDS)
def test_another_future_moves_no_input(portfolio: Portfolio, seed: int) -> None:
    assert _moved_by_future(compile_portfolio(portfolio), portfolio, seed) == 0


@every_portfolio
def test_a_feature_that_looks_ahead_would_be_seen(portfolio: Portfolio) -> None:
    features = compile_portfolio(portfolio)
    ahead = features.program.offset_ms - 8 * DAY_MS
    prophet = replace(features, program=features.program._replace(offset_ms=ahead))
    assert _moved_by_future(prophet, portfolio, seed=0) > 0


def _moved_by_own_amount(features: FeatureSet, portfolio: Portfolio, seed: int) -> NDArray[Any]:
    """Which features (d,) of any payment at the world's end move with that payment's own amount."""
    world = make_world(portfolio, seed)
    moved = np.zeros(len(features.names), np.bool_)
    for last in range(len(world.payments) - ASKED, len(world.payments)):
        pair = []
        for amount_minor in (world.payments[last].amount_minor, 7_654_321):
            asked: Transaction = changed(world.payments[last], amount_minor=amount_minor)
            told = World((*world.payments[:last], asked), world.activities, world.labels)
            pair.append(seen(features, told)[-1])
        moved |= pair[0] != pair[1]
    return moved


@every_portfolio
def test_exactly_the_declared_features_see_the_payments_own_amount(portfolio: Portfolio) -> None:
    features = compile_portfolio(portfolio)
    names = np.array(features.names)
    moved = _moved_by_own_amount(features, portfolio, seed=0)
    assert set(names[moved]) == set(names[sees_own_amount(features.specs)])


@every_portfolio
def test_a_window_that_holds_the_payment_undeclared_would_be_seen(portfolio: Portfolio) -> None:
    features = compile_portfolio(portfolio)
    takes_self = np.array([KINDS[spec.kind].takes_self for spec in features.specs])
    turned = np.where(takes_self, 1 - features.program.self, features.program.self).astype(np.uint8)
    vain = replace(features, program=features.program._replace(self=turned))
    moved = _moved_by_own_amount(vain, portfolio, seed=0)
    assert (moved != sees_own_amount(features.specs)).any()
