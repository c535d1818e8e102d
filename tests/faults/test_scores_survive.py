"""Kills with a champion in charge: scores, predictions and cores of every copy are the same bits."""

from __future__ import annotations

import time
from dataclasses import replace

import msgspec

from tests.faults.checker import check
from tests.faults.conftest import MakeStand, checked
from tests.faults.read_back import Found, read_back
from tests.support.scorer_flow import Flow
from tests.support.scorer_model import release_champion
from tests.support.scorer_stand import by_tx
from tests.support.scorer_traffic import payment_ids, traffic


def test_scores_of_redelivered_payments_are_the_same_bits(make_stand: MakeStand) -> None:
    stand = make_stand(batch_records="32")
    history = list(traffic(40, 300))
    stand.sender.send(history)
    first = stand.start(crash_at="after_ack:40", commit_every_ms="3000")
    stand.until_decided(payment_ids(history))
    release_champion(stand)
    stand.start()
    with Flow(stand, 41, per_second=300) as flow:
        assert first.wait(60) == -9
        time.sleep(1)
    stand.until_settled(60)
    report = checked(stand)
    assert report.decided == len(payment_ids([*history, *flow.sent]))
    scored = {p.tx_id for p in stand.predictions()}
    copies = {tx: found for tx, found in by_tx(stand.decisions()).items() if len(found) > 1 and tx in scored}
    assert copies, "no scored payment was decided twice: the kill proved nothing"
    assert any(decision.score is not None for decision in stand.decisions())
    _sees_lost_cases(read_back(stand.bootstrap, stand.name, stand.portfolio_file, stand.home))


def _sees_lost_cases(found: Found) -> None:
    """What was not approved is flagged, also beside a kill, and the checker would see it if it were not."""
    approved_ids = {decision.tx_id for decision in found.decisions if decision.action == "approve"}
    first = next(record for record in found.flagged if record.decision.tx_id not in approved_ids)
    others = [record for record in found.flagged if record.decision.tx_id != first.decision.tx_id]
    assert others, "hardly anything was flagged"
    assert check(replace(found, flagged=others)).faults["I1"]
    approved = next(decision for decision in found.decisions if decision.action == "approve")
    invented = msgspec.structs.replace(first, decision=approved)
    assert check(replace(found, flagged=[*found.flagged, invented])).faults["I1"]
    blurred = msgspec.structs.replace(first, features=[None, *first.features[1:]])
    assert check(replace(found, flagged=[*found.flagged, blurred])).faults["I1"]
