"""Users and sessions in SQL; passwords by argon2id. Every method blocks and raises DatabaseAway."""

from __future__ import annotations

import os
from typing import Any, Final

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError, VerifyMismatchError
from sqlalchemy import delete, func, insert, select, update

from services.console.core.people import Role, User, check_name, check_password, is_name, waits_until_ms
from services.console.core.refusal import Refused
from services.console.core.sessions import TOKEN_BYTES, Limits, Session, SignedIn, is_due, is_over, token_hash
from shared.stores.database import Database

from .database import SESSIONS, USERS

MEMORY_KIB: Final = 19 * 1024
ROUNDS: Final = 2
"""OWASP's least for argon2id with one lane: 30 ms of a core, so that a queue of tries harms nobody."""


class Accounts:
    """Who may sign in, and who has."""

    def __init__(self, database: Database, limits: Limits) -> None:
        self._database = database
        self._limits = limits
        self._hasher = PasswordHasher(time_cost=ROUNDS, memory_cost=MEMORY_KIB, parallelism=1)
        # Who does not exist is checked against this: the time tells nobody who does.
        self._nobody = self._hasher.hash(os.urandom(16).hex())

    def users(self) -> list[User]:
        """Every user by name."""
        with self._database.reading() as connection:
            rows = connection.execute(select(USERS).order_by(USERS.c.name)).mappings().all()
        return [User(**row) for row in rows]

    def add(self, name: str, role: Role, password: str, now_ms: int) -> User:
        """A new user. Raises Refused (`user_name`, `password_weak`, `user_exists`)."""
        check_password(check_name(name), password)
        user = User(name=name, role=role, password_hash=self._hasher.hash(password), created_at_ms=now_ms)
        with self._database.writing() as connection:
            if connection.scalar(select(USERS.c.name).where(USERS.c.name == name)) is not None:
                raise Refused("user_exists", "name")
            connection.execute(insert(USERS).values(**_row(user)))
        return user

    def remove(self, name: str) -> None:
        """Delete a user and end their sessions. Raises Refused (`user_unknown`, `user_last_admin`)."""
        _needs_name(name)
        with self._database.writing() as connection:
            role = connection.scalar(select(USERS.c.role).where(USERS.c.name == name))
            if role is None:
                raise Refused("user_unknown", "name")
            admins = select(func.count()).select_from(USERS).where(USERS.c.role == "admin")
            if role == "admin" and connection.scalar(admins) == 1:
                raise Refused("user_last_admin", "name")
            connection.execute(delete(SESSIONS).where(SESSIONS.c.user == name))
            connection.execute(delete(USERS).where(USERS.c.name == name))

    def set_password(self, name: str, password: str) -> None:
        """Another password; every session of the user ends. Raises Refused."""
        _needs_name(name)
        check_password(name, password)
        change = update(USERS).where(USERS.c.name == name)
        fresh = change.values(password_hash=self._hasher.hash(password), failures=0)
        with self._database.writing() as connection:
            if connection.execute(fresh).rowcount == 0:
                raise Refused("user_unknown", "name")
            connection.execute(delete(SESSIONS).where(SESSIONS.c.user == name))

    def sign_in(self, name: str, password: str, now_ms: int, old_token: str = "") -> str:
        """The token of a new session; the one that the browser had ends.

        Raises Refused (`sign_in_failed`, `sign_in_wait`). A try counts before its password is looked at, so
        that many at once are no way around the waiting.
        """
        user = self._trying(name, now_ms) if is_name(name) else None
        if not self._matches(user.password_hash if user else self._nobody, password) or user is None:
            raise Refused("sign_in_failed")
        return self._begin(user, now_ms, old_token)

    def signed_in(self, token: str, now_ms: int) -> SignedIn | None:
        """Who holds ``token``, or None where its session is unknown or over."""
        hashed = token_hash(token)
        asked = select(SESSIONS, USERS.c.role).join(USERS, USERS.c.name == SESSIONS.c.user)
        with self._database.reading() as connection:
            row = connection.execute(asked.where(SESSIONS.c.token_hash == hashed)).mappings().one_or_none()
        if row is None:
            return None
        session = Session(**{name: row[name] for name in Session.__struct_fields__})
        if is_over(session, now_ms, self._limits):
            self.sign_out(token)
            return None
        if is_due(session, now_ms):
            seen = update(SESSIONS).where(SESSIONS.c.token_hash == hashed).values(seen_at_ms=now_ms)
            with self._database.writing() as connection:
                connection.execute(seen)
        return SignedIn(name=session.user, role=row["role"], csrf=session.csrf)

    def sign_out(self, token: str) -> None:
        """End the session of ``token``."""
        with self._database.writing() as connection:
            connection.execute(delete(SESSIONS).where(SESSIONS.c.token_hash == token_hash(token)))

    def _trying(self, name: str, now_ms: int) -> User | None:
        with self._database.writing() as connection:
            row = connection.execute(select(USERS).where(USERS.c.name == name)).mappings().one_or_none()
            user = None if row is None else User(**row)
            if user is not None and now_ms < waits_until_ms(user):
                wait_s = (waits_until_ms(user) - now_ms) // 1_000 + 1
                raise Refused("sign_in_wait", retry_after_s=wait_s)
            failed = update(USERS).where(USERS.c.name == name)
            connection.execute(failed.values(failures=USERS.c.failures + 1, failed_at_ms=now_ms))
        return user

    def _begin(self, user: User, now_ms: int, old_token: str) -> str:
        token, csrf = os.urandom(TOKEN_BYTES).hex(), os.urandom(TOKEN_BYTES).hex()
        session = Session(
            token_hash=token_hash(token), user=user.name, csrf=csrf, created_at_ms=now_ms, seen_at_ms=now_ms
        )
        dead = SESSIONS.c.created_at_ms <= now_ms - self._limits.absolute_ms
        with self._database.writing() as connection:
            stale = dead | (SESSIONS.c.token_hash == token_hash(old_token))
            connection.execute(delete(SESSIONS).where(stale))
            connection.execute(insert(SESSIONS).values(**_row(session)))
            connection.execute(update(USERS).where(USERS.c.name == user.name).values(failures=0))
        return token

    def _matches(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, password)
        except (VerifyMismatchError, VerificationError):
            return False


def _needs_name(name: str) -> None:
    if not is_name(name):
        raise Refused("user_unknown", "name")


def _row(record: Any) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__struct_fields__}
