"""When an epoch may go on."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from shared.stores import epochs
from shared.stores.timeline_port import CapturedEnd, EpochState


@pytest.mark.parametrize(
    "state", [EpochState(1, False, "a b"), EpochState(12, True, ""), EpochState(3, True, "a", 16)]
)
def test_state_is_read_back(state: EpochState) -> None:
    assert epochs.decode(epochs.encode(state)) == state


async def _ends(*ends: CapturedEnd) -> AsyncIterator[CapturedEnd]:
    for end in ends:
        yield end


async def _compare(ends: list[CapturedEnd], current: EpochState | None, lost: bool = False) -> epochs.Loss:
    async def lengths(asked: list[CapturedEnd]) -> list[int]:
        return [10 for _ in asked]

    known = await epochs.gather(_ends(*ends), at_least=2)
    return await epochs.compare(known, current, lost, lengths)


async def test_long_enough_logs_go_on() -> None:
    ends = [CapturedEnd("card", f"c{i}", 3, 9) for i in range(2_500)]
    assert await _compare(ends, EpochState(3, False, "x")) == epochs.Loss(True, 3)


async def test_one_short_log_in_many_ends_the_epoch() -> None:
    ends = [CapturedEnd("card", f"c{i}", 3, 9 + (i == 2_400)) for i in range(2_500)]
    assert await _compare(ends, EpochState(3, False, "x")) == epochs.Loss(False, 3)


async def test_ends_of_earlier_epochs_do_not_count() -> None:
    ends = [CapturedEnd("card", "c1", 2, 99)]
    assert await _compare(ends, EpochState(3, True, "x")) == epochs.Loss(True, 3)


@pytest.mark.parametrize(
    ("current", "lost", "at_least"),
    [(None, False, 5), (EpochState(7, False, "x"), True, 7), (EpochState(4, False, "x"), False, 5)],
)
async def test_missing_lost_or_outdated_epochs_end(
    current: EpochState | None, lost: bool, at_least: int
) -> None:
    found = await _compare([CapturedEnd("card", "c1", 5, 0)], current, lost)
    assert found == epochs.Loss(False, at_least)
