"""Who stops says so; who ends because something failed does not, and is missed."""

from __future__ import annotations

import asyncio

import pytest
from mode import Service

from shared.bus import status_reports
from shared.bus.ports import LogAway
from shared.bus.status_reports import say_last
from shared.contracts.operations import Status

READY = Status(v=1, service="scorer", instance="1", at_ms=1_700_000_000_000, state="ready")


class Speaker(Service):
    """Says a last word when it stops; a parent may have failed before."""

    def __init__(self, fault: Exception | None = None) -> None:
        super().__init__()
        self.said: list[Status] = []
        self._fault = fault

    async def on_stop(self) -> None:
        await say_last(self, self._send, READY)

    async def _send(self, status: Status) -> None:
        if isinstance(self._fault, TimeoutError):
            await asyncio.sleep(60)
        if self._fault is not None:
            raise self._fault
        self.said.append(status)


class House(Service):
    """Its root."""


@pytest.mark.parametrize("crashes", [False, True])
async def test_only_a_planned_stop_is_said(crashes: bool) -> None:
    house, speaker = House(), Speaker()
    await house.start()
    await house.add_runtime_dependency(speaker)
    if crashes:
        await house.crash(ValueError("a defect"))
    await house.stop()
    assert [status.state for status in speaker.said] == ([] if crashes else ["stopping"])


@pytest.mark.parametrize("fault", [LogAway("gone"), TimeoutError()])
async def test_a_log_that_is_away_holds_no_stop_up(monkeypatch: pytest.MonkeyPatch, fault: Exception) -> None:
    monkeypatch.setattr(status_reports, "LAST_WORD_S", 0.05)
    speaker = Speaker(fault)
    await speaker.start()
    async with asyncio.timeout(5):
        await speaker.stop()
