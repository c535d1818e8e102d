"""Numbers, filters, lineage and the queue: what the API says against a slow count of what was put in."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path

import pytest

from services.console.core.cases import (
    CASES_MOST,
    CLOCKS_DIFFER_MS,
    Claim,
    at_risk_minor,
    claimed_from_ms,
    queue,
)
from services.console.core.recent import Recent, TailFilter
from services.console.core.views import Pulse
from shared.contracts.decisions import Decision
from shared.stores.database import Database
from tests.support.console_house import NOW_MS, ConsoleHouse, decision


async def test_the_overview_is_a_query_over_the_monitors_tables(house: ConsoleHouse) -> None:
    client, _ = await house.signed_in("vera")
    async with client:
        view = (await client.get("/api/v1/overview", params={"range": "30m"})).json()
        assert (await client.get("/api/v1/overview", params={"range": "1y"})).status_code == 422
    with Database.open(house.settings.monitor_url).reading() as connection:
        asked = "SELECT action, SUM(count), SUM(amount_minor) FROM monitor_decisions GROUP BY action"
        counted = {row[0]: (row[1], row[2]) for row in connection.exec_driver_sql(asked)}
    told = {row["action"]: (row["count"], row["amount_minor"]) for row in view["history"]["money"]}
    assert told == counted
    assert view["history"]["decisions"] == sum(count for count, _ in counted.values())
    rates = zip(view["history"]["per_s"], view["history"]["at_ms"], strict=True)
    assert round(sum(rate * 60 for rate, _ in rates)) == view["history"]["decisions"]
    assert view["history"]["dead_letters"] == {"not_json": 3}


async def test_the_overview_of_a_house_without_a_monitor_makes_no_file(tmp_path: Path) -> None:
    house = ConsoleHouse(tmp_path)
    view = await house.desk.overview("30m", house.desk.pulse())
    assert view.history is None
    assert not (tmp_path / "sql" / "monitor.db").exists()
    house.database.close()


@pytest.mark.parametrize(
    "wanted",
    [
        TailFilter(),
        TailFilter(action="review"),
        TailFilter(caller="mobile", score_least=0.03),
        TailFilter(reason="score_decline"),
        TailFilter(text="acc-01"),
    ],
)
def test_a_filter_wants_what_a_person_would_pick(wanted: TailFilter) -> None:
    recent, everything = Recent(1_000), [decision(number) for number in range(400)]
    for each in everything:
        recent.decided(each)
    picked = [each for each in reversed(everything) if _picks(wanted, each)]
    assert recent.newest(wanted, 1_000) == picked
    assert len(picked) > 0


def _picks(wanted: TailFilter, each: Decision) -> bool:
    return (
        wanted.action in ("", each.action)
        and wanted.caller in ("", each.caller)
        and (not wanted.reason or wanted.reason in each.reasons)
        and (wanted.score_least is None or (each.score or 0) >= wanted.score_least)
        and (wanted.text in each.tx_id or wanted.text in each.account_id)
    )


def test_memory_is_bounded_and_the_first_decision_of_a_payment_stands() -> None:
    recent = Recent(100)
    for number in range(1_000):
        recent.decided(decision(number))
    assert len(recent) == 100
    assert recent.decision("tx-000899") is None
    kept = decision(999)
    recent.decided(decision(999, action="decline"))
    assert recent.decision(kept.decision_id) == kept
    assert recent.attempts("tx-000999") == 2
    assert {len(vars(recent)[name]) for name in ("_decisions", "_tx_ids", "_attempts", "_moments")} == {100}


async def test_a_decision_tells_its_whole_story_and_masks_its_instruments(house: ConsoleHouse) -> None:
    client, _ = await house.signed_in("vera")
    async with client:
        answer = await client.get("/api/v1/decisions/tx-9f31c2ab77e0")
        by_decision = await client.get(f"/api/v1/decisions/{answer.json()['decision']['decision_id']}")
        page = (await client.get("/decisions/tx-9f31c2ab77e0")).text
    view = answer.json()
    assert view == by_decision.json()
    assert view["input"]["card_id"] == "…77a0"
    assert view["input"]["device_id"] == "…be22"
    assert view["input"]["latitude"] == 52.5
    assert "card-2231" not in page
    assert len(view["features"]) == 52
    assert sum(each["value"] is None for each in view["features"]) == 2
    assert view["answer"]["kind"] == "final"
    assert {each["entity"]: each["version"] for each in view["entities"]}["terminal"] is None


async def test_a_case_is_claimed_judged_once_and_becomes_a_label(house: ConsoleHouse) -> None:
    client, csrf = await house.signed_in("omar")
    other, other_csrf = await house.signed_in("ada")
    client.headers["x-csrf-token"], other.headers["x-csrf-token"] = csrf, other_csrf
    path = "/api/v1/queue/tx-9f31c2ab77e0"
    async with client, other:
        queue = (await client.get("/api/v1/queue")).json()
        risks = [case["at_risk_minor"] for case in queue["cases"]]
        assert risks == sorted(risks, reverse=True)
        judge, verdict = f"{path}/verdict", {"verdict": "f"}
        assert (await client.post(judge, json=verdict)).json()["error"]["code"] == "case_unclaimed"
        assert (await client.post(f"{path}/claim")).status_code == 204
        assert (await other.post(f"{path}/claim")).json()["error"]["code"] == "case_claimed"
        assert (await other.post(judge, json=verdict)).status_code == 409
        assert (await client.post(judge, json={"verdict": "maybe"})).status_code == 422
        assert house.labels == []
        assert (await client.post(judge, json=verdict)).status_code == 204
        assert (await client.post(judge, json=verdict)).json()["error"]["code"] == "case_decided"
        after = (await client.get("/api/v1/queue")).json()
    assert (after["open"], after["decided"]) == (queue["open"] - 1, 1)
    (label,) = house.labels
    assert (label.verdict, label.source, label.account_id) == ("fraud", "analyst", "acc-004417")
    assert (label.card_id, label.payee_id, label.amount_minor) == ("card-2231-77a0", "payee-5501", 41_200)
    mine = [entry for entry in house.audit.entries if entry[1] == "verdict"]
    assert [entry[3] for entry in mine] == ["intended", "done"]


def test_the_queue_of_many_cases_is_that_of_sorting_them_all() -> None:
    many = [decision(number) for number in range(4_000)]
    looked_at = [d for d in many if d.action != "approve"]
    claims = {
        d.tx_id: Claim(tx_id=d.tx_id, claimed_by="omar", claimed_at_ms=NOW_MS, verdict=verdict)
        for d, verdict in zip(looked_at, ("fraud", None) * 50, strict=False)
    }
    closed = {tx_id for tx_id, claim in claims.items() if claim.verdict}
    waiting = [d for d in looked_at if d.tx_id not in closed]
    waiting.sort(key=lambda d: (-at_risk_minor(d), d.tx_id))
    worst, is_open = queue(many, claims)
    assert is_open == len(waiting) > CASES_MOST
    assert [case.row.tx_id for case in worst] == [d.tx_id for d in waiting[:CASES_MOST]]
    assert [case.claimed_by for case in worst] == [
        "omar" if d.tx_id in claims else "" for d in waiting[:CASES_MOST]
    ]
    assert queue([], claims) == ([], 0)


def test_claims_are_asked_for_from_the_oldest_case_on() -> None:
    cases = [decision(1, NOW_MS), decision(2, NOW_MS - 5_000), decision(3, NOW_MS - 1)]
    oldest_ms = min(d.decided_at_ms for d in cases)
    assert claimed_from_ms(cases) == oldest_ms - CLOCKS_DIFFER_MS


def test_a_payment_without_a_score_risks_all_of_it() -> None:
    assert at_risk_minor(decision(1, score=None, amount_minor=900)) == 900
    assert at_risk_minor(decision(1, score=0.5, amount_minor=900)) == 450


async def test_live_numbers_are_those_of_the_last_ten_seconds(house: ConsoleHouse) -> None:
    pulse = house.desk.pulse()
    times = sorted(house.held.recent.times_ms(NOW_MS))
    assert len(times) == 200
    assert pulse.per_s == 20.0
    assert pulse.max_ms == times[-1]
    assert pulse.p50_ms == times[99]
    assert pulse.lag == 44
    house.clock.advance(60_000)
    later = house.desk.pulse()
    assert (later.per_s, later.p50_ms, later.lag) == (0.0, None, None)


async def test_a_stream_resumes_after_the_last_id_and_drops_the_oldest(
    house: ConsoleHouse,
) -> None:
    async def allowed() -> bool:
        return True

    await house.broadcaster.stop()
    pulses = [_pulse(house) for _ in range(10)]
    slow = await house.broadcaster.stream(None, allowed)
    await anext(slow)
    for pulse in pulses:
        house.broadcaster.send(pulse)
    assert house.broadcaster.dropped == 6
    assert _ids(await anext(slow)) == [pulses[6].at_ms]
    again = await house.broadcaster.stream(pulses[4].at_ms, allowed)
    assert _ids(await anext(again)) == [pulse.at_ms for pulse in pulses[5:]]
    for stream in (slow, again):
        await stream.aclose()  # type: ignore[attr-defined]  # a generator
    assert house.broadcaster.streams == 0


def _pulse(house: ConsoleHouse) -> Pulse:
    house.clock.advance(1_000)
    return house.desk.pulse()


def _ids(frames: bytes) -> list[int]:
    return [int(line[4:]) for line in frames.split(b"\n") if line.startswith(b"id: ")]


async def test_a_hundred_streams_get_the_same_pulse(house: ConsoleHouse) -> None:
    client, _ = await house.signed_in("vera")
    seen: Counter[str] = Counter()

    async def follow() -> None:
        async with client.stream("GET", "/api/v1/stream") as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            async for line in answer.aiter_lines():
                if line.startswith("data:"):
                    seen[str(json.loads(line[5:])["seq"])] += 1
                    return

    async with client:
        await asyncio.gather(*(follow() for _ in range(100)))
    assert seen.total() == 100
    assert len(seen) <= 4
