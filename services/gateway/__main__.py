"""Run the gateway until it is told to stop: ``python -m services.gateway``."""

from __future__ import annotations

import sys

import uvloop

from services.gateway.settings import GatewaySettings
from services.gateway.wiring import Gateway
from shared.runtime.logs import configure
from shared.runtime.running import run_until_stopped

if __name__ == "__main__":
    settings = GatewaySettings()
    configure(settings.service, settings.instance, settings.log_level)

    async def run() -> int:
        return await run_until_stopped(Gateway(settings))

    sys.exit(uvloop.run(run()))
