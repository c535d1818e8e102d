"""The numbers that `lake` tells, as the screens show them and as the monitor's tables hold them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import httpx
from sqlalchemy import Table, select

from shared.stores.database import Database
from shared.stores.monitor_tables import DECISIONS, LABELS, REASONS, SCORES, TIMES

from .lake import SCORE_BINS, Minutes, Numbers


class Screens:
    """The console's API as a person who is signed in. Raises httpx.HTTPError where it does not answer."""

    def __init__(self, url: str, name: str, password: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=30, trust_env=False)
        self._client.post("/sign-in", data={"name": name, "password": password})
        self.ask("/overview")

    def __enter__(self) -> Screens:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    @property
    def cookies(self) -> Mapping[str, str]:
        """What a browser of this session sends."""
        return dict(self._client.cookies)

    def ask(self, path: str) -> Any:
        """The API's answer. Raises httpx.HTTPStatusError for a refusal."""
        answer = self._client.get(f"/api/v1{path}")
        answer.raise_for_status()
        return answer.json()

    def history(self, word: str) -> dict[str, Any] | None:
        """The counted range ``word`` as the overview shows it; None before the monitor has tables."""
        found: dict[str, Any] | None = self.ask(f"/overview?range={word}")["history"]
        return found


def minutes_of(history: Mapping[str, Any]) -> Minutes:
    """The range that an overview shows."""
    return Minutes(history["from_ms"], history["to_ms"], history["step_ms"])


def charts_and_sums(history: Mapping[str, Any]) -> Numbers:
    """What the overview shows of a range."""
    found: Numbers = {"decisions": history["decisions"]}
    for each in history["money"]:
        found[f"decisions: {each['action']} {each['currency']}"] = each["count"]
        found[f"money: {each['action']} {each['currency']}, minor"] = each["amount_minor"]
    for reason, count in history["dead_letters"].items():
        found[f"dead letters: {reason}"] = count
    found["per second"] = tuple(history["per_s"])
    for action, shares in history["shares"].items():
        found[f"share: {action}"] = tuple(shares)
    for name in ("p50", "p95", "p99"):
        found[f"{name}, ms"] = tuple(history[f"{name}_ms"])
    return found


def case_most_at_risk(queue: Mapping[str, Any], minutes: Minutes) -> Numbers:
    """The first case of a range in the queue, which lists the cases most at risk."""
    for case in queue["cases"]:
        if minutes.from_ms <= case["row"]["decided_at_ms"] < minutes.to_ms:
            return {
                "case most at risk": case["row"]["tx_id"],
                "its value at risk, minor": case["at_risk_minor"],
            }
    return {"case most at risk": None, "its value at risk, minor": None}


def counted(database: Database, minutes: Minutes) -> Numbers:
    """What the monitor's tables hold of a range beside what the overview shows. Raises DatabaseAway."""
    decisions, labels = _rows(database, DECISIONS, minutes), _rows(database, LABELS, minutes)
    scores = _rows(database, SCORES, minutes)
    times = _rows(database, TIMES, minutes)
    return {
        **_per(decisions, "of release: {release_seq}"),
        **_per(decisions, "of caller: {caller}"),
        **_per(_rows(database, REASONS, minutes), "with reason: {reason}"),
        **_per(labels, "labels: {verdict}"),
        **_per(labels, "loss: {verdict}, minor", "loss_minor"),
        **_per(scores, "predictions: {lane} {model}"),
        **_bins(scores),
        "predict, us in all": sum(row["total"] for row in times if row["stage"] == "predict"),
    }


def _rows(database: Database, table: Table, minutes: Minutes) -> list[Mapping[str, Any]]:
    at = table.c.minute_ms
    with database.reading() as sql:
        asked = select(table).where(at >= minutes.from_ms, at < minutes.to_ms)
        return [dict(row) for row in sql.execute(asked).mappings()]


def _per(rows: list[Mapping[str, Any]], name: str, column: str = "count") -> Numbers:
    found: Counter[str] = Counter()
    for row in rows:
        found[name.format(**row)] += row[column]
    return dict(found)


def _bins(rows: list[Mapping[str, Any]]) -> Numbers:
    found: dict[str, list[int]] = {}
    for row in rows:
        bins = found.setdefault(f"scores: {row['lane']} {row['model']}", [0] * SCORE_BINS)
        bins[row["bin"]] += row["count"]
    return {name: tuple(bins) for name, bins in found.items()}
