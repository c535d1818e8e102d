"""The fold's rules one by one, the traps of the handbook among them."""

from __future__ import annotations

import numpy as np
import pytest

from shared.features.timelines import TimelineGap, Timelines, TimelinesFull
from tests.support.oracle import Record
from tests.support.timeline_cases import Features, Logs, encode, program_of

DAY_MS = 86_400_000
NOW_MS = 1_700_000_000_000
BUDGET = 1_000_000
BOTH = [("c", "t")]

RISK = program_of(
    [
        {"kind": "count", "entity": 0, "window_ms": DAY_MS, "self": 1},
        {"kind": "count", "entity": 0, "window_ms": DAY_MS},
        {"kind": "mean", "entity": 0, "window_ms": DAY_MS},
        {"kind": "delayed_count", "entity": 1, "stream": 1, "window_ms": DAY_MS, "offset_ms": 7 * DAY_MS},
        {
            "kind": "delayed_frauds",
            "entity": 1,
            "stream": 1,
            "window_ms": DAY_MS,
            "offset_ms": 7 * DAY_MS,
        },
        {"kind": "delayed_risk", "entity": 1, "stream": 1, "window_ms": DAY_MS, "offset_ms": 7 * DAY_MS},
    ]
)
COUNT_SELF, COUNT, MEAN, OLD, FRAUDS, RATE = range(6)
OLD_MS = NOW_MS - 7 * DAY_MS - DAY_MS // 2


class World:
    """One worker and the shared logs."""

    def __init__(self) -> None:
        self.logs = Logs(Features(RISK))
        self.worker = self.new_worker()

    def new_worker(self, budget: int = BUDGET) -> Timelines:
        """Another worker's empty cache."""
        return Timelines(self.logs.features, budget, self.logs.key)

    def send(self, *records: Record) -> list[float]:
        """Fold the records as one batch; the last one's features."""
        values: list[float] = self.logs.fold(self.worker, records, BOTH * len(records)).matrix[-1].tolist()
        return values


@pytest.fixture
def world() -> World:
    return World()


def test_a_cache_tells_what_it_reads_again() -> None:
    world = World()
    world.send(*[payment(number) for number in range(40)])
    cold = world.new_worker(budget=20_000)
    world.logs.fold(cold, [payment(40)], BOTH)
    assert (cold.evicted, cold.read_back) == (0, 0)
    number = 41
    while not cold.evicted:
        world.logs.fold(cold, [payment(number)], [("other", f"t{number}")])
        number += 1
    before = cold.read_back
    world.logs.fold(cold, [payment(number)], BOTH)
    assert cold.read_back - before >= 41


def payment(number: int, time_ms: int = NOW_MS, amount: int = 100, body: int = 0) -> Record:
    return Record(time_ms, amount, number, body=body)


def label(number: int, of: Record, known_ms: int, verdict: int = 1) -> Record:
    return Record(of.time, known_ms, 1_000_000 + number, kind=2, ref=of.id, verdict=verdict)


def test_empty_history_is_zero_or_missing_as_the_kind_says(world: World) -> None:
    values = world.send(payment(1))
    assert values[COUNT_SELF] == 1
    assert values[COUNT] == 0
    assert np.isnan(values[MEAN])
    assert values[OLD:] == [0, 0, 0]


def test_an_entity_that_the_payment_lacks_is_missing(world: World) -> None:
    result = world.logs.fold(world.worker, [payment(1)], [("c", None)])
    assert result.matrix[0, COUNT_SELF] == 1
    assert np.isnan(result.matrix[0, OLD:]).all()
    assert result.versions.tolist() == [[0, -1]]


def test_the_window_is_open_at_its_start_and_closed_at_its_end(world: World) -> None:
    world.send(payment(1, NOW_MS - DAY_MS), payment(2, NOW_MS - DAY_MS + 1), payment(3, NOW_MS))
    assert world.send(payment(4, NOW_MS))[COUNT] == 2


def test_a_row_sees_those_before_it_in_its_batch(world: World) -> None:
    assert world.send(payment(1), payment(2), payment(3))[COUNT_SELF] == 3


def test_a_label_that_comes_before_its_payment_counts_once_the_payment_is_there(world: World) -> None:
    old = payment(1, OLD_MS)
    world.send(label(1, old, NOW_MS - DAY_MS))
    assert world.send(payment(2))[FRAUDS:] == [0, 0]
    world.send(old)
    assert world.send(payment(3))[OLD:] == [1, 1, 1]


def test_a_redelivery_does_not_see_a_label_whose_payment_came_after_it(world: World) -> None:
    old = payment(1, OLD_MS)
    first = world.send(label(1, old, NOW_MS - DAY_MS), payment(2))
    world.send(old)
    assert world.send(payment(2)) == pytest.approx(first, rel=0, abs=0, nan_ok=True)


