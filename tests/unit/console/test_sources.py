"""Where the screens look: stories from the lake and from memory alike, and the topics that are followed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from services.archiver.core.capture_rows import capture_rows
from services.archiver.core.records import record_rows
from services.console.edge.held import Held
from services.console.edge.house_tail import HouseTail
from services.console.edge.lake_story import LakeStories, MemoryStories, Stories, Story
from shared.bus.ports import Place, Taken
from shared.contracts.addresses import KafkaAddress
from shared.contracts.codec import encode
from shared.contracts.decisions import Flagged
from shared.contracts.operations import Alert
from shared.runtime.clock import FixedClock
from shared.runtime.health import Health
from shared.stores.lake import Lake
from shared.stores.lake_commit import Source
from shared.stores.lake_tables import table_card
from tests.support.console_house import NOW_MS
from tests.support.console_house import decision as bank_decision
from tests.support.lake_messages import T0_MS, capture_body, decision, label, log_of, transaction

KNOWN = "tx-000003"


def in_the_lake(folder: Path) -> Stories:
    """Payment 3 with its repeat, capture and two labels, as the archiver writes them."""
    lake = Lake(folder)
    twice = decision(3, score=0.5)
    rows: dict[str, Sequence[bytes]] = {
        "decisions": [encode(decision(3)), encode(decision(4)), encode(twice)],
        "transactions": [encode(transaction(number)) for number in (3, 4)],
        "captures": [capture_body([3, 4])],
        "labels": [encode(label(3)), encode(label(3, "reversed", T0_MS + 9 * 86_400_000))],
    }
    for name, values in rows.items():
        card = table_card(name)
        make = capture_rows if card.record is None else record_rows
        made = make(card, "bank", log_of(f"bank.{card.topic}", values, 0, 0))
        lake.open(card).append(made, {Source(f"bank.{card.topic}", 0): len(values)}, T0_MS)
    return LakeStories(folder, "bank")


def in_memory(_: Path) -> Stories:
    """The same, put in by hand."""
    stories = MemoryStories()
    stories.by_tx[KNOWN] = Story(
        decision=decision(3),
        attempts=2,
        raw=encode(transaction(3)),
        vector=[3.0, 3.5, math.nan],
        label=label(3, "reversed", T0_MS + 9 * 86_400_000),
    )
    return stories


@pytest.mark.parametrize("make", [in_the_lake, in_memory])
def test_a_story_is_told_alike_wherever_it_is_kept(tmp_path: Path, make: Callable[[Path], Stories]) -> None:
    stories = make(tmp_path)
    told = stories.story(KNOWN)
    assert told.decision == decision(3)
    assert told.attempts == 2
    assert told.raw == encode(transaction(3))
    assert told.vector is not None
    assert told.vector[:2] == [3.0, 3.5]
    assert math.isnan(told.vector[2] or 0.0)
    assert told.label is not None
    assert told.label.verdict == "reversed"
    assert stories.story(decision(3).decision_id).decision == decision(3)
    assert stories.payments(["tx-unknown", KNOWN]) == {KNOWN: transaction(3)}
    assert stories.story("tx-unknown") == Story()
    assert stories.story("0" * 32) == Story()


def test_without_a_lake_nothing_is_known_and_none_is_made(tmp_path: Path) -> None:
    assert LakeStories(tmp_path / "lake", "bank").story(KNOWN) == Story()
    assert not (tmp_path / "lake").exists()


def test_records_go_where_the_screens_look_and_a_broken_one_is_counted() -> None:
    held, health = Held("bank", 100), Health(30.0)
    tail = HouseTail(
        KafkaAddress("nowhere:1"), [Place("status", 0)], "bank", held, FixedClock(NOW_MS), health
    )
    one = bank_decision(1, action="review")
    alert = Alert(v=1, rule="drift", state="firing", at_ms=NOW_MS, value=0.3, limit=0.2, subject="amount")
    cleared = Alert(v=1, rule="drift", state="cleared", at_ms=NOW_MS, value=0.1, limit=0.2, subject="amount")
    tail.take([_taken("bank.decisions", encode(one)), _taken("bank.decisions", b'{"v":')])
    tail.take([_taken("bank.flagged", encode(Flagged(v=1, decision=one, features=[1.0, None])))])
    tail.take([_taken("bank.alerts", encode(alert))])
    assert held.recent.decision(one.tx_id) == one
    assert held.recent.vector(one.tx_id) == [1.0, None]
    assert held.alerts_firing() == 1
    tail.take([_taken("bank.alerts", encode(cleared))])
    assert held.alerts_firing() == 0
    assert dict(held.refused) == {"not_json": 1}


def test_a_lost_broker_is_told_and_untold() -> None:
    held, health = Held("bank", 100), Health(30.0)
    tail = HouseTail(
        KafkaAddress("nowhere:1"), [Place("status", 0)], "bank", held, FixedClock(NOW_MS), health
    )
    tail.lost(OSError())
    assert held.is_log_away(NOW_MS)
    assert "tail: kafka_away" in health.ready().faults
    tail.found()
    tail.moved()
    assert held.is_log_away(NOW_MS)
    tail.take([_taken("status", b"{}")])
    assert not held.is_log_away(NOW_MS + 4_999)
    assert held.is_log_away(NOW_MS + 5_000)
    assert "tail: kafka_away" not in health.ready().faults


def _taken(topic: str, value: bytes) -> Taken:
    return Taken(topic, 0, 0, NOW_MS, None, value)
