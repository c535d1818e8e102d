"""Rights as the topic table wants them: what a broker lacks or has too many of, and what mends it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from shared.contracts.access import Right, rights
from shared.contracts.addresses import KafkaAddress

from .topics import COMMAND, words


class Grant(NamedTuple):
    """An ACL as a broker keeps it, in its own words."""

    principal: str
    operation: str
    resource: str
    name: str
    pattern: str = "LITERAL"
    permission: str = "ALLOW"
    host: str = "*"

    def __str__(self) -> str:
        name = f"{self.name}*" if self.pattern == "PREFIXED" else self.name
        where = "" if self.host == "*" else f" from {self.host}"
        return f"{self.permission} {self.principal} {self.operation} {self.resource} {name}{where}"


@dataclass(frozen=True, slots=True)
class AccessFault:
    """One difference; ``fix`` is the command that mends it."""

    kind: Literal["missing", "extra"]
    grant: Grant
    fix: str

    @property
    def sentence(self) -> str:
        """The fault in words."""
        what = "is missing" if self.kind == "missing" else "stands on the broker and not in the table"
        return f"Access: {self.grant} {what}."


def grant_of(right: Right) -> Grant:
    """The ACL that says ``right``."""
    pattern = "PREFIXED" if right.family else "LITERAL"
    return Grant(
        f"User:{right.principal}", right.operation.upper(), right.resource.upper(), right.name, pattern
    )


def wanted_grants(portfolios: Sequence[str]) -> frozenset[Grant]:
    """Every ACL of a broker that serves ``portfolios``."""
    return frozenset(map(grant_of, rights(portfolios)))


def diff_access(
    portfolios: Sequence[str], found: Iterable[Grant], kafka: KafkaAddress
) -> Iterator[AccessFault]:
    """How ``found``, all ACLs of a broker, differ from the table.

    Other portfolios of the same broker are no fault, as long as their rights are those of the table.
    """
    wanted, there = wanted_grants(portfolios), frozenset(found)
    for grant in sorted(wanted - there):
        yield AccessFault("missing", grant, _command("grant", grant, kafka))
    neighbours = {grant.name.rpartition(".")[0] for grant in there - wanted if grant.resource == "TOPIC"}
    for grant in sorted(there - wanted - wanted_grants(sorted(neighbours - {""}))):
        yield AccessFault("extra", grant, _command("revoke", grant, kafka))


def _command(verb: str, grant: Grant, kafka: KafkaAddress) -> str:
    return f"{COMMAND} {verb} {words(kafka)} {' '.join(_quoted(word) for word in grant)}"


def _quoted(word: str) -> str:
    return word if word.replace(".", "").replace(":", "").replace("-", "").isalnum() else f"'{word}'"
