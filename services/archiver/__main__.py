"""Run the archiver until it is told to stop: ``python -m services.archiver``."""

from __future__ import annotations

import asyncio
import sys

from services.archiver.settings import ArchiverSettings
from services.archiver.wiring import run
from shared.runtime.logs import configure

if __name__ == "__main__":
    settings = ArchiverSettings()
    configure(settings.service, settings.instance, settings.log_level)
    sys.exit(asyncio.run(run(settings)))
