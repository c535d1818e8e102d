"""Expected failures: one clear sentence, the way out, and the exit code that scripts read."""

from __future__ import annotations

from typing import Final

FINE: Final = 0
FAULT: Final = 1
WRONG_USE: Final = 2
AWAY: Final = 3


class CommandError(Exception):
    """Ends a command. ``exit_code`` is 1 for a fault found, 2 for wrong use, 3 for a dependency away."""

    exit_code = FAULT

    def __init__(self, sentence: str, way_out: str = "") -> None:
        super().__init__(f"{sentence} {way_out}".strip())
        self.sentence = sentence
        self.way_out = way_out


class FaultFound(CommandError):
    """What was looked at is not as it should be."""


class WrongUse(CommandError):
    """The command was asked for something that cannot be."""

    exit_code = WRONG_USE


class Away(CommandError):
    """Kafka, Redis, the lake or the stack is not there."""

    exit_code = AWAY
