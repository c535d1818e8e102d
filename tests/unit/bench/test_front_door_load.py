"""The load generator: sends on time whatever comes back, counts from when it was due, says what came."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import msgspec
import uvloop

from shared.contracts.codec import decode_transaction
from tests.bench.front_door import bodies
from tests.bench.front_door.bodies import target
from tests.bench.front_door.figures import good_per_s, row, table, to_json
from tests.bench.front_door.offer import Run, at_rate, at_will, outcome
from tests.support.scripted_house import Seen, Send, cut, refuse, say, serving

FINE = say(200, {"kind": "final"})


class Playing:
    """An application that plays ``acts`` in turn, and remembers what it saw."""

    def __init__(self, acts: dict[int, Any] | None = None) -> None:
        self.acts = acts or {}
        self.seen: list[Seen] = []

    async def __call__(self, scope: Any, receive: Any, send: Send) -> None:
        body = b""
        more = True
        while more:
            message = await receive()
            body, more = body + message["body"], message["more_body"]
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        seen = Seen(scope["method"], scope["path"], scope["query_string"].decode(), headers, body)
        self.seen.append(seen)
        await self.acts.get(len(self.seen), FINE)(seen, send)


def offered(app: Playing, per_s: float = 200.0, seconds: float = 0.5, connections: int = 4) -> Run:
    with serving(app) as url:
        where = target(url, "key")
        return uvloop.run(at_rate(where, bodies.decisions(where, 250), per_s, seconds, connections))


def test_every_request_is_another_payment_that_the_contract_takes() -> None:
    app = Playing()
    run = offered(app)

    assert {name: len(samples) for name, samples in run.samples.items()} == {"200": 100}
    assert (len(run.late_ns), run.unanswered) == (100, 0)
    payments = [decode_transaction(b'{"v":1,' + seen.body[1:]) for seen in app.seen]
    assert len({payment.tx_id for payment in payments}) == 100
    assert len({payment.account_id for payment in payments}) == 100
    assert {seen.headers["authorization"] for seen in app.seen} == {"Bearer key"}
    assert (app.seen[0].path, app.seen[0].query) == ("/v1/decisions", "deadline_ms=250")


def test_a_stall_is_felt_by_all_who_were_due_in_it() -> None:
    async def stalls(seen: Seen, send: Send) -> None:
        await asyncio.sleep(0.3)
        await FINE(seen, send)

    run = offered(Playing({1: stalls}), connections=1)

    waits_ms = [ns / 1e6 for _, ns in sorted(run.samples["200"])]
    # Requests 0 to 39 were due in the first 200 ms of the stall and waited for the rest of it at least.
    assert min(waits_ms[:40]) > 90
    assert len(waits_ms) == 100
    assert run.starved > 40
    assert min(run.late_ns) >= 0


def test_refusals_are_counted_by_code_and_a_broken_connection_is_replaced() -> None:
    acts = {1: refuse(503, "overloaded"), 2: refuse(429, "rate_limited"), 3: cut(b"{}"), 4: say(500, b"?")}
    run = offered(Playing(acts), connections=1)

    counted = Counter({name: len(samples) for name, samples in run.samples.items()})
    assert counted == {"503 overloaded": 1, "429 rate_limited": 1, "broken": 1, "500 ?": 1, "200": 96}


def test_bulk_goes_on_as_soon_as_it_is_answered() -> None:
    app = Playing()
    app.acts = dict.fromkeys(range(1, 100_000), say(202, {"accepted": 7, "refused": []}))
    with serving(app) as url:
        where = target(url, "key")
        run = uvloop.run(at_will(where, bodies.lines(where, 7), 0.3, 2))

    count = len(run.samples["202"])
    assert run.accepted_items == 7 * count == 7 * len(app.seen)
    lines = [line for seen in app.seen for line in seen.body.splitlines()]
    assert len({msgspec.json.decode(line)["tx_id"] for line in lines}) == len(lines) == 7 * count
    assert app.seen[0].headers["content-type"] == "application/x-ndjson"


def test_outcomes_by_name() -> None:
    assert outcome(0, b"") == "broken"
    assert outcome(202, b"") == "202"
    assert outcome(409, b'{"error":{"code":"tx_conflict","field":""}}') == "409 tx_conflict"
    assert outcome(502, b"<html>") == "502 ?"


def test_figures_are_of_good_answers_and_measured_ones() -> None:
    run = Run(10.0, 10.0)
    run.samples["200"] = [(second * 1_000_000_000, (second + 1) * 1_000_000) for second in range(10)]
    run.samples["503 overloaded"] = [(0, 1)] * 5
    told = row("x", [run, run])

    assert (told.seconds, told.per_s, told.outcomes) == (20.0, 1.0, {"200": 20, "503 overloaded": 10})
    assert (told.p50_ms, told.p90_ms, told.p99_ms, told.max_ms) == (6.0, 10.0, 10.0, 10.0)
    assert good_per_s(run, 5.0) == 1.0
    assert "503 overloaded: 10" in table([told])
    assert msgspec.json.decode(to_json([told], {"a": 1.0}))["rows"][0]["p99_ms"] == 10.0


def test_nothing_answered_has_no_latency() -> None:
    told = row("x", [Run(10.0, 1.0)])

    assert (told.p50_ms, told.max_ms, told.per_s) == (None, None, 0.0)
    assert "-" in table([told])
