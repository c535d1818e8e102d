"""Redis users, one per service that needs it: keys and commands of each, and the file that says so."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Final

from msgspec import Struct

from shared.contracts.access import OPERATOR

TIMELINES: Final = "{{{portfolio}:0}}:*"
"""All keys of a portfolio's timelines (`shared/stores/timeline_keys.py`)."""


class RedisUser(Struct, frozen=True):
    """``keys`` are patterns, with the portfolio's name where it stands; ``commands`` all it may send,
    and all that its scripts may call."""

    name: str
    keys: tuple[str, ...]
    commands: tuple[str, ...]


USERS: Final = (
    RedisUser(
        "scorer",
        (TIMELINES,),
        (
            *("append", "del", "eval", "evalsha", "exists", "get", "getrange", "info", "pexpire", "ping"),
            *("script|load", "select", "set", "strlen"),
        ),
    ),
    RedisUser(
        "cli",
        (TIMELINES,),
        (
            *("append", "dbsize", "del", "eval", "exists", "get", "getrange", "info", "memory|usage"),
            *("pexpire", "ping", "scan", "select", "set", "strlen", "unlink"),
        ),
    ),
    RedisUser(
        "gateway",
        ("gateway:*",),
        (
            *("evalsha", "get", "hdel", "hget", "hscan", "hset", "ping", "script|load"),
            *("select", "set", "time"),
        ),
    ),
)


def acl_file(portfolio: str, passwords: Mapping[str, str]) -> str:
    """The text of Redis' ``aclfile``; it holds hashes only. Raises KeyError for a user without password."""
    lines = ["user default off"]
    lines += [
        f"user {user.name} on {_hashed(passwords[user.name])} resetchannels "
        + " ".join(
            [f"~{key.format(portfolio=portfolio)}" for key in user.keys] + [f"+{c}" for c in user.commands]
        )
        for user in USERS
    ]
    lines.append(f"user {OPERATOR} on {_hashed(passwords[OPERATOR])} ~* &* +@all")
    return "\n".join(lines) + "\n"


def _hashed(password: str) -> str:
    return "#" + sha256(password.encode()).hexdigest()
