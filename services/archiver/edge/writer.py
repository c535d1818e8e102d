"""What was gathered, into the lake: table by table, each commit with its offsets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from services.archiver.core.capture_rows import capture_rows
from services.archiver.core.gather import Gathered, Place
from services.archiver.core.records import record_rows
from services.archiver.core.shapes import Message
from shared.contracts.topics import topic, topic_name
from shared.stores.lake_commit import LakeTable, Source
from shared.stores.lake_tables import UNSCOPED, TableCard


def full_topic(portfolio: str, card: TableCard) -> str:
    """The topic on the broker that feeds the table."""
    return topic_name(portfolio, card.topic)


def rows_portfolio(portfolio: str, card: TableCard) -> str:
    """The portfolio that the table's rows stand under."""
    return portfolio if topic(card.topic).scoped else UNSCOPED


@dataclass(slots=True)
class LakeWriter:
    """The tables of one portfolio. Used by one thread at a time."""

    portfolio: str
    tables: Mapping[str, LakeTable]
    """By the full name of the topic that feeds each."""
    rows: dict[str, int] = field(default_factory=dict)
    """Rows added since the start, by table."""
    refused: dict[str, int] = field(default_factory=dict)
    """Refused rows since the start, by reason code."""

    @classmethod
    def over(
        cls, portfolio: str, cards: Iterable[TableCard], open_table: Callable[[TableCard], LakeTable]
    ) -> LakeWriter:
        """The writer for ``cards``. Raises LakeAway."""
        return cls(portfolio, {full_topic(portfolio, card): open_table(card) for card in cards})

    def positions(self, places: Iterable[Place]) -> dict[Place, int | None]:
        """The offset to read next of each place; None: nothing of it was ever written."""
        return {place: self.tables[place.topic].next_offset(Source(*place)) for place in places}

    def write(self, gathered: Gathered[Message], at_ms: int) -> int:
        """Add the rows of everything gathered; returns how many. May be called again with the same.

        Raises LakeAway; tables that came before the fault are committed and are skipped the next time.
        """
        added = sum(
            self._write_topic(name, messages, gathered.ends_of(name), at_ms)
            for name, messages in gathered.messages.items()
            if messages
        )
        # Between two shares nothing of a share is kept, and the machine is shared with others.
        pa.default_memory_pool().release_unused()
        return added

    def _write_topic(
        self, name: str, messages: Sequence[Message], ends: Mapping[Place, int], at_ms: int
    ) -> int:
        table = self.tables[name]
        card = table.card
        make = capture_rows if card.record is None else record_rows
        rows = make(card, rows_portfolio(self.portfolio, card), messages)
        added = table.append(rows, {Source(*place): end for place, end in ends.items()}, at_ms)
        self.rows[card.name] = self.rows.get(card.name, 0) + added
        if added:
            self._count_refused(rows["refused_reason"])
        return added

    def _count_refused(self, reasons: pa.ChunkedArray) -> None:
        if reasons.null_count == len(reasons):
            return
        for found in pc.value_counts(reasons.drop_null()).to_pylist():
            self.refused[found["values"]] = self.refused.get(found["values"], 0) + found["counts"]
