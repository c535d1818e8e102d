"""The console's own tables."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Integer, MetaData, String, Table

METADATA: Final = MetaData()

USERS: Final = Table(
    "console_users",
    METADATA,
    Column("name", String(32), primary_key=True),
    Column("role", String(16), nullable=False),
    Column("password_hash", String(256), nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("failed_at_ms", BigInteger, nullable=False),
)

SESSIONS: Final = Table(
    "console_sessions",
    METADATA,
    Column("token_hash", String(64), primary_key=True),
    Column("user", String(32), nullable=False, index=True),
    Column("csrf", String(64), nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("seen_at_ms", BigInteger, nullable=False),
)

CASES: Final = Table(
    "console_cases",
    METADATA,
    Column("tx_id", String(64), primary_key=True),
    Column("claimed_by", String(32), nullable=False),
    Column("claimed_at_ms", BigInteger, nullable=False),
    Column("verdict", String(16), nullable=True),
    Column("decided_by", String(32), nullable=True),
    Column("decided_at_ms", BigInteger, nullable=True),
)
"""Who works on which flagged payment, and what they found."""
