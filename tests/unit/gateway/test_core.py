"""Keys, traces and places: the pure parts of the door."""

from __future__ import annotations

import pytest

from services.gateway.core.keys import ApiKey, Presented, allow, presented, secret_hash, written
from services.gateway.core.refusal import Refused
from services.gateway.core.slots import Slots
from services.gateway.core.trace import trace

SECRET = "ab" * 32
KEY = ApiKey(
    key_id="0123456789ab",
    name="checkout",
    secret_hash=secret_hash(SECRET),
    portfolio="bank",
    actions=("read",),
    caller="shop",
    details=True,
    rate_per_s=1.0,
    burst=1,
    created_at_ms=0,
    expires_at_ms=1_000,
)
GIVEN = Presented("0123456789ab", SECRET)
DRAWN = bytes(range(24))


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER "])
def test_a_key_is_read_as_it_was_written(scheme: str) -> None:
    assert presented((scheme + written(*GIVEN)).encode()) == GIVEN


@pytest.mark.parametrize(
    "header",
    [None, b"", b"Bearer", b"Bearer ", b"Basic eDp5", written(*GIVEN).encode(),
     b" Bearer " + written(*GIVEN).encode(), b"Bearer  " + written(*GIVEN).encode(),
     b"Bearer " + written(*GIVEN).encode() + b"0", b"Bearer " + written(*GIVEN).encode() + b"\n",
     b"Bearer assay_" + b"g" * 12 + b"_" + b"0" * 64, b"Bearer " + b"a" * 100_000],
)  # fmt: skip
def test_what_is_no_key_is_none(header: bytes | None) -> None:
    with pytest.raises(Refused, match=r"^key_missing$"):
        presented(header)


@pytest.mark.parametrize(
    ("key", "given", "action", "portfolio", "now_ms", "code"),
    [(None, GIVEN, "read", "bank", 1, "key_unknown"),
     (KEY, Presented(GIVEN.key_id, "0" * 64), "read", "bank", 1, "key_unknown"),
     (KEY, GIVEN, "read", "bank", 1_000, "key_expired"), (KEY, GIVEN, "read", "shop", 1, "key_portfolio"),
     (KEY, GIVEN, "decide", "bank", 1, "key_action"), (KEY, GIVEN, "read", "bank", 999, ""),
     (KEY, GIVEN, None, "bank", 1, "")],
)  # fmt: skip
def test_who_is_let_in(
    key: ApiKey | None, given: Presented, action: object, portfolio: str, now_ms: int, code: str
) -> None:
    if not code:
        assert allow(key, given, action, portfolio, now_ms) is KEY  # type: ignore[arg-type]  # a table of cases
        return
    with pytest.raises(Refused, match=rf"^{code}$"):
        allow(key, given, action, portfolio, now_ms)  # type: ignore[arg-type]  # a table of cases


def test_well_formed_ids_and_traces_are_taken_over() -> None:
    parent = b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01"
    assert trace(b"order_2071.x-1", parent, DRAWN) == ("order_2071.x-1", parent)


@pytest.mark.parametrize(
    "request_id",
    [
        None,
        b"",
        b"x" * 65,
        b"a b",
        b"a\r\nset-cookie: x",
        b"\xe9",
        b"4111111111111111",
        b"n-4111-1111-1111-1111",
    ],
)
def test_other_ids_are_replaced(request_id: bytes | None) -> None:
    assert trace(request_id, None, DRAWN).request_id == DRAWN[:12].hex()


@pytest.mark.parametrize(
    "parent",
    [None, b"", b"00-" + b"0" * 32 + b"-" + b"b" * 16 + b"-01",
     b"00-" + b"a" * 32 + b"-" + b"0" * 16 + b"-01",
     b"ff-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01", b"00-" + b"A" * 32 + b"-" + b"b" * 16 + b"-01"],
)  # fmt: skip
def test_other_traces_are_begun_anew(parent: bytes | None) -> None:
    made = trace(None, parent, DRAWN).traceparent
    assert made == f"00-{DRAWN.hex()[:32]}-{DRAWN.hex()[32:48]}-01".encode()


def test_places_are_given_back_whatever_happens() -> None:
    slots, seen = Slots(4), []

    def broken() -> None:
        with slots.held("a", 3):
            seen.append(slots.taken)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken()
    assert (seen, slots.taken, slots._by_key) == ([3], 0, {})


def test_one_key_leaves_a_quarter_to_the_others() -> None:
    slots = Slots(8)
    with slots.held("a", 6):
        with pytest.raises(Refused, match=r"^overloaded$"), slots.held("a"):
            pass
        with slots.held("b", 2), pytest.raises(Refused, match=r"^overloaded$"):
            slots.look("c")
        slots.look("c", 2)
