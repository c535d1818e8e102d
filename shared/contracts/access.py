"""Who may do what on Kafka: principals and their rights, as the topic table says and nothing beyond."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Literal, NamedTuple

from msgspec import Struct

from .addresses import KafkaAddress
from .topics import TOPICS, Topic, topic_name

OPERATOR: Final = "operator"
"""Who makes topics, users and rights; it may do everything and no service signs in as it."""

EVERY_SERVICE: Final = "every service"
EVERYONE: Final = "everyone"
ANY_CONSUMER: Final = "any consumer"

Operation = Literal["read", "write", "describe"]
Resource = Literal["topic", "group"]


class Principal(Struct, frozen=True, kw_only=True):
    """Somebody who signs in. ``runs``: a service of ours with running instances; ``guest``: not one of ours.

    ``groups`` are those it joins, ``watches`` those whose commits it looks at, ``ends_of`` topics of which
    it sees where they end and no record. Group names follow the portfolio's name; ``.*`` ends a family.
    """

    name: str
    runs: bool = True
    guest: bool = False
    groups: tuple[str, ...] = ()
    watches: tuple[str, ...] = ()
    ends_of: tuple[str, ...] = ()


PRINCIPALS: Final = (
    Principal(name="applications", runs=False, guest=True, groups=(".applications.*",)),
    Principal(name="archiver", groups=(".archiver",)),
    Principal(
        name="cli",
        runs=False,
        watches=(".scorer", ".archiver", ".monitor"),
        ends_of=("captures", "predictions"),
    ),
    Principal(name="console"),
    Principal(name="explainer", groups=("-explainer",)),
    Principal(name="gateway"),
    Principal(name="monitor", groups=(".monitor",)),
    Principal(name="replayer", groups=("-replayer",)),
    Principal(name="scorer", groups=(".scorer",)),
    Principal(name="simulator"),
    Principal(name="trainer", groups=("-trainer",)),
)


class Right(NamedTuple):
    """``principal`` may do ``operation`` on ``name``; ``family`` means on every name that starts so."""

    principal: str
    operation: Operation
    resource: Resource
    name: str
    family: bool = False

    def __str__(self) -> str:
        return f"{self.principal} may {self.operation} {self.resource} {self.name}{'*' * self.family}"


def producers(card: Topic) -> frozenset[str]:
    """Who may write to the topic, by name."""
    return frozenset(_named(card.producers))


def consumers(card: Topic) -> frozenset[str]:
    """Who may read the topic, by name."""
    return frozenset(_named(card.consumers))


def _named(words: Iterable[str]) -> Iterator[str]:
    for word in words:
        if word == EVERY_SERVICE:
            yield from (p.name for p in PRINCIPALS if p.runs)
        elif word == EVERYONE:
            yield from (p.name for p in PRINCIPALS if not p.guest)
        elif word == ANY_CONSUMER:
            yield from (p.name for p in PRINCIPALS if p.runs and _may_refuse(p.name))
        else:
            yield word


def _may_refuse(name: str) -> bool:
    """Whether records come to it that it may have to bury."""
    return any(name in card.consumers and card.dead_letter == "dead-letters" for card in TOPICS)


def rights(portfolios: Sequence[str]) -> frozenset[Right]:
    """Every right on a broker that serves ``portfolios``.

    To read or to write includes to see that the topic is there and where it ends, and on a group its
    commits; to write to any topic includes to write idempotently. So neither is granted by itself.
    """
    return frozenset(right for portfolio in portfolios for right in _rights_in(portfolio))


def _rights_in(portfolio: str) -> Iterator[Right]:
    for card in TOPICS:
        name = topic_name(portfolio, card.name)
        yield from (Right(who, "write", "topic", name) for who in producers(card))
        yield from (Right(who, "read", "topic", name) for who in consumers(card))
    for one in PRINCIPALS:
        for group in one.groups:
            yield Right(one.name, "read", "group", portfolio + group.removesuffix("*"), group.endswith("*"))
        yield from (Right(one.name, "describe", "group", portfolio + group) for group in one.watches)
        yield from (Right(one.name, "describe", "topic", topic_name(portfolio, t)) for t in one.ends_of)


class AccessRow(NamedTuple):
    """What one principal may do on one topic or group; a name that ends in ``*`` is a family of names."""

    principal: str
    resource: Resource
    name: str
    may: tuple[Operation, ...]


def access_table(portfolio: str) -> list[AccessRow]:
    """`rights` to be read by people: by principal, topics before groups, then by name."""
    found: dict[tuple[str, Resource, str], list[Operation]] = {}
    for right in sorted(rights([portfolio])):
        name = f"{right.name}*" if right.family else right.name
        found.setdefault((right.principal, right.resource, name), []).append(right.operation)
    rows = [AccessRow(*key, tuple(may)) for key, may in found.items()]
    return sorted(rows, key=lambda row: (row.principal, row.resource != "topic", row.name))


class AccessRefused(Exception):
    """Kafka or Redis knows us and says no, or does not know us. Waiting does not help: a person must act."""

    code: Final = "access_refused"


_REFUSED_RIGHTS: Final = {29: "topic", 30: "group", 31: "cluster", 53: "transactional id"}
_REFUSED_SIGN_INS: Final = frozenset({33, 34, 58})
"""Kafka's error codes, which its clients carry as ``errno``."""


def refusal(
    error: BaseException, kafka: KafkaAddress, operation: str, what: str = ""
) -> AccessRefused | None:
    """The refusal that a client's ``error`` is, met when it wanted to ``operation`` ``what``; else None."""
    code = getattr(error, "errno", None)
    who = kafka.user or "somebody who has not signed in"
    if code in _REFUSED_SIGN_INS:
        return AccessRefused(
            f"access_refused: Kafka at {kafka} does not let {who} in: {error}. "
            "Make the user and its password anew: on one machine by `assay down`, then `assay up`"
        )
    if code not in _REFUSED_RIGHTS:
        return None
    kind = _REFUSED_RIGHTS[code]
    return AccessRefused(
        f"access_refused: Kafka at {kafka} does not let {who} {operation} {what or error} ({kind}). "
        "Compare with the table: `assay topics diff`; grant what is missing: `assay topics apply`"
    )
