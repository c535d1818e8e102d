"""A service for tests of the supervisor: answers /readyz, and misbehaves as the environment says.

``FAKE_EXIT_AFTER_S`` ends it by itself; ``FAKE_CHILD`` gives it a child that ignores SIGTERM;
``FAKE_STUBBORN`` makes it ignore SIGTERM itself. Its settings come as any service's do.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

from pydantic import Field

from shared.runtime.health import Health, health_thread
from shared.runtime.settings import ServiceSettings
from shared.runtime.stopping import stop_flag

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"


class FakeSettings(ServiceSettings, service="fake"):
    """Nothing beyond what every service is told, and how it misbehaves."""

    exit_after_s: float = Field(0, description="seconds until it ends by itself; 0 is never")


def main() -> int:
    settings = FakeSettings()
    health = Health(progress_deadline_s=60)
    if os.environ.get("FAKE_CHILD"):
        subprocess.Popen([sys.executable, "-c", STUBBORN])
    with stop_flag() as stop, health_thread(health, settings.health_port):
        if os.environ.get("FAKE_STUBBORN"):
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        health.note("kafka", settings.kafka)
        health.started()
        return wait(stop, settings.exit_after_s)


def wait(stop: threading.Event, exit_after_s: float) -> int:
    stop.wait(exit_after_s or None)
    return 0 if stop.is_set() else 7


if __name__ == "__main__":
    started = time.monotonic()
    sys.exit(main())
