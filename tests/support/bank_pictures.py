"""Draws one campaign of each pattern beside genuine life: ``python -m tests.support.bank_pictures [DIR]``.

The pictures belong to docs/simulator.md. The same world gives the same bytes under one version of matplotlib.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final, NamedTuple

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray

from services.simulator.core.columns import (
    ACTIVITY_KINDS,
    COMPROMISED_TERMINAL,
    LOGIN,
    PATTERNS,
    Activities,
    Payments,
    join_activities,
    join_payments,
)
from services.simulator.core.history import past_days
from services.simulator.core.span import DAY_MS, HOUR_MS
from services.simulator.core.world import make_world

mpl.use("svg")
from matplotlib import pyplot as plt  # after the backend is chosen

FOLDER: Final = Path(__file__).parents[2] / "docs"
SEED: Final = 1
FIRST_DAY: Final = 20_270
DAYS: Final = 30
STYLE: Final[dict[Any, Any]] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "assay",
    "font.size": 9,
    "font.family": "sans-serif",
}
HOURS, EUROS = (-100, -24, -4, -1, 0, 1, 4, 24), (1, 10, 100, 1_000)
GENUINE_COLOUR, FRAUD_COLOUR, ACTIVITY_COLOUR = "#7a8794", "#c0392b", "#2c6fbb"


class Scene(NamedTuple):
    """What a picture shows: payments and activities around ``start_ms``, in units of ``unit_ms``."""

    title: str
    payments: Payments
    activities: Activities
    start_ms: int
    unit_ms: int
    unit: str


def main() -> int:
    """Write every picture."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    for name, scene in scenes().items():
        draw(scene, folder / f"simulator-{name}.svg")
    return 0


def scenes() -> dict[str, Scene]:
    """One campaign of each pattern, of one world, with what its victim did before and after."""
    world = make_world(SEED, 2_000, 600)
    days = list(past_days(world, FIRST_DAY * DAY_MS, (FIRST_DAY + DAYS) * DAY_MS))
    payments = join_payments([day.payments for day in days])
    activities = join_activities([day.activities for day in days])
    return {name: _scene(code, name, payments, activities) for code, name in enumerate(PATTERNS) if code}


def _scene(code: int, name: str, payments: Payments, activities: Activities) -> Scene:
    frauds = payments.at(payments.pattern == code)
    begun = frauds.at(frauds.time_ms > (FIRST_DAY + 8) * DAY_MS)
    if code == COMPROMISED_TERMINAL:
        terminal = np.bincount(frauds.terminal).argmax()
        shown = payments.at(payments.terminal == terminal)
        none = activities.at(np.zeros(len(activities.time_ms), bool))
        return Scene("at one terminal", shown, none, FIRST_DAY * DAY_MS, DAY_MS, "days")
    account = begun.account[np.bincount(begun.account)[begun.account] >= 2][0]
    start_ms = int(begun.time_ms[begun.account == account][0])
    near = [-7 * DAY_MS, 2 * DAY_MS]
    paid = (payments.account == account) & _between(payments.time_ms - start_ms, near)
    done = (activities.account == account) & _between(activities.time_ms - start_ms, near)
    unit = "hours from the first fraud"
    return Scene("of one account", payments.at(paid), activities.at(done), start_ms, HOUR_MS, unit)


def _between(values: NDArray[np.int64], limits: list[int]) -> NDArray[np.bool_]:
    return np.logical_and(values >= limits[0], values < limits[1])


def draw(scene: Scene, file: Path) -> None:
    """One picture: amounts over time, activities below."""
    with mpl.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(6.4, 2.4), layout="constrained")
        _amounts(axes, scene)
        _said(axes, scene)
        axes.set_yscale("log")
        axes.set_ylabel("amount, EUR")
        axes.set_xlabel(scene.unit)
        axes.set_title(f"Payments {scene.title}", loc="left", fontsize=9)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        if scene.unit_ms == HOUR_MS:
            axes.set_xscale("symlog", linthresh=1.0)
            axes.set_xticks(HOURS, [f"{hour}" for hour in HOURS])
        axes.set_yticks(EUROS, [f"{euro:,}" for euro in EUROS])
        axes.minorticks_off()
        axes.legend(frameon=False, fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5))
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
        plt.close(figure)


def _amounts(axes: Any, scene: Scene) -> None:
    moved = (scene.payments.time_ms - scene.start_ms) / scene.unit_ms
    amount = scene.payments.amount_minor / 100
    bad = scene.payments.pattern != 0
    axes.plot(moved[~bad], amount[~bad], "o", color=GENUINE_COLOUR, markersize=3, label="genuine")
    axes.plot(moved[bad], amount[bad], "D", color=FRAUD_COLOUR, markersize=4, label="fraud")


def _said(axes: Any, scene: Scene) -> None:
    moved = (scene.activities.time_ms - scene.start_ms) / scene.unit_ms
    for i, kind in enumerate(np.unique(scene.activities.kind).tolist()):
        when = moved[scene.activities.kind == kind]
        marker = "|" if kind == LOGIN else "ox^vsP*"[i % 7]
        name = ACTIVITY_KINDS[kind].replace("_", " ")
        low = np.full(len(when), 0.2)
        axes.plot(when, low, marker, color=ACTIVITY_COLOUR, markersize=5, linestyle="none", label=name)


if __name__ == "__main__":
    sys.exit(main())
