"""What happens in a running house, from the status records of its services: rates, latency, mix, lag."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from msgspec import Struct

from shared.contracts.operations import Status

FRESH_MS = 5_000


class LiveView(Struct, frozen=True):
    """One moment; counts since start. Latencies are the worst of the workers, of the gateways.

    ``p50_ms``, ``p99_ms``: broker append to decision. ``http_*``: decisions asked for over HTTP, from the
    request to its answer; None where there were none in the last second. ``says``: what an instance adds to
    its state, such as the scenario in force.
    """

    at_ms: int
    decided: int
    per_second: float
    p50_ms: float
    p99_ms: float
    actions: dict[str, int]
    refused: dict[str, int]
    lag: int
    release_seq: int
    archived: int
    states: dict[str, str]
    says: dict[str, str] = {}
    http_per_second: float | None = None
    http_p99_ms: float | None = None


class Watched:
    """The newest status of each instance; views are differences between calls of `view`."""

    def __init__(self) -> None:
        self._newest: dict[tuple[str, str], Status] = {}
        self._last: dict[str, tuple[int, int]] = {}

    def take(self, records: Iterable[Status]) -> None:
        """More status records, of one portfolio."""
        for status in records:
            self._newest[(status.service, status.instance)] = status

    def view(self, now_ms: int) -> LiveView:
        """What can be said now. An instance that is silent for five seconds counts as such."""
        fresh = [s for s in self._newest.values() if _is_fresh(s, now_ms)]
        scorers = [s for s in fresh if s.service == "scorer"]
        doors = [s for s in fresh if s.service == "gateway"]
        latencies = [s.latency_ms["p99"] for s in doors if "p99" in s.latency_ms]
        answers = self._rate("http", doors, now_ms)
        return LiveView(
            at_ms=now_ms,
            decided=_decided(scorers),
            per_second=self._rate("decided", scorers, now_ms),
            p50_ms=max((s.latency_ms.get("p50", 0.0) for s in scorers), default=0.0),
            p99_ms=max((s.latency_ms.get("p99", 0.0) for s in scorers), default=0.0),
            actions=_sum(s.actions for s in scorers),
            refused=_sum(s.refused for s in scorers),
            lag=sum(max(0, p.end - p.committed) for s in scorers for p in s.partitions),
            release_seq=max((s.release_seq for s in scorers), default=0),
            archived=sum(s.handled for s in self._newest.values() if s.service == "archiver"),
            states={
                f"{s.service}-{s.instance}": s.state if _is_fresh(s, now_ms) else "silent"
                for s in self._newest.values()
            },
            says={f"{s.service}-{s.instance}": s.detail for s in fresh if s.detail},
            http_per_second=answers if latencies else None,
            http_p99_ms=max(latencies, default=None),
        )

    def _rate(self, name: str, told: list[Status], now_ms: int) -> float:
        """Decisions a second since the last call with ``name``."""
        count, at_ms = _decided(told), max((s.at_ms for s in told), default=now_ms)
        before, self._last[name] = self._last.get(name), (count, at_ms)
        if before is None or at_ms <= before[1] or count < before[0]:
            return 0.0
        return (count - before[0]) * 1000 / (at_ms - before[1])


def _decided(told: Iterable[Status]) -> int:
    return sum(sum(s.actions.values()) for s in told)


def _is_fresh(status: Status, now_ms: int) -> bool:
    return now_ms - status.at_ms < FRESH_MS


def _sum(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for each in counts:
        total.update(each)
    return dict(total)


def line(view: LiveView) -> str:
    """The view on one line."""
    mix = " ".join(f"{name} {share:.1%}" for name, share in shares(view.actions).items())
    door = ""
    if view.http_p99_ms is not None:
        door = f"http {view.http_per_second or 0.0:,.0f}/s  p99 {view.http_p99_ms:.0f} ms  "
    return (
        f"{view.per_second:,.0f} decisions/s  p50 {view.p50_ms:.0f} ms  p99 {view.p99_ms:.0f} ms  "
        f"{door}{mix or 'no decisions yet'}  lag {view.lag:,}  refused {sum(view.refused.values()):,}  "
        f"release {view.release_seq}"
    )


def shares(counts: dict[str, int]) -> dict[str, float]:
    """Parts of the whole, the largest first."""
    total = sum(counts.values())
    ordered = sorted(counts.items(), key=lambda pair: -pair[1])
    return {name: count / total for name, count in ordered} if total else {}
