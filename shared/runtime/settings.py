"""Settings: frozen, each with a unit in its name and a meaning, from the environment or one TOML file.

The variable of a setting is ``ASSAY_<SERVICE>_<NAME>``; the common ones also answer to ``ASSAY_<NAME>``.
A file named by ``ASSAY_SETTINGS_FILE`` may hold a table ``[common]`` and one per service. What comes
first wins: arguments, own variable, common variable, file, default.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any, ClassVar, Final, NamedTuple

from pydantic import Field
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

PREFIX: Final = "ASSAY_"
FILE_VARIABLE: Final = "ASSAY_SETTINGS_FILE"
COMMON_TABLE: Final = "common"


class SecretMissing(ValueError):
    """A user was named and no file holds its password."""


class SettingRow(NamedTuple):
    """One setting as the docs list it. ``default`` is text; ``""`` stands for an empty default."""

    service: str
    name: str
    variable: str
    default: str
    meaning: str


class ServiceSettings(BaseSettings):
    """What every service is told; it adds its own: ``class X(ServiceSettings, service="x")``.

    Raises pydantic's ValidationError for a value that does not fit, TypeError for a field without a
    description, ValueError for a variable under the service's prefix that names no setting.
    """

    model_config = SettingsConfigDict(frozen=True, extra="forbid")

    service: ClassVar[str] = ""

    kafka: str = Field("127.0.0.1:9092", description="Kafka's bootstrap servers, host:port, comma separated")
    redis_url: str = Field(
        "unix:///tmp/redis.sock",
        description="where Redis is: unix:///path, redis://host:port or redis+cluster://host:port,host:port",
    )
    state_buckets: int = Field(
        1, ge=1, le=1_024, description="parts that timelines lie in; changed by a rebuild of the state alone"
    )
    kafka_user: str = Field("", description="principal to sign in to Kafka as (SCRAM); empty: no sign-in")
    kafka_password_file: Path | None = Field(None, description="file with that principal's password")
    redis_user: str = Field("", description="ACL user to sign in to Redis as; empty: as redis_url says")
    redis_password_file: Path | None = Field(None, description="file with that user's password")
    data_dir: Path = Field(Path(".assay"), description="folder for lake, artefacts, keys and caches")
    portfolio: str = Field("bank", description="name of the portfolio that is served")
    portfolio_file: Path | None = Field(
        None, description="its TOML file; without one the portfolio of that name in infra/portfolios"
    )
    instance: str = Field("1", description="name of this process among those of the service")
    health_port: int = Field(
        0, ge=0, le=65_535, description="port of /livez, /readyz, /startupz and /metrics; 0 is off"
    )
    health_host: str = Field("127.0.0.1", description="address that the health port listens on")
    log_level: str = Field("info", description="least severe log line: debug, info, warning or error")

    def __init_subclass__(cls, service: str | None = None, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if service is not None:
            cls.service = service

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        for name, field in cls.model_fields.items():
            if not field.description:
                raise TypeError(f"setting {cls.__name__}.{name} has no description")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, own variables, common variables, file."""
        return (
            init_settings,
            EnvSettingsSource(settings_cls, env_prefix=variable_prefix(cls.service)),
            _CommonVariables(settings_cls, env_prefix=PREFIX),
            _File(settings_cls),
        )

    def __init__(self, **values: Any) -> None:
        _refuse_unknown(type(self))
        super().__init__(**values)

    @property
    def kafka_password(self) -> str:
        """Read now from its file, "" where nobody signs in. Raises SecretMissing."""
        return _secret("kafka", self.kafka_user, self.kafka_password_file)

    @property
    def redis_password(self) -> str:
        """Read now from its file, "" where nobody signs in. Raises SecretMissing."""
        return _secret("redis", self.redis_user, self.redis_password_file)

    @property
    def name(self) -> str:
        """``service-instance``: the word in logs, client ids and status records."""
        return f"{self.service}-{self.instance}"


COMMON_SETTINGS: Final = frozenset(ServiceSettings.model_fields)


def variable_prefix(service: str) -> str:
    """What the variables of ``service`` start with; the base itself has the common prefix."""
    return f"{PREFIX}{service.upper()}_" if service else PREFIX


def setting_rows(settings: type[ServiceSettings]) -> list[SettingRow]:
    """Every setting of a service with its variable, default and meaning, common ones first."""
    prefix = variable_prefix(settings.service)
    return [
        SettingRow(
            settings.service,
            name,
            f"{prefix}{name.upper()}",
            "" if field.get_default() is None else str(field.get_default(call_default_factory=True)),
            field.description or "",
        )
        for name, field in settings.model_fields.items()
    ]


def _secret(what: str, user: str, path: Path | None) -> str:
    """Secrets come from files: an environment is shown by too many tools."""
    if not user:
        return ""
    if path is None:
        raise SecretMissing(f"{what}_user is {user}: {what}_password_file must name its password's file")
    try:
        found = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SecretMissing(f"{what}_password_file {path} cannot be read: {error}") from error
    if not found:
        raise SecretMissing(f"{what}_password_file {path} is empty")
    return found


def _refuse_unknown(settings: type[ServiceSettings]) -> None:
    if not settings.service:
        return
    prefix = variable_prefix(settings.service)
    known = {f"{prefix}{name.upper()}" for name in settings.model_fields}
    unknown = sorted(
        name for name in os.environ if name.upper().startswith(prefix) and name.upper() not in known
    )
    if unknown:
        raise ValueError(f"no setting of {settings.service} is called {', '.join(unknown)}")


class _CommonVariables(EnvSettingsSource):
    """Variables without a service's name, for the settings that every service has."""

    def __call__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__call__().items() if name in COMMON_SETTINGS}


class _File(PydanticBaseSettingsSource):
    """The tables of the settings file that concern this service."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        return self().get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        path = os.environ.get(FILE_VARIABLE)
        if not path:
            return {}
        tables = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        service = getattr(self.settings_cls, "service", "")
        return {**tables.get(COMMON_TABLE, {}), **tables.get(service, {})}