def test_a_late_payment_sees_the_label_in_force_at_its_own_time(world: World) -> None:
    old = payment(1, OLD_MS)
    world.send(old, label(1, old, NOW_MS - 1_000), label(2, old, NOW_MS + 1_000, verdict=3))
    assert world.send(payment(2, NOW_MS + 2_000))[FRAUDS] == 0
    assert world.send(payment(3, NOW_MS))[FRAUDS] == 1
    assert world.send(payment(4, NOW_MS - 2_000))[FRAUDS] == 0


def test_a_payment_never_counts_its_own_label_even_without_a_delay() -> None:
    frauds = {"kind": "delayed_frauds", "entity": 0, "stream": 1, "window_ms": DAY_MS}
    logs = Logs(Features(program_of([frauds])))
    worker = Timelines(logs.features, BUDGET, logs.key)
    early = label(1, payment(1), NOW_MS - 1)
    assert logs.fold(worker, [early, payment(1)], BOTH * 2).matrix[1].tolist() == [0]
    assert logs.fold(worker, [payment(2)], BOTH).matrix[0].tolist() == [1]


def test_a_label_first_at_equal_time_is_seen(world: World) -> None:
    old = payment(1, OLD_MS)
    assert world.send(old, label(1, old, NOW_MS), payment(2))[FRAUDS] == 1


def test_a_label_after_the_payment_at_equal_time_is_not_seen_even_when_it_comes_again(world: World) -> None:
    old = payment(1, OLD_MS)
    assert world.send(old, payment(2))[FRAUDS] == 0
    world.send(label(1, old, NOW_MS))
    assert world.send(payment(2))[FRAUDS] == 0
    assert world.send(payment(3))[FRAUDS] == 1


def test_a_reversal_at_the_same_instant_wins_by_its_index(world: World) -> None:
    old = payment(1, OLD_MS)
    world.send(old, label(1, old, NOW_MS), label(2, old, NOW_MS, verdict=3))
    assert world.send(payment(2))[FRAUDS] == 0


def test_a_label_young_for_the_window_changes_nothing(world: World) -> None:
    young = payment(1, NOW_MS - 6 * DAY_MS)
    before = world.send(young, payment(2))
    world.send(label(1, young, NOW_MS - 5 * DAY_MS))
    assert world.send(payment(3))[OLD:] == before[OLD:]


def test_a_label_follows_its_payment_when_their_times_differ(world: World) -> None:
    old = payment(1, OLD_MS)
    world.send(old, Record(OLD_MS + 5 * DAY_MS, NOW_MS, 77, kind=2, ref=old.id, verdict=1))
    assert world.send(payment(2))[FRAUDS] == 1


def test_a_redelivery_gives_the_same_bits_at_the_first_index_and_is_reported(world: World) -> None:
    first = world.logs.fold(world.worker, [payment(1), payment(2)], BOTH * 2)
    world.logs.by_another([payment(8), payment(9, NOW_MS - 5)], BOTH * 2)
    again = world.logs.fold(world.worker, [payment(2)], BOTH)
    assert again.matrix.tobytes() == first.matrix[1:].tobytes()
    assert again.versions.tolist() == [[1, 1]]
    assert again.repeats == [(0, 0, 4), (0, 1, 4)]
    assert not again.conflicts.any()
    assert world.logs.fold(world.worker, [payment(3)], BOTH).matrix[0, COUNT] == 4


def test_a_redelivery_to_a_worker_without_history_gives_the_same_bits(world: World) -> None:
    first = world.logs.fold(world.worker, [payment(1), payment(2)], BOTH * 2)
    world.logs.by_another([payment(8)], BOTH)
    again = world.logs.fold(world.new_worker(), [payment(2)], BOTH)
    assert again.matrix.tobytes() == first.matrix[1:].tobytes()


def test_another_body_under_a_known_id_is_a_conflict_and_the_first_stays(world: World) -> None:
    world.send(payment(1, amount=100, body=5))
    result = world.logs.fold(world.worker, [payment(1, amount=900, body=6)], BOTH)
    assert result.conflicts.tolist() == [True]
    assert result.rows["a"].tolist() == [100]
    assert world.send(payment(2))[MEAN] == 100


def test_a_repeat_with_another_rate_or_clamp_is_restated(world: World) -> None:
    world.send(payment(1, amount=100))
    result = world.logs.fold(world.worker, [payment(1, amount=110)], BOTH)
    assert (result.restated.tolist(), result.conflicts.tolist()) == ([True], [False])
    assert result.rows["a"].tolist() == [100]


def test_a_late_record_counts_from_then_on_where_it_belongs(world: World) -> None:
    world.send(payment(1, NOW_MS))
    assert world.send(payment(2, NOW_MS - 1_000))[COUNT_SELF] == 1
    assert world.send(payment(3, NOW_MS + 1))[COUNT] == 2


