"""Real gateways as child processes over one portfolio: started with settings, ended by their own id."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import httpx

from infra.local.ports import free_ports
from services.gateway.core.keys import ACTIONS
from tests.support.scorer_process import wait_until

STARTED_S: Final = 40.0
STOP_S: Final = 30.0
SECRET: Final = f"assay_{'a' * 12}_{'b' * 64}"
"""The operator's key of a test's house."""


class GatewayProcess:
    """One gateway: ``python -m services.gateway`` with ``settings``, its output in ``log``."""

    def __init__(self, settings: Mapping[str, str], log: Path) -> None:
        self.log = log
        self.port, self.health_port = free_ports(2)
        told = {"port": str(self.port), "health_port": str(self.health_port), **settings}
        environment = {
            **os.environ,
            **{f"ASSAY_GATEWAY_{name.upper()}": value for name, value in told.items()},
        }
        with log.open("ab") as sink:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "services.gateway"],
                env=environment,
                stderr=sink,
                stdout=sink,
                cwd=Path(__file__).parents[2],
            )

    @property
    def url(self) -> str:
        """Where its API listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; minus the signal's number after a kill."""
        return self._process.poll()

    def is_ready(self) -> bool:
        """What its health says."""
        try:
            return httpx.get(f"http://127.0.0.1:{self.health_port}/readyz", timeout=2).status_code == 200
        except httpx.TransportError:
            return False

    def until_ready(self, seconds: float = STARTED_S) -> None:
        """Wait. Raises AssertionError when it is not in time, or has ended."""

        def holds() -> bool:
            assert self.exit_code is None, self.tail()
            return self.is_ready()

        wait_until(holds, seconds, self.tail)

    def wait(self, seconds: float = STOP_S) -> int:
        """The exit code, once it ended."""
        return self._process.wait(seconds)

    def stop(self) -> int:
        """SIGTERM; how it ended."""
        if self.exit_code is None:
            self._process.send_signal(signal.SIGTERM)
        return self.wait()

    def kill(self) -> None:
        """SIGKILL, as a power cut would."""
        self._process.kill()
        self.wait()

    def rss_bytes(self) -> int:
        """Its resident memory."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def tail(self) -> str:
        """The end of its log."""
        return self.log.read_text("utf-8", "replace")[-3_000:]

    def make_key(self, **fields: Any) -> str:
        """A key for every action, made through the API by the operator."""
        asked = {"name": "checkout", "actions": list(ACTIONS), "rate_per_s": 1e5, "burst": 10_000, **fields}
        response = httpx.post(
            f"{self.url}/v1/keys", json=asked, headers={"authorization": f"Bearer {SECRET}"}, timeout=20
        )
        assert response.status_code == 201, response.text
        return str(response.json()["key"])
