"""The simulator as a process that writes files, and requests that disturb its live traffic."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from services.cli.edge.errors import FaultFound
from services.cli.edge.surroundings import CLOCK, House
from shared.bus.ports import Place
from shared.bus.sync import produce_confirmed
from shared.contracts.codec import encode
from shared.contracts.operations import ScenarioRequest
from shared.contracts.topics import topic_name

KEY: Final = b"scenario"


class Past(NamedTuple):
    """A history to write: its length and end, and what of the world is not as the settings say."""

    days: float
    end_ms: int
    folder: Path
    seed: int | None
    accounts: int | None

    def command(self) -> list[str]:
        """How the simulator is called for it."""
        words = ["--days", f"{self.days}", "--end", f"{self.end_ms}", "--out", str(self.folder), "--progress"]
        for name, value in (("--seed", self.seed), ("--accounts", self.accounts)):
            words += [] if value is None else [name, f"{value}"]
        return [sys.executable, "-m", "services.simulator", "history", *words]


def write_past(past: Past, told: Callable[[int], None]) -> dict[str, Any]:
    """What was written, rows by file; ``told`` hears how many days are done. Raises FaultFound."""
    process = subprocess.Popen(past.command(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    last: dict[str, Any] = {}
    try:
        for line in process.stdout:
            last = msgspec.json.decode(line)
            if "day" in last:
                told(last["day"])
        _, errors = process.communicate()
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()
    if process.returncode:
        why = errors.strip().splitlines()[-1:] or ["no word"]
        raise FaultFound(f"The simulator could not write history: {why[0]}", "Look at the folder's rights.")
    return last


def ask_scenario(house: House, kind: str, seconds: int, request_id: str, **wanted: Any) -> ScenarioRequest:
    """Put a request on the topic. Raises LogAway, and ValidationError for what breaks its bounds."""
    fields = {
        "v": 1,
        "request_id": request_id,
        "portfolio": house.portfolio,
        "kind": kind,
        "seconds": seconds,
        "at_ms": CLOCK.now_ms(),
        "by": house.around.operator,
        **wanted,
    }
    request = msgspec.convert(fields, ScenarioRequest)
    produce_confirmed(house.kafka, Place(topic_name(house.portfolio, "requests"), 0), KEY, encode(request))
    return request
