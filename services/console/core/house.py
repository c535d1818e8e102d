"""How the house is, from what its services said last: who is silent, and what that means in words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from shared.contracts.operations import Status

SILENT_MS: Final = 5_000
"""A service speaks once a second; after five it is said to be silent."""
FORGOTTEN_MS: Final = 900_000
EXPECTED: Final = ("scorer", "gateway", "archiver")
"""Those without which no payment is decided, answered or kept."""

SILENT_WORDS: Final = {
    "scorer": "No payment is decided: the scorer is silent.",
    "gateway": "No application gets an answer over HTTP: the gateway is silent.",
    "archiver": "Nothing new reaches the lake: the archiver is silent.",
    "monitor": "Counts and alerts stand still: the monitor is silent.",
    "trainer": "No model can be trained: the trainer is silent.",
}


class ServiceView(Struct, frozen=True, kw_only=True):
    """One instance: what it said last, and how long ago."""

    name: str
    state: str
    detail: str
    silent_ms: int
    release_seq: int
    rss_bytes: int
    lag: int


class Trouble(Struct, frozen=True, kw_only=True):
    """What is wrong, in a sentence, and the command to begin with."""

    part: str
    words: str
    command: str


class Statuses:
    """The last word of each instance of one portfolio."""

    def __init__(self, portfolio: str) -> None:
        self._portfolio = portfolio
        self._last: dict[tuple[str, str], tuple[int, Status]] = {}

    def said(self, status: Status, at_ms: int) -> None:
        """A record of the topic, appended by the broker at ``at_ms``."""
        if status.portfolio in ("", self._portfolio):
            self._last[status.service, status.instance] = (at_ms, status)

    def services(self, now_ms: int) -> list[ServiceView]:
        """Every instance that spoke within a quarter of an hour, by name."""
        return [
            _view(status, now_ms - at_ms)
            for _, (at_ms, status) in sorted(self._last.items())
            if now_ms - at_ms < FORGOTTEN_MS
        ]

    def release_seq(self) -> int:
        """The release in charge, as the scorer that spoke last says; 0 where none spoke."""
        found = [(at, s.release_seq) for at, s in self._last.values() if s.service == "scorer"]
        return max(found, default=(0, 0))[1]

    def lag(self, now_ms: int) -> int | None:
        """Records that wait for a scorer; None while every scorer is silent."""
        heard = [v for v in self.services(now_ms) if v.name.startswith("scorer") and v.silent_ms < SILENT_MS]
        return sum(view.lag for view in heard) if heard else None

    def troubles(self, now_ms: int, *, is_log_away: bool) -> list[Trouble]:
        """What is wrong now, worst first. With the broker away nobody is heard, so that alone is said."""
        if is_log_away:
            words = "Kafka does not answer: this page stands still, and goes on by itself once it is back."
            return [Trouble(part="kafka", words=words, command="assay status")]
        services = self.services(now_ms)
        found = [_of_degraded(view) for view in services if view.detail == "redis_away"]
        return [*found[:1], *_silent(services)]


def _view(status: Status, silent_ms: int) -> ServiceView:
    is_silent = silent_ms >= SILENT_MS and status.state != "stopping"
    return ServiceView(
        name=f"{status.service}-{status.instance.removeprefix(f'{status.service}-')}",
        state="silent" if is_silent else status.state,
        detail=status.detail,
        silent_ms=max(silent_ms, 0),
        release_seq=status.release_seq,
        rss_bytes=status.rss_bytes,
        lag=sum(max(p.end - max(p.committed, 0), 0) for p in status.partitions),
    )


def _of_degraded(view: ServiceView) -> Trouble:
    words = (
        f"Redis does not answer {view.name}: payments are decided on what they carry themselves, "
        "with the reason state_unavailable."
    )
    return Trouble(part="redis", words=words, command="assay status")


def _silent(services: Iterable[ServiceView]) -> list[Trouble]:
    """A service is silent when all its instances are; an expected one also when it was never heard.

    Who said that it stops is missed only where the house cannot do without it.
    """
    best: dict[str, int] = {}
    for view in services:
        name = view.name.rpartition("-")[0]
        if view.state != "stopping" or name in EXPECTED:
            best[name] = min(best.get(name, view.silent_ms), view.silent_ms)
    silent = [name for name in EXPECTED if name not in best]
    silent += [name for name, ms in best.items() if ms >= SILENT_MS]
    ranked = sorted(silent, key=lambda name: (name not in EXPECTED, name != "scorer", name))
    return [
        Trouble(
            part=name,
            words=SILENT_WORDS.get(name, f"The {name} is silent."),
            command="assay status" if name in best else "assay up",
        )
        for name in ranked
    ]
