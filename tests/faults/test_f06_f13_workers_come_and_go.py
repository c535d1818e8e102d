"""F06 rolling restart and F13 rebalances, under traffic that never stops."""

from __future__ import annotations

import time
from typing import Final

import pytest

from tests.faults.conftest import MakeStand, checked
from tests.support.scorer_flow import Flow
from tests.support.scorer_stand import Stand

DRAIN_S: Final = 30.0


def test_f06_every_worker_restarted_in_turn_under_traffic(make_stand: MakeStand) -> None:
    stand = make_stand()
    stand.start()
    stand.start()
    with Flow(stand, 6) as flow:
        stand.until_joined(2)
        for worker in list(stand.workers):
            assert worker.terminate() < DRAIN_S
            assert worker.exit_code == 0, worker.tail()
            assert worker.late_kernels() == "[]"
            stand.start()
        _until_owned_again(stand)
    stand.until_settled()
    assert checked(stand).decided == len(flow.payments)


@pytest.mark.parametrize("rounds", [2, pytest.param(8, marks=pytest.mark.soak)])
def test_f13_workers_join_and_leave_under_traffic(make_stand: MakeStand, rounds: int) -> None:
    stand = make_stand(batch_records="64")
    first = stand.start()
    with Flow(stand, 13, per_second=400) as flow:
        for round_number in range(rounds):
            joined = stand.start()
            _until_owned_again(stand)
            time.sleep(0.5)
            if round_number % 2:
                joined.kill()
            else:
                assert joined.terminate() < DRAIN_S
                assert joined.exit_code == 0, joined.tail()
            time.sleep(0.5)
    stand.until_settled()
    assert first.exit_code is None, first.tail()
    assert checked(stand).decided == len(flow.payments)


def _until_owned_again(stand: Stand) -> None:
    """Until the two newest workers own a partition each."""
    living = {worker for worker in stand.workers if worker.exit_code is None}
    assert len(living) == 2, stand.tails()
    stand.until_owned({stand.workers.index(worker) + 1 for worker in living})
