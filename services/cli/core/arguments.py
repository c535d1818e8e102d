"""What must be known of the command line before the program is imported."""

from __future__ import annotations

from collections.abc import Sequence

FOUNDERS = frozenset({"run", "up"})
"""Commands that make a data dir where there is none."""


def named_data_dir(arguments: Sequence[str]) -> str | None:
    """The value of ``--data-dir``, or None."""
    for word, after in zip(arguments, [*arguments, ""][1:], strict=True):
        if word == "--data-dir":
            return after or None
        if word.startswith("--data-dir="):
            return word.partition("=")[2] or None
    return None


def founds(arguments: Sequence[str]) -> bool:
    """Whether the command makes a data dir."""
    return bool(arguments) and arguments[0] in FOUNDERS and "--help" not in arguments
