"""Seeded traffic for the scorer: accounts that share terminals, their activities, and labels that follow."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from kafka import KafkaProducer

from shared.contracts.codec import decode_activity, decode_label, decode_transaction, encode
from shared.contracts.ids import KIND_ACTIVITY, KIND_LABEL, KIND_TRANSACTION
from shared.contracts.payments import Activity, Label, Transaction
from shared.contracts.topics import topic_name

T0_MS: Final = 1_700_000_000_000
DAY_MS: Final = 86_400_000
STEP_MS: Final = 240_000

Record = Transaction | Activity | Label

DECODERS: Final[dict[int, Callable[[bytes], Record]]] = {
    KIND_TRANSACTION: decode_transaction,
    KIND_ACTIVITY: decode_activity,
    KIND_LABEL: decode_label,
}


@dataclass(frozen=True)
class Mix:
    """How many accounts and terminals there are, and how often something else than a payment comes."""

    accounts: int = 12
    terminals: int = 3
    activity_ratio: float = 0.1
    label_ratio: float = 0.15
    disorder_ratio: float = 0.1


def payment(tx_id: str, event_ms: int = T0_MS, **fields: object) -> Transaction:
    """A payment of a-1 at t-1 unless said otherwise."""
    values: dict[str, object] = {
        "v": 1,
        "tx_id": tx_id,
        "account_id": "a-1",
        "event_time_ms": event_ms,
        "amount_minor": 1_234,
        "currency": "EUR",
        "terminal_id": "t-1",
        **fields,
    }
    return Transaction(**values)  # type: ignore[arg-type]  # a table of fields by name


def label_of(tx: Transaction, known_ms: int, verdict: str = "fraud", label_id: str = "") -> Label:
    """A label of ``tx``."""
    return Label(
        v=1,
        label_id=label_id or f"l-{tx.tx_id}",
        tx_id=tx.tx_id,
        account_id=tx.account_id,
        event_time_ms=tx.event_time_ms,
        known_at_ms=known_ms,
        verdict=verdict,  # type: ignore[arg-type]  # tests name one of the three
        source="tests",
        terminal_id=tx.terminal_id,
    )


def traffic(
    seed: int, payments: int, prefix: str = "tx", start_ms: int = T0_MS, mix: Mix | None = None
) -> Iterator[Record]:
    """``payments`` numbered payments, some out of order, with activities and labels among them."""
    draw, mix = random.Random(seed), mix or Mix()
    now_ms = start_ms
    past: list[Transaction] = []
    for number in range(payments):
        now_ms += draw.randint(0, STEP_MS)
        account = f"a-{draw.randrange(mix.accounts)}"
        terminal = f"t-{draw.randrange(mix.terminals)}"
        is_late = draw.random() < mix.disorder_ratio
        event_ms = now_ms - draw.randint(0, DAY_MS // 4) if is_late else now_ms
        tx = payment(
            f"{prefix}-{number}",
            event_ms,
            account_id=account,
            terminal_id=terminal,
            amount_minor=draw.randint(0, 50_000),
        )
        past.append(tx)
        yield tx
        if draw.random() < mix.activity_ratio:
            yield Activity(
                v=1,
                activity_id=f"act-{prefix}-{number}",
                account_id=account,
                event_time_ms=now_ms,
                kind="failed",
                terminal_id=terminal,
            )
        if draw.random() < mix.label_ratio:
            known_ms, verdict = now_ms - draw.randint(0, DAY_MS), draw.choice(["fraud", "genuine"])
            yield label_of(draw.choice(past), known_ms, verdict, f"l-{prefix}-{number}")


def payment_ids(records: Iterable[Record]) -> list[str]:
    """Ids of the payments among ``records``."""
    return [record.tx_id for record in records if isinstance(record, Transaction)]


class Sender:
    """Sends records as applications do: JSON, keyed by account, to the partition that the key names."""

    def __init__(self, bootstrap: str, portfolio: str) -> None:
        self._portfolio = portfolio
        self._producer: Any = KafkaProducer(
            bootstrap_servers=bootstrap,
            acks="all",
            enable_idempotence=True,
            allow_auto_create_topics=False,
            max_request_size=15 << 20,
            linger_ms=1,
        )

    def send(self, records: Iterable[Record]) -> None:
        """Send and wait until the broker has confirmed all."""
        futures = [
            self._producer.send(self._topic(record), key=record.account_id.encode(), value=encode(record))
            for record in records
        ]
        for future in futures:
            future.get(timeout=20)

    def meet_topics(self) -> None:
        """Ask for the topics' partitions now, so that the first record of each waits for nothing."""
        for name in ("transactions", "activities", "labels"):
            assert self._producer.partitions_for(topic_name(self._portfolio, name))

    def raw(
        self,
        value: bytes | None,
        topic: str = "transactions",
        key: bytes | None = b"a-1",
        partition: int | None = None,
    ) -> tuple[int, int]:
        """Send any bytes; (partition, offset) where they stand."""
        name = topic_name(self._portfolio, topic)
        found = self._producer.send(name, key=key, value=value, partition=partition).get(timeout=20)
        return found.partition, found.offset

    def close(self) -> None:
        """Disconnect."""
        self._producer.close(timeout=5)

    def _topic(self, record: Record) -> str:
        names = {Transaction: "transactions", Activity: "activities", Label: "labels"}
        return topic_name(self._portfolio, names[type(record)])
