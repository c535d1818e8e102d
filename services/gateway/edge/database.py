"""The gateway's own tables. Several gateways may share them."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Float, Integer, LargeBinary, MetaData, String, Table

METADATA: Final = MetaData()

API_KEYS: Final = Table(
    "api_keys",
    METADATA,
    Column("key_id", String(12), primary_key=True),
    Column("name", String(64), nullable=False),
    Column("secret_hash", String(64), nullable=False),
    Column("portfolio", String(64), nullable=False),
    Column("actions", String(128), nullable=False),
    Column("caller", String(64), nullable=False),
    Column("details", Boolean, nullable=False),
    Column("rate_per_s", Float, nullable=False),
    Column("burst", Integer, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("expires_at_ms", BigInteger, nullable=False),
    Column("revoked_at_ms", BigInteger, nullable=True),
)

PARKED_LABELS: Final = Table(
    "parked_labels",
    METADATA,
    Column("label_id", String(64), primary_key=True),
    Column("tx_id", String(64), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("parked_at_ms", BigInteger, nullable=False),
    Column("next_try_ms", BigInteger, nullable=False, index=True),
)
