"""The services of the stack, one row each: how many, whether by default, what they are told."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import psutil
from msgspec import Struct

from .layout import DataDir
from .options import StackOptions
from .portfolios import portfolio_path
from .secrets import Part, Secrets

CACHE_VARIABLE: Final = "ASSAY_SCORER_CACHE_BYTES"
CACHE_SHARE: Final = 8
CACHE_BYTES: Final = (256 << 20, 1 << 30)
"""All scorers together may cache one part of so many of the memory, each no less and no more than this."""


class ServiceRow(Struct, frozen=True, kw_only=True):
    """A service that the stack runs as ``python -m <module>``.

    ``per_worker`` rows run once per worker. ``early`` rows start beside Kafka and wait for it themselves,
    for what they do before they need it. ``background`` rows nobody waits for: they give way to the others
    where processors are few. ``wave`` orders stopping: higher waves stop first. ``env`` is
    added to what every service is told; ``{rate}`` and ``{accounts}`` in a value are the options',
    ``{gateway_port}`` and ``{operator_key}`` the front door's port and the file of the key that manages keys,
    ``{console_port}``, ``{console_key}`` and ``{console_admin}`` the console's port, the file of the key that
    manages its users, and that of its first user's password; ``{cache_bytes}`` is what `cache_bytes` says.
    """

    name: str
    module: str
    per_worker: bool = False
    early: bool = False
    default: bool = True
    background: bool = False
    wave: int = 1
    env: dict[str, str] = {}

    def instances(self, options: StackOptions) -> int:
        """How many processes of this service ``options`` ask for."""
        if not self.default and not options.simulator:
            return 0
        return options.workers if self.per_worker else 1


SERVICES: Final[tuple[ServiceRow, ...]] = (
    ServiceRow(
        name="scorer",
        module="services.scorer",
        per_worker=True,
        early=True,
        env={CACHE_VARIABLE: "{cache_bytes}"},
    ),
    ServiceRow(name="archiver", module="services.archiver", background=True),
    ServiceRow(name="monitor", module="services.monitor", background=True),
    ServiceRow(name="trainer", module="services.trainer", background=True),
    ServiceRow(
        name="gateway",
        module="services.gateway",
        wave=2,
        env={
            "ASSAY_GATEWAY_PORT": "{gateway_port}",
            "ASSAY_GATEWAY_OPERATOR_KEY_FILE": "{operator_key}",
        },
    ),
    ServiceRow(
        name="console",
        module="services.console",
        background=True,
        wave=2,
        env={
            "ASSAY_CONSOLE_PORT": "{console_port}",
            "ASSAY_CONSOLE_OPERATOR_KEY_FILE": "{console_key}",
            "ASSAY_CONSOLE_ADMIN_PASSWORD_FILE": "{console_admin}",
        },
    ),
    ServiceRow(
        name="simulator",
        module="services.simulator",
        default=False,
        background=True,
        wave=3,
        env={"ASSAY_SIMULATOR_RATE_PER_S": "{rate}", "ASSAY_SIMULATOR_ACCOUNTS": "{accounts}"},
    ),
)


def cache_bytes(workers: int) -> int:
    """How much of its timelines each scorer may cache, by the memory that this machine has.

    A cache that is too small reads whole logs again for nearly every payment (the alert `cache_small`).
    """
    least, most = CACHE_BYTES
    return int(min(max(psutil.virtual_memory().total // CACHE_SHARE // workers, least), most))


def _sign_in(name: str, data: DataDir) -> dict[str, str]:
    """As whom a service signs in where: its own name, by the file of its password."""
    secrets, told = Secrets(data.secrets), {}
    parts: tuple[Part, ...] = ("kafka", "redis")
    for part in parts:
        if secrets.knows(part, name):
            told[f"ASSAY_{part.upper()}_USER"] = name
            told[f"ASSAY_{part.upper()}_PASSWORD_FILE"] = str(secrets.file(part, name))
    return told


def service_environment(
    row: ServiceRow, instance: int, options: StackOptions, addresses: dict[str, str], health_port: int
) -> dict[str, str]:
    """What one process is told beyond our own environment. Raises StackError without a portfolio file."""
    data = DataDir(Path(options.data_dir))
    secrets = Secrets(data.secrets)
    values = {
        "rate": options.rate,
        "accounts": options.accounts,
        "gateway_port": addresses["gateway"].rpartition(":")[2],
        "operator_key": secrets.operator_key,
        "console_port": addresses["console"].rpartition(":")[2],
        "console_key": secrets.console_key,
        "console_admin": secrets.console_admin,
        "cache_bytes": os.environ.get(CACHE_VARIABLE, cache_bytes(options.workers)),
    }
    common = {
        **_sign_in(row.name, data),
        "ASSAY_KAFKA": addresses["kafka"],
        "ASSAY_REDIS_URL": addresses["redis"],
        "ASSAY_DATA_DIR": str(options.data_dir),
        "ASSAY_PORTFOLIO": options.portfolio,
        "ASSAY_PORTFOLIO_FILE": str(portfolio_path(options)),
        "ASSAY_INSTANCE": str(instance),
        "ASSAY_HEALTH_PORT": str(health_port),
        # glibc keeps an arena of freed memory per thread otherwise; our loops are single-threaded.
        "MALLOC_ARENA_MAX": "2",
        "PYTHONUNBUFFERED": "1",
    }
    return {**common, **{key: value.format(**values) for key, value in row.env.items()}}
