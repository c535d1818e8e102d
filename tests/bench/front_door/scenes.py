"""What is measured: decisions and bulk beside the echo, a greedy key beside a polite one, too much of all."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from . import bodies
from .bodies import Target
from .figures import Row, good_per_s, row
from .offer import Run, at_rate, at_will

WARM_S: Final = 2.0
SETTLED_S: Final = 2.0
"""A key's burst is spent by then."""


@dataclass(frozen=True)
class Plan:
    """How long and how often each load is offered, over how many connections, with what deadline."""

    seconds: float
    rounds: int
    connections: int
    deadline_ms: int


@dataclass
class Report:
    """Rows in the order of measuring, and single figures by name."""

    rows: list[Row] = field(default_factory=list)
    facts: dict[str, float] = field(default_factory=dict)


async def decisions(house: Target, floor: Target, rates: Sequence[float], plan: Plan) -> Report:
    """Each rate for its seconds, the echo and the house in turn, so that both meet the same machine."""
    runs: dict[tuple[str, float], list[Run]] = {}
    await _offer(house, min(rates), plan, WARM_S)
    for _ in range(plan.rounds):
        for rate in rates:
            for what, where in (("echo", floor), ("house", house)):
                runs.setdefault((what, rate), []).append(await _offer(where, rate, plan))
    return Report([row(f"decisions, {what}", got) for (what, _), got in runs.items()])


async def bulk(house: Target, floor: Target, items: int, connections: int, plan: Plan) -> Report:
    """NDJSON of ``items`` payments for each request, the next one as soon as the last is answered."""
    runs: dict[str, list[Run]] = {"echo": [], "house": []}
    for _ in range(plan.rounds):
        for what, where in (("echo", floor), ("house", house)):
            request = bodies.lines(where, items)
            runs[what].append(await at_will(where, request, plan.seconds, connections))
    rows = [row(f"bulk of {items} by {connections}, {what}", got) for what, got in runs.items()]
    return Report(rows, {"bulk_tx_per_s": rows[1].items_per_s or 0.0})


async def limit(
    polite: Target, greedy: Target, limit_per_s: float, polite_per_s: float, times: float, plan: Plan
) -> Report:
    """A polite key alone, then beside a greedy one that asks ``times`` its limit.

    ``reached_percent``: what the greedy key got, of its limit, after its burst. The two loads run in one
    process, so the processor time of either row is that of both.
    """
    alone = await _offer(polite, polite_per_s, plan)
    beside, greed = await asyncio.gather(
        _offer(polite, polite_per_s, plan), _offer(greedy, limit_per_s * times, plan)
    )
    reached = good_per_s(greed, min(SETTLED_S, plan.seconds / 2))
    rows = [row("polite, alone", [alone]), row("polite, beside the greedy", [beside]), row("greedy", [greed])]
    return Report(rows, {"reached_per_s": reached, "reached_percent": reached / limit_per_s * 100})


async def overload(house: Target, rates: Sequence[float], plan: Plan) -> Report:
    """A ramp of rates beyond what can be decided: what is refused, and how long the admitted wait."""
    return Report([row("ramp", [await _offer(house, rate, plan)]) for rate in rates])


async def _offer(where: Target, per_s: float, plan: Plan, seconds: float | None = None) -> Run:
    request = bodies.decisions(where, plan.deadline_ms)
    return await at_rate(where, request, per_s, seconds or plan.seconds, plan.connections)
