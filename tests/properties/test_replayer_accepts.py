"""Replay accepts a payment as the scorer did: the same time, amount and flag, from its bytes and marks."""

from __future__ import annotations

from typing import Final

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from services.replayer.core.records import FLAGS, Arrivals, accept, read
from services.scorer.core.intake import Item
from services.scorer.core.pricing import price
from services.scorer.core.reading import read_each
from shared.contracts import headers
from shared.contracts.codec import encode
from shared.contracts.ids import KIND_TRANSACTION
from shared.features.lateness import Limits
from tests.support.lake_messages import FakeMessage
from tests.support.scorer_traffic import T0_MS, payment

LIMITS: Final = Limits(ahead_ms=10, horizon_ms=20, base_currency="EUR")
RATES: Final = {3: {"USD": 900_000}}

times = st.integers(T0_MS, T0_MS + 100)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(times, times, st.booleans(), st.sampled_from(["EUR", "USD"]), st.integers(0, 99)),
        min_size=1,
    ),
    times,
)
def test_a_partition_is_accepted_alike(rows: list[tuple[int, int, bool, str, int]], mark_ms: int) -> None:
    messages = [
        FakeMessage(
            topic="bank.transactions",
            partition=0,
            offset=number,
            timestamp=ingest_ms,
            value=encode(payment(f"tx-{number}", event_ms, currency=currency, amount_minor=amount)),
            headers=((headers.LOAD, b"a"),) if is_load else (),
        )
        for number, (event_ms, ingest_ms, is_load, currency, amount) in enumerate(rows)
    ]
    items = read_each(KIND_TRANSACTION, messages, mark_ms, LIMITS).values
    live = [item for item in items if isinstance(item, Item)]
    price(live, RATES[3])
    found = read([KIND_TRANSACTION] * len(rows), [m.value or b"" for m in messages], "EUR")
    came = Arrivals(
        np.array([item.mark_ms for item in live]),
        np.array([m.timestamp for m in messages]),
        np.array([row[2] for row in rows], np.bool_),
        np.full(len(rows), 3),
    )
    again = accept(found, np.arange(len(rows)), came, LIMITS, RATES)
    assert again.event_ms.tolist() == [item.event_ms for item in live]
    assert again.amount_base_minor.tolist() == [item.amount_base_minor for item in live]
    assert [FLAGS[code] for code in again.flags.tolist()] == [item.flags for item in live]
