"""The naive peer: an agent per event, Redis GET/SET of JSON per key, Booster.predict per row, awaited send.

It computes the same 25 inputs as the benchmark's portfolio, exactly, the way a first version is written:
each key's history is a JSON list, read, pruned, counted and written back for every payment.
Run as ``python -m tests.bench.peers.naive_faust worker --without-web``.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import faust
import lightgbm as lgb
import numpy as np
import redis.asyncio as redis

DAY_MS = 86_400_000
KEEP_MS = 30 * DAY_MS
WINDOWS_MS = (DAY_MS, 7 * DAY_MS, KEEP_MS)
PREFIX = os.environ["PEER_PREFIX"]
ENTITIES = ("account", "merchant", "terminal")

INPUT, OUTPUT = os.environ["PEER_INPUT"], os.environ["PEER_OUTPUT"]
booster = lgb.Booster(model_file=str(Path(os.environ["PEER_MODEL"])))
store = redis.Redis.from_url(os.environ["PEER_REDIS"])

app = faust.App(
    os.environ["PEER_GROUP"],
    broker=f"kafka://{os.environ['PEER_KAFKA']}",
    value_serializer="raw",
    key_serializer="raw",
    topic_disable_leader=True,
    broker_session_timeout=10,
    broker_heartbeat_interval=2.5,
    consumer_auto_offset_reset="earliest",
    producer_acks=-1,
    datadir=os.environ["PEER_FOLDER"],
)
payments = app.topic(INPUT, value_serializer="raw", key_serializer="raw")
decisions = app.topic(OUTPUT, value_serializer="raw", key_serializer="raw")


@app.agent(payments)
async def score(stream: Any) -> None:
    """One payment after the other, as the tutorials do it."""
    async for body in stream:
        tx = json.loads(body)
        vector = await features(tx)
        raw = float(booster.predict(np.array([vector]), raw_score=True, num_threads=1)[0])
        decision = {"tx_id": tx["tx_id"], "raw_score": raw, "action": "decline" if raw > 2 else "approve"}
        await decisions.send(key=tx["account_id"].encode(), value=json.dumps(decision).encode())


async def features(tx: dict[str, Any]) -> list[float]:
    """The 25 inputs in the portfolio's order."""
    time_ms, amount = tx["event_time_ms"], tx["amount_minor"]
    local = datetime.fromtimestamp(time_ms / 1000, UTC)
    calendar = [local.hour, local.weekday(), local.weekday() >= 5, local.hour <= 6]
    before = {entity: await history(entity, tx) for entity in ENTITIES}
    past = before["account"]
    gap = (time_ms - past[-1][0]) / 1000 if past else np.nan
    total = sum(a for _, a in past)
    ratio = amount / (total / len(past) + 1.0) if past else np.nan
    vector = [amount / 100, *calendar, gap, ratio]
    for entity in ENTITIES:
        rows = [*before[entity], [time_ms, amount]]
        for window in WINDOWS_MS:
            inside = [a for t, a in rows if t > time_ms - window]
            vector += [len(inside), sum(inside) / len(inside)]
        await store.set(f"{PREFIX}:{entity}:{tx[entity + '_id']}", json.dumps(rows))
    return [float(value) for value in vector]


async def history(entity: str, tx: dict[str, Any]) -> list[list[int]]:
    """What the key has seen in the last 30 days."""
    found = await store.get(f"{PREFIX}:{entity}:{tx[entity + '_id']}")
    rows: list[list[int]] = json.loads(found) if found else []
    return [row for row in rows if row[0] > tx["event_time_ms"] - KEEP_MS]


if __name__ == "__main__":
    app.main()
