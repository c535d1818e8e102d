"""Everything that begins in a span: the one generator behind histories and live traffic."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np

from .chance import Integers
from .columns import PATTERNS, Events, join
from .genuine.collection import collection
from .genuine.everyday import everyday
from .genuine.moving import moving
from .genuine.new_phone import new_phone
from .genuine.outings import large_purchase, night_out, top_ups
from .patterns import account_takeover, card_testing, payment_scam, stolen_card
from .patterns.compromised_terminal import attacked_terminals
from .rhythm import Rhythm, any_starts
from .span import Span
from .stage import Lives, Stage, lives_on
from .world import World

CAMPAIGN_DAYS: Final = 4
"""No campaign, and nothing else, outlives its first day by more than three."""


class Campaign(NamedTuple):
    """A way to steal: how many campaigns an account suffers a day, and what one is."""

    per_account_day: float
    draw: Callable[[Stage, np.random.Generator, Integers], Events]


CAMPAIGNS: Final[Mapping[str, Campaign]] = {
    "stolen_card": Campaign(stolen_card.HOW.per_account_day, stolen_card.stolen_card),
    "card_testing": Campaign(card_testing.HOW.per_account_day, card_testing.card_testing),
    "account_takeover": Campaign(account_takeover.HOW.per_account_day, account_takeover.account_takeover),
    "payment_scam": Campaign(payment_scam.HOW.per_account_day, payment_scam.payment_scam),
}
"""Every pattern that begins by itself; a compromised terminal turns what is paid there instead."""

NOISE: Final = (new_phone, moving, large_purchase, night_out, top_ups, collection)


class Drawer:
    """Draws spans of one world; remembers the state of its lives while the day stays."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._rhythm = Rhythm(world)
        self._lives: tuple[int, Lives] | None = None

    def stage(self, span: Span) -> Stage:
        """The world in this span."""
        if self._lives is None or self._lives[0] != span.life_day:
            self._lives = span.life_day, lives_on(self.world, span.life_day)
        return Stage(self.world, span, self._lives[1])

    def genuine(self, rng: np.random.Generator, span: Span, more_terminals: float = 1.0) -> Events:
        """Everyday life and the noise in it, with what compromised terminals make of it.

        ``more_terminals``: so many times as many are compromised.
        """
        stage = self.stage(span)
        if more_terminals > 1:
            terminals = attacked_terminals(self.world, span.life_day, more_terminals)
            stage = replace(stage, lives=replace(stage.lives, terminals=terminals))
        return join([everyday(stage, rng, self._rhythm), *(noise(stage, rng) for noise in NOISE)])

    def campaigns(
        self, rng: np.random.Generator, span: Span, factors: Mapping[str, float] | None = None
    ) -> Events:
        """The campaigns that begin in the span; ``factors`` multiply how many of a pattern."""
        stage = self.stage(span)
        return join([self._campaigns(stage, rng, name, factors or {}) for name in CAMPAIGNS])

    def _campaigns(
        self, stage: Stage, rng: np.random.Generator, name: str, factors: Mapping[str, float]
    ) -> Events:
        campaign = CAMPAIGNS[name]
        mean = self.world.accounts * campaign.per_account_day * stage.span.days * factors.get(name, 1.0)
        return campaign.draw(stage, rng, any_starts(rng, stage.span, rng.poisson(mean)))


assert set(CAMPAIGNS) < set(PATTERNS)
