"""Waits until a range is passed, then holds what is shown of it against the lake."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from shared.bus.ports import Place
from shared.bus.sync import KafkaLook
from shared.contracts.addresses import KafkaAddress
from shared.contracts.topics import topic_name
from shared.stores.database import Database, sqlite_url

from . import lake as lake_side
from . import shown as shown_side
from .lake import Lake, Minutes, Numbers, Value
from .shown import Screens

TOPICS: Final = ("decisions", "predictions", "labels", "dead-letters")
SETTLE_S: Final = 2.0
"""A decision of the last millisecond of a range may reach its topic so long after."""
REMEMBERED_S: Final = 4.5
"""The console gives a counted range again for four seconds."""
PATIENCE_S: Final = 120.0
TRIES: Final = 4
SHOWN: Final = 34


class NotPassed(Exception):
    """Archiver or monitor did not come to the end of the range."""


class Pair(Struct, frozen=True, kw_only=True):
    """One number: ``where`` it is shown, what it is there, and what the lake says."""

    where: str
    name: str
    shown: Value
    lake: Value

    @property
    def is_equal(self) -> bool:
        """Whether both say the same; what only one of them knows is none."""
        return self.shown == self.lake


class House(Struct, frozen=True, kw_only=True):
    """Where everything is."""

    data_dir: Path
    portfolio: str
    kafka: KafkaAddress


def pairs(where: str, shown: Numbers, lake: Numbers) -> list[Pair]:
    """Both sides of every number that either knows."""
    names = [*shown, *(name for name in lake if name not in shown)]
    return [Pair(where=where, name=name, shown=shown.get(name), lake=lake.get(name)) for name in names]


def compared(screens: Screens, house: House, word: str) -> tuple[Minutes, list[Pair]]:
    """Every number of the range ``word``, once it is passed. Raises NotPassed, LogAway, DatabaseAway."""
    minutes, history = _passed(screens, house, word)
    lake = Lake(house.data_dir / "lake", house.portfolio)
    found = pairs("overview", shown_side.charts_and_sums(history), lake_side.charts_and_sums(lake, minutes))
    queue = screens.ask("/queue")
    case = shown_side.case_most_at_risk(queue, minutes)
    # The queue lists a hundred: cases of other times may leave none of this range among them.
    if any(case.values()) or queue["open"] == len(queue["cases"]):
        found += pairs("queue", case, lake_side.case_most_at_risk(lake, minutes))
    database = Database.open(sqlite_url(house.data_dir / "sql" / "monitor.db"))
    try:
        held = shown_side.counted(database, minutes)
    finally:
        database.close()
    return minutes, found + pairs("counted", held, lake_side.counted(lake, minutes))


def _passed(screens: Screens, house: House, word: str) -> tuple[Minutes, dict[str, Any]]:
    """An overview whose range both have passed. A minute that ends while we wait makes another range."""
    for _ in range(TRIES):
        before = shown_side.minutes_of(_history(screens, word))
        wait_passed(house, before)
        time.sleep(REMEMBERED_S)
        after = _history(screens, word)
        if shown_side.minutes_of(after) == before:
            return before, after
    raise NotPassed(f"no range of {word} stood still for {REMEMBERED_S} s")


def _history(screens: Screens, word: str) -> dict[str, Any]:
    found = screens.history(word)
    if found is None:
        raise NotPassed("the monitor has no tables yet")
    return found


def wait_passed(house: House, minutes: Minutes) -> None:
    """Until archiver and monitor have committed what the topics held after the range's end.

    Raises NotPassed, LogAway, AccessRefused.
    """
    time.sleep(max(0.0, minutes.to_ms / 1000 + SETTLE_S - time.time()))
    topics = [topic_name(house.portfolio, name) for name in TOPICS]
    for service in ("archiver", "monitor"):
        with KafkaLook(house.kafka, f"{house.portfolio}.{service}") as look:
            ends = look.ends(look.places(topics))
            _wait_committed(look, ends, service)


def _wait_committed(look: KafkaLook, ends: Mapping[Place, int], service: str) -> None:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        committed = look.committed(list(ends))
        if all(committed[place] >= end for place, end in ends.items()):
            return
        time.sleep(0.2)
    raise NotPassed(f"the {service} is not past the range after {PATIENCE_S:.0f} s")


def table(found: Sequence[Pair]) -> str:
    """The pairs for people."""
    wide = max(len(pair.name) for pair in found)
    lines = [f"{'where':10}{'number':{wide + 2}}{'shown':>{SHOWN}}{'lake':>{SHOWN}}"]
    for pair in found:
        verdict = "equal" if pair.is_equal else "DIFFERS"
        shown, lake = _text(pair.shown), _text(pair.lake)
        lines.append(f"{pair.where:10}{pair.name:{wide + 2}}{shown:>{SHOWN}}{lake:>{SHOWN}}  {verdict}")
    return "\n".join(lines)


def _text(value: Value) -> str:
    """A chart is told by how many points it has and the greatest of them."""
    if isinstance(value, tuple):
        known = [each for each in value if each is not None]
        return f"{len(known)} of {len(value)} points, max {max(known, default=None)}"[: SHOWN - 2]
    return "-" if value is None else f"{value:,}" if isinstance(value, int) else str(value)
