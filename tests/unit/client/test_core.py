"""The pure core: when to ask again, what is asked, how many are cut into chunks, what a reply means."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.client import Activity, Label, RateLimited, Sent, Transaction, Unavailable, reading, requests
from shared.client.bulk import Lines, Tally, placed
from shared.client.exchange import Patience, Pause, exchange, pause_s
from shared.client.failures import Delayed
from shared.client.reading import Lost, Reply
from shared.client.requests import Attempt, Request
from shared.contracts.codec import decode_activity, decode_label, decode_transaction

T = 1_700_000_000_000
BUSY = Reply(503, b'{"error":{"code":"overloaded","request_id":"r-9"}}')
FINE = Reply(200, b"{}")
ASK = Request("POST", "/v1/decisions", b"{}", deadline_ms=500)


class Clock:
    """Seconds that pass when told; every attempt takes ``each_s``."""

    def __init__(self, each_s: float) -> None:
        self.now_s = 100.0
        self.each_s = each_s

    def __call__(self) -> float:
        return self.now_s


def play(
    request: Request, heard: list[Reply | Lost], patience: Patience, each_s: float = 0.0
) -> tuple[list[Attempt | Pause], Reply | Delayed]:
    """Every step of an exchange that hears ``heard``, and how it ends."""
    clock = Clock(each_s)
    steps = exchange(request, patience, clock, lambda: 0.0)
    taken: list[Attempt | Pause] = []
    answers, told = iter(heard), None
    while True:
        try:
            step = steps.send(told)
        except StopIteration as done:
            return taken, done.value
        except Delayed as failed:
            return taken, failed
        taken.append(step)
        clock.now_s += step.seconds if isinstance(step, Pause) else clock.each_s
        told = None if isinstance(step, Pause) else next(answers)


def test_what_settles_it_ends_it() -> None:
    for status in (200, 202, 400, 401, 404, 409, 422, 500):
        reply = Reply(status, b"")
        taken, end = play(ASK, [reply], Patience(2.0, 5))
        assert (taken, end) == ([Attempt("/v1/decisions?deadline_ms=500", 1.0)], reply)


def test_waits_double_and_the_deadline_shrinks_with_the_time_left() -> None:
    taken, end = play(ASK, [BUSY, Lost("broken_off"), BUSY, FINE], Patience(2.0, 3), each_s=0.5)

    assert end == FINE
    assert [step.seconds for step in taken if isinstance(step, Pause)] == [0.025, 0.05, 0.1]
    targets = [step.target.split("=")[1] for step in taken if isinstance(step, Attempt)]
    assert targets == ["500", "500", "500", "325"]


def test_a_last_attempt_with_little_time_left_asks_for_nothing_that_the_house_refuses() -> None:
    taken, _ = play(ASK, [BUSY, FINE], Patience(1.0, 1), each_s=0.972)

    assert isinstance(taken[-1], Attempt)
    assert taken[-1].target == "/v1/decisions?deadline_ms=5"
    assert taken[-1].within_s < 0.005


def test_the_time_ends_it_before_the_retries() -> None:
    taken, end = play(ASK, [BUSY] * 9, Patience(1.2, 100), each_s=0.5)

    assert isinstance(end, Unavailable)
    assert (end.code, end.request_id, end.status) == ("overloaded", "r-9", 503)
    assert sum(isinstance(step, Attempt) for step in taken) == 3
    assert not isinstance(taken[-1], Pause)


def test_no_wait_is_shorter_than_what_the_house_said() -> None:
    away = Reply(429, b"", "1.5")

    taken, end = play(ASK, [away, FINE], Patience(2.0, 1))
    assert (taken[1], end) == (Pause(1.5), FINE)
    _, end = play(ASK, [away, FINE], Patience(1.5, 1))
    assert isinstance(end, RateLimited)
    assert end.retry_after_s == 1.5


@given(st.integers(0, 50), st.floats(0, 1, exclude_max=True), st.none() | st.floats(0, 1e6))
def test_pauses_keep_their_bounds(asked: int, chance: float, said_s: float | None) -> None:
    delay = Unavailable("overloaded")
    delay.retry_after_s = said_s

    wait_s = pause_s(asked, delay, chance)

    if said_s is None:
        assert 0.025 <= wait_s <= 2.0
    else:
        assert said_s <= wait_s <= 1.25 * said_s


@pytest.mark.parametrize(
    ("heard", "times"),
    [(Lost("broken_off"), 1), (Lost("unreachable", may_have_arrived=False), 3), (BUSY, 3)],
)
def test_what_must_not_happen_twice_is_repeated_only_if_it_did_not_happen(
    heard: Reply | Lost, times: int
) -> None:
    once = Request("POST", "/v1/keys", b"{}", repeatable=False)

    taken, end = play(once, [heard] * 9, Patience(5.0, 2))

    assert isinstance(end, Unavailable)
    assert sum(isinstance(step, Attempt) for step in taken) == times


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2", 2.0),
        ("0.25", 0.25),
        (" 7 ", 7.0),
        *[(text, None) for text in ("", "-1", "nan", "1e9", ".", "\u0663", "Thu, 26 Nov 2026 21:00:00 GMT")],
    ],
)
def test_retry_after(text: str, seconds: float | None) -> None:
    delay = reading.delay_of(Reply(503, b"", text))

    assert delay is not None
    assert delay.retry_after_s == seconds


@given(st.lists(st.text(max_size=40)), st.integers(1, 7), st.integers(1, 100))
def test_chunks_hold_everything_in_order_within_their_limits(
    texts: list[str], limit_items: int, limit_bytes: int
) -> None:
    lines = Lines(limit_items, limit_bytes)
    made = [lines.add({"id": text}) for text in texts]
    chunks = [chunk for chunk in (*made, lines.rest()) if chunk is not None]

    items = [msgspec.json.decode(line)["id"] for chunk in chunks for line in chunk.body.split(b"\n")[:-1]]
    assert items == texts
    assert [chunk.first for chunk in chunks] == [
        sum(before.items for before in chunks[:n]) for n in range(len(chunks))
    ]
    assert all(chunk.items == chunk.body.count(b"\n") <= limit_items for chunk in chunks)
    assert all(len(chunk.body) <= limit_bytes or chunk.items == 1 for chunk in chunks)
    assert lines.rest() is None


def test_a_tally_keeps_missing_missing() -> None:
    tally = Tally()
    assert tally.sent() == Sent()
    tally.add(Sent(items=2, accepted=2))
    tally.add(Sent(items=3, accepted=1, parked=0))
    assert tally.sent() == Sent(items=5, accepted=3, parked=0)


def test_the_version_is_the_only_thing_left_out() -> None:
    payment = Transaction(tx_id="t", account_id="a", event_time_ms=T, amount_minor=1, currency="EUR")
    activity = Activity(activity_id="v", account_id="a", event_time_ms=T, kind="login")
    label = Label(
        label_id="l",
        tx_id="t",
        account_id="a",
        event_time_ms=T,
        known_at_ms=T,
        verdict="fraud",
        source="bank",
    )
    for record, decode in ((payment, decode_transaction), (activity, decode_activity), (label, decode_label)):
        body: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(record))
        assert "v" not in body
        whole = decode(msgspec.json.encode({**body, "v": 1}))
        assert msgspec.structs.asdict(whole) == msgspec.structs.asdict(record)


def test_ids_are_one_segment_of_a_path() -> None:
    assert requests.decision("a/b?c#d é").path == "/v1/decisions/a%2Fb%3Fc%23d%20%C3%A9"
    assert requests.revoke_key("../x").path == "/v1/keys/..%2Fx"


@pytest.mark.parametrize("key", ["", "a\r\nb: c", "schlüssel"])
def test_a_key_that_no_header_can_hold_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="printable ASCII"):
        requests.headers(key)


def test_the_import_is_light() -> None:
    heavy = "httpx numpy numba pydantic fastapi rich click orjson"
    code = f"import sys, shared.client; print([m for m in {heavy.split()!r} if m in sys.modules])"

    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "[]\n"


def test_places_count_from_the_beginning_of_the_call() -> None:
    lines = Lines(limit_items=2)
    chunks = [lines.add({"n": n}) for n in range(4)] + [lines.rest()]
    last = chunks[-1]
    refusal = reading.receipt(
        Reply(202, b'{"accepted":1,"refused":[{"index":1,"id":"","code":"x","field":"","message":""}]}')
    )

    assert last is not None
    assert [item.index for item in placed(refusal, last).refused] == [3]
