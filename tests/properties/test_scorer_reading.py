"""Many messages read at once hold what they hold beside a neighbour that spoils the quick way."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from services.scorer.core.intake import Item
from services.scorer.core.reading import read_each
from shared.bus.ports import Taken
from shared.contracts import headers
from shared.contracts.codec import encode
from shared.contracts.ids import KIND_TRANSACTION
from shared.contracts.outcome import Dead
from shared.contracts.payments import Transaction
from shared.features.lateness import Limits

T0 = 1_700_000_000_000
LIMITS = Limits(ahead_ms=10, horizon_ms=20, base_currency="EUR")
ON_TIME_MS = 10

Headers = tuple[tuple[str, bytes], ...]

POISON = Taken("p.transactions", 0, 99, T0, b"a", b"{", ())
LIVE: tuple[Headers, ...] = ((),)
LOADS: tuple[Headers, ...] = ((), ((headers.LOAD, b"l-1"),), ((headers.LOAD, b"l-2"),), (("other", b""),))


def _message(offset: int, event: int, ingest: int, currency: str | None, sent: Headers) -> Taken:
    """A payment in ``currency``, or nothing where it is None."""
    tx = Transaction(
        v=1,
        tx_id=f"tx-{offset}",
        account_id="a",
        event_time_ms=T0 + event,
        amount_minor=100 + offset,
        currency=currency or "EUR",
    )
    return Taken("p.transactions", 0, offset, T0 + ingest, b"a", encode(tx) if currency else None, sent)


def messages(
    spread_ms: int, currencies: tuple[str | None, ...] = ("EUR",), sent: tuple[Headers, ...] = LIVE
) -> st.SearchStrategy[list[Taken]]:
    """Up to seven messages whose event times lie within ``spread_ms``, all taken in at about one time."""
    row = st.tuples(
        st.integers(0, spread_ms), st.integers(0, 8), st.sampled_from(currencies), st.sampled_from(sent)
    )
    rows = st.lists(row, min_size=1, max_size=7)

    def made(base: int, rows: list[tuple[int, int, str | None, Headers]]) -> list[Taken]:
        return [
            _message(k, event, base + ingest, code, sent)
            for k, (event, ingest, code, sent) in enumerate(rows)
        ]

    return st.builds(made, st.sampled_from((0, 30, 60)), rows)


@settings(max_examples=400)
@given(
    st.one_of(
        messages(ON_TIME_MS),
        messages(60),
        messages(60, ("EUR", "USD", "GBP")),
        messages(ON_TIME_MS, ("EUR", None)),
        messages(60, sent=LOADS),
        messages(60, sent=LOADS[1:2]),
    ),
    st.integers(-40, 40),
)
def test_a_spoiled_neighbour_changes_nothing(taken: list[Taken], mark: int) -> None:
    found = read_each(KIND_TRANSACTION, taken, T0 + mark, LIMITS)
    beside = read_each(KIND_TRANSACTION, [*taken, POISON], T0 + mark, LIMITS)
    assert [*found.values, Dead("not_json")] == beside.values
    assert [*found.marks, found.marks[-1]] == beside.marks
    assert beside.live is None
    if found.live is not None:
        assert found.live == found.values
        assert all(isinstance(value, Item) and value.load is None for value in found.values)


@given(messages(ON_TIME_MS))
def test_what_is_on_time_is_known_to_be_live(taken: list[Taken]) -> None:
    assert read_each(KIND_TRANSACTION, taken, T0, LIMITS).live is not None