def test_bytes_that_are_known_by_now_are_skipped(world: World) -> None:
    early = world.worker.claim(BOTH)
    answer = world.logs.append(early, [payment(1)])
    late = world.worker.claim(BOTH)
    second = world.logs.append(late, [payment(2)])
    world.worker.fold(early, encode([payment(1)], world.logs.features.layout), *answer)
    result = world.worker.fold(late, encode([payment(2)], world.logs.features.layout), *second)
    assert result.matrix[0, COUNT_SELF] == 2
    assert world.worker.seen(0, "c") == 2


def test_folding_one_answer_twice_gives_the_same(world: World) -> None:
    records, layout = [payment(1), payment(2)], world.logs.features.layout
    claim, repeat = world.worker.claim(BOTH * 2), world.worker.claim(BOTH * 2)
    answer = world.logs.append(claim, records)
    first = world.worker.fold(claim, encode(records, layout), *answer)
    second = world.worker.fold(repeat, encode(records, layout), *answer)
    assert second.matrix.tobytes() == first.matrix.tobytes()
    assert second.repeats == []


def test_an_answer_that_does_not_join_on_is_refused_untouched(world: World) -> None:
    claim = world.worker.claim(BOTH)
    with pytest.raises(TimelineGap):
        world.worker.fold(claim, encode([payment(1)], world.logs.features.layout), [3, 3], b"")
    assert world.worker.seen(0, "c") == 0
    assert world.send(payment(1))[COUNT_SELF] == 1


def test_a_refused_answer_ends_its_claim_and_a_second_release_frees_nobody_elses(world: World) -> None:
    world.worker = world.new_worker(20_000)
    mine, other = world.worker.claim(BOTH), world.worker.claim(BOTH)
    for _ in range(2):
        with pytest.raises(TimelineGap):
            world.worker.fold(mine, encode([payment(1)], world.logs.features.layout), [0, 0], b"12345678")
    world.worker.release(mine)
    for number in range(400):  # far more than the budget holds: what nobody has pinned goes
        world.logs.fold(world.worker, [payment(number, NOW_MS + number)], [(f"c{number}", f"t{number}")])
    answer = world.logs.append(other, [payment(1)])
    result = world.worker.fold(other, encode([payment(1)], world.logs.features.layout), *answer)
    assert result.matrix[0, COUNT_SELF] == 1


def test_a_claim_from_before_clear_is_refused(world: World) -> None:
    claim = world.worker.claim(BOTH)
    world.worker.clear()
    with pytest.raises(TimelineGap):
        world.worker.fold(claim, encode([payment(1)], world.logs.features.layout), [0, 0], b"")


def test_timelines_stay_within_their_budget_and_come_back_from_the_log(world: World) -> None:
    world.worker = world.new_worker(20_000)
    for number in range(400):
        names = [(f"c{number % 40}", f"t{number % 7}")]
        result = world.logs.fold(world.worker, [payment(number, NOW_MS + number)], names)
        assert world.worker.used_bytes <= 20_000
        assert result.matrix[0, COUNT_SELF] == number // 40 + 1
    assert len(world.worker) < 47


def test_a_batch_beyond_the_whole_budget_is_refused_and_the_worker_lives_on(world: World) -> None:
    world.worker = world.new_worker(3_000)
    many = [payment(number) for number in range(200)]
    with pytest.raises(TimelinesFull):
        world.send(*many)
    assert world.logs.fold(world.worker, [payment(900)], [("other", None)]).matrix[0, COUNT_SELF] == 1


def test_claims_that_are_released_let_their_timelines_go(world: World) -> None:
    world.worker = world.new_worker(6_000)
    for number in range(50):
        world.worker.release(world.worker.claim([(f"c{number}", None)]))
    world.logs.fold(world.worker, [payment(1)], [("c", None)])
    assert world.worker.used_bytes <= 6_000


def test_features_of_the_payment_alone_stay_in_the_matrix(world: World) -> None:
    program = program_of(
        [
            {"kind": "value"},
            {"kind": "sum", "entity": 0, "window_ms": DAY_MS, "self": 1},
            {"kind": "quotient", "left": 0, "right": 1},
        ]
    )
    logs = Logs(Features(program))
    worker = Timelines(logs.features, BUDGET, logs.key)
    matrix = np.array([[50.0, np.nan, np.nan]])
    claim = worker.claim(BOTH)
    answer = logs.append(claim, [payment(1)])
    result = worker.fold(claim, encode([payment(1)], logs.features.layout).tobytes(), *answer, matrix)
    assert result.matrix is matrix
    assert matrix.tolist() == [[50.0, 100.0, 0.5]]
