"""Calls of the console's API, by the key of the house's own file."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

import httpx

from services.cli.edge.errors import Away, FaultFound, WrongUse

TIMEOUT_S: Final = 30.0


class ConsoleCalls:
    """Every call raises Away where the console does not answer, WrongUse where it refuses what was asked."""

    def __init__(self, url: str, key: str) -> None:
        self._client = httpx.Client(
            base_url=url, headers={"authorization": f"Bearer {key}"}, timeout=TIMEOUT_S, trust_env=False
        )

    def users(self) -> list[dict[str, Any]]:
        """Every user."""
        found: list[dict[str, Any]] = self._asked("GET", "/api/v1/users").json()["users"]
        return found

    def add(self, name: str, role: str, password: str) -> None:
        """A new user."""
        self._asked("POST", "/api/v1/users", {"name": name, "role": role, "password": password})

    def remove(self, name: str) -> None:
        """End a user."""
        self._asked("DELETE", f"/api/v1/users/{quote(name, safe='')}")

    def set_password(self, name: str, password: str) -> None:
        """Another password."""
        self._asked("PUT", f"/api/v1/users/{quote(name, safe='')}/password", {"password": password})

    def _asked(self, method: str, path: str, body: dict[str, str] | None = None) -> httpx.Response:
        try:
            answer = self._client.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise Away(
                f"The console does not answer: {type(error).__name__}.",
                "Look at `assay status`, and at its log.",
            ) from error
        if answer.is_success:
            return answer
        raise _refusal(answer)


def _refusal(answer: httpx.Response) -> Exception:
    try:
        told = answer.json()["error"]
        words = f"{told['code']}: {told['message']}"
    except (ValueError, KeyError, TypeError):
        return FaultFound(f"What answers there is no console: status {answer.status_code}.")
    if answer.status_code == 401:
        return WrongUse(words, "The key must be that of the console asked: secrets/console.operator.")
    return Away(words, "Look at `assay status`.") if answer.status_code == 503 else WrongUse(words)
