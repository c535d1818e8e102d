"""Expected failures: one clear sentence, the way out, and the exit code that scripts read."""

from __future__ import annotations

import sys
from typing import Final

import msgspec

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


def tell(error: CommandError, *, as_json: bool) -> None:
    """Write the sentence to standard error, as an object where JSON was asked for."""
    if as_json:
        body = {"error": error.sentence, "way_out": error.way_out, "exit_code": error.exit_code}
        sys.stderr.write(msgspec.json.encode(body).decode() + "\n")
        return
    way = f"\n  {error.way_out}" if error.way_out else ""
    sys.stderr.write(f"assay: {error.sentence}{way}\n")
