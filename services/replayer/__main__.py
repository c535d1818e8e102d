"""Verify once and say so on standard output, a line each: ``python -m services.replayer``."""

from __future__ import annotations

import sys

from services.replayer.settings import ReplayerSettings
from shared.runtime import logs, numba_cache


def main() -> int:
    """Settings, kernel cache, then the run; 0 when an answer was given, whatever it is."""
    settings = ReplayerSettings()
    logs.configure(settings.service, settings.instance, settings.log_level)
    numba_cache.prepare(settings.data_dir)
    from services.replayer.wiring import run  # numba must not be imported before its cache is set

    return run(settings, sys.stdout.buffer)


if __name__ == "__main__":
    sys.exit(main())
