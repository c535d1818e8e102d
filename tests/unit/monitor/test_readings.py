"""What each rule reads, against the plain definition in its meaning."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.monitor.core.readings import Caller, Lately, Reading, read_all, usual_per_minute
from services.simulator.core.scenarios import Scenario, written
from shared.contracts.alert_rules import rule
from shared.contracts.codec import TRANSACTIONS, DecodeError
from shared.contracts.operations import PartitionStatus, ScenarioRequest, Status
from shared.evaluation.time_bins import RELATIVE_ERROR, bins_of
from tests.support.lake_messages import T0_MS, transaction

NOW_MS = T0_MS + 3_600_000
NOTHING = Lately({}, {}, {}, frozenset(), {}, ())


def status(service: str, instance: str = "1", silent_ms: int = 0, **given: Any) -> Status:
    return Status(
        v=1,
        service=service,
        instance=instance,
        at_ms=NOW_MS - silent_ms,
        **{"state": "ready", **given},
    )


def read(
    lately: Lately = NOTHING, *statuses: Status, known: tuple[str, ...] = (), usual_after_ms: int = 300_000
) -> dict[tuple[str, str], Reading]:
    found = read_all(lately, statuses, known, usual_after_ms, NOW_MS)
    return {(reading.rule, reading.subject): reading for reading in found}


def lately(**given: Any) -> Lately:
    return Lately(**{**{name: getattr(NOTHING, name) for name in NOTHING.__slots__}, **given})


@given(st.floats(1.0, 10_000.0), st.integers(0, 7_200_000))
def test_a_caller_is_silent_after_a_minute_or_twenty_gaps(usual: float, silent_ms: int) -> None:
    caller = Caller("pos", NOW_MS - 8_000_000, NOW_MS - silent_ms, usual)
    value = read(lately(callers=[caller]))["caller_silent", "pos"].value
    gap_s = 60.0 / usual
    assert (value >= 1.0) == (silent_ms / 1000 >= max(60.0, 20 * gap_s))


def test_who_has_no_usual_rate_is_not_missed() -> None:
    old = NOW_MS - 3_000_000
    assert ("caller_silent", "rare") not in read(lately(callers=[Caller("rare", old, old + 900_000, 0.99)]))
    assert ("caller_silent", "new") not in read(lately(callers=[Caller("new", old, old + 299_999, 50.0)]))
    assert ("caller_silent", "new") in read(lately(callers=[Caller("new", old, old + 300_000, 50.0)]))


def test_while_nobody_decides_callers_are_not_judged() -> None:
    some = lately(callers=[Caller("pos", NOW_MS - 3_000_000, NOW_MS - 900_000, 50.0)])
    assert ("caller_silent", "pos") not in read(some, status("scorer", silent_ms=11_000))
    assert ("caller_silent", "pos") in read(some, status("scorer", "1", 11_000), status("scorer", "2"))


def test_a_usual_minute_is_of_an_hour_at_most() -> None:
    assert usual_per_minute(30, 0, 30_000) == 30.0
    assert usual_per_minute(30, 0, 600_000) == 3.0
    assert usual_per_minute(120, 0, 86_400_000) == 2.0


@pytest.mark.parametrize(("dead", "decided", "ratio"), [(9, 0, 0.0), (10, 0, 1.0), (10, 990, 0.01)])
def test_dead_letters_are_a_share_of_what_came(dead: int, decided: int, ratio: float) -> None:
    some = lately(dead_letters={("t", "not_json"): dead}, actions={"approve": decided})
    found = read(some)["dead_letters", ""]
    assert found.value == ratio
    assert "not_json" in found.detail


def test_a_refusal_is_new_once_a_day_and_read_until_it_clears() -> None:
    some = lately(dead_letters={("t", "a"): 2, ("t", "b"): 3}, refused_before=frozenset({("t", "a")}))
    assert read(some)["new_refusal", "t b"].value == 3.0
    assert ("new_refusal", "t a") not in read(some)
    assert read(known=("t b",))["new_refusal", "t b"].value == 0.0


@given(st.lists(st.integers(1, 100_000), min_size=1, max_size=300))
def test_latency_is_the_99th_of_100_or_not_told(times: list[int]) -> None:
    counts: dict[int, int] = {}
    for number in bins_of(times).tolist():
        counts[number] = counts.get(number, 0) + 1
    found = read(lately(times=counts)).get(("latency_p99", ""))
    if len(times) < 100:
        assert found is None
        return
    assert found is not None
    exact = sorted(times)[-(len(times) // 100) - 1]
    assert found.value == pytest.approx(exact, rel=RELATIVE_ERROR + 1e-9)


def test_the_mix_is_judged_both_ways_from_500_on() -> None:
    calm = {"approve": 9_900, "review": 60, "decline": 40}
    up = {"approve": 480, "review": 15, "decline": 5}
    assert read(lately(actions=up, actions_before=calm))["decision_mix", ""].value == pytest.approx(
        4.16, abs=0.01
    )
    assert read(lately(actions=calm, actions_before=up))["decision_mix", ""].value == pytest.approx(
        4.16, abs=0.01
    )
    assert ("decision_mix", "") not in read(lately(actions={"decline": 499}, actions_before=calm))


def test_a_callers_new_schema_is_a_new_refusal() -> None:
    """What the simulator's scenario ``schema`` sends, as the scorer's codec refuses it."""
    request = ScenarioRequest(
        v=1, request_id="r-1", portfolio="bank", kind="schema", seconds=60, at_ms=NOW_MS, by="test"
    )
    payments = [replace(transaction(number), caller=request.caller) for number in range(20)]
    scenario = Scenario(request, NOW_MS + 60_000)
    raws = [written(scenario, payment, number) for number, payment in enumerate(payments)]
    dead: dict[tuple[str, str], int] = {}
    for refused in (each for each in TRANSACTIONS.decode_each(raws).records if isinstance(each, DecodeError)):
        key = ("bank.transactions", refused.code)
        dead[key] = dead.get(key, 0) + 1
    assert dead == {("bank.transactions", "field_type"): 10}
    fired = read(lately(dead_letters=dead))["new_refusal", "bank.transactions field_type"]
    assert fired.value >= rule("new_refusal").on


def test_lag_is_what_is_known_to_be_left() -> None:
    partitions = [
        PartitionStatus(topic="t", partition=0, committed=5, end=105),
        PartitionStatus(topic="t", partition=1, committed=-1, end=7),
        PartitionStatus(topic="t", partition=2, committed=3, end=-1),
    ]
    one = status("archiver", partitions=partitions)
    assert read(NOTHING, one)["worker_lag", "archiver-1"].value == 107.0
    assert ("worker_lag", "archiver-1") not in read(NOTHING, replace(one, at_ms=NOW_MS - 10_001))


def test_a_cache_is_small_by_what_it_reads_again() -> None:
    one = status("scorer", numbers={"read_back": 880.5, "evicted": 12_345.0})
    found = read(NOTHING, one)["cache_small", "scorer-1"]
    assert found.value == 880.5 >= rule("cache_small").on
    assert found.detail == "880 records read back for each one handled, 12345 timelines left"
    assert ("cache_small", "scorer-1") not in read(NOTHING, replace(one, at_ms=NOW_MS - 10_001))
    assert ("cache_small", "archiver-1") not in read(NOTHING, status("archiver"))


def test_who_stops_or_is_replaced_is_not_missed() -> None:
    found = read(
        NOTHING, status("trainer", silent_ms=12_000), status("gateway", silent_ms=12_000, state="stopping")
    )
    assert found["service_down", "trainer-1"].value == 12.0
    assert found["service_down", "gateway-1"].value == 0.0
    gone = status("scorer", "2", 300_000)
    assert read(NOTHING, gone)["service_down", "scorer-2"].value == 300.0
    assert read(NOTHING, gone, status("scorer"))["service_down", "scorer-2"].value == 0.0
    assert (
        read(NOTHING, status("scorer", "2", 299_000), status("scorer"))["service_down", "scorer-2"].value
        == 299.0
    )
