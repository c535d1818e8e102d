"""What every draw of a span needs: the world, the span, and the state of lives on its day."""

from __future__ import annotations

from dataclasses import dataclass

from .chance import Floats, Integers
from .life import days_since_pay, spending_mood, travellers
from .patterns.compromised_terminal import compromised_terminals
from .span import Span
from .world import World


@dataclass(frozen=True, slots=True, eq=False)
class Lives:
    """One day of the life clock, per account (a,): where abroad or `NONE`, the mood to spend, days since pay.

    ``terminals`` are those that are compromised, ascending.
    """

    where: Integers
    mood: Floats
    since_pay: Integers
    terminals: Integers


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """A world in a span of its time."""

    world: World
    span: Span
    lives: Lives


def lives_on(world: World, life_day: int) -> Lives:
    """The state of all lives on a day: it follows from the world's seed and the day."""
    return Lives(
        where=travellers(world, life_day),
        mood=spending_mood(world, life_day),
        since_pay=days_since_pay(world, life_day),
        terminals=compromised_terminals(world, life_day),
    )
