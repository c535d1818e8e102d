"""Plays the simulator's world: ``history`` into files, else live into Kafka."""

from __future__ import annotations

import asyncio
import sys

from services.simulator.edge.command_line import parse_command
from services.simulator.settings import SimulatorSettings
from services.simulator.wiring import run_history, run_live


def main() -> int:
    """Run until done or stopped; the exit code."""
    request = parse_command(sys.argv[1:])
    settings = SimulatorSettings()
    if request is None:
        return asyncio.run(run_live(settings))
    run_history(settings, request)
    return 0


if __name__ == "__main__":
    sys.exit(main())
