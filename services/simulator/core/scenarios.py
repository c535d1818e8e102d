"""What may be switched on in live traffic for a while, so that alarms can be shown."""

from __future__ import annotations

from typing import NamedTuple

from shared.contracts.codec import encode
from shared.contracts.operations import ScenarioRequest
from shared.contracts.payments import Transaction

from .columns import PATTERNS

RETYPED_SHARE = 2
"""Under a schema change one payment of so many has its amount as text; all have the new field."""


class Scenario(NamedTuple):
    """A request that is in force until ``until_ms``."""

    request: ScenarioRequest
    until_ms: int

    @property
    def volume(self) -> float:
        """How much more traffic than usual."""
        return self.request.factor if self.request.kind == "burst" else 1.0

    @property
    def dearer(self) -> float:
        """By what amounts are multiplied."""
        return self.request.factor if self.request.kind == "drift" else 1.0

    @property
    def campaigns(self) -> dict[str, float]:
        """By what the number of campaigns is multiplied, by pattern."""
        if self.request.kind != "attack":
            return {}
        wanted = [self.request.pattern] if self.request.pattern else PATTERNS[1:]
        return dict.fromkeys(wanted, self.request.factor)


def refuse(request: ScenarioRequest) -> str:
    """Why a request cannot be played, "" if it can."""
    if request.pattern and request.pattern not in PATTERNS[1:]:
        return f"there is no pattern '{request.pattern}'; known are {', '.join(PATTERNS[1:])}"
    return ""


def is_sent(scenario: Scenario | None, caller: str) -> bool:
    """Whether payments of a caller come at all."""
    return scenario is None or scenario.request.kind != "silent" or scenario.request.caller != caller


def written(scenario: Scenario | None, tx: Transaction, number: int) -> bytes:
    """The bytes of a payment as its caller sends it now.

    Under a schema change the caller adds a field nobody declared, and writes every second amount as text.
    """
    raw = encode(tx)
    if scenario is None or scenario.request.kind != "schema" or scenario.request.caller != tx.caller:
        return raw
    if number % RETYPED_SHARE == 0:
        amount = b'"amount_minor":%d' % tx.amount_minor
        raw = raw.replace(amount, b'"amount_minor":"%d"' % tx.amount_minor, 1)
    return raw[:-1] + b',"sca_exemption":"low_value"}'
