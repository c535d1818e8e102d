"""What each rule reads: one value per subject, from what was counted lately and what services said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from shared.contracts.operations import READ_BACK, Status
from shared.evaluation.time_bins import quantile

MINUTE_MS: Final = 60_000
SILENT_AT_LEAST_MS: Final = 60_000
SILENT_GAPS: Final = 20
USUAL_AT_LEAST: Final = 1.0
USUAL_OVER_MINUTES: Final = 60
DEAD_AT_LEAST: Final = 10
TIMED_AT_LEAST: Final = 100
MIXED_AT_LEAST: Final = 500
LOOKED_AT: Final = frozenset({"review", "decline"})
SILENT_SERVICE_MS: Final = 10_000
REPLACED_MS: Final = 300_000


class Reading(NamedTuple):
    """What a rule sees of a subject at one look; ``detail`` says it in words."""

    rule: str
    subject: str
    value: float
    detail: str


class Caller(NamedTuple):
    """A caller: its first and last decision, and its payments of a usual minute."""

    name: str
    first_ms: int
    last_ms: int
    usual_per_minute: float


@dataclass(frozen=True, slots=True)
class Lately:
    """What the tables say at one look; counts by their key."""

    actions: Mapping[str, int]
    """Decisions of the last 5 minutes, by action."""
    actions_before: Mapping[str, int]
    """Those of the hour before that a model scored: a house's first model is no change of its mix."""
    dead_letters: Mapping[tuple[str, str], int]
    """Dead letters of the last 5 minutes, by topic and reason."""
    refused_before: frozenset[tuple[str, str]]
    """Topic and reason of dead letters of the day before."""
    times: Mapping[int, int]
    """End-to-end times of the last 2 minutes, by bin."""
    callers: Sequence[Caller]


def read_all(
    lately: Lately,
    statuses: Sequence[Status],
    known_refusals: Iterable[str],
    usual_after_ms: int,
    now_ms: int,
) -> list[Reading]:
    """Every reading that can be made now; a rule without enough to judge by gives none.

    ``known_refusals``: subjects that `new_refusal` fires for, which are read until they clear.
    """
    found = [*_down(statuses, now_ms), *_lagging(statuses, now_ms), *_reading_back(statuses, now_ms)]
    found += [*_dead(lately), *_new_refusals(lately, known_refusals), *_slow(lately), *_mixed(lately)]
    # While nobody decides every caller looks silent; `service_down` says what is wrong then.
    if decides(statuses, now_ms):
        found += _silent(lately.callers, usual_after_ms, now_ms)
    return found


def usual_per_minute(payments: int, first_ms: int, last_ms: int) -> float:
    """Payments of a usual minute, from ``payments`` of the hour up to the last; of less if it is not as
    long."""
    minutes = min(max((last_ms - first_ms) / MINUTE_MS, 1.0), USUAL_OVER_MINUTES)
    return payments / minutes


def silent_limit_ms(usual: float) -> float:
    """How long a caller of ``usual`` payments per minute may send nothing."""
    return max(SILENT_AT_LEAST_MS, SILENT_GAPS * MINUTE_MS / usual)


def decides(statuses: Iterable[Status], now_ms: int) -> bool:
    """Whether a scorer speaks, or none was ever heard of."""
    scorers = [now_ms - s.at_ms for s in statuses if s.service == "scorer"]
    return not scorers or min(scorers) <= SILENT_SERVICE_MS


def _silent(callers: Iterable[Caller], usual_after_ms: int, now_ms: int) -> Iterator[Reading]:
    for one in callers:
        is_usual = one.usual_per_minute >= USUAL_AT_LEAST and one.last_ms - one.first_ms >= usual_after_ms
        if is_usual:
            silent_ms = max(now_ms - one.last_ms, 0)
            said = f"nothing for {silent_ms / 1000:.0f} s, usually {one.usual_per_minute:.1f} a minute"
            yield Reading("caller_silent", one.name, silent_ms / silent_limit_ms(one.usual_per_minute), said)


