"""The live screen: status records from the topic, refreshed in place, or lines where there is no terminal."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Final

from rich.console import Group
from rich.live import Live
from rich.text import Text

from services.cli.core.live_view import LiveView, Watched, line, shares
from services.cli.edge import terminal
from services.cli.edge.surroundings import CLOCK
from shared.bus.ports import LogAway, Place
from shared.bus.sync import KafkaLook
from shared.contracts.addresses import KafkaAddress
from shared.contracts.codec import DecodeError, decode
from shared.contracts.operations import Status
from shared.contracts.topics import topic_name

EVERY_S: Final = 1.0
LINE_EVERY: Final = 5
TAIL: Final = 200


class StatusTail:
    """New status records of one portfolio since the last look."""

    def __init__(self, look: KafkaLook, portfolio: str) -> None:
        self._look = look
        self._portfolio = portfolio
        self._places = look.places([topic_name("", "status")])
        starts, ends = look.starts(self._places), look.ends(self._places)
        self._next = {p: max(starts[p], ends[p] - TAIL) for p in self._places}

    def take(self) -> Iterator[Status]:
        """What has come. Raises LogAway."""
        ends = self._look.ends(self._places)
        spans: dict[Place, tuple[int, int]] = {p: (self._next[p], ends[p]) for p in self._places}
        self._next = ends
        for message in self._look.read(spans):
            try:
                status = decode(Status, message.value or b"")
            except DecodeError:
                continue  # a service of another version; its health still answers
            if status.portfolio == self._portfolio:
                yield status


def last_words(kafka: KafkaAddress, portfolio: str) -> dict[str, Status]:
    """The newest status of each service, by name and by ``name-instance``; nothing while Kafka is away."""
    try:
        with KafkaLook(kafka) as look:
            found = list(StatusTail(look, portfolio).take())
    except LogAway:
        return {}  # the caller shows the broker as ill
    by_service = {status.service: status for status in found}
    return {**by_service, **{f"{status.service}-{status.instance}": status for status in found}}


def watch(
    kafka: KafkaAddress,
    portfolio: str,
    stop: threading.Event,
    beat: Callable[[], object],
    hints: list[str],
    seconds: float | None = None,
) -> LiveView:
    """Show what happens until ``stop``, or for so many seconds; the last view. Raises LogAway."""
    watched, ticks = Watched(), 0
    with KafkaLook(kafka) as look:
        tail = StatusTail(look, portfolio)
        watched.take(tail.take())
        view = watched.view(CLOCK.now_ms())
        screen = Live(console=terminal.console(), auto_refresh=False) if sys.stdout.isatty() else None
        with screen or nullcontext():
            while not stop.wait(EVERY_S) and (seconds is None or ticks < seconds):
                ticks += 1
                beat()
                watched.take(tail.take())
                view = watched.view(CLOCK.now_ms())
                if screen is not None:
                    screen.update(_picture(view, hints), refresh=True)
                elif ticks % LINE_EVERY == 0:
                    terminal.say(line(view))
    return view


def _picture(view: LiveView, hints: list[str]) -> Group:
    figures = [
        ("decisions per second", f"{view.per_second:,.0f}"),
        ("decided", f"{view.decided:,}"),
        ("latency p50 / p99, ms", f"{view.p50_ms:.0f} / {view.p99_ms:.0f}"),
        *_front_door(view),
        ("lag, records", f"{view.lag:,}"),
        ("refused", ", ".join(f"{code} {n:,}" for code, n in view.refused.items()) or "none"),
        ("archived messages", f"{view.archived:,}"),
        ("release", f"{view.release_seq}"),
        ("services", ", ".join(f"{name} {state}" for name, state in sorted(view.states.items()))),
        *sorted(view.says.items()),
    ]
    mix = [(name, f"{view.actions[name]:,}", f"{share:.2%}") for name, share in shares(view.actions).items()]
    return Group(
        terminal.table("Assay, live", ("", ""), figures),
        terminal.table("Actions", ("action", "payments", "share"), mix),
        *(Text(hint, style="dim") for hint in hints),
    )


def _front_door(view: LiveView) -> list[tuple[str, str]]:
    if view.http_p99_ms is None:
        return []
    answers = f"{view.http_per_second or 0.0:,.0f} / {view.http_p99_ms:.0f}"
    return [("HTTP decisions per second / p99, ms", answers)]
