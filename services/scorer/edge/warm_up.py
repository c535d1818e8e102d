"""Compiles and loads every kernel before the first partition is taken.

A kernel that is compiled at work holds the loop up for seconds, where Redis, the broker and the group get no
answer, and the group gives the worker's partitions away. So one payment is taken all the way in advance.
"""

from __future__ import annotations

import time
from typing import Final

import numpy as np

from services.scorer.core.deciding import Deciding
from services.scorer.core.intake import Item, Limits, read_each
from services.scorer.core.rows_text import warm_up as warm_up_text
from shared.bus.ports import RecordColumns, Taken
from shared.bus.record_batch import RecordBatch
from shared.contracts.codec import encode
from shared.contracts.ids import KIND_TRANSACTION
from shared.contracts.models import Policy, Release, ReleaseContent
from shared.contracts.payments import Transaction
from shared.features.compiled import FeatureSet
from shared.features.rows import RowEncoder
from shared.features.timelines import warm_up as warm_up_timelines
from shared.runtime.clock import FixedClock
from shared.stores.timeline_port import AppendReply

from .engine import Engine

AT_MS: Final = 1_700_000_000_000
CACHE_BYTES: Final = 1 << 20
LIMITS: Final = Limits(0, 0, "EUR", {})


def warm_up(feature_set: FeatureSet, encoder: RowEncoder) -> None:
    """The kernels of a payment's way; the walker's compile when a release's model is admitted."""
    warm_up_timelines(feature_set)
    warm_up_text()
    engine = Engine(feature_set, encoder, CACHE_BYTES, FixedClock(AT_MS), time.perf_counter_ns, "")
    prepared = engine.prepare([_item()], 0)
    starts = np.zeros(len(prepared.call.keys), "<u8")
    folded = engine.fold(prepared, AppendReply(starts.tobytes(), b""))
    scored = engine.decide(prepared, folded, Deciding(_release(feature_set), feature_set, ()))
    for batches in scored.outputs.records.values():
        for batch in batches:
            if isinstance(batch, RecordColumns):
                RecordBatch(batch, AT_MS)


def _item() -> Item:
    tx = Transaction(
        v=1, tx_id="t", account_id="a", event_time_ms=AT_MS, amount_minor=1, currency=LIMITS.base_currency
    )
    message = Taken("", 0, 0, AT_MS, b"a", encode(tx))
    item = read_each(KIND_TRANSACTION, [message], AT_MS, LIMITS)[0]
    assert isinstance(item, Item)
    return item


def _release(feature_set: FeatureSet) -> Release:
    content = ReleaseContent(
        portfolio=feature_set.portfolio_name,
        feature_set=feature_set.hash,
        layout=feature_set.layout.hash,
        champion=None,
        challengers=[],
        shadows=[],
        rules=[],
        lists=[],
        policy=Policy(),
        rates_ppm={},
        split_salt="",
    )
    texts = dict.fromkeys(("by", "reason", "prev_hash", "hash", "signer", "signature", "request_id"), "")
    return Release(v=1, seq=0, at_ms=AT_MS, content=content, **texts)
