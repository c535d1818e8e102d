"""Run the trainer until it is stopped: ``python -m services.trainer``."""

from __future__ import annotations

import asyncio
import sys

from services.trainer.settings import TrainerSettings
from shared.runtime import logs, numba_cache
from shared.runtime.running import run_until_stopped


async def _run(settings: TrainerSettings) -> int:
    from services.trainer.wiring import Trainer  # numba must not be imported before its cache is set

    return await run_until_stopped(Trainer(settings))


if __name__ == "__main__":
    settings = TrainerSettings()
    logs.configure(settings.service, settings.instance, settings.log_level)
    numba_cache.prepare(settings.data_dir)
    sys.exit(asyncio.run(_run(settings)))
