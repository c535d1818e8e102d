"""Which payments a training may use: those whose labels had time to come by the stated time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from shared.features.mapping import Training

DAY_MS: Final = 86_400_000
REHEARSAL_PARTS: Final = 4


class TrainingImpossible(Exception):
    """These data can give no model; the text says why, for people."""


@dataclass(frozen=True, slots=True)
class Window:
    """Payments with ``from_ms <= event time < to_ms``; from ``later_ms`` on they calibrate and measure.

    ``refit``: the later part is also trained on once it has measured (a rehearsal), because the
    portfolio keeps no days back for calibration.
    """

    from_ms: int
    later_ms: int
    to_ms: int
    refit: bool


def plan_window(as_of_ms: int, days: int, label_delay_days: int, training: Training) -> Window:
    """The window of ``days`` (0: the portfolio's) that ends one label delay before ``as_of_ms``.

    Raises TrainingImpossible if the days kept back for calibration leave none to train on.
    """
    length = days or training.days
    to_ms = as_of_ms - label_delay_days * DAY_MS
    from_ms = to_ms - length * DAY_MS
    if training.calibration_days == 0:
        return Window(from_ms, to_ms - (to_ms - from_ms) // REHEARSAL_PARTS, to_ms, refit=True)
    if training.calibration_days >= length:
        raise TrainingImpossible(
            f"The window of {length} days has none left to train on: "
            f"{training.calibration_days} are kept back for calibration."
        )
    return Window(from_ms, to_ms - training.calibration_days * DAY_MS, to_ms, refit=False)
