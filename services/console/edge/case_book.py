"""Claims and verdicts in SQL. Every method blocks and raises DatabaseAway."""

from __future__ import annotations

from sqlalchemy import ColumnElement, delete, func, insert, select, update

from services.console.core.cases import Claim
from services.console.core.refusal import Refused
from shared.contracts.bounds import is_clean_text
from shared.stores.database import Database

from .database import CASES

C = CASES.c


class CaseBook:
    """Who works on what."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claims(self, from_ms: int) -> dict[str, Claim]:
        """Cases claimed at ``from_ms`` or later, with their verdict if they have one."""
        return self._claims(C.claimed_at_ms >= from_ms)

    def claim_of(self, tx_id: str) -> Claim | None:
        """Who works on a case, or did."""
        return self._claims(C.tx_id == tx_id).get(tx_id)

    def decided(self) -> int:
        """How many cases have a verdict."""
        with self._database.reading() as connection:
            return connection.scalar(select(func.count()).where(C.verdict.is_not(None))) or 0

    def claim(self, tx_id: str, name: str, now_ms: int) -> None:
        """Take a case; the same person may again. Raises Refused (`case_claimed`, `case_decided`)."""
        with self._database.writing() as connection:
            row = connection.execute(select(CASES).where(C.tx_id == tx_id)).mappings().one_or_none()
            if row is None:
                mine = insert(CASES).values(tx_id=tx_id, claimed_by=name, claimed_at_ms=now_ms)
                connection.execute(mine)
            elif row["verdict"] is not None:
                raise Refused("case_decided")
            elif row["claimed_by"] != name:
                raise Refused("case_claimed")

    def give_back(self, tx_id: str, name: str) -> None:
        """Let others take a case that ``name`` has claimed. Raises Refused (`case_unclaimed`)."""
        if not is_clean_text(tx_id):
            raise Refused("case_unclaimed")
        mine = (C.tx_id == tx_id) & (C.claimed_by == name) & C.verdict.is_(None)
        with self._database.writing() as connection:
            if connection.execute(delete(CASES).where(mine)).rowcount == 0:
                raise Refused("case_unclaimed")

    def require(self, tx_id: str, name: str) -> None:
        """Raises Refused unless ``name`` has claimed the case and it is open."""
        claim = self.claim_of(tx_id)
        if claim is None:
            raise Refused("case_unclaimed")
        if claim.verdict is not None:
            raise Refused("case_decided")
        if claim.claimed_by != name:
            raise Refused("case_claimed")

    def decide(self, tx_id: str, name: str, verdict: str, now_ms: int) -> None:
        """Write the verdict down."""
        done = update(CASES).where(C.tx_id == tx_id)
        with self._database.writing() as connection:
            connection.execute(done.values(verdict=verdict, decided_by=name, decided_at_ms=now_ms))

    def _claims(self, wanted: ColumnElement[bool]) -> dict[str, Claim]:
        with self._database.reading() as connection:
            rows = connection.execute(select(CASES).where(wanted)).mappings().all()
        return {row["tx_id"]: Claim(**row) for row in rows}
