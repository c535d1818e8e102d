"""What each running service last said about itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from shared.bus.ports import Message
from shared.contracts.codec import DecodeError, decode
from shared.contracts.operations import Status

STATUS: Final = "status"
FORGET_MS: Final = 86_400_000
"""The topic keeps a day as well."""


@dataclass(slots=True)
class Statuses:
    """The last status of each instance of ``portfolio`` (and of services that serve none)."""

    portfolio: str
    last: dict[tuple[str, str], Status] = field(default_factory=dict)
    refused: int = 0

    def see(self, messages: Sequence[Message]) -> None:
        """Take in what came, in the order of the topic; what is no status is counted and passed over."""
        for message in messages:
            try:
                status = decode(Status, message.value or b"")
            except DecodeError:
                self.refused += 1
            else:
                if status.portfolio in ("", self.portfolio):
                    self.last[status.service, status.instance] = status

    def known(self, now_ms: int) -> list[Status]:
        """The last word of everyone who spoke within a day, ordered by service and instance."""
        return [s for _, s in sorted(self.last.items()) if now_ms - s.at_ms < FORGET_MS]
