"""Run one scorer worker until it is stopped: ``python -m services.scorer``."""

from __future__ import annotations

import sys

import uvloop

from services.scorer.settings import ScorerSettings
from shared.runtime import logs, numba_cache
from shared.runtime.running import run_until_stopped


async def _run(settings: ScorerSettings) -> int:
    from services.scorer.wiring import ScorerService  # numba must not be imported before its cache is set

    return await run_until_stopped(ScorerService(settings))


def main() -> int:
    """Settings, logs, kernel cache, then the tree of services."""
    settings = ScorerSettings()
    logs.configure(settings.service, settings.instance, settings.log_level)
    numba_cache.prepare(settings.data_dir)
    return uvloop.run(_run(settings))


if __name__ == "__main__":
    sys.exit(main())
