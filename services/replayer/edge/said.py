"""What the steps say to who runs them; light, as it is loaded on both sides."""

from __future__ import annotations

from datetime import date
from typing import Final

from msgspec import Struct

from shared.contracts.verification import BadRecord, Difference

SHOWN: Final = 100
"""So many differences and bad records are told one by one."""


def part_name(number: int) -> str:
    """The name of a part by its number, in whose order names sort."""
    return f"{number:06}"


class Survey(Struct, frozen=True, kw_only=True):
    """What there is to do: the days that are done together, places of logs at most, features and entities."""

    days: list[list[date]]
    places: int
    features: int
    entities: int


class Loaded(Struct, frozen=True, kw_only=True):
    """The models that were admitted, as name@version, and why a release cannot decide again, by number."""

    models: list[str]
    refusals: dict[int, str]


class DayLaid(Struct, frozen=True, kw_only=True):
    """What one day's rows came to; ``unread``: (entity, epoch, index) of records without readable bytes."""

    decisions: int
    records: int
    releases: list[int]
    rebuilding: list[int]
    bad_count: int
    bad: list[BadRecord]
    unread: list[tuple[int, int, int]]


class DayCompared(Struct, frozen=True, kw_only=True):
    """What became of one day's decisions."""

    identical: int
    stages: dict[str, int]
    differences: list[Difference]
