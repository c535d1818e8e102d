"""ACLs and users on a broker: read, grant, revoke, compare. What is wanted is in `access`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from kafka.errors import SecurityDisabledError

from shared.contracts.addresses import KafkaAddress

from .access import AccessFault, Grant, diff_access, wanted_grants
from .broker import BrokerAwayError, admin_client, until

ITERATIONS: Final = 4096


def compare_access(kafka: KafkaAddress, portfolios: Sequence[str]) -> list[AccessFault]:
    """Every difference from the table; none on a broker that checks nobody. Raises BrokerAwayError."""
    with admin_client(kafka) as admin:
        found = _read(admin)
    return [] if found is None else list(diff_access(portfolios, found, kafka))


@dataclass(frozen=True, slots=True)
class AppliedAccess:
    """What `apply_access` did: how many rights it ``granted``, and the ``faults`` it found and left alone."""

    granted: int
    faults: tuple[AccessFault, ...]


def apply_access(kafka: KafkaAddress, portfolios: Sequence[str]) -> AppliedAccess:
    """Grant what is missing, report what is too much. Raises BrokerAwayError, AccessRefused."""
    with admin_client(kafka) as admin:
        found = _read(admin)
        if found is None:
            return AppliedAccess(0, ())
        missing = wanted_grants(portfolios) - found
        if missing:
            _create(admin, missing)
            until(lambda: missing <= (_read(admin) or frozenset()), "the rights that it was given")
    return AppliedAccess(len(missing), tuple(diff_access(portfolios, found | missing, kafka)))


def grant(kafka: KafkaAddress, wanted: Grant) -> None:
    """Create one ACL. Raises BrokerAwayError, KeyError for a word that Kafka does not know."""
    with admin_client(kafka) as admin:
        _create(admin, {wanted})


def revoke(kafka: KafkaAddress, unwanted: Grant) -> None:
    """Delete one ACL. Raises BrokerAwayError, KeyError for a word that Kafka does not know."""
    with admin_client(kafka) as admin:
        for _, _, error in admin.delete_acls([_acl(unwanted)]):
            _require(error, f"revoke {unwanted}")


def make_users(kafka: KafkaAddress, passwords: Mapping[str, str], **options: str) -> None:
    """Give each user its password, made or replaced. ``options`` go to the client. Raises BrokerAwayError."""
    wanted = [
        UserScramCredentialUpsertion(name, ScramMechanism.SCRAM_SHA_512, password, iterations=ITERATIONS)
        for name, password in passwords.items()
    ]
    with admin_client(kafka, **options) as admin:
        refused = {name: why for name, why in admin.alter_user_scram_credentials(wanted).items() if why}
        if refused:
            raise BrokerAwayError(f"Kafka at {kafka} did not make the users {refused}.")
        # A refusal without a word passes for none, so what counts is who stands there now.
        until(lambda: passwords.keys() <= admin.describe_user_scram_credentials().keys(), "its users")


def _create(admin: Any, wanted: Collection[Grant]) -> None:
    done = admin.create_acls([_acl(one) for one in wanted])
    for acl, error in done["failed"]:
        _require(error, f"grant {acl}")


def _require(error: Any, what: str) -> None:
    """kafka-python gives the class of an error or an instance, and a class for none."""
    if getattr(error, "errno", 0) != 0:
        raise BrokerAwayError(f"Kafka did not {what}: {error}.")


def _read(admin: Any) -> frozenset[Grant] | None:
    """All ACLs, None where the broker has no authorizer."""
    anything = ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY)
    every = ACLFilter(None, None, ACLOperation.ANY, ACLPermissionType.ANY, anything)
    try:
        found, error = admin.describe_acls(every)
    except SecurityDisabledError:
        return None
    if error is SecurityDisabledError:
        return None
    _require(error, "show its rights")
    return frozenset(_grant(acl) for acl in found)


def _grant(acl: Any) -> Grant:
    pattern = acl.resource_pattern
    return Grant(
        acl.principal,
        acl.operation.name,
        pattern.resource_type.name,
        pattern.resource_name,
        pattern.pattern_type.name,
        acl.permission_type.name,
        acl.host,
    )


def _acl(one: Grant) -> ACL:
    pattern = ResourcePattern(ResourceType[one.resource], one.name, ACLResourcePatternType[one.pattern])
    permission = ACLPermissionType[one.permission]
    return ACL(one.principal, one.host, ACLOperation[one.operation], permission, pattern)
