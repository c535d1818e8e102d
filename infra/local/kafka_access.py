"""Settings of a broker that lets nobody in unnamed: SCRAM for principals, PLAIN for its own operator.

The operator's PLAIN sign-in stands in the settings file. The broker's own two listeners use it, and it lets
the stack in where the users of an older data dir are missing or their passwords were made anew.
"""

from __future__ import annotations

from typing import Final

from shared.contracts.access import OPERATOR, PRINCIPALS
from shared.contracts.addresses import MECHANISM, SECURITY_PROTOCOL

from .secrets import Secrets

LISTENER: Final = SECURITY_PROTOCOL
PLAIN: Final = "org.apache.kafka.common.security.plain.PlainLoginModule"
SCRAM: Final = "org.apache.kafka.common.security.scram.ScramLoginModule"


def settings(secrets: Secrets) -> dict[str, str]:
    """Settings beside the listeners. Raises StackError for a password that cannot be read."""
    password = secrets.read("kafka", OPERATOR)
    own = f'{PLAIN} required username="{OPERATOR}" password="{password}" user_{OPERATOR}="{password}";'
    return {
        "listener.security.protocol.map": f"{LISTENER}:{LISTENER},CONTROLLER:{LISTENER}",
        "inter.broker.listener.name": LISTENER,
        "sasl.enabled.mechanisms": f"{MECHANISM},PLAIN",
        "sasl.mechanism.inter.broker.protocol": "PLAIN",
        "sasl.mechanism.controller.protocol": "PLAIN",
        f"listener.name.{LISTENER.lower()}.plain.sasl.jaas.config": own,
        f"listener.name.{LISTENER.lower()}.{MECHANISM.lower()}.sasl.jaas.config": f"{SCRAM} required;",
        "listener.name.controller.sasl.enabled.mechanisms": "PLAIN",
        "listener.name.controller.plain.sasl.jaas.config": own,
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "allow.everyone.if.no.acl.found": "false",
        "super.users": f"User:{OPERATOR}",
    }


def passwords(secrets: Secrets) -> dict[str, str]:
    """Every principal's and the operator's. Raises StackError."""
    names = (*(principal.name for principal in PRINCIPALS), OPERATOR)
    return {name: secrets.read("kafka", name) for name in names}


def format_words(secrets: Secrets) -> list[str]:
    """Words that make the users when the storage is formatted; they hold passwords. Raises StackError."""
    return [
        word
        for name, password in passwords(secrets).items()
        for word in ("--add-scram", f"{MECHANISM}=[name={name},password={password}]")
    ]
