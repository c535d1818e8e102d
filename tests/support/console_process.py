"""A real console as a child process, with one first user."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import httpx

from infra.local.ports import HOST, free_ports
from tests.support.service_process import ServiceProcess, wait_until

USER = "admin"
PASSWORD = "correct horse battery"


@dataclass(slots=True)
class ConsoleProcess(ServiceProcess):
    """Starts and ends consoles of one portfolio over one data folder, always on the same port."""

    service: ClassVar[str] = "console"

    port: int = field(default_factory=lambda: free_ports(1)[0])

    def begin(self) -> None:
        """Start it and wait until it lets people in."""
        password = self.data_dir / "console.admin"
        password.write_text(PASSWORD)
        self.start(PORT=str(self.port), ADMIN_PASSWORD_FILE=str(password))
        wait_until(self._answers, "the console answers", self.log)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://{HOST}:{self.port}"

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/sign-in", timeout=5, trust_env=False).status_code == 200
        except httpx.TransportError:
            return False
