"""One behaviour, two shells, a real server: what is asked, asked again, answered, and raised."""

from __future__ import annotations

import socket
from typing import Any

import msgspec
import pytest

from shared.client import (
    Answer,
    Conflict,
    HouseFault,
    NewKey,
    RateLimited,
    Refused,
    Sent,
    Transaction,
    Unauthorised,
    Unavailable,
)
from tests.support.scripted_house import ScriptedHouse, cut, dripping, refuse, say, silent

from .conftest import KEY, Shells

T = 1_700_000_000_000
PAYMENT = Transaction(
    tx_id="t-1", account_id="a-1", event_time_ms=T, amount_minor=4250, currency="EUR", merchant_id="m-1"
)
SHOWN = {
    "key_id": "0123456789ab",
    "name": "shop",
    "portfolio": "bank",
    "actions": ["decide", "read"],
    "caller": "shop",
    "details": True,
    "rate_per_s": 50.0,
    "burst": 100,
    "created_at_ms": T,
    "expires_at_ms": T + 1,
}


def test_a_payment_is_asked_and_answered(house: ScriptedHouse, shells: Shells) -> None:
    answer = shells().decide(PAYMENT, deadline_ms=300)

    (seen,) = house.seen
    assert (seen.method, seen.path, seen.query) == ("POST", "/v1/decisions", "deadline_ms=300")
    assert seen.headers["authorization"] == f"Bearer {KEY}"
    assert seen.headers["content-type"] == "application/json"
    assert msgspec.json.decode(seen.body) == {
        "tx_id": "t-1",
        "account_id": "a-1",
        "event_time_ms": T,
        "amount_minor": 4250,
        "currency": "EUR",
        "merchant_id": "m-1",
    }
    assert answer == Answer(
        tx_id="t-1",
        kind="final",
        action="review",
        answered_at_ms=T,
        decision_id="d-1",
        score=0.75,
        reasons=("score_review",),
    )


def test_fields_do_as_well_as_a_record(house: ScriptedHouse, shells: Shells) -> None:
    assert shells().decide({"tx_id": "t-2", "amount_minor": 1}).tx_id == "t-2"
    assert house.seen[0].body == b'{"tx_id":"t-2","amount_minor":1}'


def test_an_interim_answer_is_an_answer(house: ScriptedHouse, shells: Shells) -> None:
    interim = {"tx_id": "t-1", "kind": "interim", "action": "approve", "answered_at_ms": T}
    house.script.append(say(202, interim))

    answer = shells().decide(PAYMENT)

    assert (answer.kind, answer.action, answer.score, answer.reasons) == ("interim", "approve", None, None)


def test_later_is_asked_again_with_the_same_bytes(house: ScriptedHouse, shells: Shells) -> None:
    house.script += [
        refuse(503, "overloaded", retry_after="0"),
        refuse(429, "rate_limited", retry_after="0.01"),
        say(502, b"<html>no house here</html>"),
    ]

    assert shells(retries=3).decide(PAYMENT).decision_id == "d-1"
    assert len(house.seen) == 4
    assert len({(seen.path, seen.body) for seen in house.seen}) == 1


def test_retries_end(house: ScriptedHouse, shells: Shells) -> None:
    house.script += [refuse(503, "kafka_away")] * 5

    with pytest.raises(Unavailable) as caught:
        shells(retries=2).decide(PAYMENT)
    assert (caught.value.code, caught.value.status, caught.value.retry_after_s) == ("kafka_away", 503, None)
    assert len(house.seen) == 3


