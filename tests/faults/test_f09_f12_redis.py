"""Redis restarted, emptied, away, full: F09, F10, F12 and rule 12 of the timelines."""

from __future__ import annotations

import time
from collections.abc import Callable

import redis

from infra.local.redis import RedisServer
from shared.contracts.decisions import Decision
from tests.faults.checker import check
from tests.faults.conftest import MakeStand, checked
from tests.faults.read_back import read_back
from tests.faults.rebuilt import rebuilt
from tests.support.scorer_flow import Flow
from tests.support.scorer_process import wait_until
from tests.support.scorer_stand import Stand, last_by_tx
from tests.support.scorer_traffic import DAY_MS, T0_MS, payment, payment_ids, traffic

StartRedis = Callable[..., RedisServer]


def test_f09_redis_killed_and_restarted_under_traffic(make_stand: MakeStand, start_redis: StartRedis) -> None:
    server = start_redis()
    stand = make_stand(server.url, state_wait_ms="20000", batch_records="64")
    stand.start()
    with Flow(stand, 9, per_second=300) as flow:
        stand.until_joined(1)
        for stop in (server.stop, server.kill):
            time.sleep(0.7)
            stop()
            time.sleep(0.3)
            server.start()
        time.sleep(1.0)
    stand.until_settled()
    report = checked(stand)
    assert report.decided == len(flow.payments)
    assert {decision.state_quality for decision in stand.decisions()} == {"exact"}


def test_f10_flushed_flagged_rebuilt_and_exact_again(make_stand: MakeStand, start_redis: StartRedis) -> None:
    server = start_redis()
    stand = make_stand(server.url, batch_records="64")
    stand.start()
    before, after = list(traffic(10, 200)), list(traffic(11, 60, "after", T0_MS + DAY_MS))
    last = list(traffic(12, 60, "last", T0_MS + 2 * DAY_MS))
    stand.sender.send(before)
    stand.until_settled()
    with redis.Redis.from_url(server.url) as client:
        client.flushall()
    stand.sender.send(after)
    stand.until_settled()
    checked(stand)
    flagged = last_by_tx(stand.decisions())
    assert {flagged[tx_id].state_quality for tx_id in payment_ids(after)} == {"rebuilding"}
    assert {flagged[tx_id].epoch for tx_id in payment_ids(after)} == {2}

    assert rebuilt(stand, server.address, at_least=2).epoch == 3
    stand.sender.send(last)
    stand.until_settled()
    checked(stand)
    decisions = last_by_tx(stand.decisions())
    assert {decisions[tx_id].state_quality for tx_id in payment_ids(last)} == {"exact"}
    versions = [v for tx_id in payment_ids(last) for v in decisions[tx_id].entity_versions]
    assert min(versions) > 0, "the rebuilt logs do not hold what was captured before"


def test_redis_away_degrades_flags_and_the_debt_is_paid_even_by_another_worker(
    make_stand: MakeStand, start_redis: StartRedis
) -> None:
    server = start_redis()
    stand = make_stand(server.url, state_wait_ms="300", batch_records="32")
    first = stand.start()
    before = list(traffic(20, 100))
    stand.sender.send(before)
    stand.until_settled()
    server.stop()
    away = list(traffic(21, 80, "away", T0_MS + DAY_MS))
    stand.sender.send(away)
    stand.until_settled()
    first.kill()
    stand.start()
    still = list(traffic(22, 40, "still", T0_MS + 2 * DAY_MS))
    stand.sender.send(still)
    stand.until_settled()
    owed = payment_ids([*away, *still])
    decisions = last_by_tx(stand.decisions())
    assert {decisions[tx_id].state_quality for tx_id in owed} == {"unavailable"}
    _assert_degraded_policy([decisions[tx_id] for tx_id in owed])

    server.start()
    wait_until(lambda: not _owed(stand, owed), 30, lambda: f"{len(_owed(stand, owed))} owed; {stand.tails()}")
    back = list(traffic(23, 40, "back", T0_MS + 3 * DAY_MS))
    stand.sender.send(back)
    stand.until_settled()
    report = checked(stand)
    assert report.decided == len(payment_ids([*before, *away, *still, *back])) == len(stand.decisions())
    decisions = last_by_tx(stand.decisions())
    assert {decisions[tx_id].state_quality for tx_id in payment_ids(back)} == {"exact"}


def _assert_degraded_policy(decisions: list[Decision]) -> None:
    above = [decision for decision in decisions if decision.amount_minor > 20_000]
    assert above
    assert {decision.action for decision in above} == {"review"}
    assert all("state_unavailable" in decision.reasons for decision in decisions)


def _owed(stand: Stand, tx_ids: list[str]) -> set[str]:
    """Those whose record stands in no captured timeline."""
    found = read_back(stand.bootstrap, stand.name, stand.portfolio_file, stand.home)
    appended = {c.row["id"] for c in found.captures if max(c.row["versions"]) >= 0}
    return set(tx_ids) - appended


def test_f12_redis_full_stops_without_acknowledging_and_goes_on_by_itself(
    make_stand: MakeStand, start_redis: StartRedis
) -> None:
    server = start_redis()
    stand = make_stand(server.url, batch_records="32", state_wait_ms="300")
    worker = stand.start()
    before, refused = list(traffic(30, 100)), list(traffic(31, 100, "full", T0_MS + DAY_MS))
    stand.sender.send(before)
    stand.until_settled()
    with redis.Redis.from_url(server.url) as client:
        client.config_set("maxmemory", 1)
        committed, _ = stand.positions()
        stand.sender.send(refused)
        time.sleep(3)
        assert stand.positions()[0] == committed
        assert worker.exit_code is None, worker.tail()
        assert len(stand.decisions()) == len(payment_ids(before))
        client.config_set("maxmemory", 0)
    stand.until_settled()
    report = check(read_back(stand.bootstrap, stand.name, stand.portfolio_file, stand.home))
    assert report.is_good, report.text()
    assert {decision.state_quality for decision in stand.decisions()} == {"exact"}


def test_a_full_redis_does_not_hold_a_stop_up(make_stand: MakeStand, start_redis: StartRedis) -> None:
    server = start_redis()
    stand = make_stand(server.url)
    worker = stand.start()
    stand.sender.send([payment("tx-0")])
    stand.until_settled()
    with redis.Redis.from_url(server.url) as client:
        client.config_set("maxmemory", 1)
        stand.sender.send([payment("tx-1")])
        time.sleep(1)
        assert worker.terminate() < 10
    stand.start()
    with redis.Redis.from_url(server.url) as client:
        client.config_set("maxmemory", 0)
    stand.until_settled()
    assert checked(stand).decided == 2
