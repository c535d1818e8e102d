"""The command line: nothing for live traffic, ``history`` with its options for files."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from services.simulator.core.span import DAY_MS


class HistoryRequest(NamedTuple):
    """A past of ``days`` days that ends before ``end_ms``; None for what the settings say."""

    days: float
    end_ms: int
    seed: int | None
    accounts: int | None
    merchants: int | None
    folder: Path
    progress: bool = False

    @property
    def from_ms(self) -> int:
        """Where the past begins."""
        return self.end_ms - round(self.days * DAY_MS)


def parse_command(arguments: Sequence[str]) -> HistoryRequest | None:
    """The history that is asked for, or None for live traffic. Exits with 2 on wrong use."""
    parser = ArgumentParser(prog="python -m services.simulator", description="Seeded payments.")
    commands = parser.add_subparsers(dest="command")
    history = commands.add_parser("history", help="write a past as Parquet files")
    history.add_argument("--days", type=float, required=True, help="how long the past is")
    history.add_argument("--end", type=_instant, required=True, help="ISO 8601, UTC by default, or ms")
    history.add_argument("--seed", type=int, help="the world")
    history.add_argument("--accounts", type=int, help="accounts that pay")
    history.add_argument("--merchants", type=int, help="merchants they pay at")
    history.add_argument("--out", type=Path, required=True, help="folder for the files")
    history.add_argument("--progress", action="store_true", help="say each day that is written")
    found = parser.parse_args(arguments)
    if found.command is None:
        return None
    if not 0 < found.days <= 3_660:
        parser.error("--days lies between 0 and 3660")
    return HistoryRequest(
        found.days, found.end, found.seed, found.accounts, found.merchants, found.out, found.progress
    )


def _instant(text: str) -> int:
    if text.isdigit():
        return int(text)
    moment = datetime.fromisoformat(text)
    zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return round(zoned.timestamp() * 1000)
