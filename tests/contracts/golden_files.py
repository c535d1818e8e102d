"""The golden messages on disk: one folder per topic and version."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

GOLDEN: Final = Path(__file__).parent / "golden"
FOREIGN: Final = "foreign"
"""Stem of messages that another producer wrote: valid, but not in our canonical bytes."""


@dataclass(frozen=True)
class Golden:
    """One message as it may stand on a topic."""

    topic: str
    version: int
    path: Path

    @property
    def raw(self) -> bytes:
        return self.path.read_bytes()

    def __str__(self) -> str:
        return f"{self.topic}-v{self.version}-{self.path.stem}"


def messages() -> list[Golden]:
    """Every golden message; files that only state what to expect are left out."""
    files = [p for p in sorted(GOLDEN.rglob("*")) if p.is_file() and not p.name.endswith(".expected.json")]
    return [Golden(p.parts[-3], int(p.parts[-2].removeprefix("v")), p) for p in files]