def test_who_is_sent_away_for_long_is_told_so_at_once(house: ScriptedHouse, shells: Shells) -> None:
    house.script.append(refuse(429, "rate_limited", retry_after="60"))

    with pytest.raises(RateLimited) as caught:
        shells(timeout_ms=5_000).decide(PAYMENT)
    assert caught.value.retry_after_s == 60
    assert len(house.seen) == 1


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (401, "key_unknown", Unauthorised),
        (403, "key_action", Unauthorised),
        (409, "tx_conflict", Conflict),
        (413, "oversize", Refused),
        (422, "amount_negative", Refused),
        (500, "bug", HouseFault),
    ],
)
def test_a_refusal_is_raised_once_and_whole(
    status: int, code: str, kind: type[Refused], house: ScriptedHouse, shells: Shells
) -> None:
    house.script.append(refuse(status, code, "amount_minor"))

    with pytest.raises(kind) as caught:
        shells().decide(PAYMENT)
    told = caught.value
    assert (told.code, told.field, told.status, told.request_id) == (code, "amount_minor", status, "r-1")
    assert told.message == f"Because of {code}."
    assert len(house.seen) == 1


def test_a_connection_that_breaks_gives_one_answer(house: ScriptedHouse, shells: Shells) -> None:
    house.script.append(house.decide_and_break)

    answer = shells().decide(PAYMENT)

    assert answer.decision_id == "d-1"
    assert list(house.answers) == ["t-1"]
    assert len(house.seen) == 2
    assert house.seen[0].body == house.seen[1].body


def test_a_connection_that_always_breaks_is_told(house: ScriptedHouse, shells: Shells) -> None:
    house.script += [house.decide_and_break] * 3

    with pytest.raises(Unavailable) as caught:
        shells(retries=1).decide(PAYMENT)
    assert (caught.value.code, caught.value.status) == ("broken_off", None)
    assert len(house.seen) == 2


@pytest.mark.parametrize("act", [silent(30), dripping(3_000, 0.01)], ids=["silent", "dripping"])
def test_a_slow_house_is_waited_for_no_longer_than_agreed(
    act: Any, house: ScriptedHouse, shells: Shells
) -> None:
    house.script += [act] * 5

    with pytest.raises(Unavailable) as caught:
        shells(timeout_ms=400).decide(PAYMENT)
    assert (caught.value.code, caught.value.status) == ("timed_out", None)
    assert len(house.seen) == 1


def test_a_silent_connection_is_given_up_soon_after_the_deadline(
    house: ScriptedHouse, shells: Shells
) -> None:
    house.script.append(silent(30))

    assert shells(timeout_ms=20_000).decide(PAYMENT, deadline_ms=20).decision_id == "d-1"
    assert [seen.query for seen in house.seen] == ["deadline_ms=20"] * 2


@pytest.mark.parametrize("body", [b"<html>", b"", b'{"tx_id": "t-1"}', b'{"tx_id": "\xff"}', b"[]"])
def test_an_answer_that_is_none_is_told(body: bytes, house: ScriptedHouse, shells: Shells) -> None:
    house.script.append(say(200, body))

    with pytest.raises(HouseFault) as caught:
        shells().decide(PAYMENT)
    assert (caught.value.code, caught.value.status) == ("answer_unreadable", 200)
    assert caught.value.request_id == "r-1"
    assert len(house.seen) == 1


def test_nobody_there(shells: Shells) -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unheard.getsockname()[1]}"

        with pytest.raises(Unavailable) as caught:
            shells(address, retries=1).decide(PAYMENT)
    assert caught.value.code == "unreachable"


def test_what_is_known_of_a_payment(house: ScriptedHouse, shells: Shells) -> None:
    shell = shells()
    given = {"tx_id": "t/1", "kind": "interim", "action": "approve", "answered_at_ms": T}
    decided = {"tx_id": "t/1", "decision_id": "d-1", "action": "decline", "amount_minor": 4250}
    house.script += [
        say(200, {"answer": given, "decision": decided}),
        say(202, {"answer": None, "decision": None}),
        refuse(404, "decision_unknown"),
        refuse(404, "not_found"),
    ]

    known = shell.decision("t/1")
    assert (known.answer.action, known.decision.action, known.is_pending) == ("approve", "decline", False)
    assert known.decision.score is None
    assert house.seen[0].path == "/v1/decisions/t%2F1"
    assert shell.decision("t-2").is_pending
    assert shell.decision("t-3") is None
    with pytest.raises(Refused, match="not_found"):
        shell.decision("t-4")


