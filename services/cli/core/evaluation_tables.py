"""The tables of an evaluation, as rows of text: for the terminal and for the report alike."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from services.cli.core.evaluation import Measured, Value
from services.cli.core.evaluation_facts import Money, span
from shared.evaluation.metric_table import BY_NAME

Table = list[tuple[str, ...]]

TRIGGERS: Final = {
    "strict": "strict",
    "any_event": "any event while reported",
    "every_event": "every event",
}
SHORT: Final = {
    "adr_ratio": "ADR",
    "afpr_ratio": "AFPR",
    "vdr_ratio": "VDR, real time",
    "vdr_next_ratio": "VDR, next payment",
    "tdr_ratio": "TDR (recall)",
    "case_multiplier": "case multiplier",
}
_DELAY: Final = re.compile(r"vdr_after_(\d+)_ms_ratio").fullmatch


def title(name: str) -> str:
    """How a table calls a metric."""
    delayed = _DELAY(name)
    if delayed:
        return f"VDR after {span(int(delayed[1]))}"
    return SHORT.get(name) or BY_NAME[name].title


def cell(name: str, value: Value, money: Money) -> str:
    """A value with its interval."""
    told = _told(name, value.value, money)
    if value.low is None or value.high is None or value.value is None:
        return told
    return f"{told} ({_told(name, value.low, money)}..{_told(name, value.high, money)})"


def threshold_table(found: Measured, money: Money) -> tuple[tuple[str, ...], Table]:
    """Heads and rows: a column for each trigger, the published function's last where it was asked."""
    triggers = list(found.thresholds)
    names = list(found.thresholds[triggers[0]].metrics)
    heads = ("at the threshold", *(TRIGGERS[trigger] for trigger in triggers))
    rows: Table = [
        (title(name), *(cell(name, found.thresholds[t].metrics[name], money) for t in triggers))
        for name in names
    ]
    if found.published is None:
        return heads, rows
    told = found.published
    last = [f"{told[name]:.3f}" if name in told else "" for name in names]
    return (*heads, "published"), [(*row, value) for row, value in zip(rows, last, strict=True)]


def ranking_table(found: Sequence[Measured], money: Money) -> tuple[tuple[str, ...], Table]:
    """Heads and rows: a column for each model."""
    names = list(dict.fromkeys(name for one in found for name in one.ranking))
    missing = Value(value=None)
    rows: Table = [
        (title(name), *(cell(name, one.ranking.get(name, missing), money) for one in found)) for name in names
    ]
    return ("over all thresholds", *(one.model for one in found)), rows


def difference_table(found: Mapping[str, Value], money: Money) -> tuple[tuple[str, ...], Table]:
    """Heads and rows of paired differences, with whether an interval leaves out 0."""
    rows: Table = []
    for name, value in found.items():
        trigger, _, metric = name.rpartition(".")
        named = f"{title(metric)}, {TRIGGERS[trigger]}" if trigger else title(metric)
        rows.append((named, cell(metric, value, money), _verdict(value)))
    return ("first less second", "difference", ""), rows


def _verdict(value: Value) -> str:
    if value.low is None or value.high is None:
        return ""
    if value.low > 0:
        return "more"
    return "less" if value.high < 0 else ""


def _told(name: str, value: float | None, money: Money) -> str:
    if value is None:
        return "-"
    if name == "net_saving_minor":
        return money.told(value).removesuffix(f" {money.currency}")
    if name == "contacts":
        return f"{value:,.0f}"
    # Adding 0 takes the sign from a zero.
    return f"{round(value, 3) + 0.0:.3f}"
