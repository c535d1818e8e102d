"""What a browser that stays on one page of a real console sees."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import httpx

from tests.support.console_process import PASSWORD, USER, ConsoleProcess
from tests.support.scorer_process import wait_until

SAID_S: Final = 60.0


@contextmanager
def browser(console: ConsoleProcess) -> Iterator[httpx.Client]:
    """A browser of the first user."""
    with httpx.Client(base_url=console.url, timeout=20, trust_env=False) as client:
        answer = client.post("/sign-in", data={"name": USER, "password": PASSWORD})
        assert answer.status_code == 303, answer.text
        yield client


class OpenPage:
    """What comes over the one stream of a page that is never loaded again."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self._ended = threading.Event()
        self.pulse: dict[str, Any] = {}
        self.streams = 0
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def _follow(self) -> None:
        with self._client.stream("GET", "/api/v1/stream") as answer:
            self.streams += 1
            for line in answer.iter_lines():
                if line.startswith("data:"):
                    self.pulse = json.loads(line[5:])
                if self._ended.is_set():
                    return

    @property
    def is_open(self) -> bool:
        """Whether the stream still stands."""
        return self._thread.is_alive()

    @property
    def parts(self) -> set[str]:
        """What is said to be wrong."""
        return {trouble["part"] for trouble in self.pulse.get("troubles", ())}

    def states(self, service: str) -> list[str]:
        """How the instances of a service are."""
        return [
            found["state"]
            for found in self.pulse.get("services", ())
            if found["name"].rpartition("-")[0] == service
        ]

    def until(self, holds: Callable[[OpenPage], bool]) -> None:
        """Wait until what it shows ``holds``."""
        wait_until(lambda: holds(self), SAID_S, lambda: f"{self.parts} {self.pulse.get('services')}")

    def leave(self) -> None:
        """Close it."""
        self._ended.set()
        self._thread.join(5)
