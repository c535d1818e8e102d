"""Calls cut by bucket and joined again, and answers in the order of the calls."""

from __future__ import annotations

import asyncio
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.stores.timeline_buckets import InOrder, cut, joined
from shared.stores.timeline_port import AppendCall, AppendReply, EpochChanged, StoreAway, StoreError

SIZE = 40


def served(call: AppendCall, lengths: dict[bytes, int]) -> AppendReply:
    """What a server answers whose logs are so long, each byte that of its log."""
    starts = [lengths[key] for key in call.keys]
    unseen = [
        key * SIZE * (n - k) for key, n, k in zip(call.keys, starts, np.asarray(call.known), strict=True)
    ]
    return AppendReply(struct.pack(f"<{len(starts)}Q", *starts), b"".join(unseen))


@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.integers(0, 3), st.integers(0, 3), st.integers(0, 3)), max_size=20
    )
)
def test_parts_hold_the_rows_of_their_logs_and_join_to_the_whole(
    logs: list[tuple[int, int, int, int]],
) -> None:
    keys = [bytes([65 + i]) for i in range(len(logs))]
    lengths = {key: known + more for key, (_, known, more, _) in zip(keys, logs, strict=True)}
    counts = [count for *_, count in logs]
    rows = b"".join(key * SIZE * count for key, count in zip(keys, counts, strict=True))
    call = AppendCall(1, keys, [known for _, known, _, _ in logs], counts, rows)
    parts = cut(call, np.array([bucket for bucket, *_ in logs], np.int64), SIZE)
    for part in parts:
        part.call.check(SIZE)
        own = [key * SIZE * int(n) for key, n in zip(part.call.keys, part.call.counts, strict=True)]
        assert part.call.rows == b"".join(own)
        assert {logs[place][0] for place in part.places} <= {part.bucket}
    assert joined(parts, SIZE, [served(part.call, lengths) for part in parts]) == served(call, lengths)


def answer(text: bytes) -> AppendReply:
    return AppendReply(b"", text)


def both(replies: list[AppendReply]) -> AppendReply:
    return answer(b"".join(reply.unseen for reply in replies))


async def test_answer_waits_for_those_of_earlier_calls() -> None:
    voided: list[StoreError] = []
    order = InOrder(voided.append)
    loop = asyncio.get_running_loop()
    parts = [loop.create_future() for _ in range(3)]
    first, second = order.add(parts[:2], both), order.add(parts[2:], both)
    parts[2].set_result(answer(b"c"))
    parts[1].set_result(answer(b"b"))
    await asyncio.sleep(0)
    assert not first.done()
    assert not second.done()
    parts[0].set_result(answer(b"a"))
    assert (await first, await second, voided) == (answer(b"ab"), answer(b"c"), [])


async def test_failure_waits_for_earlier_calls_and_voids_later_ones() -> None:
    voided: list[StoreError] = []
    order = InOrder(voided.append)
    loop = asyncio.get_running_loop()
    parts = [loop.create_future() for _ in range(4)]
    calls = [order.add([parts[0]], both), order.add(parts[1:3], both), order.add([parts[3]], both)]
    parts[3].set_result(answer(b"d"))
    parts[1].set_exception(EpochChanged(7))
    await asyncio.sleep(0)
    assert not any(call.done() for call in calls)
    parts[0].set_result(answer(b"a"))
    assert await calls[0] == answer(b"a")
    with pytest.raises(EpochChanged):
        await calls[1]
    with pytest.raises(StoreAway, match="void"):
        await calls[2]
    parts[2].set_exception(StoreAway("closed", maybe_applied=True))
    await asyncio.sleep(0)
    assert len(voided) == 1
