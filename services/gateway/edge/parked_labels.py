"""Parked labels in SQL. Several gateways may work on them: who takes one is alone with it for a while."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, func, insert, select, update

from services.gateway.core.parked import Parked, next_try_ms
from shared.stores.database import Database

from .database import PARKED_LABELS

T = PARKED_LABELS.c


class ParkedLabels:
    """All methods block and raise DatabaseAway."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, labels: Sequence[Parked]) -> None:
        """Keep ``labels``; one whose id is kept already is the same."""
        with self._database.writing() as connection:
            ids = [label.label_id for label in labels]
            known = set(connection.scalars(select(T.label_id).where(T.label_id.in_(ids))))
            fresh = {label.label_id: label for label in labels if label.label_id not in known}
            if fresh:
                rows = [_row(label) | {"next_try_ms": label.parked_at_ms} for label in fresh.values()]
                connection.execute(insert(PARKED_LABELS), rows)

    def take(self, now_ms: int, limit: int) -> list[Parked]:
        """At most ``limit`` labels that are due; each is due again later, whatever becomes of it."""
        due = select(T.label_id, T.tx_id, T.body, T.parked_at_ms).where(T.next_try_ms <= now_ms)
        with self._database.writing() as connection:
            rows = connection.execute(due.order_by(T.next_try_ms).limit(limit).with_for_update()).mappings()
            taken = [Parked(**row) for row in rows]
            for label in taken:
                later = update(PARKED_LABELS).where(T.label_id == label.label_id)
                connection.execute(later.values(next_try_ms=next_try_ms(label, now_ms)))
        return taken

    def drop(self, label_ids: Sequence[str]) -> None:
        """Their labels stand on Kafka."""
        with self._database.writing() as connection:
            connection.execute(delete(PARKED_LABELS).where(T.label_id.in_(label_ids)))

    def count(self) -> int:
        """How many wait."""
        with self._database.reading() as connection:
            return connection.scalar(select(func.count()).select_from(PARKED_LABELS)) or 0


def _row(label: Parked) -> dict[str, object]:
    return {name: getattr(label, name) for name in label.__struct_fields__}
