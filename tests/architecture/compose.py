"""What is wrong with a compose file, seen from the house: a pure function of its text and the services."""

from __future__ import annotations

from typing import Any, Final

import yaml

BACKENDS: Final = {"kafka": "apache/kafka:4", "redis": "redis:"}
JOB: Final = "cli"
ON_REQUEST: Final = frozenset({"replayer"})
"""Services that a command starts for one run; nobody keeps them up."""
VARIABLES: Final = frozenset(
    {"ASSAY_KAFKA", "ASSAY_REDIS_URL", "ASSAY_DATA_DIR", "ASSAY_PORTFOLIO", "ASSAY_PORTFOLIO_FILE"}
)
PREPARED: Final = "assay secrets && assay topics apply && assay release first"
KEY_FILES: Final = {
    "gateway": {"ASSAY_GATEWAY_OPERATOR_KEY_FILE": "gateway.operator"},
    "console": {
        "ASSAY_CONSOLE_OPERATOR_KEY_FILE": "console.operator",
        "ASSAY_CONSOLE_ADMIN_PASSWORD_FILE": "console.admin",
    },
}
"""Files that the job draws, by who reads them."""


def faults(text: str, services: set[str]) -> list[str]:
    """Sentences on what the compose file ``text`` lacks to run exactly ``services``."""
    listed: dict[str, Any] = yaml.safe_load(text)["services"]
    services = services - ON_REQUEST
    ours = set(listed) - set(BACKENDS)
    found = [f"{name}: no folder in services/" for name in sorted(ours - services)]
    found += [f"{name}: not in compose" for name in sorted((services | set(BACKENDS)) - set(listed))]
    for name, prefix in BACKENDS.items():
        found += _backend(name, prefix, listed.get(name, {}))
    for name in sorted(ours & services):
        found += _ours(name, listed[name])
    return found


def _backend(name: str, prefix: str, card: dict[str, Any]) -> list[str]:
    found = [] if _probes(card) else [f"{name}: no healthcheck"]
    return (
        found
        if str(card.get("image", "")).startswith(prefix)
        else [*found, f"{name}: not the official image"]
    )


def _ours(name: str, card: dict[str, Any]) -> list[str]:
    found = [f"{name}: lacks {variable}" for variable in sorted(VARIABLES - set(card.get("environment", {})))]
    hardened = card.get("read_only") and card.get("cap_drop") == ["ALL"] and card.get("security_opt")
    if not hardened:
        found.append(f"{name}: not hardened")
    return found + (_job(card) if name == JOB else _service(name, card))


def _job(card: dict[str, Any]) -> list[str]:
    ends = card.get("restart") in {"no", "on-failure"}
    prepares = card.get("command") == ["sh", "-c", PREPARED]
    return [] if ends and prepares else [f"{JOB}: is not the job that prepares the house, and ends"]


def _service(name: str, card: dict[str, Any]) -> list[str]:
    found = []
    if not _probes(card):
        found.append(f"{name}: no healthcheck")
    if "ASSAY_HEALTH_PORT" not in card.get("environment", {}):
        found.append(f"{name}: no health port")
    if card.get("command") != ["python", "-m", f"services.{name}"]:
        found.append(f"{name}: does not run services.{name}")
    waits = card.get("depends_on", {}).get(JOB, {}).get("condition")
    if waits != "service_completed_successfully":
        found.append(f"{name}: does not wait for the topics")
    given = card.get("environment", {})
    folder = f"{given.get('ASSAY_DATA_DIR')}/secrets"
    return found + [
        f"{name}: {variable} names no file that the job draws"
        for variable, file in KEY_FILES.get(name, {}).items()
        if given.get(variable) != f"{folder}/{file}"
    ]


def _probes(card: dict[str, Any]) -> bool:
    probe = card.get("healthcheck", {})
    return bool(probe.get("test")) and not probe.get("disable")
