"""Run the monitor until it is told to stop: ``python -m services.monitor``."""

from __future__ import annotations

import asyncio
import sys

from services.monitor.settings import MonitorSettings
from services.monitor.wiring import run
from shared.runtime.logs import configure

if __name__ == "__main__":
    settings = MonitorSettings()
    configure(settings.service, settings.instance, settings.log_level)
    sys.exit(asyncio.run(run(settings)))
