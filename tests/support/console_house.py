"""A console over invented data: everything real but Kafka and the lake, which are filled by hand."""

from __future__ import annotations

import asyncio
import random
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import insert

from services.console.edge.accounts import Accounts
from services.console.edge.case_book import CaseBook
from services.console.edge.database import METADATA
from services.console.edge.desk import Desk, DeskParts
from services.console.edge.held import Held
from services.console.edge.lake_story import MemoryStories, Story
from services.console.edge.monitor_tables import MonitorTables
from services.console.edge.uploads import Uploads
from services.console.settings import ConsoleSettings
from services.console.wiring import front, limits
from shared.contracts.codec import encode
from shared.contracts.decisions import Answer, Decision, Flagged
from shared.contracts.ids import decision_id
from shared.contracts.operations import Alert, PartitionStatus, Status
from shared.contracts.payments import Label, Transaction
from shared.evaluation.time_bins import bins_of
from shared.features.compiled import FeatureSet
from shared.runtime.clock import FixedClock
from shared.runtime.health import Health
from shared.stores.audit_memory import MemoryAudit
from shared.stores.database import Database
from shared.stores.monitor_tables import DEAD_LETTERS, DECISIONS, TIMES
from shared.stores.monitor_tables import METADATA as MONITOR_METADATA
from shared.stores.portfolio_files import read_feature_set

NOW_MS = 1_795_000_011_204
MINUTE_MS = 60_000
PASSWORD = "correct horse battery"
HOUSE_KEY = "assay_house_key_of_the_test"
ACTIONS = ("approve",) * 46 + ("challenge", "review", "review", "decline")
PEOPLE = {"vera": "viewer", "omar": "operator", "ada": "admin"}

features = cache(lambda: read_feature_set("bank"))


def decision(number: int, at_ms: int = NOW_MS, **changes: Any) -> Decision:
    """One of many, the same for the same number."""
    drawn = random.Random(number)
    action = drawn.choice(ACTIONS)
    low, high = {"approve": (0.001, 0.08), "challenge": (0.2, 0.4), "review": (0.35, 0.6)}.get(
        action, (0.62, 0.97)
    )
    tx_id = changes.get("tx_id", f"tx-{number:06d}")
    values: dict[str, Any] = {
        "v": 1,
        "decision_id": decision_id("bank", tx_id),
        "portfolio": "bank",
        "tx_id": tx_id,
        "account_id": f"acc-{drawn.randrange(30_000):06d}",
        "event_time_ms": at_ms - 40,
        "amount_minor": drawn.randrange(300, 180_000),
        "currency": "EUR",
        "action": action,
        "reasons": ["score_low" if action == "approve" else f"score_{action}"],
        "flags": [],
        "score": round(drawn.uniform(low, high), 4),
        "raw_score": round(drawn.uniform(-6, 3), 4),
        "threshold": 0.62,
        "model": "bank-lgbm 2026.11.3",
        "release_seq": 42,
        "release_hash": "0f06a9bb84083d112c8320fd3bc68984156251336db4a1232589032c1e478135",
        "feature_set": features().hash,
        "layout": "caba03d66ef9b5002efcd66389c20bd7af1002e8b4893b7b96f78e75db7d056f",
        "state_quality": "exact",
        "epoch": 1,
        "entity_versions": [1204, 311, -1, 3, 1],
        "input_hash": "c1a916fc23b783438daee317d3f9727d",
        "vector_hash": "bc95b823ffa05ea5261a6b1dda5e6580",
        "core_hash": "de06a7b5b7695511dc8b295f6a6d7b80",
        "partition": number % 4,
        "offset": 8_104_000 + number,
        "ingest_time_ms": at_ms - drawn.randrange(3, 15),
        "decided_at_ms": at_ms,
        "worker": f"scorer-{1 + number % 2}",
        "caller": drawn.choice(("checkout", "mobile", "branch")),
        "gateway": "http",
    }
    return Decision(**values | changes)


