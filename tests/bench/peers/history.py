"""What the naive peer's Redis holds after it has drained some payments, laid there without draining them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence

import redis

from shared.contracts.payments import Transaction

ENTITIES = ("account", "merchant", "terminal")
KEYS_AT_ONCE = 500


def lay_down(url: str, prefix: str, payments: Sequence[Transaction]) -> None:
    """Each key's history as the peer would have written it; ``payments`` span less than its 30 days."""
    logs: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for tx in payments:
        for entity in ENTITIES:
            logs[f"{prefix}:{entity}:{getattr(tx, f'{entity}_id')}"].append(
                (tx.event_time_ms, tx.amount_minor)
            )
    store = redis.Redis.from_url(url)
    try:
        names = list(logs)
        for start in range(0, len(names), KEYS_AT_ONCE):
            some = names[start : start + KEYS_AT_ONCE]
            store.mset({name: json.dumps(logs[name]) for name in some})
    finally:
        store.close()
