"""What is wrong, in words: who is silent is missed, who said that it stops only where the house needs it."""

from __future__ import annotations

import pytest

from services.console.core.house import SILENT_MS, Statuses
from shared.contracts.operations import Status
from tests.support.console_house import NOW_MS

NEEDED = ("scorer", "gateway", "archiver")


def house(**states: str) -> Statuses:
    """Statuses of one portfolio: those needed are ready, ``states`` spoke last when the silence began."""
    statuses = Statuses("bank")
    for service, state in {**dict.fromkeys(NEEDED, "ready"), **states}.items():
        at_ms = NOW_MS - (SILENT_MS if service in states else 0)
        statuses.said(
            Status(v=1, service=service, instance="1", at_ms=at_ms, state=state, portfolio="bank"),  # type: ignore[arg-type]  # a test may name any state
            at_ms,
        )
    return statuses


@pytest.mark.parametrize(
    ("states", "missed"),
    [
        ({}, []),
        ({"monitor": "ready"}, ["monitor"]),
        ({"monitor": "stopping"}, []),
        ({"simulator": "stopping", "trainer": "ready"}, ["trainer"]),
        ({"scorer": "ready"}, ["scorer"]),
        ({"scorer": "stopping"}, ["scorer"]),
    ],
)
def test_who_is_missed(states: dict[str, str], missed: list[str]) -> None:
    statuses = house(**states)
    assert [each.part for each in statuses.troubles(NOW_MS, is_log_away=False)] == missed
    shown = {view.name: view.state for view in statuses.services(NOW_MS)}
    for service, state in states.items():
        assert shown[f"{service}-1"] == ("stopping" if state == "stopping" else "silent")


def test_with_the_broker_away_that_alone_is_said() -> None:
    troubles = house(scorer="ready").troubles(NOW_MS, is_log_away=True)
    assert [each.part for each in troubles] == ["kafka"]