def _dead(lately: Lately) -> Iterator[Reading]:
    dead, decided = sum(lately.dead_letters.values()), sum(lately.actions.values())
    ratio = dead / (dead + decided) if dead >= DEAD_AT_LEAST else 0.0
    reasons: dict[str, int] = {}
    for (_, reason), count in lately.dead_letters.items():
        reasons[reason] = reasons.get(reason, 0) + count
    most = max(reasons, key=lambda code: (reasons[code], code), default="")
    said = f"{dead} dead letters beside {decided} decisions" + (f", most of them {most}" if most else "")
    yield Reading("dead_letters", "", ratio, said)


def _new_refusals(lately: Lately, known: Iterable[str]) -> Iterator[Reading]:
    now = {f"{topic} {reason}": count for (topic, reason), count in lately.dead_letters.items()}
    before = {f"{topic} {reason}" for topic, reason in lately.refused_before}
    for subject in sorted({*(now.keys() - before), *known}):
        count = now.get(subject, 0)
        yield Reading("new_refusal", subject, float(count), f"{count} in 5 minutes")


def _slow(lately: Lately) -> Iterator[Reading]:
    timed = sum(lately.times.values())
    found = quantile(lately.times, 0.99)
    if found is not None and timed >= TIMED_AT_LEAST:
        yield Reading("latency_p99", "", found, f"of {timed} decisions")


def _mixed(lately: Lately) -> Iterator[Reading]:
    now, before = sum(lately.actions.values()), sum(lately.actions_before.values())
    if min(now, before) < MIXED_AT_LEAST:
        return
    share, usual = _looked_at(lately.actions), _looked_at(lately.actions_before)
    said = f"{share:.1%} to be looked at or declined, {usual:.1%} in the hour before"
    yield Reading("decision_mix", "", max(share / usual, usual / share), said)


def _looked_at(actions: Mapping[str, int]) -> float:
    """The share of review and decline; one more of them and one more of all, so that none has a ratio too."""
    looked = sum(count for action, count in actions.items() if action in LOOKED_AT)
    return (looked + 1) / (sum(actions.values()) + 1)


def _lagging(statuses: Iterable[Status], now_ms: int) -> Iterator[Reading]:
    for status in statuses:
        if status.partitions and now_ms - status.at_ms <= SILENT_SERVICE_MS:
            behind = lag(status)
            yield Reading("worker_lag", who(status), float(behind), f"{behind} records behind")


def _reading_back(statuses: Iterable[Status], now_ms: int) -> Iterator[Reading]:
    for status in statuses:
        if READ_BACK in status.numbers and now_ms - status.at_ms <= SILENT_SERVICE_MS:
            each = status.numbers[READ_BACK]
            evicted = status.numbers.get("evicted", 0.0)
            said = f"{each:.0f} records read back for each one handled, {evicted:.0f} timelines left"
            yield Reading("cache_small", who(status), each, said)


def lag(status: Status) -> int:
    """Records of its partitions that are not handled; of a partition not looked at yet nothing is known."""
    return sum(max(p.end - max(p.committed, 0), 0) for p in status.partitions if p.end >= 0)


def who(status: Status) -> str:
    """``service-instance``."""
    return f"{status.service}-{status.instance}"


def _down(statuses: Sequence[Status], now_ms: int) -> Iterator[Reading]:
    for status in statuses:
        silent_ms = max(now_ms - status.at_ms, 0)
        excused = status.state == "stopping" or _is_replaced(status, statuses, now_ms)
        value = 0.0 if excused else silent_ms / 1000
        yield Reading("service_down", who(status), value, f"silent for {silent_ms / 1000:.0f} s")


def _is_replaced(status: Status, statuses: Iterable[Status], now_ms: int) -> bool:
    """Whether others do its work: silent for long, while an instance of the same service speaks."""
    if now_ms - status.at_ms < REPLACED_MS:
        return False
    return any(s.service == status.service and now_ms - s.at_ms <= SILENT_SERVICE_MS for s in statuses)
