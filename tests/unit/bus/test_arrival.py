"""Waiting for a log can be ended at any moment."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from shared.bus.arrival import wait_for_log
from shared.contracts.addresses import KafkaAddress


async def test_a_wait_that_is_cancelled_as_the_answer_comes_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    tries = 0

    async def refused(*_: Any) -> None:
        nonlocal tries
        tries += 1
        waiting.cancel()
        raise ConnectionRefusedError

    monkeypatch.setattr(asyncio, "open_connection", refused)
    waiting = asyncio.create_task(wait_for_log(KafkaAddress("127.0.0.1:9"), ["t"], lambda _: None))
    done, _ = await asyncio.wait({waiting}, timeout=5)
    assert done
    assert waiting.cancelled()
    assert tries == 1
