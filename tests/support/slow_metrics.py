"""The fraud manager's metrics by their words, account by account and event by event: slow and obvious."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass

from shared.evaluation.triggers import Trigger


@dataclass(frozen=True)
class Event:
    """A payment: account, ms, minor units, score, whether it was reported as fraud."""

    account: int
    at_ms: int
    amount: int
    score: float
    fraud: bool


def by_account(events: list[Event]) -> dict[int, list[Event]]:
    """Each account's events in time order."""
    found: dict[int, list[Event]] = defaultdict(list)
    for event in sorted(events, key=lambda event: event.at_ms):
        found[event.account].append(event)
    return found


def trigger_index(events: list[Event], threshold: float, trigger: Trigger) -> int | None:
    """Which event of a fraud account notices it."""
    times = [event.at_ms for event in events if event.fraud]
    for index, event in enumerate(events):
        inside = min(times) <= event.at_ms <= max(times)
        may = {"strict": event.fraud, "any_event": inside, "every_event": True}[trigger]
        if may and event.score >= threshold:
            return index
    return None


def contacts(events: list[Event], threshold: float, contact_ms: int) -> int:
    """How often a genuine account is contacted."""
    last: int | None = None
    count = 0
    for event in events:
        if event.score >= threshold and (last is None or event.at_ms - last >= contact_ms):
            last, count = event.at_ms, count + 1
    return count


def metrics(
    events: list[Event],
    threshold: float,
    trigger: Trigger,
    contact_ms: int,
    delay_ms: int,
    costs: tuple[int, int] = (0, 0),
) -> dict[str, float]:
    """Every metric that a threshold has; ``costs``: of a contact in minor units, margin in millionths."""
    accounts = by_account(events)
    fraud = {a: own for a, own in accounts.items() if any(event.fraud for event in own)}
    genuine = {a: own for a, own in accounts.items() if a not in fraud}
    money = sum(event.amount for event in events if event.fraud)
    saved = saved_next = saved_after = detected = 0
    for own in fraud.values():
        index = trigger_index(own, threshold, trigger)
        if index is None:
            continue
        detected += 1
        saved += sum(event.amount for event in own[index:] if event.fraud)
        saved_next += sum(event.amount for event in own[index + 1 :] if event.fraud)
        since = own[index].at_ms + delay_ms
        saved_after += sum(event.amount for event in own[index:] if event.fraud and event.at_ms >= since)
    disturbed = sum(contacts(own, threshold, contact_ms) for own in genuine.values())
    hits = [event for event in events if event.score >= threshold]
    tp, fp = sum(event.fraud for event in hits), sum(not event.fraud for event in hits)
    frauds = sum(event.fraud for event in events)
    adr, afpr = over(detected, len(fraud)), over(disturbed, detected)
    reviewed = sum(max(event.score for event in own) >= threshold for own in accounts.values())
    wrong = sum(event.amount for event in hits if not event.fraud)
    return {
        "adr_ratio": adr,
        "afpr_ratio": afpr,
        "vdr_ratio": over(saved, money),
        "vdr_next_ratio": over(saved_next, money),
        f"vdr_after_{delay_ms}_ms_ratio": over(saved_after, money),
        "contacts": disturbed,
        "review_ratio": over(reviewed, len(accounts)),
        "case_multiplier": (afpr + 1) * adr,
        "tdr_ratio": over(tp, frauds),
        "false_positive_rate_ratio": over(fp, len(events) - frauds),
        "false_positives_per_fraud_ratio": over(fp, tp),
        "precision_ratio": over(tp, tp + fp),
        "f1_ratio": over(2 * tp, 2 * tp + fp + frauds - tp),
        "net_saving_minor": saved - disturbed * costs[0] - round(wrong * costs[1] / 1e6),
    }


def over(part: int, whole: int) -> float:
    """A share, not a number of nothing."""
    return part / whole if whole else math.nan


def published(events: list[Event], contact_ms: int, unit: int) -> dict[str, list[float]]:
    """Microsoft's function as its steps are, loop by loop; lists from bin 1 to bin 1000, rates of 1."""
    bins = 1000
    table = {name: [0.0] * (bins + 1) for name in ("adr", "vdr", "contacts")}
    accounts = by_account(events)
    for account in sorted(accounts)[:-1]:
        highest, fraud = 0, False
        savings = [0.0] * (bins + 1)
        counts, times = [0] * (bins + 1), [-math.inf] * (bins + 1)
        for event in accounts[account]:
            place = math.ceil((event.score or 1e-5) * bins)
            highest = max(highest, place)
            if event.fraud:
                fraud = True
                savings[place] = unit
                for i in range(1, highest + 1):
                    savings[i] += event.amount
            else:
                for i in range(1, place + 1):
                    if event.at_ms - times[i] >= contact_ms:
                        counts[i], times[i] = counts[i] + 1, event.at_ms
        for i in range(1, bins + 1):
            table["vdr" if fraud else "contacts"][i] += savings[i] if fraud else counts[i]
            table["adr"][i] += fraud and highest >= i
    found, money = table["adr"], table["vdr"]
    return {
        "adr_ratio": [over(int(a), int(found[1])) for a in found[1:]],
        "vdr_ratio": [over(int(v), int(money[1])) for v in money[1:]],
        "afpr_ratio": [c / (a + 0.0001) for c, a in zip(table["contacts"][1:], found[1:], strict=True)],
    }
