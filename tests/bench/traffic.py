"""The benchmark's messages: seeded, about 425 bytes and 20 fields each, in event order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.contracts.codec import encode
from shared.contracts.payments import Transaction

START_MS = 1_760_000_000_000
ACCOUNTS, MERCHANTS, TERMINALS = 5_000, 500, 2_000
DAYS = 30


@dataclass(frozen=True, slots=True)
class Traffic:
    """``bodies`` are the messages, ``keys`` their accounts, ``fraud`` (n,) whether a payment is one."""

    records: list[Transaction]
    bodies: list[bytes]
    keys: list[bytes]
    fraud: NDArray[np.bool_]

    def __getitem__(self, part: slice) -> Traffic:
        """Some of the payments."""
        return Traffic(self.records[part], self.bodies[part], self.keys[part], self.fraud[part])


def make_traffic(count: int, seed: int = 7) -> Traffic:
    """``count`` payments over 30 days; frauds are large payments of few accounts by night."""
    draw = np.random.default_rng(seed)
    times = np.sort(draw.integers(0, DAYS * 86_400_000, count)) + START_MS
    accounts = draw.integers(0, ACCOUNTS, count)
    merchants = (MERCHANTS * draw.beta(1, 3, count)).astype(int)
    terminals = draw.integers(0, TERMINALS, count)
    amounts = np.round(draw.gamma(2, 2_500, count)).astype(int)
    fraud = (draw.random(count) < 0.2) & (accounts % 20 == 0)
    amounts[fraud] *= 6
    columns = (times, accounts, merchants, terminals, amounts)
    lists = [column.tolist() for column in columns]
    records = [_payment(i, *row) for i, row in enumerate(zip(*lists, strict=True))]
    return Traffic(records, [encode(r) for r in records], [r.account_id.encode() for r in records], fraud)


def _payment(i: int, time_ms: int, account: int, merchant: int, terminal: int, amount: int) -> Transaction:
    return Transaction(
        v=1,
        tx_id=f"bench-{i:09d}",
        account_id=f"account-{account:06d}",
        event_time_ms=time_ms,
        amount_minor=amount,
        currency="EUR",
        card_id=f"card-{account:06d}-{i % 2}",
        device_id=f"device-{account:06d}",
        merchant_id=f"merchant-{merchant:05d}",
        terminal_id=f"terminal-{terminal:05d}",
        category=("groceries", "travel", "fuel", "restaurant")[i % 4],
        channel="card_present",
        country="DE",
        latitude=round(50 + terminal / 1000, 4),
        longitude=round(8 + terminal / 1000, 4),
        caller="checkout",
        gateway="gateway-1",
        numbers={"basket_items": float(i % 9)},
        texts={"entry": "chip"},
    )
