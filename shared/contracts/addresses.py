"""Where Kafka and Redis are, and as whom one signs in there: values, made once by who reads the settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

SECURITY_PROTOCOL: Final = "SASL_PLAINTEXT"
MECHANISM: Final = "SCRAM-SHA-512"


@dataclass(frozen=True, slots=True)
class KafkaAddress:
    """Bootstrap servers (``host:port``, comma separated) and a principal; no ``user`` is a plain connection.

    ``password_file`` says where the password was read, for commands that a person is told. `str` gives the
    servers; neither it nor `repr` shows the password.
    """

    bootstrap: str
    user: str = ""
    password: str = field(default="", repr=False)
    password_file: str = ""

    def __str__(self) -> str:
        return self.bootstrap

    def options(self) -> dict[str, str]:
        """Keyword arguments that every client of aiokafka and of kafka-python takes."""
        plain = {"bootstrap_servers": self.bootstrap}
        if not self.user:
            return plain
        return {
            **plain,
            "security_protocol": SECURITY_PROTOCOL,
            "sasl_mechanism": MECHANISM,
            "sasl_plain_username": self.user,
            "sasl_plain_password": self.password,
        }


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """``unix:///path`` or ``redis://host:port/db`` and an ACL user; no ``user`` signs in as the URL says.

    `str` gives the URL; neither it nor `repr` shows the password.
    """

    url: str
    user: str = ""
    password: str = field(default="", repr=False)

    def __str__(self) -> str:
        return self.url

    def options(self) -> dict[str, str]:
        """Keyword arguments for ``from_url`` of redis-py."""
        return {"username": self.user, "password": self.password} if self.user else {}
