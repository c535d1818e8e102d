"""A micro-batch on its way from the claim of its timelines to their fold."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from services.scorer.core.assembly import Assembly
from services.scorer.core.intake import Item
from shared.scoring.deciding import Deciding
from shared.stores.timeline_port import AppendCall, AppendReply


@dataclass(slots=True)
class Prepared:
    """A batch whose state call is made, or can be made again after the cache was dropped.

    It is priced, decided and captured by the release that was in charge when it was begun.
    """

    items: list[Item]
    deciding: Deciding
    assembly: Assembly
    call: AppendCall
    decode_us: int
    rebuild: Callable[[Prepared], None]
    future: asyncio.Future[AppendReply] | None = None
    connection: int = 0
    sent_ns: int = 0

    def again(self) -> None:
        """Look the slots up anew and ask from what is known now."""
        self.rebuild(self)
