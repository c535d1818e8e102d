"""Numbers as the screens show them beside the same by query over the lake.

    python -m tests.bench.numbers --data-dir .assay --range 30m

It waits until the archiver and the monitor have passed the range's end. It ends with 1 where a number
differs, with 3 where they do not come so far. Below the screens' numbers stand those that the monitor counts
and no screen shows yet, read from its tables.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from infra.local.layout import DataDir
from infra.local.secrets import Secrets
from infra.local.state import read_state
from services.console.core.counted import RANGES
from shared.contracts.access import OPERATOR

from .compare import House, NotPassed, Pair, compared, table
from .lake import Minutes
from .shown import Screens

NOT_PASSED: Final = 3


def main() -> int:
    """Compare, print, and say by the exit code whether all is equal."""
    told = _arguments()
    house = _house(told)
    with Screens(told.url, told.user, _password(told)) as screens:
        try:
            minutes, found = compared(screens, house, told.range)
        except NotPassed as reason:
            print(f"Not compared: {reason}.", file=sys.stderr)
            return NOT_PASSED
    if told.json:
        print(
            msgspec.json.format(
                msgspec.json.encode({"minutes": minutes, "numbers": found}), indent=1
            ).decode()
        )
    else:
        print(table(found))
        print(_verdict(minutes, found))
    return 0 if all(pair.is_equal for pair in found) else 1


def _verdict(minutes: Minutes, found: Sequence[Pair]) -> str:
    span = " to ".join(
        datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M")
        for at in (minutes.from_ms, minutes.to_ms)
    )
    equal = sum(pair.is_equal for pair in found)
    return f"{span} UTC: {equal} of {len(found)} numbers are equal"


def _house(told: argparse.Namespace) -> House:
    """The house at the data dir: by its own word, or by what the command names. Raises SystemExit."""
    data = DataDir.at(told.data_dir)
    state = read_state(data.state_file)
    bootstrap = told.kafka or (state.addresses.get("kafka") if state else None)
    if not bootstrap:
        raise SystemExit(f"No stack runs on {data.root}: start one with `assay up`, or give --kafka.")
    portfolio = told.portfolio or (state.options.portfolio if state else "bank")
    return House(
        data_dir=data.root, portfolio=portfolio, kafka=Secrets(data.secrets).kafka(bootstrap, OPERATOR)
    )


def _password(told: argparse.Namespace) -> str:
    path: Path = told.password_file or Secrets(DataDir.at(told.data_dir).secrets).console_admin
    return path.read_text(encoding="ascii").strip()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.numbers",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data-dir", type=Path, default=Path(".assay"), help="the house's folder")
    parser.add_argument("--url", default="http://127.0.0.1:8600", help="where the console is")
    parser.add_argument("--range", choices=list(RANGES), default="30m", help="minutes to compare")
    parser.add_argument("--user", default="admin", help="who signs in")
    parser.add_argument("--password-file", type=Path, help="else that of the house's first user")
    parser.add_argument("--kafka", help="where Kafka is, if the data dir does not say")
    parser.add_argument("--portfolio", help="else that of the running stack")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
