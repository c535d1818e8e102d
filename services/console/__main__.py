"""Run the console until it is told to stop: ``python -m services.console``."""

from __future__ import annotations

import sys

import uvloop

from services.console.settings import ConsoleSettings
from services.console.wiring import Console
from shared.runtime.logs import configure
from shared.runtime.running import run_until_stopped

if __name__ == "__main__":
    settings = ConsoleSettings()
    configure(settings.service, settings.instance, settings.log_level)

    async def run() -> int:
        return await run_until_stopped(Console(settings))

    sys.exit(uvloop.run(run()))
