"""F01: a worker killed at each named place, while another goes on appending to the same terminals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from infra.local.kafka import KafkaServer
from infra.local.redis import RedisServer
from tests.faults.checker import Report, check
from tests.faults.conftest import MakeStand, stand_maker
from tests.faults.read_back import Found, read_back
from tests.support.scorer_stand import Stand, by_tx
from tests.support.scorer_traffic import DECODERS, Record, payment_ids, traffic

POINTS: Final = (
    "before_append_answer",
    "after_append",
    "before_send",
    "after_send",
    "before_trail",
    "after_ack",
    "before_commit",
)
APPEND_TWICE: Final = frozenset(POINTS)
"""At every one of them the batch was appended and is not committed."""

OUTPUT_TWICE: Final = frozenset({"after_ack", "before_commit"})
"""Here the broker has confirmed; after_send it may not have written yet."""


@dataclass
class Case:
    """One crash point with its stand and what was sent, before and after the kill."""

    point: str
    stand: Stand
    before: list[Record]
    between: list[Record]
    exit_code: int = 0


@pytest.fixture(scope="module")
def cases(
    kafka_server: KafkaServer, redis_server: RedisServer, home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Case]]:
    """Seven stands at once: their waits for a dead member overlap."""
    with ExitStack() as stack:
        make: MakeStand = stack.enter_context(
            stand_maker(kafka_server, redis_server, home, tmp_path_factory.mktemp("f01"))
        )
        found = {point: _begin(make, number, point) for number, point in enumerate(POINTS)}
        for case in found.values():
            case.stand.until_joined(2, 120)
        for case in found.values():
            case.stand.sender.send(case.before)
            case.exit_code = case.stand.workers[0].wait(30)
            case.stand.sender.send(case.between)  # before the group gives the dead worker's partitions away
        for case in found.values():
            case.stand.until_settled(60)
        yield found


def _begin(make: MakeStand, seed: int, point: str) -> Case:
    # The dead worker's session outlives what is sent in between, also on a slow machine.
    stand = make(batch_records="16", commit_every_ms="20", session_timeout_ms="8000")
    stand.sender.meet_topics()
    stand.start(crash_at=f"{point}:3")
    stand.start()
    before = list(traffic(seed, 300))
    later = max(record.event_time_ms for record in before)
    return Case(point, stand, before, list(traffic(seed + 50, 80, "between", later)))


@pytest.fixture(params=POINTS)
def case(request: pytest.FixtureRequest, cases: dict[str, Case]) -> Case:
    found: Case = cases[request.param]
    return found


def test_killed_there_and_all_is_as_if_never(case: Case) -> None:
    assert case.exit_code == -9, case.stand.workers[0].tail()
    found = read_back(case.stand.bootstrap, case.stand.name, case.stand.portfolio_file, case.stand.home)
    report = check(found)
    assert report.is_good, report.text()
    assert report.decided == len(payment_ids([*case.before, *case.between]))
    _assert_twice(case, report, found)
    assert _others_between(found), "nobody appended to a terminal between the kill and the redelivery"


def _others_between(found: Found) -> int:
    """Records of other accounts that stand in a terminal's log between a first copy and its repeat."""
    # Payments, labels and activities alike: what a kill leaves uncommitted may be one label.
    terminal = {
        c.place: DECODERS[c.row["kind"]](found.inputs[c.place].value or b"").terminal_id
        for c in found.captures
    }
    others = [
        (terminal[c.place], c.row["versions"][1]) for c in found.captures if c.row["id"].startswith("between")
    ]
    count = 0
    for captured in found.captures:
        for packed in captured.row["repeats"]:
            if packed >> 40 == 1:
                first, again = captured.row["versions"][1], packed & ((1 << 40) - 1)
                count += sum(name == terminal[captured.place] and first < at < again for name, at in others)
    return count


def _assert_twice(case: Case, report: Report, found: Found) -> None:
    copies = by_tx(found.decisions)
    twice = {tx_id: found for tx_id, found in copies.items() if len(found) > 1}
    if case.point in APPEND_TWICE:
        assert report.repeats > 0, "nothing was appended twice: the kill proved nothing"
    if case.point in OUTPUT_TWICE:
        captured = Counter(c.place for c in found.captures)  # a batch may hold labels alone
        assert max(captured.values()) > 1, "nothing was put out twice: the kill proved nothing"
    for decisions in twice.values():
        assert len({decision.core_hash for decision in decisions}) == 1
        assert len({decision.worker for decision in decisions}) == 2