def vector(number: int) -> list[float | None]:
    """Features of the bank (d,), two of them missing."""
    drawn = random.Random(number)
    found: list[float | None] = [round(drawn.uniform(0, 40), 3) for _ in features().names]
    found[9] = found[13] = None
    return found


class ConsoleHouse:
    """One console on a free port, over ``folder``; ``fill`` brings the data of a good day."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        key = folder / "console.operator"
        key.write_text(HOUSE_KEY)
        self.clock = FixedClock(NOW_MS)
        self.settings = ConsoleSettings(data_dir=folder, port=0, operator_key_file=key, **settings)
        self.held = Held("bank", self.settings.kept_decisions)
        self.held.heard_at_ms = NOW_MS
        self.stories, self.audit, self.labels = MemoryStories(), MemoryAudit(), list[Label]()
        self.database = Database.open(self.settings.database_url, METADATA)
        self.accounts = Accounts(self.database, limits(self.settings))
        self.tables = MonitorTables(self.settings.monitor_url)
        self.health = Health(30.0)
        parts = DeskParts(
            portfolio="bank",
            held=self.held,
            tables=self.tables,
            stories=self.stories,
            book=CaseBook(self.database),
            audit=self.audit,
            send_labels=self.labels.extend,
            features=self._features,
            clock=self.clock,
        )
        self.desk = Desk(parts)
        self.uploads = Uploads(self.held, self.stories, self.audit, self.labels.extend, self.clock)
        self.broadcaster, self.server = front(
            self.settings, self.desk, self.uploads, self.accounts, self.audit, self.health, self.clock
        )

    @staticmethod
    def _features() -> FeatureSet:
        return features()

    async def start(self) -> None:
        """People, then the port."""
        for name, role in PEOPLE.items():
            await asyncio.to_thread(self.accounts.add, name, role, PASSWORD, NOW_MS)  # type: ignore[arg-type]  # a role
        await self.server.start()
        await self.broadcaster.start()

    async def stop(self) -> None:
        """Close everything."""
        await self.broadcaster.stop()
        await self.server.stop()
        self.tables.close()
        self.database.close()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server.port}"

    def client(self) -> httpx.AsyncClient:
        """A browser without a session."""
        return httpx.AsyncClient(base_url=self.url, timeout=10)

    async def signed_in(self, name: str) -> tuple[httpx.AsyncClient, str]:
        """A browser of ``name`` and what its forms must bring."""
        async with self.client() as door:
            answer = await door.post("/sign-in", data={"name": name, "password": PASSWORD})
        assert answer.status_code == 303, answer.text
        who = self.accounts.signed_in(answer.cookies["assay"], self.clock.now_ms())
        assert who is not None
        client = self.client()
        client.cookies.set("assay", answer.cookies["assay"])
        return client, who.csrf

    def take(self, found: Decision, number: int = 1) -> None:
        """A decision as the scorer would have sent it."""
        self.held.recent.decided(found)
        if found.action != "approve":
            self.held.recent.flagged(Flagged(v=1, decision=found, features=vector(number)))

    def fill(self, count: int = 2_000) -> None:
        """The data of a good day: ``count`` decisions in ten seconds, services, alerts, a story."""
        for number in range(count):
            self.take(decision(number, NOW_MS - 10_000 + number * 10_000 // count), number)
        self.speak()
        self.held.alerts["latency_p99", ""] = Alert(
            v=1, rule="latency_p99", state="cleared", at_ms=NOW_MS - 4_000_000, value=14.2, limit=100.0
        )
        self.held.alerts["caller_silent", "branch"] = Alert(
            v=1,
            rule="caller_silent",
            state="firing",
            at_ms=NOW_MS - 190_000,
            value=180.0,
            limit=60.0,
            subject="branch",
            detail="No payment for 180 s; usually 31 a minute.",
        )
        self._write_minutes()
        story = {"account_id": "acc-004417", "action": "decline", "reasons": ["score_decline"]}
        sums = {"score": 0.871, "raw_score": 2.14, "amount_minor": 41_200}
        told = decision(1, NOW_MS - 90_000, tx_id="tx-9f31c2ab77e0", **story, **sums)
        self.tell(told)

    def tell(self, told: Decision) -> None:
        """A decision with its whole story."""
        self.take(told)
        payment = Transaction(
            v=1,
            tx_id=told.tx_id,
            account_id=told.account_id,
            event_time_ms=told.event_time_ms,
            amount_minor=told.amount_minor,
            currency=told.currency,
            card_id="card-2231-77a0",
            device_id="device-91be22",
            payee_id="payee-5501",
            channel="mobile",
            country="DE",
            latitude=52.5163,
            longitude=13.3777,
            caller=told.caller,
            gateway="http",
        )
        self.stories.by_tx[told.tx_id] = Story(
            decision=told, attempts=1, raw=encode(payment), vector=vector(7)
        )
        self.held.recent.answered(
            Answer(
                v=1,
                tx_id=told.tx_id,
                account_id=told.account_id,
                kind="final",
                action=told.action,
                answered_at_ms=told.decided_at_ms + 4,
                body_hash="c1a916fc23b783438daee317d3f9727d",
                gateway="gateway-1",
                decision_id=told.decision_id,
            )
        )

    def speak(self, but: tuple[str, ...] = (), detail: str = "") -> None:
        """A second of status records, of every service that is not in ``but``."""
        now_ms = self.clock.now_ms()
        self.held.heard_at_ms = now_ms
        names = ("archiver-1", "console-1", "gateway-1", "monitor-1", "scorer-1", "scorer-2", "trainer-1")
        for name in names:
            service, _, instance = name.partition("-")
            if service not in but:
                self.held.statuses.said(_status(service, instance, now_ms, detail), now_ms)

    def _write_minutes(self) -> None:
        """Thirty minutes of the monitor's tables, with a rise at their end."""
        drawn = random.Random(5)
        database = Database.open(self.settings.monitor_url, MONITOR_METADATA)
        last = NOW_MS // MINUTE_MS * MINUTE_MS
        shares = {"approve": 0.9816, "challenge": 0.004, "review": 0.0083, "decline": 0.0061}
        with database.writing() as connection:
            for back in range(30, 0, -1):
                minute = last - back * MINUTE_MS
                total = 12_400 + drawn.randrange(-700, 700)
                for action, share in shares.items():
                    connection.execute(insert(DECISIONS).values(_minute(minute, action, int(total * share))))
                slow = 1.0 if back > 7 else 1.7
                for time_ms, count in ((4.1, 0.6), (7.5 * slow, 0.33), (12.4 * slow, 0.07)):
                    number = int(bins_of([time_ms + drawn.uniform(-0.7, 0.9)])[0])
                    row = {"minute_ms": minute, "stage": "end_to_end", "bin": number, "total": 0}
                    connection.execute(insert(TIMES).values(**row, count=int(total * count)))
            letter = {"minute_ms": last - MINUTE_MS, "topic": "bank.transactions", "service": "scorer"}
            connection.execute(insert(DEAD_LETTERS).values(**letter, reason="not_json", count=3))
        database.close()


def _minute(minute_ms: int, action: str, count: int) -> dict[str, Any]:
    return {
        "minute_ms": minute_ms,
        "action": action,
        "currency": "EUR",
        "caller": "checkout",
        "gateway": "http",
        "model": "bank-lgbm 2026.11.3",
        "release_seq": 42,
        "state_quality": "exact",
        "count": count,
        "amount_minor": count * 6_420,
    }


def _status(service: str, instance: str, at_ms: int, detail: str) -> Status:
    held = service == "scorer"
    places = [
        PartitionStatus(topic="bank.transactions", partition=number, committed=8_104_000, end=8_104_011)
        for number in (range(2) if instance == "1" else range(2, 4))
    ]
    return Status(
        v=1,
        service=service,
        instance=instance,
        at_ms=at_ms,
        state="degraded" if held and detail else "ready",
        detail=detail if held else "",
        portfolio="bank",
        release_seq=42 if held else 0,
        rss_bytes=(180 + 37 * len(service)) << 20,
        partitions=places if held else [],
    )
