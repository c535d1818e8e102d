"""The curves of an evaluation as numbers: what a chart shows, before anything is drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from services.cli.core.evaluation_facts import Money, span
from services.cli.core.evaluation_tables import TRIGGERS
from shared.evaluation.assessment import HEADLINE, Assessment, Point
from shared.evaluation.payments import Numbers
from shared.evaluation.reliability import RARE, reliability
from shared.evaluation.sweep import DAY_MS, HOUR_MS, UNCAUGHT, Sweep
from shared.evaluation.triggers import Trigger

Scale = Literal["linear", "log"]
Tone = Literal["first", "second", "third", "even"]
Corner = Literal["upper left", "upper right", "lower left", "lower right"]

POINTS: Final = 400
DELAYS_MS: Final = tuple(int(ms) for ms in np.geomspace(60_000, 14 * DAY_MS, 48))
TICKS_MS: Final = (60_000, HOUR_MS, 6 * HOUR_MS, DAY_MS, 7 * DAY_MS)
TONES: Final[tuple[Tone, ...]] = ("first", "second", "third")


class Line(Struct, frozen=True, kw_only=True):
    """Points of one curve, equally many x and y. ``even`` is the line of no skill."""

    label: str
    tone: Tone
    x: list[float]
    y: list[float]
    dots: bool = False
    dashed: bool = False


class Mark(Struct, frozen=True, kw_only=True):
    """One point of a curve that is worth a word, below it on the side that the curve leaves empty."""

    label: str
    tone: Tone
    x: float
    y: float
    on_left: bool = False


class Chart(Struct, frozen=True, kw_only=True):
    """A chart: name of its file, title, what it says in a sentence, axes, curves, marks."""

    name: str
    title: str
    says: str
    x_title: str
    y_title: str
    lines: list[Line]
    marks: list[Mark]
    key: Corner
    x_scale: Scale = "linear"
    y_scale: Scale = "linear"
    x_range: tuple[float, float] | None = (0.0, 1.0)
    y_range: tuple[float, float] | None = (0.0, 1.0)
    x_ticks: list[tuple[float, str]] = []


class Side(Struct, frozen=True, kw_only=True):
    """A model in the charts, by name and version."""

    label: str
    found: Assessment
    point: Point

    @property
    def short(self) -> str:
        """Its version, which tells two models of one name apart."""
        return self.label.rpartition(" ")[2] if self.label.count(" ") == 1 else self.label

    def place(self, trigger: Trigger) -> int:
        """Where its threshold stands."""
        return self.found.place(trigger, self.point)


def charts(sides: Sequence[Side], money: Money) -> list[Chart]:
    """All charts of one model, or of two side by side by the strict trigger."""
    made = [
        _precision_recall(sides),
        _roc(sides),
        _accounts(sides),
        _money(sides, money),
        _calibration(sides),
        _delays(sides),
    ]
    return [chart for chart in made if chart.lines]


def _precision_recall(sides: Sequence[Side]) -> Chart:
    base = float(sides[0].found.payments.fraud.mean())
    lines, marks = _curves(
        sides, "tdr_ratio", "precision_ratio", lambda v: f"AP {v['average_precision']:.3f}"
    )
    even = Line(label=f"no skill {base:.3f}", tone="even", x=[0.0, 1.0], y=[base, base])
    return Chart(
        name="precision-recall",
        title="Precision and recall",
        says="Of the payments flagged, how many are frauds; of the frauds, how many are flagged.",
        x_title="recall (TDR)",
        y_title="precision",
        lines=[*lines, even],
        marks=[replace(mark, on_left=True) for mark in marks],
        key="lower left",
    )


def _roc(sides: Sequence[Side]) -> Chart:
    lines, marks = _curves(
        sides, "false_positive_rate_ratio", "tdr_ratio", lambda v: f"AUC {v['auc_roc']:.3f}"
    )
    even = Line(label="no skill 0.500", tone="even", x=[0.0, 1.0], y=[0.0, 1.0])
    return Chart(
        name="roc",
        title="ROC",
        says="What share of genuine payments is flagged to flag a share of the frauds.",
        x_title="false-positive rate",
        y_title="recall (TDR)",
        lines=[*lines, even],
        marks=marks,
        key="lower right",
    )


def _accounts(sides: Sequence[Side]) -> Chart:
    lines = []
    for tone, side in zip(TONES, sides, strict=False):
        curves = side.found.curves(HEADLINE)
        end = "" if len(sides) == 1 else f", {side.short}"
        adr = _line(f"ADR{end}", tone, curves["afpr_ratio"], curves["adr_ratio"], until=2.0)
        vdr = _line(f"VDR{end} (dashed)", tone, curves["afpr_ratio"], curves["vdr_ratio"], until=2.0)
        lines += [adr, replace(vdr, dashed=True)]
    return Chart(
        name="accounts",
        title="Accounts and money caught",
        says="What share of fraud accounts (ADR) and of fraud money (VDR) is caught, and whom it disturbs.",
        x_title="good accounts disturbed per fraud account caught (AFPR)",
        y_title="share caught",
        lines=lines,
        marks=_marks(sides[:1], "afpr_ratio", "adr_ratio"),
        key="lower right",
        x_range=(0.0, 2.0),
    )


def _money(sides: Sequence[Side], money: Money) -> Chart:
    lines, marks = [], []
    for tone, side in zip(TONES, sides, strict=False):
        curves = side.found.curves(HEADLINE)
        saving = curves["net_saving_minor"] / 10**money.digits
        reviewed = curves["review_ratio"] * 100
        best = int(np.argmax(saving))
        told = f"most {saving[best]:,.0f} {money.currency}"
        label = told if len(sides) == 1 else f"{side.short}: {told}"
        lines.append(_line(label, tone, reviewed, saving))
        marks.append(Mark(label="", tone=tone, x=float(reviewed[best]), y=float(saving[best])))
    return Chart(
        name="gain",
        title="Gain in money",
        says="Fraud money saved, less contacts and the margin on money wrongly declined, at every threshold.",
        x_title="accounts flagged, %",
        y_title=f"net saving, {money.currency}",
        lines=lines,
        marks=marks,
        key="lower right",
        x_range=(0.0, 100.0),
        y_range=None,
    )


def _calibration(sides: Sequence[Side]) -> Chart:
    lines = []
    for tone, side in zip(TONES, sides, strict=False):
        own = side.found
        if own.probabilities is None:
            continue
        curve = reliability(own.payments.fraud, own.probabilities, RARE)
        held = (curve.observed > 0) & (curve.predicted > 0)
        x, y = curve.predicted[held].tolist(), curve.observed[held].tolist()
        lines.append(Line(label=side.short, tone=tone, x=x, y=y, dots=True))
    if lines:
        lines.append(Line(label="as said", tone="even", x=[1e-4, 1.0], y=[1e-4, 1.0]))
    return Chart(
        name="calibration",
        title="Calibration",
        says="What the model said, and what share turned out as fraud; bins without a fraud are not shown.",
        x_title="probability as said",
        y_title="share of frauds",
        lines=lines,
        marks=[],
        key="lower right",
        x_scale="log",
        y_scale="log",
        x_range=(1e-4, 1.0),
        y_range=(1e-4, 1.0),
    )


def _delays(sides: Sequence[Side]) -> Chart:
    triggers = list(sides[0].found.terms.triggers) if len(sides) == 1 else [HEADLINE]
    pairs = [(side, trigger) for side in sides for trigger in triggers]
    lines = []
    for tone, (side, trigger) in zip(TONES, pairs, strict=False):
        place = side.place(trigger)
        if place == UNCAUGHT:
            continue
        label = TRIGGERS[trigger] if len(sides) == 1 else side.short
        after = _after(side.found, trigger, place)
        if not np.isfinite(after).all():
            continue
        x = list(map(float, DELAYS_MS))
        lines.append(Line(label=label, tone=tone, x=x, y=after, dashed=trigger != HEADLINE))
    highest = max((y for line in lines for y in line.y), default=1.0)
    return Chart(
        name="delay",
        title="What a slow reaction costs",
        says="Share of fraud money still saved when the account is stopped so long after the trigger.",
        x_title="time from the trigger to the stop",
        y_title="VDR",
        lines=lines,
        marks=[],
        key="upper right",
        x_scale="log",
        x_range=(DELAYS_MS[0], DELAYS_MS[-1]),
        y_range=(0.0, min(1.0, 1.25 * highest) or 1.0),
        x_ticks=[(float(ms), span(ms)) for ms in TICKS_MS],
    )


def _after(found: Assessment, trigger: Trigger, place: int) -> list[float]:
    """VDR at each of `DELAYS_MS`, at one threshold."""
    own = Sweep(found.payments, found.scores, trigger, found.terms.contact_ms, DELAYS_MS)
    money = own.totals().fraud_minor
    saved = own.at(place).saved_after_minor
    return [float(saved[delay] / money) if money else float("nan") for delay in DELAYS_MS]


def _curves(
    sides: Sequence[Side], x: str, y: str, word: Callable[[Mapping[str, float]], str]
) -> tuple[list[Line], list[Mark]]:
    """A curve for each model from no threshold to the lowest, and its operating point."""
    lines = []
    for tone, side in zip(TONES, sides, strict=False):
        curves = side.found.curves(HEADLINE)
        told = word(side.found.ranking())
        label = told if len(sides) == 1 else f"{side.short}: {told}"
        lines.append(_line(label, tone, curves[x], curves[y]))
    return lines, _marks(sides, x, y)


def _marks(sides: Sequence[Side], x: str, y: str) -> list[Mark]:
    marks = []
    for tone, side in zip(TONES, sides, strict=False):
        place = side.place(HEADLINE)
        found = side.found.at(HEADLINE, place)
        if place != UNCAUGHT and np.isfinite([found[x], found[y]]).all():
            marks.append(
                Mark(label="threshold" if tone == "first" else "", tone=tone, x=found[x], y=found[y])
            )
    return marks


def _line(label: str, tone: Tone, x: Numbers, y: Numbers, until: float = np.inf) -> Line:
    """A curve thinned to at most `POINTS` steps as even as the eye sees them, its ends kept."""
    kept = np.flatnonzero(np.isfinite(x) & np.isfinite(y) & (x <= until))
    x, y = np.asarray(x, np.float64)[kept], np.asarray(y, np.float64)[kept]
    if len(x) > POINTS:
        way = np.cumsum(np.append(0.0, np.hypot(_share(np.diff(x), x), _share(np.diff(y), y))))
        wanted = np.searchsorted(way, np.linspace(0.0, way[-1], POINTS))
        chosen = np.unique(np.minimum(np.append(wanted, len(x) - 1), len(x) - 1))
        x, y = x[chosen], y[chosen]
    return Line(label=label, tone=tone, x=x.tolist(), y=y.tolist())


def _share(steps: Numbers, values: Numbers) -> Numbers:
    return steps / (np.ptp(values) or 1.0)
