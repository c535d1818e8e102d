"""Whom thieves meet."""

from __future__ import annotations

import numpy as np

from ..chance import Integers, pick
from ..world import World


def victims(world: World, rng: np.random.Generator, n: int) -> Integers:
    """n accounts; who pays often is robbed a little more often."""
    return pick(rng, np.cumsum(np.sqrt(world.card_rate)), n)
