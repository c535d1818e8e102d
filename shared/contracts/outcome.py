"""What a handler answers for one record: a value, never an exception for bad data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Forward(Generic[T]):
    """The record was handled; ``value`` goes on."""

    value: T


@dataclass(frozen=True, slots=True)
class Drop:
    """The record needs nothing further; ``reason`` is a code of `reasons.REASONS`."""

    reason: str


@dataclass(frozen=True, slots=True)
class Dead:
    """The record cannot be handled; it goes to dead letters with its original bytes."""

    reason: str
    field: str = ""


Outcome = Forward[T] | Drop | Dead
