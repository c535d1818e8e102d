"""Who signs in: users with a role, what a role may, passwords that are taken, and waiting after failures."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal, get_args

from msgspec import Meta, Struct

from .refusal import Refused

Role = Literal["viewer", "operator", "admin"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)
"""Each may what those before it may: look, work the queue, manage users."""

PASSWORD_LEAST: Final = 12
PASSWORD_MOST: Final = 256
FREE_FAILURES: Final = 3
WAIT_MOST_MS: Final = 300_000
_NAME: Final = re.compile(r"[a-z][a-z0-9._-]{1,31}")


class User(Struct, frozen=True, kw_only=True):
    """A person as kept. ``password_hash`` is argon2id's own text; times are UTC ms."""

    name: str
    role: Role
    password_hash: str
    created_at_ms: int
    failures: int = 0
    failed_at_ms: int = 0


class ShownUser(Struct, frozen=True, kw_only=True):
    """A person as others may see them."""

    name: str
    role: Role
    created_at_ms: int


class UserList(Struct, frozen=True, kw_only=True):
    """Every user."""

    users: list[ShownUser]


class NewUser(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A user to be made."""

    name: Annotated[str, Meta(max_length=64)]
    role: Role
    password: Annotated[str, Meta(max_length=PASSWORD_MOST)]


class NewPassword(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A password in place of the one before."""

    password: Annotated[str, Meta(max_length=PASSWORD_MOST)]


def may(role: Role, needed: Role) -> bool:
    """Whether ``role`` is enough where ``needed`` is asked."""
    return ROLES.index(role) >= ROLES.index(needed)


def is_name(name: str) -> bool:
    """Whether somebody may be called ``name``."""
    return _NAME.fullmatch(name) is not None


def check_name(name: str) -> str:
    """``name`` if a user may be called so. Raises Refused (`user_name`)."""
    if not is_name(name):
        raise Refused("user_name", "name")
    return name


def check_password(name: str, password: str) -> str:
    """``password`` if ``name`` may have it: long enough, not one letter, not the name. Raises Refused."""
    is_poor = len(set(password)) < 5 or name in password.lower()
    if not PASSWORD_LEAST <= len(password) <= PASSWORD_MOST or is_poor:
        raise Refused("password_weak", "password")
    return password


def wait_ms(failures: int) -> int:
    """How long nobody may sign in as a user after so many failures in a row: doubling from 1 s to 5 min."""
    beyond = failures - FREE_FAILURES
    return 0 if beyond <= 0 else min(1_000 * 2 ** min(beyond - 1, 20), WAIT_MOST_MS)


def waits_until_ms(user: User) -> int:
    """From when on ``user`` may try again."""
    return user.failed_at_ms + wait_ms(user.failures)


def shown(user: User) -> ShownUser:
    """``user`` without the password's hash."""
    return ShownUser(name=user.name, role=user.role, created_at_ms=user.created_at_ms)