def test_many_are_sent_in_chunks_and_refused_by_place(house: ScriptedHouse, shells: Shells) -> None:
    refused = {"index": 2, "id": "x", "code": "field_type", "field": "v", "message": "No."}
    none = {"accepted": 0, "refused": [{**refused, "index": 0}]}
    house.script += [
        say(202, {"accepted": 999, "refused": [refused]}),
        refuse(429, "rate_limited", retry_after="0"),
        say(202, {"accepted": 1_000, "refused": []}),
        say(422, none),
    ]
    told: list[Sent] = []

    sent = shells().send_transactions(({"tx_id": f"t-{n}"} for n in range(2_001)), progress=told.append)

    assert (sent.items, sent.accepted, sent.parked) == (2_001, 1_999, None)
    assert [item.index for item in sent.refused] == [2, 2_000]
    assert [part.items for part in told] == [1_000, 1_000, 1]
    lines = [seen.body.decode().splitlines() for seen in house.seen]
    assert [len(part) for part in lines] == [1_000, 1_000, 1_000, 1]
    assert (lines[0][0], lines[3][0]) == ('{"tx_id":"t-0"}', '{"tx_id":"t-2000"}')
    assert lines[1] == lines[2]
    assert {seen.headers["content-type"] for seen in house.seen} == {"application/x-ndjson"}


def test_a_failure_says_what_was_sent_before(house: ScriptedHouse, shells: Shells) -> None:
    house.script += [say(202, {"accepted": 1_000, "refused": []}), refuse(401, "key_expired")]

    with pytest.raises(Unauthorised) as caught:
        shells().send_activities({"activity_id": f"v-{n}"} for n in range(1_500))
    assert caught.value.sent == Sent(items=1_000, accepted=1_000)


def test_labels_may_wait_for_their_payment(house: ScriptedHouse, shells: Shells) -> None:
    house.script += [say(202, {"accepted": 1, "refused": [], "parked": 1})]

    sent = shells().send_labels([{"tx_id": "t-1", "verdict": "fraud", "source": "bank"}])

    assert (sent.accepted, sent.parked, house.seen[0].path) == (1, 1, "/v1/labels")
    assert shells().send_labels([]) == Sent()


def test_keys_come_and_go(house: ScriptedHouse, shells: Shells) -> None:
    shell = shells()
    house.script += [
        refuse(503, "overloaded", retry_after="0"),
        say(201, {**SHOWN, "key": KEY}),
        say(200, {"keys": [SHOWN]}),
        say(204),
        refuse(404, "key_absent"),
    ]

    made = shell.add_key(NewKey(name="shop", actions=("decide", "read"), rate_per_s=50.0))
    assert (made.key, made.key_id, made.actions) == (KEY, "0123456789ab", ("decide", "read"))
    assert house.seen[1].body == b'{"name":"shop","actions":["decide","read"],"rate_per_s":50.0}'
    (shown,) = shell.keys()
    assert (shown.name, shown.burst, hasattr(shown, "key")) == ("shop", 100, False)
    assert shell.revoke_key("0123456789ab") is None
    assert (house.seen[3].method, house.seen[3].path) == ("DELETE", "/v1/keys/0123456789ab")
    with pytest.raises(Refused, match="key_absent"):
        shell.revoke_key("0")


def test_a_key_is_not_made_twice(house: ScriptedHouse, shells: Shells) -> None:
    house.script += [cut(b"{}")] * 2

    with pytest.raises(Unavailable, match="broken_off"):
        shells().add_key(NewKey(name="shop", actions=("decide",)))
    assert len(house.seen) == 1


@pytest.mark.parametrize(("url", "key"), [("ftp://x", KEY), ("127.0.0.1:1", KEY), ("http://", KEY)])
def test_a_bad_address_is_refused(url: str, key: str, shells: Shells) -> None:
    with pytest.raises(ValueError, match="address"):
        shells(url)
